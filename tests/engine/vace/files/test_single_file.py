"""The transformer and the VAE from single files, compared with what diffusers loads from its own folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from engine.errors import WeightsError
from engine.vace.files.key_names import layer_names, original_name, tensor_names, without_prefix
from engine.vace.files.part_loading import empty_part, shipped_config
from engine.vace.files.single_file import SHIPPED_TRANSFORMERS, load_transformer, load_vae
from tests.support.tiny_wan import original_vae_name

torch = pytest.importorskip("torch")
from safetensors.torch import load_file, save_file  # noqa: E402


@pytest.fixture
def config(tiny_folder: Path) -> dict[str, Any]:
    return json.loads((tiny_folder / "transformer/config.json").read_text())


@pytest.fixture
def tensors(tiny_folder: Path) -> dict[str, Any]:
    return load_file(tiny_folder / "transformer/diffusion_pytorch_model.safetensors")


def _saved(path: Path, tensors: dict[str, Any], name: Callable[[str], str] = original_name) -> Path:
    save_file({name(key): value.clone().contiguous() for key, value in tensors.items()}, path)
    return path


def _same(part: Any, tensors: dict[str, Any], tolerance: float = 0.0) -> None:
    state = part.state_dict()
    assert state.keys() == tensors.keys()
    for name, value in state.items():
        assert (value.float() - tensors[name].float()).abs().max() <= tolerance, name


def test_original_names_are_those_that_diffusers_converts() -> None:
    from diffusers import WanVACETransformer3DModel
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    for shipped in SHIPPED_TRANSFORMERS:
        names = list(empty_part(WanVACETransformer3DModel, shipped_config(shipped)).state_dict())
        originals = [original_name(name) for name in names]
        assert len(set(originals)) == len(names)
        back = convert_wan_transformer_to_diffusers({name: torch.zeros(1) for name in originals})
        assert list(back) == names
        spellings = tensor_names(names)
        assert [spellings[name] for name in originals] == names


@pytest.mark.parametrize(("shipped", "billions"), list(zip(SHIPPED_TRANSFORMERS, (2.15, 17.3), strict=True)))
def test_the_shipped_models_have_the_published_size(shipped: str, billions: float) -> None:
    from diffusers import WanVACETransformer3DModel

    part = empty_part(WanVACETransformer3DModel, shipped_config(shipped))
    assert sum(weight.numel() for weight in part.parameters()) / 1e9 == pytest.approx(billions, abs=0.05)


def test_the_shipped_vae_and_scheduler_are_those_of_diffusers() -> None:
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler

    config, defaults = shipped_config("wan2.1.vae"), signature(AutoencoderKLWan.__init__).parameters
    assert all(defaults[name].default == value for name, value in config.items() if not name.startswith("_"))
    scheduler = UniPCMultistepScheduler.from_config(shipped_config("wan2.1.scheduler"))
    assert scheduler.config.use_flow_sigmas and scheduler.config.prediction_type == "flow_prediction"


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model.", "transformer."])
@pytest.mark.parametrize("name", [original_name, str])
def test_every_spelling_loads_the_same(
    tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any], prefix: str, name: Callable[[str], str]
) -> None:
    path = _saved(tmp_path / "m.safetensors", tensors, lambda key: prefix + name(key))
    _same(load_transformer([path], torch.float32, config), tensors)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precisions_are_those_of_from_pretrained(
    tmp_path: Path, tiny_folder: Path, config: dict[str, Any], tensors: dict[str, Any], precision: str
) -> None:
    from diffusers import WanVACETransformer3DModel

    dtype = getattr(torch, precision)
    theirs = WanVACETransformer3DModel.from_pretrained(tiny_folder, subfolder="transformer", dtype=dtype)
    ours = load_transformer([_saved(tmp_path / "m.safetensors", tensors)], dtype, config)
    assert {k: v.dtype for k, v in ours.state_dict().items()} == {k: v.dtype for k, v in theirs.state_dict().items()}
    _same(ours, theirs.state_dict())
    assert ours.dtype == theirs.dtype == dtype
    assert torch.equal(ours.rope.freqs_cos, theirs.rope.freqs_cos)
    assert not any(parameter.requires_grad for parameter in ours.parameters()) and not ours.training


def test_a_module_and_its_base_make_one_model(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any]) -> None:
    vace = {name: value for name, value in tensors.items() if name.startswith("vace_")}
    base = {name: value for name, value in tensors.items() if name not in vace}
    module = _saved(tmp_path / "module.safetensors", vace)
    t2v = _saved(tmp_path / "t2v.safetensors", base, lambda key: "model.diffusion_model." + original_name(key))
    _same(load_transformer([module, t2v], torch.float32, config), tensors)
    with pytest.raises(WeightsError, match=r"module.safetensors lacks the tensor .* and .* more of"):
        load_transformer([module], torch.float32, config)
    with pytest.raises(WeightsError, match="holds a VACE module alone; set 'base_model'"):
        load_transformer([module], torch.float32)
    with pytest.raises(WeightsError, match="holds a text-to-video model without VACE layers; set 'model'"):
        load_transformer([t2v], torch.float32)
    whole = _saved(tmp_path / "whole.safetensors", tensors)
    with pytest.raises(WeightsError, match=r"whole.safetensors and .*t2v.safetensors both hold '.*'; a VACE module"):
        load_transformer([whole, t2v], torch.float32, config)


def _is_matrix(name: str, value: Any) -> bool:
    return value.ndim == 2 and name.endswith(".weight") and "blocks." in name


def test_plain_fp8(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any]) -> None:
    stored = {
        name: value.to(torch.float8_e4m3fn) if _is_matrix(name, value) else value for name, value in tensors.items()
    }
    _same(load_transformer([_saved(tmp_path / "m.safetensors", stored)], torch.float32, config), stored)


@pytest.mark.parametrize("kind", ["scale_weight", "weight_scale"])
@pytest.mark.parametrize("layout", ["tensor", "row", "block"])
def test_scaled_fp8_is_multiplied_by_its_scales(
    tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any], kind: str, layout: str
) -> None:
    stored: dict[str, Any] = {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    for name, value in tensors.items():
        original = original_name(name)
        if not _is_matrix(name, value):
            stored[original] = value
            continue
        rows, columns = value.shape
        shape = {"tensor": (1, 1, rows * columns), "row": (rows, 1, columns), "block": (rows, 4, columns // 4)}[layout]
        blocks = value.reshape(shape)
        scale = blocks.abs().amax(dim=2, keepdim=True) / 448
        stored[original] = (blocks / scale).to(torch.float8_e4m3fn).reshape(rows, columns)
        kept = scale.reshape({"tensor": (), "row": (rows, 1), "block": (rows, 4, 1)}[layout])
        stored[original.removesuffix("weight") + kind] = kept
        stored[original.removesuffix("weight") + "scale_input"] = torch.ones(1)
    part = load_transformer([_saved(tmp_path / "m.safetensors", stored, str)], torch.float32, config)
    # Three bits of mantissa: every weight within 1/16 of itself, or of the smallest step.
    for name, value in part.state_dict().items():
        assert torch.allclose(value, tensors[name], rtol=0.0625, atol=float(tensors[name].abs().max()) / 2**9)


def test_scaled_fp8_without_its_scales_is_refused(
    tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any]
) -> None:
    stored = {name: v.to(torch.float8_e4m3fn) if _is_matrix(name, v) else v for name, v in tensors.items()}
    path = _saved(tmp_path / "m.safetensors", stored | {"scaled_fp8": torch.zeros(2)})
    with pytest.raises(WeightsError, match=r"says that it is scaled fp8 but has no scale for 'blocks\.0"):
        load_transformer([path], torch.float32, config)


def test_a_scale_of_unknown_layout_is_refused(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any]) -> None:
    name = "blocks.0.attn1.to_q.weight"
    stored = tensors | {
        name: tensors[name].to(torch.float8_e4m3fn),
        name.replace("weight", "scale_weight"): torch.ones(5),
    }
    with pytest.raises(WeightsError, match=r"the scale of 'blocks\.0\.self_attn\.q\.weight' .* fits no known layout"):
        load_transformer([_saved(tmp_path / "m.safetensors", stored)], torch.float32, config)


def test_an_integer_quantisation_is_refused(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any]) -> None:
    stored = tensors | {"blocks.0.attn1.to_q.weight": torch.zeros(24, 24, dtype=torch.int8)}
    with pytest.raises(WeightsError, match="is stored as I8, a quantisation that this version cannot undo"):
        load_transformer([_saved(tmp_path / "m.safetensors", stored)], torch.float32, config)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_not_a_number_is_named(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any], bad: float) -> None:
    tensors["blocks.1.ffn.net.2.weight"][3, 4] = bad
    path = _saved(tmp_path / "m.safetensors", tensors)
    with pytest.raises(WeightsError) as caught:
        load_transformer([path], torch.bfloat16, config)
    assert str(caught.value).startswith(f"the tensor 'blocks.1.ffn.net.2.weight' in {path} holds NaN or infinity")


def test_missing_misshapen_and_foreign_tensors_are_named(
    tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any]
) -> None:
    path = tmp_path / "m.safetensors"
    fewer = {name: value for name, value in tensors.items() if name != "blocks.1.norm2.weight"}
    with pytest.raises(WeightsError, match=r"lacks the tensor 'blocks\.1\.norm2\.weight' and 0 more"):
        load_transformer([_saved(path, fewer)], torch.float32, config)
    other = tensors | {"blocks.1.norm2.weight": torch.ones(7)}
    with pytest.raises(WeightsError, match=r"'blocks\.1\.norm2\.weight' .* has the shape 7 where the model has 24"):
        load_transformer([_saved(path, other)], torch.float32, config)
    more = tensors | {"blocks.9.extra.weight": torch.ones(7)}
    with pytest.raises(
        WeightsError, match=r"the tensor 'blocks\.9\.extra\.weight' and 0 more have no place in Wan VACE"
    ):
        load_transformer([_saved(path, more)], torch.float32, config)
    image = tensors | {"img_emb.proj.0.weight": torch.ones(7)}
    with pytest.raises(WeightsError, match="holds an image-to-video model"):
        load_transformer([_saved(path, image)], torch.float32, config)
    save_file({"conv.weight": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match=r"is no Wan transformer, its first tensor is 'conv\.weight'"):
        load_transformer([path], torch.float32)


def test_a_size_that_is_not_shipped_is_refused(tmp_path: Path, tensors: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match="has 3 layers and 2 VACE layers of width 24, which is neither"):
        load_transformer([_saved(tmp_path / "m.safetensors", tensors)], torch.float32)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wan.pth"
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(WeightsError, match="pickled checkpoint"):
        load_transformer([path], torch.float32)


@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
def test_gguf(tmp_path: Path, config: dict[str, Any], tensors: dict[str, Any], kind: str) -> None:
    gguf = pytest.importorskip("gguf")
    wide = config | {"num_attention_heads": 2, "attention_head_dim": 32, "ffn_dim": 64, "text_dim": 32}
    from diffusers import WanVACETransformer3DModel

    tensors = WanVACETransformer3DModel.from_config(wide).state_dict()
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "wan")
    for name, value in tensors.items():
        array, original = value.numpy(), original_name(name)
        if value.ndim == 5:  # as converters do: GGUF has no fifth side
            writer.add_array(f"comfy.gguf.orig_shape.{original}", list(value.shape))
            array = array.reshape(value.shape[0], value.shape[1], *value.shape[3:])
        if _is_matrix(name, value):
            quantised = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(original, gguf.quantize(array, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(original, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part = load_transformer([path], torch.float32, wide)
    largest = max(float(value.abs().max()) for name, value in tensors.items() if _is_matrix(name, value))
    _same(part, tensors, tolerance=largest / 100)
    assert any((part.state_dict()[name] != tensors[name]).any() for name in tensors)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WeightsError, match="is no GGUF file or is truncated"):
        load_transformer([path], torch.float32, wide)


def test_the_vae_from_its_folder(tiny_folder: Path) -> None:
    path = tiny_folder / "vae/diffusion_pytorch_model.safetensors"
    vae = load_vae([path], json.loads((tiny_folder / "vae/config.json").read_text()))
    _same(vae, load_file(path))
    assert vae.dtype == torch.float32


def test_the_vae_from_a_single_file_with_original_names(tmp_path: Path) -> None:
    from diffusers import AutoencoderKLWan

    config = shipped_config("wan2.1.vae") | {"base_dim": 3}
    theirs = AutoencoderKLWan.from_config(config)
    path = _saved(tmp_path / "vae.safetensors", theirs.state_dict(), original_vae_name)
    assert "encoder.downsamples.0.residual.0.gamma" in load_file(path)
    ours = load_vae([path], config)
    _same(ours, theirs.state_dict())
    tensors = load_file(path)
    del tensors["conv2.bias"]
    save_file(tensors, path)
    with pytest.raises(WeightsError, match=r"lacks the tensor 'post_quant_conv\.bias'"):
        load_vae([path], config)


def test_layers_are_known_by_every_spelling(tensors: dict[str, Any]) -> None:
    layers = layer_names(tensors)
    wanted = "vace_blocks.1.attn1.to_q"
    for spelling in (wanted, "vace_blocks.1.self_attn.q", "vace_blocks_1_self_attn_q", "vace_blocks_1_attn1_to_q"):
        assert layers[spelling] == wanted
    assert layers["head.head"] == layers["head_head"] == "proj_out"
    assert without_prefix("base_model.model.transformer.blocks.0.ffn.0") == "blocks.0.ffn.0"

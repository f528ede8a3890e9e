"""What a loaded model is made of, and that every setting of it counts."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ParameterError, WeightsError
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor
from engine.vace import memory
from engine.vace.files import text_encoder
from engine.vace.files.key_names import original_name
from engine.vace.files.lora import LoraChoice
from engine.vace.files.weights import MODEL_VARIABLE, find_model
from engine.vace.model import VaceModel, encoder_device, warm_model
from engine.vace.model_parameters import LORA_SLOTS, MODEL_PARAMETERS, ModelSettings

torch = pytest.importorskip("torch")
from safetensors.torch import load_file, save_file  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def no_model_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)


def _rendered(model: VaceModel) -> Any:
    """Five frames through diffusers' own sampler: what the parts compute, whatever drives them."""
    generator = torch.Generator().manual_seed(5)
    mask = torch.zeros(1, 5, 1, 32, 48)
    mask[..., 8:24, 16:32] = 1
    model.pipeline.set_progress_bar_config(disable=True)
    return model.pipeline(
        video=torch.rand(1, 5, 3, 32, 48, generator=generator),
        mask=mask,
        prompt_embeds=model.embedding(""),
        negative_prompt_embeds=model.embedding(""),
        height=32,
        width=48,
        num_frames=5,
        num_inference_steps=2,
        guidance_scale=1.0,
        generator=generator,
        output_type="np",
    ).frames[0]


# --- settings ---------------------------------------------------------------------------------------------------


def _descriptor() -> EffectDescriptor:
    return EffectDescriptor(identifier="m", label="", hint="", version="1", clips=(), parameters=MODEL_PARAMETERS)


def test_the_parameters_default_to_the_default_settings() -> None:
    assert ModelSettings.from_parameters(ParameterSet(_descriptor(), {})) == ModelSettings()


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"base_model": "b.safetensors"}, "base_model", "b.safetensors"),
        ({"components": "c"}, "components", "c"),
        ({"vae": "v.safetensors"}, "vae", "v.safetensors"),
        ({"precision": "fp16"}, "precision", "fp16"),
        ({"weights_storage": "fp8"}, "storage", "fp8"),
        ({"blocks_to_swap": 7}, "blocks_to_swap", 7),
        ({"swap_stream": False}, "swap_stream", False),
        ({"vae_tiling": True}, "vae_tiling", True),
        ({"attention": "math"}, "attention", "math"),
        ({"compile_blocks": True}, "compile_blocks", True),
        ({"lora_2": "x.safetensors", "lora_2_strength": -1.5}, "loras", (LoraChoice("x.safetensors", -1.5),)),
        ({"lora_1": "x.safetensors", "lora_1_strength": 0}, "loras", ()),
    ],
)
def test_every_parameter_reaches_its_setting(given: dict[str, Any], field: str, value: Any) -> None:
    settings = ModelSettings.from_parameters(ParameterSet(_descriptor(), given))
    assert settings == replace(ModelSettings(), **{field: value})


def test_several_loras_keep_their_order() -> None:
    given = {f"lora_{slot}": f"{slot}.safetensors" for slot in range(LORA_SLOTS, 0, -1)}
    settings = ModelSettings.from_parameters(ParameterSet(_descriptor(), given))
    assert [choice.name for choice in settings.loras] == [f"{slot}.safetensors" for slot in range(1, LORA_SLOTS + 1)]


def test_other_settings_are_another_model(tiny_folder: Path) -> None:
    first = warm_model(tiny_folder, "cpu")
    tiled = warm_model(tiny_folder, "cpu", ModelSettings(vae_tiling=True))
    assert tiled is not first and tiled is warm_model(tiny_folder, "cpu", ModelSettings(vae_tiling=True))


# --- parts ------------------------------------------------------------------------------------------------------


def test_parts_are_those_of_from_pretrained(tiny_folder: Path) -> None:
    from diffusers import WanVACEPipeline

    model, theirs = VaceModel(tiny_folder, CPU), WanVACEPipeline.from_pretrained(tiny_folder, local_files_only=True)
    for part in ("transformer", "vae"):
        weights = getattr(model.pipeline, part).state_dict()
        for name, weight in getattr(theirs, part).state_dict().items():
            assert torch.equal(weights[name], weight)
    for part in ("transformer", "vae", "scheduler"):
        ours, published = getattr(model.pipeline, part).config, dict(getattr(theirs, part).config)
        published.pop("_name_or_path", None)
        assert dict(ours) == published


@pytest.mark.parametrize(
    ("precision", "dtype"), [("auto", "float32"), ("fp32", "float32"), ("bf16", "bfloat16"), ("fp16", "float16")]
)
def test_precision(tiny_folder: Path, precision: Any, dtype: str) -> None:
    model = VaceModel(tiny_folder, CPU, ModelSettings(precision=precision))
    pipeline = model.pipeline
    assert pipeline.transformer.dtype == getattr(torch, dtype)
    assert pipeline.transformer.blocks[0].attn1.to_q.weight.dtype == getattr(torch, dtype)
    assert pipeline.transformer.scale_shift_table.dtype == pipeline.vae.dtype == torch.float32
    assert not any(p.requires_grad for part in (pipeline.vae, pipeline.transformer) for p in part.parameters())
    assert model.embedding("").dtype == getattr(torch, dtype)
    assert _rendered(model).shape == (5, 32, 48, 3)


def test_fp8_storage_holds_8_bits_and_computes_in_the_precision(tiny_folder: Path) -> None:
    model = VaceModel(tiny_folder, CPU, ModelSettings(storage="fp8", precision="bf16"))
    transformer = model.pipeline.transformer
    assert transformer.blocks[0].attn1.to_q.weight.dtype == torch.float8_e4m3fn
    assert transformer.blocks[0].norm2.weight.dtype == torch.float32
    assert transformer.dtype == torch.bfloat16
    coarse, fine = _rendered(model), _rendered(VaceModel(tiny_folder, CPU, ModelSettings(precision="bf16")))
    assert not np.array_equal(coarse, fine) and np.abs(coarse - fine).max() < 0.5


def test_a_lora_is_in_the_weights_before_they_become_fp8(tiny_folder: Path, tmp_path: Path) -> None:
    up, down = torch.full((24, 1), 0.5), torch.full((1, 24), 0.5)
    name = "diffusion_model.blocks.0.self_attn.q"
    path = tmp_path / "lora.safetensors"
    save_file({f"{name}.lora_up.weight": up, f"{name}.lora_down.weight": down}, path)
    settings = ModelSettings(storage="fp8", loras=(LoraChoice(str(path), 2.0),))
    model = VaceModel(tiny_folder, CPU, settings)
    plain = load_file(tiny_folder / "transformer/diffusion_pytorch_model.safetensors")["blocks.0.attn1.to_q.weight"]
    stored = model.pipeline.transformer.blocks[0].attn1.to_q.weight
    assert torch.equal(stored.float(), (plain + 0.5).to(torch.float8_e4m3fn).float())
    assert model.notes == ("LoRA lora.safetensors at 2 changes 1 layers",)


@pytest.mark.parametrize("swapped", [0, 1, 3, 5, 48])
@pytest.mark.parametrize("stream", [True, False])
def test_swapped_blocks_give_the_same_picture(tiny_folder: Path, swapped: int, stream: bool) -> None:
    model = VaceModel(tiny_folder, CPU, ModelSettings(blocks_to_swap=swapped, swap_stream=stream))
    blocks = memory.blocks_of(model.pipeline.transformer)
    assert memory.swapped_blocks(model.pipeline.transformer) == blocks[len(blocks) - min(swapped, 5) :]
    assert np.array_equal(_rendered(model), _rendered(VaceModel(tiny_folder, CPU)))


def test_swapping_ahead_asks_for_a_stream_on_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("diffusers.hooks.apply_group_offloading", lambda block, **options: asked.append(options))
    for device, stream in (("cuda", True), ("cuda", False), ("cpu", True)):
        memory.swap(torch.nn.Linear(2, 2), torch.device(device), stream)
    assert [options["use_stream"] for options in asked] == [True, False, False]
    assert [options["onload_device"].type for options in asked] == ["cuda", "cuda", "cpu"]
    assert {options["offload_device"].type for options in asked} == {"cpu"}


def test_vae_tiling(tiny_folder: Path) -> None:
    assert VaceModel(tiny_folder, CPU, ModelSettings(vae_tiling=True)).pipeline.vae.use_tiling
    assert not VaceModel(tiny_folder, CPU).pipeline.vae.use_tiling


def test_attention_is_chosen_for_this_model_alone(tiny_folder: Path) -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

    before = _AttentionBackendRegistry.get_active_backend()[0]
    model = VaceModel(tiny_folder, CPU, ModelSettings(attention="math"))
    assert _AttentionBackendRegistry.get_active_backend()[0] == before
    processor = model.pipeline.transformer.blocks[0].attn1.processor
    assert processor._attention_backend == AttentionBackendName._NATIVE_MATH
    assert np.allclose(_rendered(model), _rendered(VaceModel(tiny_folder, CPU)), atol=1e-4)
    assert VaceModel(tiny_folder, CPU).pipeline.transformer.blocks[0].attn1.processor._attention_backend is None


def test_every_attention_choice_is_one_of_diffusers() -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName

    choices = next(p.choices for p in MODEL_PARAMETERS if p.name == "attention")
    assert choices == ("default", *memory.ATTENTION_BACKENDS)
    assert set(memory.ATTENTION_BACKENDS.values()) <= {backend.value for backend in AttentionBackendName}


def test_attention_that_is_not_installed(tiny_folder: Path) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    before = _AttentionBackendRegistry.get_active_backend()[0]
    with pytest.raises(ParameterError, match="parameter 'attention' is 'sage', which does not run here"):
        VaceModel(tiny_folder, CPU, ModelSettings(attention="sage"))
    assert _AttentionBackendRegistry.get_active_backend()[0] == before


def test_compiled_blocks_are_called_and_still_report(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def compiled(forward: Any, **options: Any) -> Any:
        assert options == {"dynamic": False}

        def counted(*arguments: Any, **named: Any) -> Any:
            called.append(1)
            return forward(*arguments, **named)

        return counted

    monkeypatch.setattr(torch, "compile", compiled)
    monkeypatch.setattr("engine.vace.memory.shutil.which", lambda name: name)
    model = VaceModel(tiny_folder, CPU, ModelSettings(compile_blocks=True))
    assert model.notes == ()
    picture = _rendered(model)
    assert len(called) == 2 * 5
    assert np.array_equal(picture, _rendered(VaceModel(tiny_folder, CPU)))


def test_a_machine_that_cannot_compile_says_so(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vace.memory.shutil.which", lambda name: None)
    model = VaceModel(tiny_folder, CPU, ModelSettings(compile_blocks=True))
    assert model.notes == (
        "the blocks are not compiled: a C++ compiler is missing; install it or turn compile_blocks off",
    )
    assert _rendered(model).shape == (5, 32, 48, 3)


@pytest.mark.slow
def test_a_compiled_model_gives_the_same_picture(tiny_folder: Path) -> None:
    compiled = _rendered(VaceModel(tiny_folder, CPU, ModelSettings(compile_blocks=True)))
    assert np.allclose(compiled, _rendered(VaceModel(tiny_folder, CPU)), atol=1e-3)


# --- single files -----------------------------------------------------------------------------------------------


@pytest.fixture
def single(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny transformer as a single file of original names, with its configuration beside it."""
    tensors = load_file(tiny_folder / "transformer/diffusion_pytorch_model.safetensors")
    path = tmp_path / "loose" / "wan_vace.safetensors"
    path.parent.mkdir()
    save_file({original_name(name): value for name, value in tensors.items()}, path)
    shutil.copy(tiny_folder / "transformer/config.json", path.parent)
    return path


def test_a_single_file_renders_like_its_folder(tiny_folder: Path, single: Path) -> None:
    settings = ModelSettings(components=str(tiny_folder))
    model = VaceModel(find_model(str(single)), CPU, settings)
    assert np.array_equal(_rendered(model), _rendered(VaceModel(tiny_folder, CPU)))


def test_the_other_parts_are_found_by_the_environment(
    tiny_folder: Path, single: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WeightsError, match="holds the transformer alone; set 'components' to a Wan"):
        VaceModel(single, CPU)
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_folder))
    assert VaceModel(single, CPU).embedding("").shape == (1, 512, 32)


def test_components_that_are_none(single: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"'components' is .*, which is no Wan 2\.1 folder"):
        VaceModel(single, CPU, ModelSettings(components=str(tmp_path)))


def test_a_vae_of_its_own(tiny_folder: Path, single: Path, tmp_path: Path) -> None:
    vae = tmp_path / "vae.safetensors"
    tensors = load_file(tiny_folder / "vae/diffusion_pytorch_model.safetensors")
    save_file(tensors, vae)
    # The shipped configuration is that of the real VAE, so the tiny one must be refused: the file was read.
    with pytest.raises(WeightsError, match=r"in .*vae\.safetensors has the shape|vae\.safetensors lacks"):
        VaceModel(single, CPU, ModelSettings(components=str(tiny_folder), vae=str(vae)))


def test_a_base_model_goes_with_a_module_only(tiny_folder: Path, single: Path) -> None:
    with pytest.raises(WeightsError, match=r"'base_model' is .*, but .* is a whole model"):
        VaceModel(tiny_folder, CPU, ModelSettings(base_model=str(single)))


def test_a_module_and_its_base(tiny_folder: Path, single: Path) -> None:
    tensors = load_file(single)
    module, base = single.with_name("module.safetensors"), single.with_name("base.safetensors")
    save_file({name: value for name, value in tensors.items() if name.startswith("vace_")}, module)
    save_file({name: value for name, value in tensors.items() if not name.startswith("vace_")}, base)
    settings = ModelSettings(base_model=str(base), components=str(tiny_folder))
    model = VaceModel(module, CPU, settings)
    ours, theirs = (
        model.pipeline.transformer.state_dict(),
        VaceModel(tiny_folder, CPU).pipeline.transformer.state_dict(),
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_lora_that_is_not_there(tiny_folder: Path) -> None:
    with pytest.raises(WeightsError, match="there is no LoRA /nowhere/lora"):
        VaceModel(tiny_folder, CPU, ModelSettings(loras=(LoraChoice("/nowhere/lora.safetensors"),)))


def test_wan_22_has_two_transformers_and_a_boundary(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    shutil.copytree(folder / "transformer", folder / "transformer_2")
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"transformer_2": ["diffusers", "WanVACETransformer3DModel"], "boundary_ratio": 0.875}
    (folder / "model_index.json").write_text(json.dumps(index))
    path = folder / "transformer_2/diffusion_pytorch_model.safetensors"
    save_file({name: value * 2 for name, value in load_file(path).items()}, path)
    model = VaceModel(find_model(str(folder)), CPU, ModelSettings(blocks_to_swap=1, precision="bf16"))
    first, second = model.pipeline.transformer, model.pipeline.transformer_2
    assert model.pipeline.config.boundary_ratio == 0.875
    assert second.dtype == torch.bfloat16 and len(memory.swapped_blocks(second)) == 1
    assert torch.equal(second.blocks[0].attn1.to_q.weight, 2 * first.blocks[0].attn1.to_q.weight)
    assert not np.array_equal(_rendered(model), _rendered(VaceModel(tiny_folder, CPU, ModelSettings(precision="bf16"))))


# --- prompts ----------------------------------------------------------------------------------------------------


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every load of a text encoder."""
    seen = []

    def recorded(folder: Path) -> Any:
        seen.append(folder)
        return text_encoder.load_encoder(folder)

    monkeypatch.setattr("engine.vace.model.load_encoder", recorded)
    return seen


def test_a_prompt_is_read_once_in_a_lifetime(tiny_folder: Path, loads: list[Path]) -> None:
    model = VaceModel(tiny_folder, CPU)
    model.prepare(["a wall", "", "a wall"])
    assert len(loads) == 1
    assert model.pipeline.text_encoder is None and model.pipeline.tokenizer is None
    assert model.embedding("a wall") is model.embedding("a wall")
    again = VaceModel(tiny_folder, CPU)
    assert torch.equal(again.embedding(" a  wall "), model.embedding("a wall"))
    assert len(loads) == 1
    assert not torch.equal(again.embedding("a door"), model.embedding("a wall"))
    assert len(loads) == 2


def test_embeddings_are_those_of_the_stock_pipeline(tiny_folder: Path) -> None:
    from diffusers import WanVACEPipeline

    theirs = WanVACEPipeline.from_pretrained(tiny_folder, local_files_only=True, dtype=torch.bfloat16)
    with torch.no_grad():
        expected, _ = theirs.encode_prompt("a wall", do_classifier_free_guidance=False, max_sequence_length=512)
    model = VaceModel(tiny_folder, CPU)
    assert torch.equal(model.embedding("a wall"), expected.float())


def test_without_an_encoder_only_known_prompts_are_rendered(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    shutil.rmtree(folder / "text_encoder")
    model = VaceModel(folder, CPU)
    with pytest.raises(WeightsError, match="has no text encoder beside it; set 'text_encoder'"):
        model.embedding("a wall")


def test_a_damaged_tokenizer(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    (folder / "tokenizer/tokenizer.json").write_text("{")
    with pytest.raises(WeightsError, match=r"the tokenizer .* cannot be loaded"):
        VaceModel(folder, CPU).embedding("a wall")


@pytest.mark.parametrize(("free_gigabytes", "chosen"), [(0.4, "cpu"), (0.6, "cuda")])
def test_the_prompt_encoder_runs_where_it_fits(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, free_gigabytes: float, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(free_gigabytes * 2**30), 2**34))
    encoder = text_encoder.load_encoder(tiny_folder / "text_encoder")
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.bfloat16}
    assert encoder_device(encoder, torch.device("cuda")).type == chosen
    assert encoder_device(encoder, torch.device("mps")).type == "mps"


# --- out of memory ----------------------------------------------------------------------------------------------


def test_a_model_larger_than_the_gpu(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(memory, "place_transformer", refuse)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a small GPU")
    with pytest.raises(WeightsError) as caught:
        VaceModel(tiny_folder, CPU)
    assert str(caught.value) == (
        f"the model in {tiny_folder} does not fit into the memory of a small GPU; raise blocks_to_swap, set "
        "weights_storage to fp8, close other programs that use the GPU or take Wan-AI/Wan2.1-VACE-1.3B-diffusers"
    )


def test_a_render_that_runs_out_of_memory_steps_down_and_says_so(tiny_folder: Path) -> None:
    from engine.errors import RenderFailedError

    model = warm_model(tiny_folder, "cpu")
    expected, failures = _rendered(model), 2
    warnings: list[str] = []

    def attempt() -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise RenderFailedError("out of GPU memory") from torch.OutOfMemoryError("CUDA out of memory")
        return _rendered(model)

    picture = memory.within_memory(model, attempt, warnings.append)
    assert np.allclose(picture, expected, atol=1e-5)
    assert warnings == [
        "out of GPU memory: from now on the VAE works in tiles (vae_tiling); the render goes on, slower",
        "out of GPU memory: from now on 2 of 5 blocks are swapped (blocks_to_swap); the render goes on, slower",
    ]
    assert model.pipeline.vae.use_tiling
    assert len(memory.swapped_blocks(model.pipeline.transformer)) == 2
    assert warm_model(tiny_folder, "cpu") is not model


def test_when_nothing_is_left_to_save_the_error_stays(tiny_folder: Path) -> None:
    from engine.errors import RenderFailedError

    model = VaceModel(tiny_folder, CPU)
    warnings: list[str] = []

    def attempt() -> None:
        raise RenderFailedError("out of GPU memory at 48x32") from torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(RenderFailedError, match="out of GPU memory at 48x32"):
        memory.within_memory(model, attempt, warnings.append)
    assert len(warnings) == 3
    assert len(memory.swapped_blocks(model.pipeline.transformer)) == 5


def test_other_errors_change_nothing(tiny_folder: Path) -> None:
    from engine.errors import RenderFailedError

    model = VaceModel(tiny_folder, CPU)
    warnings: list[str] = []

    def attempt() -> None:
        raise RenderFailedError("not-a-numbers")

    with pytest.raises(RenderFailedError, match="not-a-numbers"):
        memory.within_memory(model, attempt, warnings.append)
    assert warnings == [] and not model.is_reduced


def test_a_configuration_that_is_damaged(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    (folder / "vae/config.json").write_text("{")
    with pytest.raises(WeightsError, match=r"vae/config\.json is damaged"):
        VaceModel(folder, CPU)
    assert json.loads((folder / "transformer/config.json").read_text())

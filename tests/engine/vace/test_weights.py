"""Every way in which a model folder can be wrong has its own message, with the remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ParameterError, WeightsError
from engine.vace import model as model_module
from engine.vace import weights
from engine.vace.model import VaceModel, choose_device, encoder_device, warm_model
from engine.vace.weights import HOW_TO_GET_A_MODEL, MODEL_VARIABLE, find_model, require_libraries
from tests.support.tiny_wan import build_tiny_wan


@pytest.fixture(autouse=True)
def no_model_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return shutil.copytree(tiny_folder, tmp_path / "model")


def _message(given: Path | str) -> str:
    with pytest.raises(WeightsError) as caught:
        find_model(str(given))
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.kind == "bad_input"
    return message


def test_the_remedy_names_the_models_the_download_and_all_three_ways_to_point_to_one() -> None:
    for part in (
        "Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        "Wan-AI/Wan2.1-VACE-14B-diffusers",
        "`hf download Wan-AI/Wan2.1-VACE-1.3B-diffusers --local-dir DIR`",
        "--model DIR",
        "parameter 'model'",
        "GRAYPLATE_VACE_MODEL",
    ):
        assert part in HOW_TO_GET_A_MODEL


@pytest.mark.parametrize("given", ["", "  "])
def test_no_model(given: str) -> None:
    assert _message(given) == f"the vace effect needs a Wan VACE model and none is set: {HOW_TO_GET_A_MODEL}"


def test_a_good_folder_is_found(tiny_folder: Path) -> None:
    assert find_model(str(tiny_folder)) == tiny_folder


def test_the_environment_variable_counts_where_the_parameter_is_empty(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_folder))
    assert find_model("") == tiny_folder
    assert (
        _message(tmp_path / "elsewhere") == f"there is no model folder {tmp_path / 'elsewhere'}: {HOW_TO_GET_A_MODEL}"
    )


def test_home_is_expanded(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    assert find_model(f"~/{tiny_folder.name}") == tiny_folder


def test_a_single_file(tmp_path: Path) -> None:
    path = tmp_path / "wan.safetensors"
    path.write_bytes(b"")
    assert _message(path) == (
        f"{path} is a file; the vace effect loads a whole model folder in diffusers' layout: {HOW_TO_GET_A_MODEL}"
    )


def test_not_a_diffusers_folder(tmp_path: Path) -> None:
    assert _message(tmp_path) == (
        f"{tmp_path} is no model folder in diffusers' layout, it has no model_index.json: {HOW_TO_GET_A_MODEL}"
    )


@pytest.mark.parametrize(("text", "reason"), [("{", "Expecting property name"), ("[]", "no JSON object")])
def test_a_damaged_index(folder: Path, text: str, reason: str) -> None:
    index = folder / "model_index.json"
    index.write_text(text)
    message = _message(folder)
    assert message.startswith(f"{index} is damaged ({reason}")
    assert message.endswith(
        "delete it and download it again: `hf download Wan-AI/Wan2.1-VACE-1.3B-diffusers --local-dir DIR`"
    )


def _change_index(folder: Path, **changes: object) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_another_pipeline(folder: Path) -> None:
    _change_index(folder, _class_name="WanPipeline")
    assert _message(folder) == f"{folder} holds a WanPipeline, not a WanVACEPipeline: {HOW_TO_GET_A_MODEL}"


def test_two_transformers(folder: Path) -> None:
    _change_index(folder, transformer_2=["diffusers", "WanVACETransformer3DModel"])
    assert _message(folder) == (
        f"{folder} holds a Wan 2.2 model with two transformers; this version takes Wan 2.1: {HOW_TO_GET_A_MODEL}"
    )


@pytest.mark.parametrize(
    ("removed", "named"),
    [
        ("vae", "vae/config.json, vae/*.safetensors"),
        ("tokenizer", "tokenizer/tokenizer_config.json"),
        ("scheduler/scheduler_config.json", "scheduler/scheduler_config.json"),
        ("transformer/diffusion_pytorch_model.safetensors", "transformer/*.safetensors"),
        ("text_encoder/model.safetensors", "text_encoder/*.safetensors"),
    ],
)
def test_a_missing_part(folder: Path, removed: str, named: str) -> None:
    path = folder / removed
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert _message(folder) == (
        f"the model in {folder} is incomplete, it lacks {named}; download it again into the same folder, "
        "which fetches only what is missing: `hf download Wan-AI/Wan2.1-VACE-1.3B-diffusers --local-dir DIR`"
    )


def test_a_missing_shard(folder: Path) -> None:
    weight_map = {"a": "diffusion_pytorch_model.safetensors", "b": "diffusion_pytorch_model-2.safetensors"}
    index = folder / "transformer/diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert "it lacks transformer/diffusion_pytorch_model-2.safetensors; " in _message(folder)


def test_pickled_weights_do_not_count(folder: Path) -> None:
    (folder / "vae/diffusion_pytorch_model.safetensors").rename(folder / "vae/diffusion_pytorch_model.bin")
    assert "it lacks vae/*.safetensors; " in _message(folder)


@pytest.mark.parametrize(
    ("missing", "named"), [({"torch"}, "torch, which is"), ({"torch", "diffusers"}, "torch, diffusers, which are")]
)
def test_missing_libraries(monkeypatch: pytest.MonkeyPatch, missing: set[str], named: str) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None if name in missing else object())
    with pytest.raises(WeightsError) as caught:
        require_libraries()
    assert str(caught.value) == (
        f"the vace effect needs {named} not installed: run `pip install 'grayplate[vace]'`; "
        "for a GPU read the README's GPU section first"
    )


@pytest.mark.parametrize(
    "part", ["transformer/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"]
)
def test_truncated_weights(folder: Path, part: str) -> None:
    path = folder / f"{part}.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError) as caught:
        warm_model(find_model(str(folder)), "cpu")
    message = str(caught.value)
    assert message.startswith(f"the model in {folder} cannot be loaded (")
    assert message.endswith("); delete the damaged part and download it again")
    assert "\n" not in message


def test_a_weight_that_no_file_holds(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "vae/diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    del tensors["decoder.conv_in.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError) as caught:
        warm_model(folder, "cpu")
    assert str(caught.value) == (
        f"the model in {folder} cannot be loaded (vae lacks decoder.conv_in.weight and 0 more); "
        "delete the folder vae in it and download it again"
    )


def test_weights_of_another_shape(folder: Path) -> None:
    path = folder / "transformer/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"ffn_dim": 48}))
    with pytest.raises(WeightsError, match="cannot be loaded"):
        warm_model(folder, "cpu")


def test_a_model_stays_warm_until_another_is_asked_for(tiny_folder: Path, folder: Path) -> None:
    first = warm_model(tiny_folder, "cpu")
    assert warm_model(tiny_folder, "cpu") is first
    assert warm_model(folder, "cpu") is not first
    assert warm_model(folder, "cpu").folder == folder


def test_a_failed_load_leaves_no_half_model_behind(tiny_folder: Path, folder: Path) -> None:
    warm_model(tiny_folder, "cpu")
    (folder / "vae/diffusion_pytorch_model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError):
        warm_model(folder, "cpu")
    assert model_module._warm is None
    assert warm_model(tiny_folder, "cpu").folder == tiny_folder


def test_parts_have_the_precision_they_need(tiny_model: VaceModel) -> None:
    import torch

    pipeline = tiny_model.pipeline
    assert pipeline.vae.dtype == pipeline.transformer.dtype == torch.float32
    assert pipeline.text_encoder.dtype == torch.bfloat16
    assert not any(p.requires_grad for part in (pipeline.vae, pipeline.transformer) for p in part.parameters())


def test_a_prompt_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = VaceModel(build_tiny_wan(tmp_path), choose_device("cpu"))
    calls = []
    encode = model.pipeline.encode_prompt

    def counted(prompt: str, **options: Any) -> Any:
        calls.append(prompt)
        return encode(prompt, **options)

    monkeypatch.setattr(model.pipeline, "encode_prompt", counted)
    assert model.embedding("a wall") is model.embedding("a wall")
    assert model.embedding("").shape == (1, 512, 32)
    assert calls == ["a wall", ""]


@pytest.mark.parametrize(("free_gigabytes", "chosen"), [(0.4, "cpu"), (0.6, "cuda")])
def test_the_prompt_encoder_runs_where_it_fits(
    tiny_model: VaceModel, monkeypatch: pytest.MonkeyPatch, free_gigabytes: float, chosen: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(free_gigabytes * 2**30), 2**34))
    encoder = tiny_model.pipeline.text_encoder
    assert encoder_device(encoder, torch.device("cuda")).type == chosen
    assert encoder_device(encoder, torch.device("mps")).type == "mps"


def test_a_model_larger_than_the_gpu(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def refuse(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("diffusers.WanVACETransformer3DModel.to", refuse)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a small GPU")
    with pytest.raises(WeightsError) as caught:
        VaceModel(tiny_folder, torch.device("cpu"))
    assert str(caught.value) == (
        f"the model in {tiny_folder} does not fit into the memory of a small GPU; close other programs that use the "
        "GPU or take Wan-AI/Wan2.1-VACE-1.3B-diffusers"
    )


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParameterError, match=r"parameter 'device' is 'cuda', but this torch .* finds no such device"):
        choose_device("cuda")


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_auto_prefers_a_gpu(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == chosen

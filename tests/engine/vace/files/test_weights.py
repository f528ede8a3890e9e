"""Every way in which a model folder can be wrong has its own message, with the remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.errors import ParameterError, WeightsError
from engine.vace import model as model_module
from engine.vace.files import weights
from engine.vace.files.weights import HOW_TO_GET_A_MODEL, MODEL_VARIABLE, find_model, require_libraries
from engine.vace.model import choose_device, warm_model


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


def test_the_remedy_names_the_models_the_download_and_all_ways_to_point_to_one() -> None:
    for part in (
        "Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        "Wan-AI/Wan2.1-VACE-14B-diffusers",
        "`grayplate models get wan2.1-vace-1.3b`",
        "--param model=wan2.1-vace-1.3b",
        "--model DIR",
        "parameter 'model'",
        "GRAYPLATE_VACE_MODEL",
    ):
        assert part in HOW_TO_GET_A_MODEL


@pytest.mark.parametrize("given", ["", "  "])
def test_no_model(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vace.files.weights.starter_model", lambda: None)
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
    assert find_model(str(path)) == path


@pytest.mark.parametrize("name", ["wan.pth", "wan.ckpt", "wan.bin", "wan.pt"])
def test_a_pickle(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    assert "is a pickled checkpoint, which can run code when it is loaded" in _message(path)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "wan.txt"
    path.write_bytes(b"")
    assert _message(path) == f"{path} is no weight file; take a .safetensors or .gguf file"


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
        f"{folder} has two transformers, but its model_index.json has no boundary_ratio to say when each runs; "
        "delete it and download it again"
    )
    _change_index(folder, boundary_ratio=0.875)
    assert "it lacks transformer_2/config.json, transformer_2/*.safetensors; " in _message(folder)
    shutil.copytree(folder / "transformer", folder / "transformer_2")
    assert find_model(str(folder)) == folder


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


PARTS = ["transformer/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"]


def _refused(folder: Path) -> str:
    """The message for a model of which some part, the text encoder too, is damaged."""
    with pytest.raises(WeightsError) as caught:
        warm_model(find_model(str(folder)), "cpu").embedding("a prompt that nobody read before")
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("part", PARTS)
def test_truncated_weights(folder: Path, part: str) -> None:
    path = folder / f"{part}.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert _refused(folder).startswith(f"{path} is truncated: of the tensor '")


@pytest.mark.parametrize("part", PARTS)
def test_a_weight_that_is_not_a_number(folder: Path, part: str) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / f"{part}.safetensors"
    tensors = load_file(path)
    name = max(tensors, key=lambda name: tensors[name].numel())
    tensors[name].view(-1)[5] = float("nan")
    save_file(tensors, path, metadata={"format": "pt"})
    message = _refused(folder)
    assert f"the tensor '{name}'" in message and "holds NaN or infinity; delete it and download it again" in message


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (PARTS[0], "blocks.1.ffn.net.2.weight"),
        (PARTS[1], "decoder.conv_in.weight"),
        (PARTS[2], "encoder.block.1.layer.0.SelfAttention.k.weight"),
    ],
)
def test_a_weight_that_no_file_holds(folder: Path, part: str, name: str) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / f"{part}.safetensors"
    tensors = load_file(path)
    del tensors[name]
    save_file(tensors, path, metadata={"format": "pt"})
    assert f"lacks the tensor '{name}' and 0 more" in _refused(folder)


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("transformer", {"ffn_dim": 48}, "has the shape 32x24 where the model has 48x24"),
        ("vae", {"base_dim": 4}, "where the model has"),
        ("text_encoder", {"d_ff": 48}, "or has them in another shape"),
    ],
)
def test_weights_of_another_shape(folder: Path, part: str, change: dict[str, int], words: str) -> None:
    path = folder / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert words in _refused(folder)


def test_a_scheduler_that_does_not_exist(folder: Path) -> None:
    path = folder / "scheduler/scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"_class_name": "DreamScheduler"}))
    assert "the model's scheduler is a DreamScheduler, which this diffusers does not have" in _refused(folder)


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

"""LoRAs of every style change the weights that they name, by the amount that the formula says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import WeightsError
from engine.vace.files.key_names import original_name
from engine.vace.files.lora import LoraSet
from engine.vace.files.single_file import load_transformer

torch = pytest.importorskip("torch")
from safetensors.torch import load_file, save_file  # noqa: E402

LAYERS = ("blocks.0.attn1.to_q", "blocks.2.attn2.to_out.0", "blocks.1.ffn.net.0.proj", "vace_blocks.1.ffn.net.2")
RANK = 4


@pytest.fixture
def weights(tiny_folder: Path) -> dict[str, Any]:
    return load_file(tiny_folder / "transformer/diffusion_pytorch_model.safetensors")


@pytest.fixture
def shapes(weights: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _factors(weights: dict[str, Any], layers: tuple[str, ...] = LAYERS) -> dict[str, tuple[Any, Any]]:
    """(B, A) by layer."""
    generator = torch.Generator().manual_seed(3)
    factors = {}
    for layer in layers:
        rows, columns = weights[f"{layer}.weight"].shape
        factors[layer] = (
            torch.randn(rows, RANK, generator=generator),
            torch.randn(RANK, columns, generator=generator),
        )
    return factors


def _original(layer: str) -> str:
    return original_name(f"{layer}.weight").removesuffix(".weight")


STYLES: dict[str, Callable[[str], tuple[str, str, str]]] = {
    "comfyui": lambda layer: (f"diffusion_model.{_original(layer)}", "lora_down.weight", "lora_up.weight"),
    "kijai": lambda layer: (f"diffusion_model.{_original(layer)}", "lora_A.weight", "lora_B.weight"),
    "lightx2v": lambda layer: (f"model.diffusion_model.{_original(layer)}", "lora_down.weight", "lora_up.weight"),
    "musubi": lambda layer: (f"lora_unet_{_original(layer).replace('.', '_')}", "lora_down.weight", "lora_up.weight"),
    "diffusers": lambda layer: (f"transformer.{layer}", "lora_A.weight", "lora_B.weight"),
    "peft": lambda layer: (f"base_model.model.{layer}", "lora_A.default.weight", "lora_B.default.weight"),
    "bare": lambda layer: (_original(layer), "lora.down.weight", "lora.up.weight"),
}


def _saved(
    path: Path, factors: dict[str, tuple[Any, Any]], style: str, alpha: float | None = None, **more: Any
) -> Path:
    tensors = dict(more.pop("tensors", {}))
    for layer, (up, down) in factors.items():
        name, down_kind, up_kind = STYLES[style](layer)
        tensors |= {f"{name}.{down_kind}": down.contiguous(), f"{name}.{up_kind}": up.contiguous()}
        if alpha is not None:
            tensors[f"{name}.alpha"] = torch.tensor(alpha)
    save_file(tensors, path, **more)
    return path


def _changed(loras: LoraSet, weights: dict[str, Any]) -> dict[str, Any]:
    return {name: change(weights[name]) for name, change in loras.changes.items()}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("alpha", "strength"), [(None, 1.0), (2.0, 1.0), (8.0, -0.5), (None, 4.0), (4.0, -4.0)])
def test_every_style_adds_the_same(
    tmp_path: Path,
    weights: dict[str, Any],
    shapes: dict[str, tuple[int, ...]],
    style: str,
    alpha: float | None,
    strength: float,
) -> None:
    factors = _factors(weights)
    path = _saved(tmp_path / "lora.safetensors", factors, style, alpha)
    loras = LoraSet([(path, strength)], shapes)
    changed = _changed(loras, weights)
    assert changed.keys() == {f"{layer}.weight" for layer in LAYERS}
    for layer, (up, down) in factors.items():
        scale = strength * (1.0 if alpha is None else alpha / RANK)
        assert torch.allclose(changed[f"{layer}.weight"], weights[f"{layer}.weight"] + scale * up @ down, atol=1e-5)
    assert str(loras.reports[0]) == f"LoRA lora.safetensors at {strength:g} changes 4 layers"
    assert loras.reports[0].unused == ()


def test_several_add_up_and_may_cancel(tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    path = _saved(tmp_path / "a.safetensors", _factors(weights), "musubi")
    other = _saved(tmp_path / "b.safetensors", _factors(weights, LAYERS[:1]), "diffusers")
    for name, value in _changed(LoraSet([(path, 0.5), (path, -0.5)], shapes), weights).items():
        assert torch.allclose(value, weights[name], atol=1e-5)
    both = _changed(LoraSet([(path, 1.0), (other, 2.0)], shapes), weights)
    up, down = _factors(weights)[LAYERS[0]]
    name = f"{LAYERS[0]}.weight"
    assert torch.allclose(both[name], weights[name] + 3 * up @ down, atol=1e-5)


def test_whole_differences_and_biases(tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    extra = {
        "diffusion_model.blocks.0.self_attn.q.diff_b": torch.full((24,), 0.5),
        "diffusion_model.blocks.0.norm3.diff": torch.full((24,), 0.25),
        "diffusion_model.blocks.0.diff_m": torch.full((1, 6, 24), 2.0),
        "diffusion_model.patch_embedding.diff": torch.full((24, 16, 1, 2, 2), 3.0),
        "diffusion_model.blocks.1.ffn.2.lora_B.bias": torch.full((24,), 1.5),
    }
    path = _saved(tmp_path / "lora.safetensors", _factors(weights), "comfyui", tensors=extra)
    changed = _changed(LoraSet([(path, 2.0)], shapes), weights)
    for name, added in {
        "blocks.0.attn1.to_q.bias": 1.0,
        "blocks.0.norm2.weight": 0.5,
        "blocks.0.scale_shift_table": 4.0,
        "patch_embedding.weight": 6.0,
        "blocks.1.ffn.net.2.bias": 3.0,
    }.items():
        assert torch.allclose(changed[name], weights[name] + added, atol=1e-5), name


def test_a_convolution_takes_a_lora_too(tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    up, down = torch.randn(24, RANK, 1, 1, 1), torch.randn(RANK, 16, 1, 2, 2)
    stored = {"patch_embedding.lora_up.weight": up, "patch_embedding.lora_down.weight": down}
    save_file(stored, tmp_path / "lora.safetensors")
    changed = _changed(LoraSet([(tmp_path / "lora.safetensors", 1.0)], shapes), weights)["patch_embedding.weight"]
    expected = weights["patch_embedding.weight"] + torch.einsum("or,rcthw->octhw", up.flatten(1), down)
    assert torch.allclose(changed, expected, atol=1e-5)


def test_alpha_from_the_metadata_of_diffusers(tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    noted = {"transformer.lora_alpha": 2.0, "transformer.r": RANK, "transformer.alpha_pattern": {LAYERS[1]: 8.0}}
    path = _saved(
        tmp_path / "lora.safetensors",
        _factors(weights),
        "diffusers",
        metadata={"lora_adapter_metadata": json.dumps(noted)},
    )
    changed = _changed(LoraSet([(path, 1.0)], shapes), weights)
    for layer, scale in ((LAYERS[0], 0.5), (LAYERS[1], 2.0)):
        up, down = _factors(weights)[layer]
        expected = weights[f"{layer}.weight"] + scale * up @ down
        assert torch.allclose(changed[f"{layer}.weight"], expected, atol=1e-5)


def test_a_loaded_transformer_has_them_before_it_is_rounded(
    tmp_path: Path, tiny_folder: Path, weights: dict[str, Any], shapes: dict[str, Any]
) -> None:
    config = json.loads((tiny_folder / "transformer/config.json").read_text())
    path = _saved(tmp_path / "lora.safetensors", _factors(weights), "kijai")
    part = load_transformer(
        [tiny_folder / "transformer/diffusion_pytorch_model.safetensors"],
        torch.bfloat16,
        config,
        LoraSet([(path, 0.01)], shapes).changes,
    )
    name = f"{LAYERS[0]}.weight"
    up, down = _factors(weights)[LAYERS[0]]
    assert torch.equal(part.state_dict()[name], (weights[name] + 0.01 * (up @ down)).to(torch.bfloat16))
    assert torch.equal(
        part.state_dict()["blocks.1.attn1.to_k.weight"].float(),
        weights["blocks.1.attn1.to_k.weight"].bfloat16().float(),
    )


def _message(path: Path, shapes: dict[str, Any]) -> str:
    with pytest.raises(WeightsError) as caught:
        LoraSet([(path, 1.0)], shapes).changes["blocks.0.attn1.to_q.weight"](torch.zeros(24, 24))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_lora_of_another_size(tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    factors = {LAYERS[0]: (torch.zeros(48, RANK), torch.zeros(RANK, 48))}
    message = _message(_saved(tmp_path / "lora.safetensors", factors, "comfyui"), shapes)
    assert "is for a model of another size" in message
    assert "fits a layer of 48, the model's 'blocks.0.attn1.to_q' has 24" in message


def test_a_lora_of_another_model(tmp_path: Path, shapes: dict[str, Any]) -> None:
    name = "transformer.single_transformer_blocks.0.attn.to_q"
    path = tmp_path / "lora.safetensors"
    save_file({f"{name}.lora_A.weight": torch.zeros(RANK, 24), f"{name}.lora_B.weight": torch.zeros(24, RANK)}, path)
    assert "is for another model or is none: only 0 of its 1 layers exist in Wan VACE" in _message(path, shapes)
    save_file({"nothing": torch.zeros(1)}, path)
    assert "is for another model or is none" in _message(path, shapes)


def test_layers_that_the_model_lacks_are_reported(
    tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]
) -> None:
    name = "diffusion_model.blocks.0.cross_attn.k_img"
    extra = {f"{name}.lora_down.weight": torch.zeros(RANK, 24), f"{name}.lora_up.weight": torch.zeros(24, RANK)}
    path = _saved(tmp_path / "lora.safetensors", _factors(weights), "comfyui", tensors=extra)
    report = LoraSet([(path, 1.0)], shapes).reports[0]
    assert sorted(report.unused) == sorted(extra)
    assert str(report).endswith("changes 4 layers; 2 of its tensors have no place in the model")


def test_half_a_pair(tmp_path: Path, shapes: dict[str, Any]) -> None:
    path = tmp_path / "lora.safetensors"
    save_file({"blocks.0.self_attn.q.lora_down.weight": torch.zeros(RANK, 24)}, path)
    assert "is incomplete: 'blocks.0.self_attn.q.lora_down.weight' lacks its other half" in _message(path, shapes)


def test_two_ranks_in_one_pair(tmp_path: Path, shapes: dict[str, Any]) -> None:
    factors = {LAYERS[0]: (torch.zeros(24, RANK), torch.zeros(RANK + 1, 24))}
    assert "another size" in _message(_saved(tmp_path / "lora.safetensors", factors, "comfyui"), shapes)


def test_other_kinds_of_adapter(tmp_path: Path, shapes: dict[str, Any]) -> None:
    path = tmp_path / "lora.safetensors"
    save_file({"lora_unet_blocks_0_self_attn_q.hada_w1_a": torch.zeros(2, 2)}, path)
    assert "is a LoHa, LoKr, DoRA or OFT, not a plain LoRA" in _message(path, shapes)


def test_not_a_number(tmp_path: Path, weights: dict[str, Any], shapes: dict[str, Any]) -> None:
    factors = _factors(weights)
    factors[LAYERS[0]][0][0, 0] = float("nan")
    message = _message(_saved(tmp_path / "lora.safetensors", factors, "comfyui"), shapes)
    assert "the tensor 'diffusion_model.blocks.0.self_attn.q.lora_up.weight' in the LoRA" in message


def test_a_pickle(tmp_path: Path, shapes: dict[str, Any]) -> None:
    path = tmp_path / "lora.pt"
    torch.save({"a": torch.zeros(1)}, path)
    assert "pickled checkpoint" in _message(path, shapes)

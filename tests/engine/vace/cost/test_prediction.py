"""Predictions against torch's own counts on the real architecture, and the settings proposed from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.paths import cache_folder
from engine.protocol import ParameterValue
from engine.vace.cost.calibration import available_bytes, device_name, load_calibration, record
from engine.vace.cost.prediction import (
    Calibration,
    ModelShape,
    Workload,
    cheapest_fit,
    forward_flop,
    predict,
    transformer_bytes,
    vae_bytes,
    vae_flop,
    weight_bytes,
)
from engine.vace.files.part_loading import empty_part, shipped_config
from engine.vace.files.single_file import SHIPPED_TRANSFORMERS
from engine.vace.model_parameters import ModelSettings

torch = pytest.importorskip("torch")
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from tests.support.live_bytes import LiveBytes  # noqa: E402

SMALL, LARGE = (ModelShape.from_configs(shipped_config(name)) for name in SHIPPED_TRANSFORMERS)
FULL = Workload(width_px=832, height_px=480, window_frames=81, frames=81, forwards=20)
CROP = Workload(width_px=320, height_px=320, window_frames=81, frames=81, forwards=20)


@pytest.mark.parametrize(("shape", "billions"), [(SMALL, 2.153), (LARGE, 17.34)])
def test_weights_are_those_of_the_real_model(shape: ModelShape, billions: float) -> None:
    from diffusers import WanVACETransformer3DModel

    name = SHIPPED_TRANSFORMERS[shape is LARGE]
    counted = sum(w.numel() for w in empty_part(WanVACETransformer3DModel, shipped_config(name)).parameters())
    assert shape.weights == pytest.approx(counted, rel=1e-3)
    assert shape.weights / 1e9 == pytest.approx(billions, rel=0.005)


@pytest.mark.parametrize(
    ("shape", "work", "tera"), [(SMALL, FULL, 427), (LARGE, FULL, 2030), (SMALL, CROP, 53), (LARGE, CROP, 321)]
)
def test_one_forward_costs_what_is_published(shape: ModelShape, work: Workload, tera: float) -> None:
    assert forward_flop(shape, work.tokens) / 1e12 == pytest.approx(tera, rel=0.01)


def _run(name: str, grid: tuple[int, int, int], dtype: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    """Operations and live bytes of a forward of the real architecture."""
    from diffusers import WanVACETransformer3DModel

    config = shipped_config(name) | {"num_layers": 6, "vace_layers": [0, 3]}
    part: Any = empty_part(WanVACETransformer3DModel, config).to("meta").eval()
    for weight_name, weight in part.named_parameters():
        if not any(kept in weight_name.split(".") for kept in part._keep_in_fp32_modules):
            weight.data = weight.data.to(dtype)
    frames, height, width = grid
    latents = (frames, 2 * height, 2 * width)
    inputs = {
        "hidden_states": torch.empty(1, 16, *latents, dtype=dtype, device="meta"),
        "control_hidden_states": torch.empty(1, 96, *latents, dtype=dtype, device="meta"),
        "encoder_hidden_states": torch.empty(1, 512, 4096, dtype=dtype, device="meta"),
        "timestep": torch.empty(1, device="meta"),
        "control_hidden_states_scale": torch.ones(2),
        "return_dict": False,
    }
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        part(**inputs)
    # On a real device attention never holds its whole matrix.
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", lambda query, **_: torch.empty_like(query))
    with torch.no_grad(), LiveBytes(part) as live:
        part(**inputs)
    return counter.get_total_flops(), live.peak


@pytest.mark.parametrize("name", SHIPPED_TRANSFORMERS)
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("grid", [(1, 8, 8), (5, 20, 20), (21, 30, 52)])
def test_transformer_against_the_counters(
    name: str, precision: str, grid: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    dtype = getattr(torch, precision)
    shape = replace(ModelShape.from_configs(shipped_config(name)), layers=6, vace_layers=2)
    tokens = grid[0] * grid[1] * grid[2]
    operations, live = _run(name, grid, dtype, monkeypatch)
    assert forward_flop(shape, tokens) == pytest.approx(operations, rel=1e-3)
    # Float32 needs no copies in another precision, so it takes a little less than predicted.
    assert 0.9 * live < transformer_bytes(shape, tokens, dtype.itemsize) < 1.4 * live


@pytest.mark.parametrize(("height", "width", "frames"), [(64, 64, 9), (256, 320, 17)])
def test_vae_against_the_counters(height: int, width: int, frames: int) -> None:
    from diffusers import AutoencoderKLWan

    vae: Any = empty_part(AutoencoderKLWan, shipped_config("wan2.1.vae")).eval()
    work = Workload(width, height, frames, frames, forwards=0)
    with torch.no_grad(), FlopCounterMode(display=False) as counter, LiveBytes(vae) as live:
        latents = vae.encode(torch.empty(1, 3, frames, height, width, device="meta")).latent_dist.mode()
        vae.decode(latents)
    assert vae_flop(SMALL, work) == pytest.approx(counter.get_total_flops(), rel=0.02)
    assert vae_bytes(SMALL, work, is_tiled=False) == pytest.approx(live.peak, rel=0.05)
    assert sum(weight.numel() for weight in vae.parameters()) == pytest.approx(127e6, rel=0.01)


def test_the_vae_at_full_size_costs_what_is_published() -> None:
    assert vae_flop(SMALL, FULL) / 1e12 == pytest.approx(164 + 275, rel=0.03)


def test_tiles_save_memory_where_the_frame_is_larger_than_one() -> None:
    assert vae_bytes(SMALL, FULL, is_tiled=True) < 0.3 * vae_bytes(SMALL, FULL, is_tiled=False)
    tiny = replace(FULL, width_px=128, height_px=128)
    assert vae_bytes(SMALL, tiny, is_tiled=True) == vae_bytes(SMALL, tiny, is_tiled=False)


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({"storage": "fp8"}, 0.5),
        ({"blocks_to_swap": 45}, 0.07),
        ({"precision": "fp32"}, 2.0),
        ({"vae_tiling": True}, 1),
    ],
)
def test_every_setting_counts_in_the_weights(changes: dict[str, Any], share: float) -> None:
    plain = weight_bytes(SMALL, ModelSettings(), "bf16") - 4 * 127e6
    settings = ModelSettings(**changes)
    precision = "fp32" if settings.precision == "fp32" else "bf16"
    assert (weight_bytes(SMALL, settings, precision) - 4 * 127e6) / plain == pytest.approx(share, abs=0.1)


def test_two_experts_take_twice_the_weights() -> None:
    one = weight_bytes(LARGE, ModelSettings(), "bf16")
    assert weight_bytes(replace(LARGE, experts=2), ModelSettings(), "bf16") == pytest.approx(2 * one, rel=0.02)


def test_time_is_known_once_the_machine_has_rendered() -> None:
    unknown = predict(SMALL, FULL, ModelSettings(), "cuda")
    assert unknown.seconds is None and "time unknown until the first steps" in str(unknown)
    known = predict(SMALL, FULL, ModelSettings(), "cuda", Calibration(1e14, 5e13))
    expected = 20 * forward_flop(SMALL, FULL.tokens) / 1e14 + vae_flop(SMALL, FULL) / 5e13
    assert known.seconds == pytest.approx(expected)
    assert str(known).endswith("TFLOP, about 2 min")
    slow = predict(SMALL, FULL, ModelSettings(), "cuda", Calibration(1e12, 1e12))
    assert str(slow).endswith("about 2.5 h")
    factor = predict(SMALL, FULL, ModelSettings(), "cuda", Calibration(memory_factor=1.5))
    assert factor.peak_bytes - 0.7e9 == pytest.approx(1.5 * (unknown.peak_bytes - 0.7e9))


def test_precision_follows_the_device() -> None:
    assert predict(SMALL, CROP, ModelSettings(), "cpu").weight_bytes == pytest.approx(
        predict(SMALL, CROP, ModelSettings(precision="fp32"), "cuda").weight_bytes
    )
    assert (
        predict(SMALL, CROP, ModelSettings(), "cpu").weight_bytes
        > 1.8 * predict(SMALL, CROP, ModelSettings(), "cuda").weight_bytes - 4 * 127e6
    )


def test_what_fits_stays_as_it_is() -> None:
    proposal = cheapest_fit(SMALL, FULL, ModelSettings(), "cuda", 80e9)
    assert proposal is not None and proposal.settings == ModelSettings() and proposal.window_frames == 81
    assert proposal.changes_from(ModelSettings(), 81) == {}


@pytest.mark.parametrize(
    ("shape", "gigabytes", "changes"),
    [
        (SMALL, 12, {"vae_tiling": True}),
        (LARGE, 32, {"weights_storage": "fp8"}),
        (LARGE, 26, {"vae_tiling": True, "weights_storage": "fp8"}),
        (LARGE, 24, {"vae_tiling": True, "weights_storage": "fp8", "blocks_to_swap": 24}),
        (LARGE, 16, {"blocks_to_swap": 48}),
        (LARGE, 9, {"vae_tiling": True, "weights_storage": "fp8", "blocks_to_swap": 48, "context_frames": 65}),
    ],
)
def test_the_cheapest_settings_that_fit(
    shape: ModelShape, gigabytes: float, changes: dict[str, ParameterValue]
) -> None:
    proposal = cheapest_fit(shape, FULL, ModelSettings(), "cuda", gigabytes * 1e9)
    assert proposal is not None
    assert proposal.prediction.peak_bytes <= gigabytes * 1e9
    assert proposal.changes_from(ModelSettings(), 81) == changes


def test_a_proposal_never_spends_more_than_was_asked_for() -> None:
    given = ModelSettings(storage="fp8", blocks_to_swap=40, vae_tiling=True)
    proposal = cheapest_fit(LARGE, FULL, given, "cuda", 14e9)
    assert proposal is not None
    assert proposal.settings.storage == "fp8" and proposal.settings.vae_tiling
    assert proposal.settings.blocks_to_swap >= 40


def test_nothing_fits_into_nothing() -> None:
    assert cheapest_fit(LARGE, FULL, ModelSettings(), "cuda", 1e9) is None


# --- calibration ------------------------------------------------------------------------------------------------


def test_a_machine_learns_from_its_renders() -> None:
    assert load_calibration("a GPU") == Calibration()
    record("a GPU", transformer_flop_per_s=100.0)
    assert load_calibration("a GPU") == Calibration(transformer_flop_per_s=100.0)
    record("a GPU", transformer_flop_per_s=200.0, vae_flop_per_s=50.0, memory_factor=2.0)
    assert load_calibration("a GPU") == Calibration(150.0, 50.0, 1.5)
    record("a GPU", memory_factor=1000.0)
    assert load_calibration("a GPU").memory_factor == 3.0
    assert load_calibration("another GPU") == Calibration()


@pytest.mark.parametrize("content", ["{", "[]", '{"a GPU": 3}', '{"a GPU": {"memory_factor": "x"}}'])
def test_a_damaged_calibration_is_learnt_again(content: str) -> None:
    (cache_folder() / "vace-calibration.json").write_text(content)
    assert load_calibration("a GPU") == Calibration()
    assert record("a GPU", vae_flop_per_s=7.0) == load_calibration("a GPU") == Calibration(vae_flop_per_s=7.0)


def test_the_cpu_has_a_name_and_memory() -> None:
    cpu = torch.device("cpu")
    assert device_name(cpu) == "cpu"
    assert available_bytes(cpu) > 1e8

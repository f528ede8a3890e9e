"""A machine's speed is learnt from its renders and told before the next; what does not fit is told with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.vace.cost import forecast as forecast_module
from engine.vace.cost.calibration import load_calibration
from engine.vace.cost.forecast import forecast_render
from engine.vace.cost.prediction import Calibration, Workload
from engine.vace.model import VaceModel
from engine.vace.model_parameters import ModelSettings

torch = pytest.importorskip("torch")

CPU = torch.device("cpu")
WORK = Workload(width_px=48, height_px=32, window_frames=9, frames=9, forwards=6)


def _render(model: VaceModel, steps: int) -> None:
    model.pipeline.set_progress_bar_config(disable=True)
    model.pipeline(
        video=torch.zeros(1, 9, 3, 32, 48),
        mask=torch.ones(1, 9, 1, 32, 48),
        prompt_embeds=model.embedding(""),
        negative_prompt_embeds=model.embedding(""),
        height=32,
        width=48,
        num_frames=9,
        num_inference_steps=steps,
        guidance_scale=1.0,
        output_type="pt",
    )


def test_the_shape_is_that_of_the_loaded_model(tiny_folder: Path) -> None:
    shape = VaceModel(tiny_folder, CPU).shape
    assert (shape.width, shape.ffn_width, shape.layers, shape.vace_layers) == (24, 32, 3, 2)
    assert (shape.text_width, shape.vae_base_width, shape.experts) == (32, 3, 1)


def test_speed_is_learnt_from_the_first_steps(tiny_folder: Path) -> None:
    model = VaceModel(tiny_folder, CPU)
    before = forecast_render(model, WORK)
    assert before.prediction.seconds is None and "time unknown until the first steps" in str(before)
    _render(model, 4)
    assert load_calibration("cpu") == Calibration()  # the first forward does not count
    _render(model, 1)
    learnt = load_calibration("cpu")
    assert learnt.transformer_flop_per_s > 0 and learnt.vae_flop_per_s > 0 and learnt.memory_factor == 1.0
    after = forecast_render(VaceModel(tiny_folder, CPU), WORK)
    assert after.prediction.seconds is not None and after.prediction.seconds > 0
    assert "time unknown" not in str(after) and after.concern is None


def test_a_render_that_cannot_fit_is_told_with_a_way_out(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = VaceModel(tiny_folder, CPU)
    large = Workload(width_px=832, height_px=480, window_frames=81, frames=81, forwards=20)
    needed = forecast_render(model, large).prediction
    missing = needed.peak_bytes - needed.weight_bytes - 1e8
    monkeypatch.setattr(forecast_module, "available_bytes", lambda device: missing)
    told = forecast_render(model, large)
    assert told.concern is not None
    assert told.concern.message.startswith("the render takes about 1.0 GB where 0.9 GB are available; save memory (")
    assert told.concern.remedy is not None and told.concern.remedy.parameters == {"vae_tiling": True}
    assert not told.message().fits
    monkeypatch.setattr(forecast_module, "available_bytes", lambda device: 0.0)
    hopeless = forecast_render(model, large).concern
    assert hopeless is not None and hopeless.remedy is None
    assert hopeless.message.endswith("no setting makes it fit; lower pixel_budget_px or take the 1.3B model")


def test_what_the_model_was_loaded_with_counts(tiny_folder: Path) -> None:
    plain = forecast_render(VaceModel(tiny_folder, CPU), WORK).prediction
    half = forecast_render(VaceModel(tiny_folder, CPU, ModelSettings(precision="bf16")), WORK).prediction
    assert half.weight_bytes < plain.weight_bytes

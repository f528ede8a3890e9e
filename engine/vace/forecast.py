"""What to tell a person before a render: its memory and time on this machine, and what to change where it cannot fit.

After the model is loaded::

    forecast = forecast_render(model, Workload(width, height, window_frames, frames, forwards, encodes))
    host.progress("load", 1, 1, str(forecast))
    if forecast.concern:
        host.warn(forecast.concern)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.vace.calibration import available_bytes, device_name, load_calibration
from engine.vace.prediction import GB, Calibration, Prediction, Workload, cheapest_fit, predict

if TYPE_CHECKING:
    from engine.vace.model import VaceModel


@dataclass(frozen=True)
class Forecast:
    """``concern`` is None where the render fits, otherwise a sentence with the parameters to set."""

    prediction: Prediction
    available_bytes: float
    concern: str | None

    def __str__(self) -> str:
        return f"{self.prediction} ({self.available_bytes / GB:.1f} GB are available)"


def forecast_render(model: VaceModel, work: Workload) -> Forecast:
    """The forecast of ``work`` for a loaded model; what its weights already take counts as available."""
    shape, settings, device = model.shape, model.settings, model.device
    calibration = load_calibration(device_name(device))
    prediction = predict(shape, work, settings, device.type, calibration)
    available = available_bytes(device)
    if device.type != "cuda":
        available += prediction.weight_bytes
    concern = None
    if prediction.peak_bytes > available:
        concern = _concern(model, work, prediction, available, calibration)
    return Forecast(prediction, available, concern)


def _concern(
    model: VaceModel, work: Workload, prediction: Prediction, available: float, calibration: Calibration
) -> str:
    missing = f"the render takes about {prediction.peak_bytes / GB:.1f} GB where {available / GB:.1f} GB are available"
    proposal = cheapest_fit(model.shape, work, model.settings, model.device.type, available, calibration)
    if proposal is None:
        return f"{missing}, and no setting makes it fit; lower pixel_budget_px or take the 1.3B model"
    changes = proposal.changes_from(model.settings, work.window_frames)
    return f"{missing}; it fits with {changes} ({proposal.prediction})"

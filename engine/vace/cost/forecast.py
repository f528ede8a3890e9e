"""What to tell a person before a render: its memory and time on this machine, and what to change where it cannot fit.

Before anything is loaded, from the model's configuration; or for a model that is loaded::

    work = Workload(width_px, height_px, window_frames, frames, forwards, encodes)
    host.progress("load", 1, 1, str(forecast_render(model, work)))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.protocol import Advice, Forecast, Remedy
from engine.vace.cost.calibration import available_bytes, device_name, load_calibration
from engine.vace.cost.machine import Machine
from engine.vace.cost.prediction import GB, ModelShape, Prediction, Workload, cheapest_fit, predict
from engine.vace.model_parameters import ModelSettings

if TYPE_CHECKING:
    from engine.vace.model import VaceModel


@dataclass(frozen=True)
class RenderForecast:
    """``concern`` is None where the render fits, otherwise what to tell, with the parameters to set as its remedy."""

    machine: Machine
    prediction: Prediction
    concern: Advice | None

    def __str__(self) -> str:
        return f"{self.prediction} ({self.machine.available_bytes / GB:.1f} GB are available)"

    def message(self) -> Forecast:
        """As the protocol says it."""
        return Forecast(
            device=self.machine.name,
            peak_bytes=self.prediction.peak_bytes,
            available_bytes=self.machine.available_bytes,
            flop=self.prediction.transformer_flop + self.prediction.vae_flop,
            seconds=self.prediction.seconds,
        )


def forecast_render(model: VaceModel, work: Workload) -> RenderForecast:
    """The forecast of ``work`` for a loaded model; what its weights already take counts as available."""
    device, available = model.device, available_bytes(model.device)
    if device.type != "cuda":
        available += predict(model.shape, work, model.settings, device.type).weight_bytes
    return forecast(model.shape, model.settings, work, Machine(device.type, device_name(device), available))


def forecast(shape: ModelShape, settings: ModelSettings, work: Workload, machine: Machine) -> RenderForecast:
    """The forecast of ``work`` on ``machine``, calibrated by what was measured there."""
    prediction = predict(shape, work, settings, machine.device, load_calibration(machine.name))
    fits = prediction.peak_bytes <= machine.available_bytes
    return RenderForecast(machine, prediction, None if fits else _concern(shape, settings, work, machine, prediction))


def _concern(
    shape: ModelShape, settings: ModelSettings, work: Workload, machine: Machine, prediction: Prediction
) -> Advice:
    available = machine.available_bytes
    missing = f"the render takes about {prediction.peak_bytes / GB:.1f} GB where {available / GB:.1f} GB are available"
    proposal = cheapest_fit(shape, work, settings, machine.device, available, load_calibration(machine.name))
    if proposal is None:
        return Advice(message=f"{missing}, and no setting makes it fit; lower pixel_budget_px or take the 1.3B model")
    changes = proposal.changes_from(settings, work.window_frames)
    label = f"Save memory ({proposal.prediction.peak_bytes / GB:.1f} GB)"
    return Advice(
        message=f"{missing}; {label[0].lower()}{label[1:]}", remedy=Remedy(label=label, parameters=dict(changes))
    )

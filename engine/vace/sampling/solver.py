"""The schedulers that walk from noise to a clip, and the sigmas they pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from engine.errors import ParameterError

if TYPE_CHECKING:
    import torch

SolverName: TypeAlias = Literal["model", "unipc", "flow_match_euler", "flow_match_lcm"]


def make_scheduler(
    published: Any, name: SolverName, flow_shift: float, steps: int, sigmas: Sequence[float], device: torch.device
) -> Any:
    """A fresh scheduler with its timesteps set: sampling leaves state behind, and the shift is the artist's choice.

    ``published`` is the model folder's own, which ``model`` takes. ``sigmas`` are noise levels before the shift, one
    per step; without any the scheduler spaces ``steps`` by itself.
    """
    scheduler = _named(published, name, flow_shift)
    if sigmas:
        scheduler.set_timesteps(len(sigmas), device=device, sigmas=np.asarray(sigmas))
    else:
        scheduler.set_timesteps(steps, device=device)
    return scheduler


def _named(published: Any, name: SolverName, flow_shift: float) -> Any:
    if name == "model":
        shift = "flow_shift" if "flow_shift" in published.config else "shift"
        return type(published).from_config(published.config, **{shift: flow_shift})
    import diffusers

    if name == "unipc":
        return diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=flow_shift
        )
    kind = "FlowMatchEulerDiscreteScheduler" if name == "flow_match_euler" else "FlowMatchLCMScheduler"
    return getattr(diffusers, kind)(shift=flow_shift)


def parse_sigmas(text: str, steps: int) -> tuple[float, ...]:
    """``linear``: steps evenly from 1 towards 0, as distilled LoRAs want it; else numbers, falling from 1 to above 0.

    Empty text gives none. Raises ParameterError.
    """
    if not text.strip():
        return ()
    if text.strip() == "linear":
        return tuple(1.0 - step / steps for step in range(steps))
    try:
        values = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        values = ()
    if not values or values[0] > 1.0 or values[-1] <= 0.0 or list(values) != sorted(set(values), reverse=True):
        raise ParameterError(
            f"parameter 'sigmas' is {text!r}; it takes 'linear', or falling numbers from at most 1 to above 0 "
            "(1, 0.75, 0.5, 0.25), or nothing"
        )
    return values

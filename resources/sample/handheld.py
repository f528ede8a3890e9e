"""A hand-held camera: smooth, seeded drift made of a few slow sine waves. Plain Python, no Blender."""

import math
import random
from dataclasses import dataclass

_WAVES_HZ = (0.31, 0.57, 0.93, 1.7, 2.9)


class Drift:
    """A smooth function of time in about [-1, 1], always the same for one seed."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self._waves = [
            (hz * rng.uniform(0.85, 1.15), rng.uniform(0, 2 * math.pi), 0.55 / math.pow(hz, 0.8)) for hz in _WAVES_HZ
        ]
        self._total = sum(weight for _, _, weight in self._waves) * 0.6

    def __call__(self, time_s: float) -> float:
        """Return the drift at `time_s`."""
        waves = (weight * math.sin(2 * math.pi * hz * time_s + phase) for hz, phase, weight in self._waves)
        return sum(waves) / self._total


@dataclass(frozen=True)
class CameraPose:
    """Position in metres; pan (to the left), tilt (up) and roll in radians."""

    x_m: float
    y_m: float
    z_m: float
    pan: float
    tilt: float
    roll: float


def camera_at(time_s: float, duration_s: float) -> CameraPose:
    """Return the operator's camera: it edges to the right by a quarter of a metre and breathes."""
    step = time_s / duration_s
    eased = step * step * (3 - 2 * step)
    drift = [Drift(seed)(time_s) for seed in range(11, 17)]
    return CameraPose(
        x_m=-0.13 + 0.26 * eased + 0.03 * drift[0],
        y_m=-6.8 + 0.03 * drift[1],
        z_m=1.5 + 0.02 * drift[2],
        pan=math.radians(0.30) * drift[3],
        tilt=math.radians(-2.1 + 0.28 * drift[4]),
        roll=math.radians(0.30) * drift[5],
    )

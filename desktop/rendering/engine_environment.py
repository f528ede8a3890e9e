"""What the preferences say to the engine: environment variables that an engine which this process starts inherits.

A variable that was set before Grayplate was started stays as it is: it comes before the preferences.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from desktop.base.preferences import Preferences

CACHE_VARIABLE = "GRAYPLATE_CACHE"
CACHE_SIZE_VARIABLE = "GRAYPLATE_CACHE_GB"
MODELS_VARIABLE = "GRAYPLATE_MODELS"
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
VARIABLES = (CACHE_VARIABLE, CACHE_SIZE_VARIABLE, MODELS_VARIABLE, GPU_VARIABLE)

_ours: set[str] = set()


def variables_of(preferences: Preferences) -> Mapping[str, str]:
    """Only what differs from the engine's own defaults."""
    default = Preferences()
    kind, _, number = preferences.device.partition(":")
    chosen = {
        CACHE_VARIABLE: preferences.cache_folder,
        CACHE_SIZE_VARIABLE: str(preferences.cache_gb) if preferences.cache_gb != default.cache_gb else "",
        MODELS_VARIABLE: preferences.models_folder,
        # The engine then sees this one alone, as its first.
        GPU_VARIABLE: number if kind == "cuda" else "",
    }
    return {name: value for name, value in chosen.items() if value}


def apply_to_environment(preferences: Preferences) -> bool:
    """Set what an engine is to inherit; returns whether one that runs has inherited something else."""
    chosen, changed = variables_of(preferences), False
    for name in VARIABLES:
        before = os.environ.get(name)
        if before is not None and name not in _ours:
            continue
        if name in chosen:
            os.environ[name] = chosen[name]
            _ours.add(name)
        elif name in _ours:
            del os.environ[name]
            _ours.discard(name)
        changed |= os.environ.get(name) != before
    return changed

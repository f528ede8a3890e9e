"""What this machine's own renders taught about its speed and memory, kept in the cache folder by device."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.paths import cache_folder
from engine.vace.cost.machine import system_bytes_available
from engine.vace.cost.prediction import Calibration

if TYPE_CHECKING:
    import torch

_NEW_SHARE = 0.5
"""How much a new measurement counts against what was known."""
_LEAST_FACTOR, _MOST_FACTOR = 0.5, 3.0


def load_calibration(device_name: str) -> Calibration:
    """What is known of this device; nothing yet where there is no file, or a damaged one."""
    try:
        known = json.loads(_file().read_text("utf-8"))[device_name]
        return Calibration(**{field.name: float(known[field.name]) for field in fields(Calibration)})
    except (OSError, ValueError, KeyError, TypeError):
        return Calibration()


def record(
    device_name: str,
    *,
    transformer_flop_per_s: float | None = None,
    vae_flop_per_s: float | None = None,
    memory_factor: float | None = None,
) -> Calibration:
    """Mixes measurements into what is known and keeps it; the new calibration."""
    known = load_calibration(device_name)
    if transformer_flop_per_s is not None:
        known = replace(known, transformer_flop_per_s=_mixed(known.transformer_flop_per_s, transformer_flop_per_s))
    if vae_flop_per_s is not None:
        known = replace(known, vae_flop_per_s=_mixed(known.vae_flop_per_s, vae_flop_per_s))
    if memory_factor is not None:
        factor = _mixed(known.memory_factor, memory_factor)
        known = replace(known, memory_factor=min(max(factor, _LEAST_FACTOR), _MOST_FACTOR))
    _store(device_name, known)
    return known


def device_name(device: torch.device) -> str:
    """The device as calibrations know it: a GPU by its model, since another one is another machine."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def available_bytes(device: torch.device) -> float:
    """Memory that a render may take: what is free, and what this process holds for reuse."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return float(free + torch.cuda.memory_reserved(device))
    return system_bytes_available()


def _mixed(known: float, new: float) -> float:
    return new if known == 0.0 else (1 - _NEW_SHARE) * known + _NEW_SHARE * new


def _store(device_name: str, calibration: Calibration) -> None:
    path = _file()
    try:
        known = json.loads(path.read_text("utf-8"))
        if not isinstance(known, dict):
            known = {}
    except (OSError, ValueError):
        known = {}
    known[device_name] = asdict(calibration)
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        temporary.write_text(json.dumps(known, indent=2), "utf-8")
        temporary.replace(path)
    except OSError:
        # Learnt again at the next render.
        temporary.unlink(missing_ok=True)


def _file() -> Path:
    return cache_folder() / "vace-calibration.json"

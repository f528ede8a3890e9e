"""What this machine has to render with, found out without loading torch: for a forecast before a render."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_NVIDIA_SMI_TIMEOUT_S = 5.0
_MIB = 2**20


@dataclass(frozen=True)
class Machine:
    """``device``: "cuda", "mps" or "cpu"; ``name``: as calibrations know it. ``available_bytes`` for a render."""

    device: str
    name: str
    available_bytes: float


def this_machine(wanted: str, worker_pid: int | None = None) -> Machine:
    """What a render on the device ``wanted`` ("auto" chooses as the model does) would run on.

    What the process ``worker_pid`` holds counts as available, since the next render takes its place.
    """
    gpu = _graphics_card(worker_pid) if wanted in ("auto", "cuda") and torch_has_cuda() else None
    if gpu is not None:
        return gpu
    is_apple = sys.platform == "darwin" and os.uname().machine == "arm64"
    device = "mps" if wanted in ("auto", "mps") and is_apple else "cpu"
    return Machine(device, device, system_bytes_available() + _resident_bytes(worker_pid))


def torch_has_cuda() -> bool:
    """Whether the installed torch is a build for CUDA: read from its version file, since an import takes seconds."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = Path(spec.origin).with_name("version.py").read_text("utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b.*=\s*['\"]\d", text, re.MULTILINE) is not None


def system_bytes_available() -> float:
    """Main memory that is free, or could be made free at once."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return float(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")))
    except (OSError, StopIteration, ValueError):
        # Not Linux: everything there is, rather than a guess at what others need.
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _resident_bytes(pid: int | None) -> float:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
        return float(int(pages) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, IndexError, ValueError):
        return 0.0


def _graphics_card(worker_pid: int | None) -> Machine | None:
    """The first card that CUDA would take; None where the driver does not answer."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    chosen = ["-i", first] if first else []
    cards = _nvidia_smi([*chosen, "--query-gpu=name,memory.free"])
    if not cards:
        return None
    name, free_mib = (field.strip() for field in cards[0].rsplit(",", 1))
    held = [line.split(",") for line in _nvidia_smi([*chosen, "--query-compute-apps=pid,used_gpu_memory"])]
    own_mib = sum(_number(used) for pid, used in held if _number(pid) == worker_pid)
    return Machine("cuda", name, (_number(free_mib) + own_mib) * _MIB)


def _nvidia_smi(arguments: list[str]) -> list[str]:
    """The lines that it answers; none where there is no NVIDIA card or driver."""
    command = ["nvidia-smi", *arguments, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_NVIDIA_SMI_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line for line in done.stdout.splitlines() if line.strip()]


def _number(text: str) -> int:
    """0 for "[N/A]", which the driver says inside some containers."""
    return int(text) if text.strip().isdigit() else 0

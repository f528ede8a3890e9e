"""What a training remembers between two runs of the program."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from engine.vace.training.pictures import save_curve

_log = logging.getLogger(__name__)


class RunState:
    """Weights, optimiser, losses and minutes of one part's training, written to ``folder`` every now and then."""

    def __init__(self, folder: Path, part: str, holders: dict[str, Any], seconds: int) -> None:
        """``holders`` have state_dict and load_state_dict; whatever was saved of them before is loaded."""
        self._folder, self._part, self._holders, self._seconds = folder, part, holders, seconds
        self.losses: list[float] = []
        self.worked_seconds = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._load()
        self._saved_at = time.monotonic()

    @property
    def step(self) -> int:
        """Steps that are done."""
        return len(self.losses)

    def add(self, loss: float) -> None:
        """A step is done."""
        self.losses.append(loss)
        if time.monotonic() - self._saved_at > self._seconds:
            self.save()

    def save(self) -> None:
        """Writes all, and the curve of the loss; a run that is cut off meanwhile keeps what it had."""
        import torch

        now = time.monotonic()
        self.worked_seconds += now - self._saved_at
        self._saved_at = now
        state = {name: holder.state_dict() for name, holder in self._holders.items()}
        temporary = self._path.with_suffix(".writing")
        torch.save({"losses": self.losses, "seconds": self.worked_seconds, **state}, temporary)
        temporary.replace(self._path)
        save_curve(self._folder / f"{self._part}-loss.png", f"{self._part} loss", self.losses)
        recent = self.losses[-200:]
        _log.info(
            "%s: step %d, loss %.4f, %.1f min",
            self._part,
            self.step,
            sum(recent) / len(recent),
            self.worked_seconds / 60,
        )

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._part}.pt"

    def _load(self) -> None:
        import torch

        if not self._path.is_file():
            return
        state = torch.load(self._path, map_location="cpu", weights_only=True)
        self.losses, self.worked_seconds = state["losses"], state["seconds"]
        for name, holder in self._holders.items():
            holder.load_state_dict(state[name])
        _log.info("%s: going on at step %d", self._part, self.step)

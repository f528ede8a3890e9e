"""Recovered frames on disk while they wait for the model: a shot of any length fits."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import OutputError
from engine.ofx.effect import RenderedImage
from roi_tools.geometry import Box

LEFT_OVER_S = 24 * 3600.0
"""Older folders were left by a process that was killed."""
_PREFIX = "hybrid-"


class Scratch:
    """Images by frame in a folder of its own below ``parent``; it goes with :meth:`close`."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._held: set[int] = set()

    def __contains__(self, frame: object) -> bool:
        return frame in self._held

    def save(self, frame: int, image: RenderedImage) -> None:
        """Keeps an image; raises OutputError when the disk refuses."""
        maps = {"provenance": image.provenance, "confidence": image.confidence, "never_visible": image.never_visible}
        told: dict[str, Any] = {name: values for name, values in maps.items() if values is not None}
        try:
            self._folder = self._folder or _new_folder(self._parent)
            np.savez(self._path(frame), window=np.array(image.window.as_tuple()), rgb=image.rgb, **told)
        except OSError as error:
            raise OutputError(
                f"a recovered frame cannot be kept in {self._parent}: {error.strerror}; free space there or set "
                "GRAYPLATE_CACHE to a larger disk, then start again: finished frames are kept"
            ) from error
        self._held.add(frame)

    def load(self, frame: int) -> RenderedImage:
        """What :meth:`save` kept; KeyError for a frame that is not held. Safe in several threads."""
        if frame not in self._held:
            raise KeyError(frame)
        with np.load(self._path(frame), allow_pickle=False) as file:
            x0, y0, x1, y1 = (int(value) for value in file["window"])
            maps = [
                file[name] if name in file.files else None for name in ("provenance", "confidence", "never_visible")
            ]
            return RenderedImage(Box(x0, y0, x1, y1), file["rgb"], *maps)

    def clear(self) -> None:
        """Forgets all frames."""
        for frame in self._held:
            self._path(frame).unlink(missing_ok=True)
        self._held.clear()

    def close(self) -> None:
        """Removes everything."""
        self._held.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _path(self, frame: int) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / f"{frame:08d}.npz"


def _new_folder(parent: Path) -> tempfile.TemporaryDirectory[str]:
    for old in parent.glob(f"{_PREFIX}*"):
        if old.stat().st_mtime < time.time() - LEFT_OVER_S:
            shutil.rmtree(old, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent)

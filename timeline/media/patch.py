"""The changed region of a frame, kept apart so that everything around it stays untouched."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roi_tools.geometry import Box
from timeline.errors import MediaError, MediaUnreadableError, MediaWriteError
from timeline.media.frame import Frame, Plane


@dataclass(frozen=True, eq=False)
class FramePatch:
    """The colour planes inside ``box``, each at its own subsampling, in native code values.

    ``box`` lies on the chroma grid (or ends at the frame's edge) and inside the frame. Alpha is never part of it.
    """

    box: Box
    planes: tuple[Plane, ...]

    def apply(self, frame: Frame) -> Frame:
        """A copy of ``frame`` with the region replaced; every other sample, and alpha, is the same.

        Raises MediaError when the patch was made for another format or size.
        """
        changed = []
        for index, (plane, region) in enumerate(zip(frame.color_planes, self.planes, strict=False)):
            box = frame.format.plane_box(index, self.box)
            if len(self.planes) != len(frame.color_planes) or not _fits(plane, region, box):
                raise MediaError(
                    f"patch {self.box.as_tuple()} does not fit a {frame.size} {frame.format.name} frame; "
                    "render it again for this media"
                )
            copy = plane.copy()
            copy[box.slices] = region
            changed.append(copy)
        return Frame((*changed, *frame.planes[len(changed) :]), frame.format, frame.color)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an ``.npz`` beside ``path`` and rename it there, so that no reader sees half a patch."""
        target = Path(path)
        arrays: dict[str, Any] = {f"plane{index}": plane for index, plane in enumerate(self.planes)}
        try:
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, box=np.array(self.box.as_tuple(), dtype=np.int64), **arrays)
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise MediaWriteError(
                f"cannot write {target}: {error.strerror or error}; free space or choose another cache folder"
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FramePatch:
        """Read what :meth:`save` wrote; MediaUnreadableError when it is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as file:
                x0, y0, x1, y1 = (int(value) for value in file["box"])
                planes = tuple(file[f"plane{index}"] for index in range(len(file.files) - 1))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise MediaUnreadableError(f"cannot read the patch {os.fspath(path)}: {error}; render it again") from error
        return cls(Box(x0, y0, x1, y1), planes)


def _fits(plane: Plane, region: Plane, box: Box) -> bool:
    inside = box.x0 >= 0 and box.y0 >= 0 and box.y1 <= plane.shape[0] and box.x1 <= plane.shape[1]
    return inside and region.shape == (box.height_px, box.width_px) and region.dtype == plane.dtype

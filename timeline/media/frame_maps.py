"""Where the pixels of a cleaned frame came from and how far they can be trusted, kept beside its patch."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box
from timeline.errors import MediaUnreadableError, MediaWriteError

SYNTHESISED = -1
"""Provenance of a pixel that was invented from what is around it."""
UNTOUCHED = -2
"""Provenance of a pixel that is the source's own because nothing was marked there."""
GENERATED = -3
"""Provenance of a pixel that a model invented."""

_CONFIDENCE_CODES = 65535
_FAST = 1
"""Deflate level: maps are large even areas, which its fastest level packs almost as well."""


@dataclass(frozen=True, eq=False)
class FrameMaps:
    """The maps of one frame inside ``box``; outside of it nothing was marked.

    ``provenance``: int32 (h, w), the source frame that a pixel came from (the frame itself where it was kept),
    SYNTHESISED, GENERATED or UNTOUCHED. ``confidence``: float32 (h, w), 0 (invented) to 1 (the source's own); None
    where the effect does not say. ``never_visible``: bool (h, w), what no frame within reach shows; None where nobody
    looked.
    """

    box: Box
    provenance: NDArray[np.int32]
    confidence: NDArray[np.float32] | None = None
    never_visible: NDArray[np.bool_] | None = None

    @property
    def invented(self) -> NDArray[np.bool_]:
        """(h, w): True where no frame lent the pixel."""
        return (self.provenance == SYNTHESISED) | (self.provenance == GENERATED)

    def over(self, earlier: FrameMaps | None) -> FrameMaps:
        """These maps where they mark anything, elsewhere those of an ``earlier`` pass; for the box around both.

        What one of the two does not say is unknown for both.
        """
        if earlier is None:
            return self
        box = self.box.united(earlier.box)
        upper, lower = self._within(box), earlier._within(box)
        own = upper.provenance != UNTOUCHED
        confidence = never = None
        if upper.confidence is not None and lower.confidence is not None:
            confidence = np.where(own, upper.confidence, lower.confidence)
        if upper.never_visible is not None and lower.never_visible is not None:
            never = np.where(own, upper.never_visible, lower.never_visible)
        return FrameMaps(box, np.where(own, upper.provenance, lower.provenance), confidence, never)

    def _within(self, box: Box) -> FrameMaps:
        """The same for a larger box."""
        return FrameMaps(
            box,
            _placed(self.provenance, self.box, box, UNTOUCHED),
            None if self.confidence is None else _placed(self.confidence, self.box, box, 1.0),
            None if self.never_visible is None else _placed(self.never_visible, self.box, box, False),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write beside ``path`` and rename it there, so that no reader sees half a file. Raises MediaWriteError."""
        target = Path(path)
        try:
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(self._packed())
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise MediaWriteError(
                f"cannot write {target}: {error.strerror or error}; free space or choose another cache folder"
            ) from error

    def _packed(self) -> bytes:
        arrays: dict[str, NDArray] = {
            "box": np.array(self.box.as_tuple(), np.int64),
            "provenance": self.provenance.astype(np.int32),
        }
        if self.confidence is not None:
            arrays["confidence"] = confidence_codes(self.confidence)
        if self.never_visible is not None:
            arrays["never_visible"] = self.never_visible.astype(np.bool_)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
        return packed.getvalue()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FrameMaps:
        """Read what :meth:`save` wrote; MediaUnreadableError when it is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as file:
                x0, y0, x1, y1 = (int(value) for value in file["box"])
                provenance = file["provenance"]
                confidence = file["confidence"] if "confidence" in file.files else None
                never = file["never_visible"] if "never_visible" in file.files else None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise MediaUnreadableError(f"cannot read the maps {os.fspath(path)}: {error}; render it again") from error
        told = None if confidence is None else (confidence / np.float32(_CONFIDENCE_CODES)).astype(np.float32)
        return cls(Box(x0, y0, x1, y1), provenance, told, never)


def confidence_codes(confidence: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Confidence 0 to 1 as 16-bit codes, 65535 = 1."""
    return np.rint(np.clip(np.nan_to_num(confidence), 0.0, 1.0) * _CONFIDENCE_CODES).astype(np.uint16)


def _placed(values: NDArray, box: Box, around: Box, beyond: float | bool) -> NDArray:
    result = np.full((around.height_px, around.width_px), beyond, values.dtype)
    result[box.shifted(-around.x0, -around.y0).slices] = values
    return result

"""What is known about media before any frame is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from roi_tools.geometry import Size
from timeline.media.frame import ColorTags, PixelFormat

MediaKind = Literal["movie", "sequence", "still"]


@dataclass(frozen=True)
class MediaInfo:
    """A movie, an image sequence or a still.

    ``path`` is the file, or the sequence's pattern. ``rate`` is in frames per second; of a movie with a variable
    rate it is the average. ``format`` is what :class:`Frame` planes have, ``stored_format`` FFmpeg's or the image
    file's own name for what is in the file. ``timecode`` is that of frame 0. ``first_file_number`` is the number in
    the name of a sequence's first file.
    """

    path: str
    kind: MediaKind
    frame_count: int
    size: Size
    rate: Fraction
    format: PixelFormat
    stored_format: str
    color: ColorTags
    timecode: str | None
    codec: str
    container: str
    has_audio: bool
    first_file_number: int | None
    is_variable_rate: bool = False
    pixel_aspect: Fraction = Fraction(1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; rates and aspects as ``"24000/1001"``."""
        return {
            "path": self.path,
            "kind": self.kind,
            "frame_count": self.frame_count,
            "width_px": self.size.width_px,
            "height_px": self.size.height_px,
            "rate": str(self.rate),
            "is_variable_rate": self.is_variable_rate,
            "pixel_format": self.format.name,
            "stored_format": self.stored_format,
            "bit_depth": self.format.bit_depth,
            "has_alpha": self.format.has_alpha,
            "primaries": self.color.primaries,
            "transfer": self.color.transfer,
            "matrix": self.color.matrix,
            "full_range": self.color.full_range,
            "pixel_aspect": str(self.pixel_aspect),
            "timecode": self.timecode,
            "codec": self.codec,
            "container": self.container,
            "has_audio": self.has_audio,
            "first_file_number": self.first_file_number,
        }

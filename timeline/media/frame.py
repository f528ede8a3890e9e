"""One decoded picture: its planes in native code values, its pixel format and its colour tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size
from timeline.errors import MediaError

Plane = NDArray[Any]
"""(h, w) code values of one component: uint8, uint16 (9 to 16 bits, in the low bits), float16 or float32."""

Family = Literal["yuv", "rgb", "gray"]

_CHROMA_SHIFTS = {"444": (0, 0), "422": (1, 0), "420": (1, 1), "440": (0, 1), "411": (2, 0), "410": (2, 2)}
_INTEGER = r"(?P<bits>9|10|12|14|16)le"
_DEPTH = rf"(?:{_INTEGER}|f(?P<float>16|32)le)?"
_NAMES = (
    re.compile(rf"(?P<family>yuv)(?P<alpha>a?)(?P<chroma>444|422|420|440|411|410)p(?:{_INTEGER})?"),
    re.compile(rf"(?P<family>gbr)(?P<alpha>a?)p{_DEPTH}"),
    re.compile(rf"(?P<family>gray){_DEPTH}"),
    re.compile(r"(?P<family>y)(?P<alpha>a)(?:8|(?P<bits>16)le|f(?P<float>16|32)le)"),
)
_FAMILIES: dict[str, Family] = {"yuv": "yuv", "gbr": "rgb", "gray": "gray", "y": "gray"}


@dataclass(frozen=True)
class PixelFormat:
    """How a frame's samples are stored: one plane per component, little endian, named as FFmpeg names it.

    ``chroma_shift_x`` and ``chroma_shift_y`` say how often the chroma planes are halved (1, 1 for 4:2:0).
    """

    name: str
    family: Family
    bit_depth: int
    is_float: bool
    chroma_shift_x: int
    chroma_shift_y: int
    has_alpha: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of every plane."""
        if self.is_float:
            return np.dtype(f"float{self.bit_depth}")
        return np.dtype(np.uint8 if self.bit_depth <= 8 else np.uint16)

    @property
    def max_code(self) -> int:
        """The largest integer code value, 255 at 8 bits. Float formats have none: they return 1."""
        return 1 if self.is_float else (1 << self.bit_depth) - 1

    @property
    def color_plane_names(self) -> tuple[str, ...]:
        """``Y, U, V`` or ``R, G, B`` or ``Y``."""
        return {"yuv": ("Y", "U", "V"), "rgb": ("R", "G", "B"), "gray": ("Y",)}[self.family]

    @property
    def plane_names(self) -> tuple[str, ...]:
        """The planes in order: the colour planes, then ``A`` where there is alpha."""
        return (*self.color_plane_names, "A") if self.has_alpha else self.color_plane_names

    def plane_shifts(self, index: int) -> tuple[int, int]:
        """How often plane ``index`` is halved across and down; (0, 0) for all but subsampled chroma."""
        return (self.chroma_shift_x, self.chroma_shift_y) if self.family == "yuv" and index in (1, 2) else (0, 0)

    def plane_box(self, index: int, box: Box) -> Box:
        """The samples of plane ``index`` that cover ``box``, which is in whole pixels of the frame."""
        shift_x, shift_y = self.plane_shifts(index)
        return Box(box.x0 >> shift_x, box.y0 >> shift_y, -(-box.x1 >> shift_x), -(-box.y1 >> shift_y))

    def plane_size(self, index: int, size: Size) -> Size:
        """The size of plane ``index`` in a frame of ``size``; odd sizes round up."""
        return self.plane_box(index, Box(0, 0, size.width_px, size.height_px)).size

    def aligned_box(self, box: Box, size: Size) -> Box:
        """``box`` grown outward to the chroma grid and clipped to a frame of ``size``."""
        step_x, step_y = 1 << self.chroma_shift_x, 1 << self.chroma_shift_y
        x0, y0 = box.x0 // step_x * step_x, box.y0 // step_y * step_y
        x1, y1 = -(-box.x1 // step_x) * step_x, -(-box.y1 // step_y) * step_y
        clipped = Box(x0, y0, x1, y1).clipped(size)
        if clipped is None:
            raise MediaError(f"region {box.as_tuple()} lies outside the {size} frame; give one that touches it")
        return clipped


@lru_cache(maxsize=256)
def pixel_format(name: str) -> PixelFormat:
    """The planar format that FFmpeg calls ``name``, such as ``yuv420p10le``, ``gbrp`` or ``gray16le``.

    ``ya8`` and ``ya16le`` (gray with alpha) are the one family that FFmpeg packs; here they have two planes.
    Raises MediaError for any other name.
    """
    for pattern in _NAMES:
        if match := pattern.fullmatch(name):
            part = {"alpha": "", "chroma": "444", "bits": None, "float": None} | match.groupdict()
            shift_x, shift_y = _CHROMA_SHIFTS[str(part["chroma"])]
            bits = int(part["float"] or part["bits"] or 8)
            family = _FAMILIES[str(part["family"])]
            return PixelFormat(name, family, bits, part["float"] is not None, shift_x, shift_y, part["alpha"] == "a")
    raise MediaError(f"pixel format {name!r} is not a planar YUV, RGB or gray format; convert the media to one first")


@dataclass(frozen=True)
class ColorTags:
    """What the media says about its colour, in FFmpeg's names (``bt709``, ``smpte170m``, ``bt2020nc``, ``linear``).

    None means untagged. ``full_range`` is False for video range (16 to 235 at 8 bits), True for 0 to 255.
    """

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    full_range: bool | None = None

    @property
    def is_scene_linear(self) -> bool:
        """Whether code values are proportional to light."""
        return self.transfer == "linear"


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture. ``planes`` are read-only (h, w) arrays of native code values in the order of ``format.plane_names``.

    RGB planes come as R, G, B whatever order the file has. Subsampled chroma planes have their own, smaller size.
    Raises MediaError when the planes do not fit the format.
    """

    planes: tuple[Plane, ...]
    format: PixelFormat
    color: ColorTags

    def __post_init__(self) -> None:
        if len(self.planes) != len(self.format.plane_names):
            raise MediaError(f"{self.format.name} has planes {self.format.plane_names}, not {len(self.planes)} of them")
        for index, plane in enumerate(self.planes):
            wanted = self.format.plane_size(index, self.size)
            if plane.shape != (wanted.height_px, wanted.width_px) or plane.dtype != self.format.dtype:
                raise MediaError(
                    f"plane {self.format.plane_names[index]} of a {self.size} {self.format.name} frame must be "
                    f"{wanted} {self.format.dtype}, not {plane.shape} {plane.dtype}"
                )
        object.__setattr__(self, "planes", tuple(_read_only(plane) for plane in self.planes))

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        height, width = self.planes[0].shape
        return Size(width, height)

    @property
    def color_planes(self) -> tuple[Plane, ...]:
        """The planes without alpha."""
        return self.planes[: len(self.format.color_plane_names)]


def _read_only(plane: Plane) -> Plane:
    view = plane.view()
    view.flags.writeable = False
    return view

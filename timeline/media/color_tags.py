"""FFmpeg's numbers for colour tags (ITU-T H.273, as in libavutil/pixfmt.h) and their names."""

from __future__ import annotations

from typing import Protocol

from timeline.media.frame import ColorTags

UNSPECIFIED = 2

_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
_RANGES = {1: False, 2: True}


class Tagged(Protocol):
    """A frame or a codec context of PyAV."""

    color_primaries: int
    color_trc: int
    colorspace: int
    color_range: int


def read_tags(source: Tagged) -> ColorTags:
    """The tags of a decoded frame or a codec context; a matrix of RGB (``gbr``) counts as none."""
    matrix = _MATRICES.get(source.colorspace)
    return ColorTags(
        _PRIMARIES.get(source.color_primaries),
        _TRANSFERS.get(source.color_trc),
        None if matrix == "gbr" else matrix,
        _RANGES.get(source.color_range),
    )


def write_tags(target: Tagged, color: ColorTags, is_rgb: bool) -> None:
    """Set the tags of a frame or an encoder."""
    target.color_primaries = _number(_PRIMARIES, color.primaries)
    target.color_trc = _number(_TRANSFERS, color.transfer)
    target.colorspace = 0 if is_rgb else _number(_MATRICES, color.matrix)
    target.color_range = 0 if color.full_range is None else 1 + color.full_range


def _number(names: dict[int, str], name: str | None) -> int:
    return next((number for number, known in names.items() if known == name), UNSPECIFIED)

"""Frame rates are rational: 23.976 is a spelling, 24000/1001 the rate."""

from __future__ import annotations

from fractions import Fraction

_LARGEST_DENOMINATOR = 1001
"""Frame rates are n/1 (film, PAL), n/2 (12.5) or n/1001 (NTSC)."""
_NTSC_TOLERANCE = 0.005
"""How far the usual spellings 23.976, 23.98 and 29.97 lie from n * 1000/1001, at most."""


def rational_rate(fps: float) -> Fraction:
    """The exact rate in frames/s that a decimal one means: 29.97 -> 30000/1001, 12.5 -> 25/2. ``fps`` is above 0."""
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    if fps != round(fps) and abs(fps - ntsc) < _NTSC_TOLERANCE:
        return ntsc
    return Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR)

"""Rates, frames and timecode. Frames are integers, rates are rational; seconds and timecode are views of them.

The drop-frame arithmetic is the ``timecode`` library's, which agrees with a listing of every label of a day that
SMPTE ST 12-1 allows (see the tests). It also accepts labels that do not exist (``00:01:00;00``, ``00:00:99:00``);
here they are errors.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from timecode import Timecode

from roi_tools.rates import rational_rate
from timeline.errors import TimelineError

_TIMECODE = re.compile(r"\s*(\d{2}):(\d{2}):(\d{2})([:;.])(\d{2,3})\s*")
_LARGEST_RATE = 1000


class TimecodeError(TimelineError):
    """A timecode that does not exist at its rate, or a rate that makes no sense."""


def exact_rate(value: Fraction | float | str) -> Fraction:
    """The rational rate in frames/s of ``24``, ``23.976``, ``"30000/1001"`` or ``"29.97"``.

    Raises TimecodeError for anything that is no rate above 0 and up to 1000.
    """
    try:
        rate = value if isinstance(value, Fraction) else _parsed(value)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise TimecodeError(
            f"'{value}' is no frame rate; write frames per second as 25, 23.976 or 24000/1001"
        ) from error
    if not 0 < rate <= _LARGEST_RATE:
        raise TimecodeError(f"a rate of {value} frames per second is not possible; give one above 0, up to 1000")
    return rate


def rate_text(rate: Fraction) -> str:
    """For a person: ``25``, ``23.976``, ``12.5``."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def is_drop_frame_rate(rate: Fraction) -> bool:
    """Whether timecode at this rate drops labels: the multiples of 30000/1001."""
    return rate.denominator == 1001 and rate.numerator % 30_000 == 0


def frames_to_timecode(frames: int, rate: Fraction, drop_frame: bool | None = None) -> str:
    """The label of a count of frames since ``00:00:00:00``, which is 0; it wraps after 24 hours.

    ``drop_frame`` None means: as is usual at this rate. Drop-frame labels have ``;`` before the frames.
    Raises TimecodeError where ``drop_frame`` is asked of a rate that knows none.
    """
    counter = _counter(rate, drop_frame)
    per_day = counter.tc_to_frames("23:59:59:00") - 1 + _nominal(rate)
    counter.frames = frames % per_day + 1
    return str(counter)


def timecode_to_frames(text: str, rate: Fraction) -> int:
    """Frames since ``00:00:00:00`` of a label: drop-frame where ``;`` or ``.`` comes before the frames.

    Raises TimecodeError for a label that does not exist at this rate.
    """
    match = _TIMECODE.fullmatch(text)
    if match is None:
        raise TimecodeError(f"'{text}' is no timecode; write hours:minutes:seconds:frames, such as 01:00:00:00")
    drop_frame = match[4] != ":"
    separator = ";" if drop_frame else ":"
    label = ":".join(match.group(1, 2, 3)) + separator + match[5]
    frames = _counter(rate, drop_frame).tc_to_frames(label) - 1
    if frames_to_timecode(frames, rate, drop_frame) != label:
        raise TimecodeError(f"there is no timecode {text} at {rate_text(rate)} frames per second; check its numbers")
    return frames


def _parsed(value: float | str) -> Fraction:
    if isinstance(value, str) and "/" in value:
        return Fraction(value)
    number = float(value)
    if not math.isfinite(number) or not 0 < number <= _LARGEST_RATE:
        return Fraction(0)
    return rational_rate(number)


def _counter(rate: Fraction, drop_frame: bool | None) -> Timecode:
    known = is_drop_frame_rate(rate)
    if drop_frame and not known:
        raise TimecodeError(
            f"{rate_text(rate)} frames per second has no drop-frame timecode; write ':' before the frames"
        )
    if drop_frame or (drop_frame is None and known):
        return Timecode(rate)
    return Timecode(_nominal(rate))


def _nominal(rate: Fraction) -> int:
    """Labels per second: the rate rounded to a whole number."""
    return max(1, round(rate))

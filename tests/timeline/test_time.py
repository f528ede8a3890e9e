"""Rates and timecode: exact, both ways, and only labels that exist."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.time import (
    TimecodeError,
    exact_rate,
    frames_to_timecode,
    is_drop_frame_rate,
    rate_text,
    timecode_to_frames,
)

FILM, NTSC, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60), Fraction(12), FILM, NTSC, NTSC_60]
rates = st.sampled_from(RATES)


@given(st.integers(0, 24 * 3600 * 60 - 1), rates, st.booleans())
def test_frames_to_timecode_and_back(frames: int, rate: Fraction, plain: bool) -> None:
    dropped = round(rate) // 15 * (24 * 60 - 24 * 6) if is_drop_frame_rate(rate) and not plain else 0
    per_day = round(rate) * 86_400 - dropped
    label = frames_to_timecode(frames, rate, drop_frame=False if plain else None)
    assert timecode_to_frames(label, rate) == frames % per_day


@pytest.mark.parametrize(("rate", "drop"), [(NTSC, 2), (NTSC_60, 4)])
def test_drop_frame_agrees_with_a_listing_of_the_labels_of_a_day(rate: Fraction, drop: int) -> None:
    for frames, label in islice(enumerate(_drop_frame_labels(round(rate), drop)), 0, None, 997):
        assert frames_to_timecode(frames, rate) == label
        assert timecode_to_frames(label, rate) == frames


@pytest.mark.parametrize(
    ("frames", "rate", "label"),
    [
        (0, NTSC, "00:00:00;00"),
        (1799, NTSC, "00:00:59;29"),
        (1800, NTSC, "00:01:00;02"),
        (17_982, NTSC, "00:10:00;00"),
        (107_892, NTSC, "01:00:00;00"),
        (2_589_407, NTSC, "23:59:59;29"),
        (2_589_408, NTSC, "00:00:00;00"),
        (86_400, FILM, "01:00:00:00"),
        (86_399, FILM, "00:59:59:23"),
        (25 * 86_400 + 3, Fraction(25), "00:00:00:03"),
    ],
)
def test_known_labels(frames: int, rate: Fraction, label: str) -> None:
    assert frames_to_timecode(frames, rate) == label


def test_a_colon_at_a_drop_frame_rate_counts_every_label() -> None:
    assert timecode_to_frames("00:01:00:00", NTSC) == 1800
    assert timecode_to_frames("00:01:00;02", NTSC) == timecode_to_frames("00:01:00.02", NTSC) == 1800
    assert frames_to_timecode(1800, NTSC, drop_frame=False) == "00:01:00:00"


@pytest.mark.parametrize(
    ("text", "rate", "message"),
    [
        ("00:01:00;00", NTSC, "there is no timecode 00:01:00;00 at 29.97 frames per second"),
        ("00:00:00:24", Fraction(24), "there is no timecode 00:00:00:24 at 24 frames per second"),
        ("00:00:60:00", FILM, "there is no timecode 00:00:60:00 at 23.976 frames per second"),
        ("24:00:00:00", Fraction(25), "there is no timecode 24:00:00:00 at 25 frames per second"),
        ("1:00:00:00", Fraction(25), "'1:00:00:00' is no timecode; write hours:minutes:seconds:frames"),
        ("", Fraction(25), "'' is no timecode; write hours:minutes:seconds:frames"),
        ("00:00:00;00", Fraction(25), "25 frames per second has no drop-frame timecode; write ':'"),
    ],
)
def test_a_label_that_does_not_exist_is_refused(text: str, rate: Fraction, message: str) -> None:
    with pytest.raises(TimecodeError) as caught:
        timecode_to_frames(text, rate)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        (24, Fraction(24)),
        (23.976, FILM),
        ("23.98", FILM),
        (23.976023976023978, FILM),
        ("24000/1001", FILM),
        (29.97, NTSC),
        ("59.94", NTSC_60),
        (12.5, Fraction(25, 2)),
        (Fraction(15), Fraction(15)),
    ],
)
def test_a_rate_in_any_spelling_is_exact(value: Fraction | float | str, rate: Fraction) -> None:
    assert exact_rate(value) == rate


@given(st.sampled_from([*RATES, Fraction(25, 2), Fraction(10), Fraction(15000, 1001)]))
def test_a_rate_survives_as_a_double(rate: Fraction) -> None:
    assert exact_rate(float(rate)) == rate


@pytest.mark.parametrize("value", [0, -24, float("nan"), float("inf"), 1e9, "0", "5000/1"])
def test_an_impossible_rate_is_refused(value: float | str) -> None:
    with pytest.raises(TimecodeError, match=r"is not possible; give one above 0, up to 1000"):
        exact_rate(value)


@pytest.mark.parametrize("value", ["fast", "24/0", "/", ""])
def test_text_that_is_no_rate_is_refused(value: str) -> None:
    with pytest.raises(TimecodeError, match="is no frame rate; write frames per second as 25"):
        exact_rate(value)


def test_rates_as_a_person_reads_them() -> None:
    assert [rate_text(rate) for rate in (Fraction(24), FILM, NTSC, Fraction(25, 2))] == [
        "24",
        "23.976",
        "29.97",
        "12.5",
    ]


def _drop_frame_labels(nominal: int, drop: int) -> Iterator[str]:
    """SMPTE ST 12-1: the first labels of every minute are left out, except in minutes that are multiples of ten."""
    for minute in range(24 * 60):
        for second in range(60):
            for frame in range(drop if second == 0 and minute % 10 else 0, nominal):
                yield f"{minute // 60:02}:{minute % 60:02}:{second:02};{frame:02}"

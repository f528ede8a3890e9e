"""What a running render tells, how often, and how long it says it will take."""

from __future__ import annotations

import pytest

from engine.errors import CancelledError
from engine.protocol import Event, ProgressEvent, Remedy, Stage, WarningEvent, WindowsEvent
from engine.render import job_link
from engine.render.job_link import JobLink


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(job_link, "time", clock)
    return clock


@pytest.fixture
def sent() -> list[Event]:
    return []


def link(sent: list[Event], cancelled: bool = False) -> JobLink:
    return JobLink("job", sent.append, lambda: cancelled)


def test_progress_is_told_ten_times_a_second_and_at_both_ends(clock, sent):
    told = link(sent)
    for done in range(101):
        told.progress("render", done, 100)
        clock.now += 0.01
    counts = [e.done for e in sent if isinstance(e, ProgressEvent)]
    assert counts[0] == 0 and counts[-1] == 100
    assert 10 <= len(counts) <= 13


def test_the_rest_is_reckoned_from_the_pace_of_what_was_made_here(clock, sent):
    told = link(sent)
    told.progress("render", 40, 100)  # 40 frames came from the cache
    clock.now += 5.0
    told.progress("render", 50, 100)
    etas = [e.eta_s for e in sent if isinstance(e, ProgressEvent)]
    assert etas == [None, 25.0]


def test_seconds_are_booked_on_the_stage_in_which_they_passed(clock, sent):
    told = link(sent)
    passed: list[tuple[Stage, float]] = [("load", 1), ("analyse", 2), ("render", 3), ("analyse", 0.5), ("deliver", 4)]
    for stage, seconds in passed:
        told.progress(stage, 0, 1)
        clock.now += seconds
    assert told.close_stage() == {"load": 1.0, "analyse": 2.5, "render": 3.0, "deliver": 4.0}


def test_the_same_warning_is_told_once(sent):
    told = link(sent)
    for message in ("dark", "dark", "darker"):
        told.warn(message)
    assert [e.message for e in sent if isinstance(e, WarningEvent)] == ["dark", "darker"] == told.warnings


def test_a_remedy_goes_with_the_warning_and_each_pass_tells_its_own(sent):
    told, remedy = link(sent), Remedy(label="Use the box", parameters={"mask_mode": "box"})
    told.warn("outline", 0, remedy)
    told.warn("outline", 1)
    warnings = [(e.pass_index, e.message, e.remedy) for e in sent if isinstance(e, WarningEvent)]
    assert warnings == [(0, "outline", remedy), (1, "outline", None)]
    assert told.warnings == ["outline"]


def test_windows_are_told_as_frame_ranges(sent):
    link(sent).windows([range(3, 12), range(8, 20)], 1)
    assert [(e.pass_index, [w.as_range() for w in e.windows]) for e in sent if isinstance(e, WindowsEvent)] == [
        (1, [range(3, 12), range(8, 20)])
    ]


def test_a_cancel_takes_effect_at_the_next_progress(sent):
    with pytest.raises(CancelledError, match="finished frames are kept"):
        link(sent, cancelled=True).progress("render", 0, 1)
    assert sent == []

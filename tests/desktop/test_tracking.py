"""Tracking from the window: what becomes of boxes and shapes, anchors, stopping, proposals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.panels.confidence_graph import runs_text, summary
from desktop.roto import commands as roto_commands
from desktop.roto.points import points_at, with_points_at
from desktop.tracking.controller import Pictures
from desktop.tracking.store import TrackingStore, TrackRecord
from desktop.tracking.task import (
    Cancelled,
    Direction,
    Found,
    TrackOptions,
    TrackOutcome,
    applied,
    live_place,
    make_task,
    run_task,
    span_of_direction,
    tracked_keys,
    without_track,
)
from roi_tools.errors import TrackingError
from roi_tools.geometry import Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.outlines import outline_at
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.desktop.conftest import EngineDoor
from tests.desktop.documents import make_shot
from tests.desktop.test_window import at
from tests.roi_tools.pictures import HEIGHT, WIDTH, MovingThing
from tests.support.media import noise_frame, write_clip
from timeline.marking import Marking, RotoMarking
from timeline.media.frame import Frame
from timeline.media.media_reader import MediaReader
from timeline.shot import Shot

FRAMES, STEP = 16, (3, 0)
SQUARE = ((63.0, 73.0), (105.0, 73.0), (105.0, 115.0), (63.0, 115.0))
RECT = RectF(60, 70, 108, 118)
SHOT = make_shot(frames=FRAMES)
picture = MovingThing(STEP[0], 0.0)


def card_shape(frame: int = 0) -> Shape:
    tracks = tuple(Track((Keyframe(frame, (x, y, *(0.0,) * 6)),)) for x, y in SQUARE)
    return Shape("card", "bezier", tracks)


def tell(share: float, found: Found | None) -> None:
    """Nobody listens."""


def track(marking: Marking, frame: int, direction: str, options: TrackOptions = TrackOptions()) -> Marking:  # noqa: B008
    task = make_task(SHOT, marking, frozenset({"card"}), frame, direction, options, {})  # type: ignore[arg-type]
    return applied(marking, run_task(task, picture, tell))


def corners(marking: Marking, frame: int) -> NDArray[np.float64]:
    assert isinstance(marking, RotoMarking)
    return points_at(marking.layer.shapes[0], frame)[:, 0]


# --- tasks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "frames"),
    [
        ("forward", range(6, 16)),
        ("backward", range(7)),
        ("both", range(16)),
        ("one_forward", range(6, 8)),
        ("one_backward", range(5, 7)),
    ],
)
def test_directions_are_frames_of_the_shot(direction: str, frames: range) -> None:
    assert span_of_direction(SHOT, 6, direction) == frames  # type: ignore[arg-type]


def test_nowhere_to_go_and_nothing_to_follow_are_said() -> None:
    box = AnimatedRectangle.still(RectF(1, 1, 9, 9), 0)
    with pytest.raises(TrackingError, match="no further frame"):
        make_task(SHOT, box, frozenset(), 15, "forward", TrackOptions(), {})
    with pytest.raises(TrackingError, match="nothing is marked"):
        make_task(SHOT, box.with_range(0, 3), frozenset(), 5, "forward", TrackOptions(), {})


def test_keys_that_a_person_set_are_anchors_and_tracked_ones_are_not() -> None:
    box = AnimatedRectangle.still(RectF(1, 1, 9, 9), 0).with_rect(4, RectF(2, 1, 9, 9)).with_rect(9, RectF(3, 1, 9, 9))
    task = make_task(SHOT, box, frozenset(), 2, "both", TrackOptions(), {4: (2, 1, 9, 9), 9: (0, 0, 5, 5)})
    assert task.anchors == (0, 2, 9)


# --- surfaces -------------------------------------------------------------------------------------------------------


def test_a_shape_is_carried_by_the_object() -> None:
    carried = track(RotoMarking(RotoLayer("r", (card_shape(),))), 0, "forward")
    for frame in (0, 7, 15):
        np.testing.assert_allclose(corners(carried, frame), np.array(SQUARE) + np.array(STEP) * frame, atol=0.6)
    assert carried.key_frames == (0,)


def test_an_anchor_stays_as_drawn_and_the_way_to_it_is_smooth() -> None:
    marking = track(RotoMarking(RotoLayer("r", (card_shape(),))), 0, "forward")
    assert isinstance(marking, RotoMarking)
    off = np.array(SQUARE) + np.array(STEP) * 8 + np.array([6, 0])
    shape = marking.layer.shapes[0]
    seen = points_at(shape, 8)
    seen += (off - seen[:, 0])[:, np.newaxis]
    marking = marking.with_layer(replace(marking.layer, shapes=(with_points_at(shape, 8, seen),)))
    again = track(marking, 0, "forward")
    np.testing.assert_allclose(corners(again, 8), off, atol=1e-6)
    np.testing.assert_allclose(corners(again, 0), SQUARE, atol=1e-6)
    halfway = np.array(SQUARE) + np.array(STEP) * 4 + np.array([3, 0])
    np.testing.assert_allclose(corners(again, 4), halfway, atol=1.5)


def test_a_background_track_stays_on_the_scene() -> None:
    still = track(RotoMarking(RotoLayer("r", (card_shape(),))), 0, "forward", TrackOptions("background"))
    np.testing.assert_allclose(corners(still, 10), SQUARE, atol=1.0)


def test_a_track_is_given_up_and_the_drawn_key_stays() -> None:
    carried = track(RotoMarking(RotoLayer("r", (card_shape(),))), 5, "both")
    cleared = without_track(carried, frozenset({"card"}))
    np.testing.assert_allclose(corners(cleared, 0), SQUARE, atol=1e-9)
    assert isinstance(cleared, RotoMarking)
    outline = outline_at(cleared.layer.shapes[0], 12)[0]
    np.testing.assert_allclose((outline.min(axis=0) + outline.max(axis=0)) / 2, (84, 94), atol=1)


def test_other_shapes_stay_where_they_are() -> None:
    other = replace(card_shape(), label="other")
    carried = track(RotoMarking(RotoLayer("r", (card_shape(), other))), 0, "forward")
    assert isinstance(carried, RotoMarking)
    assert carried.layer.shapes[1] == other


# --- boxes ----------------------------------------------------------------------------------------------------------


def test_a_box_follows_its_object_and_keeps_its_drawn_frame() -> None:
    drawn = RECT.shifted(9, 0)
    tracked = track(AnimatedRectangle.still(drawn, 3), 3, "both")
    assert tracked.rect_at(3) == drawn
    for frame in (0, 10, 15):
        rect = tracked.rect_at(frame)
        assert rect is not None
        wanted = np.array(RECT.as_tuple()) + np.array([*STEP, *STEP]) * frame
        np.testing.assert_allclose(rect.as_tuple(), wanted, atol=7)


def test_a_forward_track_leaves_earlier_keys_alone() -> None:
    box = AnimatedRectangle.still(RectF(10, 10, 50, 50), 0).with_rect(5, RECT.shifted(15, 0))
    tracked = track(box, 5, "forward")
    assert tracked.rect_at(0) == RectF(10, 10, 50, 50)
    assert min(frame for frame in tracked.key_frames if frame > 0) == 5


def test_single_steps_do_not_let_the_box_grow() -> None:
    box: Marking = AnimatedRectangle.still(RECT, 0)
    for frame in range(6):
        box = track(box, frame, "one_forward")
    rect = box.rect_at(6)
    assert rect is not None
    assert (rect.width_px, rect.height_px) == pytest.approx((48, 48), abs=3)
    np.testing.assert_allclose(rect.as_tuple(), RECT.shifted(18, 0).as_tuple(), atol=3)


def test_a_box_follows_the_background_too() -> None:
    box = AnimatedRectangle.still(RectF(220, 20, 260, 50), 0)
    tracked = track(box, 0, "forward", TrackOptions("background"))
    rect = tracked.rect_at(9)
    assert rect is not None
    np.testing.assert_allclose(rect.as_tuple(), (220, 20, 260, 50), atol=4)


def test_stopping_keeps_what_was_found() -> None:
    seen: list[int] = []

    def stop(share: float, found: Found | None) -> None:
        if found is not None:
            seen.append(found.frame)
        if len(seen) > 6:
            raise Cancelled

    marking = RotoMarking(RotoLayer("r", (card_shape(),)))
    task = make_task(SHOT, marking, frozenset({"card"}), 0, "forward", TrackOptions(), {})
    outcome = run_task(task, picture, stop)
    assert sorted(outcome.found) == list(range(7))
    assert outcome.lost == tuple(range(7, 16))
    np.testing.assert_allclose(corners(applied(marking, outcome), 6), np.array(SQUARE) + np.array(STEP) * 6, atol=0.6)


def test_what_runs_is_shown_where_it_is() -> None:
    matrix = np.array([[1, 0, 5], [0, 1, 2], [0, 0, 1.0]])
    rect, none = live_place(AnimatedRectangle.still(RectF(1, 1, 9, 9)), Found(3, 1.0, matrix=matrix), frozenset())
    assert (rect, none) == (RectF(6, 3, 14, 11), None)
    _, layer = live_place(
        RotoMarking(RotoLayer("r", (card_shape(),))), Found(3, 1.0, matrix=matrix), frozenset({"card"})
    )
    assert layer is not None
    np.testing.assert_allclose(points_at(layer.shapes[0], 3)[:, 0], np.array(SQUARE) + np.array([5, 2]))


# --- what is known afterwards ---------------------------------------------------------------------------------------


def test_records_tell_lost_unsure_and_whose_keys() -> None:
    box = AnimatedRectangle.still(RECT, 0)
    task = make_task(SHOT, box, frozenset(), 0, "forward", TrackOptions(), {})
    outcome = run_task(task, picture, tell)
    after = applied(box, outcome)
    store = TrackingStore()
    store.add("id", outcome, box, after)
    record = store.record("id")
    assert isinstance(after, AnimatedRectangle)
    keys = tracked_keys({40: (0.0, 0.0, 1.0, 1.0)}, outcome, after)
    assert set(keys) == set(after.key_frames) - {0} | {40}
    again = make_task(SHOT, after, frozenset(), 0, "forward", TrackOptions(), keys)
    assert again.anchors == (0,)
    assert set(record.confidence) | record.lost == set(range(FRAMES))
    store.forget("id")
    assert store.record("id") == TrackRecord()


def test_the_graph_says_in_words_where_it_was_lost() -> None:
    assert runs_text([9, 3, 4, 5]) == "3–5, 9"
    record = TrackRecord({0: 1.0, 1: 0.1}, frozenset({2, 3}))
    assert summary(record) == "Lost: 2–3   Unsure: 1"
    assert summary(TrackRecord({0: 0.9, 1: 0.7})) == "Sure throughout, 80% on average"


class _Reader(MediaReader):
    """Counts what is decoded."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def read(self, frame: int) -> Frame:
        self.asked.append(frame)
        return noise_frame("yuv420p", Size(16, 16), frame)

    def _read(self, frame: int) -> Frame:
        raise NotImplementedError


def test_going_backwards_decodes_forwards_in_runs() -> None:
    reader = _Reader()
    pictures = Pictures(reader)
    for frame in range(40, 20, -1):
        pictures(frame)
    assert sorted(reader.asked) == sorted(set(reader.asked))
    falls = sum(later < earlier for earlier, later in zip(reader.asked, reader.asked[1:], strict=False))
    assert falls <= 2


# --- the window -----------------------------------------------------------------------------------------------------


@pytest.fixture
def moving_clip(tmp_path: Path) -> Path:
    frames: list[Frame] = []
    for number in range(FRAMES):
        gray = cv2.cvtColor(picture(number), cv2.COLOR_RGB2GRAY)
        base = noise_frame("gray", Size(WIDTH, HEIGHT), number)
        frames.append(replace(base, planes=(np.ascontiguousarray(gray),)))
    return write_clip(tmp_path / "card.mkv", frames)


@pytest.fixture
def tracked_window(window: MainWindow, door: EngineDoor, moving_clip: Path, qtbot: QtBot) -> MainWindow:
    window.documents.open_paths([str(moving_clip)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    return window


def run(window: MainWindow, qtbot: QtBot, action: str) -> None:
    with qtbot.waitSignal(window.tracking.ended, timeout=60_000):
        window.window_actions[action].trigger()


def shot_of(window: MainWindow) -> Shot:
    shot = window.session.shot
    assert shot is not None
    return shot


@pytest.mark.parametrize("draw", ["box", "shape"])
def test_a_track_from_the_window_is_one_undo_step(tracked_window: MainWindow, qtbot: QtBot, draw: str) -> None:
    window = tracked_window
    if draw == "box":
        commands.add_removal(window.session, RECT)
    else:
        roto_commands.add_shape(window.session, card_shape())
    before = window.session.project
    run(window, qtbot, "track_forward")
    removal = window.session.removal
    assert removal is not None
    start, end = removal.shape.rect_at(0), removal.shape.rect_at(12)
    assert start is not None and end is not None
    assert end.x0 - start.x0 == pytest.approx(36, abs=8)
    assert window.track_store.record(removal.id).confidence
    assert "Tracked frames 0 to" in window.tracker.said.text()
    assert set(removal.tracked_keys) == (set(removal.shape.key_frames) - {0} if draw == "box" else set())
    record = window.track_store.record(removal.id)
    window.window_actions["undo"].trigger()
    assert window.session.project == before
    assert window.track_store.record(removal.id) == TrackRecord()
    window.window_actions["redo"].trigger()
    assert window.track_store.record(removal.id) == record


def test_a_track_that_cannot_be_is_one_line(tracked_window: MainWindow, qtbot: QtBot) -> None:
    commands.add_removal(tracked_window.session, RectF(40, 40, 90, 85))
    tracked_window.session.go_to(FRAMES - 1)
    tracked_window.window_actions["track_forward"].trigger()
    assert "no further frame" in tracked_window.notices.texts["That cannot be done here"]


def test_stop_ends_a_track(tracked_window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    window = tracked_window
    roto_commands.add_shape(window.session, card_shape())
    calls: list[int] = []
    original: Callable[[Pictures, int], NDArray[np.uint8]] = Pictures.__call__

    def stopping(self: Pictures, frame: int) -> NDArray[np.uint8]:
        calls.append(frame)
        if frame == 6:
            window.tracking.stop()
        return original(self, frame)

    monkeypatch.setattr(Pictures, "__call__", stopping)
    run(window, qtbot, "track_forward")
    assert max(calls) < FRAMES - 1
    assert not window.window_actions["stop_tracking"].isEnabled()


def test_proposals_are_taken_by_a_click_or_dropped(tracked_window: MainWindow, qtbot: QtBot) -> None:
    window = tracked_window
    window.canvas.propose((RectF(40, 40, 90, 85), RectF(100, 10, 150, 60)), "")
    qtbot.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=at(window.canvas, 60, 60))
    assert [removal.shape.rect_at(0) for removal in shot_of(window).removals] == [RectF(40, 40, 90, 85)]
    qtbot.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert len(shot_of(window).removals) == 1
    assert window.window_actions["select_tool"].isChecked()


@pytest.mark.parametrize(("direction", "start", "seen", "playhead"), [
    ("forward", 2, range(2, 7), 6),
    ("backward", 9, range(5, 10), 5),
    ("forward", 2, range(2, FRAMES), 0),
])  # fmt: skip
def test_where_it_was_lost_the_playhead_stops(
    tracked_window: MainWindow, direction: Direction, start: int, seen: range, playhead: int
) -> None:
    window = tracked_window
    commands.add_removal(window.session, RECT)
    (removal,) = shot_of(window).removals
    task = make_task(shot_of(window), removal.shape, frozenset(), start, direction, TrackOptions(), {})
    found = {frame: Found(frame, 0.9, RECT.shifted(frame, 0)) for frame in seen}
    window.tracking._apply(shot_of(window).id, removal.id, TrackOutcome(task, found), direction)
    assert window.session.playhead == playhead


def test_what_moves_is_proposed(tracked_window: MainWindow, qtbot: QtBot) -> None:
    window = tracked_window
    window.session.go_to(8)
    run(window, qtbot, "propose_motion")
    qtbot.keyClick(window.canvas, Qt.Key.Key_Return)
    rects = [removal.shape.rect_at(8) for removal in shot_of(window).removals]
    assert any(rect is not None and rect.x0 < 95 and rect.x1 > 120 for rect in rects)


def test_options_of_the_panel_are_those_of_the_track(tracked_window: MainWindow, qtbot: QtBot) -> None:
    panel = tracked_window.tracker
    panel.follow.setCurrentIndex(1)
    panel.model.setCurrentIndex(3)
    assert tracked_window.tracking.options == TrackOptions("background", "perspective")


def test_a_click_on_the_graph_goes_to_the_frame(tracked_window: MainWindow, qtbot: QtBot) -> None:
    commands.add_removal(tracked_window.session, RectF(40, 40, 90, 85))
    tracked_window.tracker.graph.frame_clicked.emit(9)
    assert tracked_window.session.playhead == 9

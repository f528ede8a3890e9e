"""Boxes per frame -> few keyframes that cover them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.roi_file import read_boxes
from roi_tools.shapes import AnimatedRectangle
from roi_tools.simplify import boxes_to_rectangle, boxes_to_rectangles
from tests.roi_tools.strategies import boxes_within
from tests.support.clips import shared_clip

SIZE = Size(200, 100)
sequences = st.lists(st.none() | boxes_within(SIZE), min_size=1, max_size=20).filter(any)
slacks = st.floats(0, 30)


@given(sequences, slacks, st.integers(0, 1000))
def test_every_box_is_covered_and_none_exceeded_by_more_than_the_slack(
    boxes: list[Box | None], slack_px: float, first: int
) -> None:
    shape = boxes_to_rectangle(boxes, slack_px, first)
    for frame, box in enumerate(boxes, first):
        if box is not None:
            _assert_fits(shape, frame, box, slack_px)


@given(sequences, slacks)
def test_the_runs_mark_exactly_the_frames_with_a_box(boxes: list[Box | None], slack_px: float) -> None:
    shapes = boxes_to_rectangles(boxes, slack_px)
    for frame, box in enumerate(boxes):
        present = [shape for shape in shapes if shape.is_present(frame)]
        assert len(present) == (box is not None)
        if box is not None:
            _assert_fits(present[0], frame, box, slack_px)


@given(st.lists(boxes_within(SIZE), min_size=2, max_size=7), st.sampled_from([0.0, 4.0, 16.0]))
def test_no_smaller_set_of_keyframes_would_do(boxes: list[Box], slack_px: float) -> None:
    shape = boxes_to_rectangle(boxes, slack_px)
    count = len(shape.key_frames)
    if count <= 2:
        return
    grown = {
        frame: [edge + sign * slack_px / 2 for edge, sign in zip(box.as_tuple(), (-1, -1, 1, 1), strict=True)]
        for frame, box in enumerate(boxes)
    }
    inner = range(1, len(boxes) - 1)
    for chosen in itertools.combinations(inner, count - 3):
        assert not _covers([0, *chosen, len(boxes) - 1], grown, boxes, slack_px)


def test_straight_motion_needs_two_keyframes() -> None:
    boxes = [Box(3 * frame, frame, 3 * frame + 10, frame + 20) for frame in range(30)]
    shape = boxes_to_rectangle(boxes, slack_px=0)
    assert shape.key_frames == (0, 29)
    assert [shape.box_at(frame, SIZE) for frame in range(30)] == boxes


def test_a_box_that_hardly_moves_needs_one_keyframe() -> None:
    boxes = [Box(10 + frame % 2, 10, 30 + frame % 3, 40) for frame in range(30)]
    assert len(boxes_to_rectangle(boxes, slack_px=3).key_frames) == 1


def test_the_rectangle_lasts_from_the_first_box_to_the_last() -> None:
    shape = boxes_to_rectangle([None, Box(0, 0, 5, 5), None, Box(4, 0, 9, 5), None], 0, first_frame=100)
    assert (shape.first_frame, shape.last_frame) == (101, 103)
    assert shape.box_at(102, SIZE) == Box(2, 0, 7, 5)


def test_nothing_to_cover_is_refused() -> None:
    with pytest.raises(ShapeError, match="there is no box on any frame"):
        boxes_to_rectangle([None, None])
    with pytest.raises(ShapeError, match=r"a slack of -1 px is negative; give 0 to follow the boxes exactly"):
        boxes_to_rectangle([Box(0, 0, 1, 1)], -1)
    assert boxes_to_rectangles([None]) == ()


@pytest.mark.real_clips
@pytest.mark.parametrize("clip", ["bmx-trees", "dogs-jump", "schoolgirls", "ground_truth/pub2_pan"])
def test_real_boxes_are_covered(clip: str) -> None:
    boxes = read_boxes(shared_clip(clip) / "boxes.json")
    for track in boxes.tracks:
        shape = boxes_to_rectangle(track.boxes)
        for frame, box in enumerate(track.boxes):
            covered = shape.box_at(frame, boxes.size)
            assert box is None or (covered is not None and covered.contains(box))


def _assert_fits(shape: AnimatedRectangle, frame: int, box: Box, slack_px: float) -> None:
    rect = shape.rect_at(frame)
    assert rect is not None and rect.outer_box().contains(box)
    assert rect.x0 >= box.x0 - slack_px - 1e-6 and rect.y0 >= box.y0 - slack_px - 1e-6
    assert rect.x1 <= box.x1 + slack_px + 1e-6 and rect.y1 <= box.y1 + slack_px + 1e-6


def _covers(knots: list[int], values: dict[int, list[float]], boxes: list[Box], slack_px: float) -> bool:
    for left, right in itertools.pairwise(knots):
        for frame in range(left, right + 1):
            share = (frame - left) / (right - left)
            line = [a + (b - a) * share for a, b in zip(values[left], values[right], strict=True)]
            for value, edge, sign in zip(line, boxes[frame].as_tuple(), (-1, -1, 1, 1), strict=True):
                # Sharper than the real condition by a rounding error, so that a tie is no counterexample.
                if not 1e-9 < sign * (value - edge) < slack_px - 1e-9 and slack_px > 0:
                    return False
                if slack_px == 0 and abs(value - edge) > 1e-12:
                    return False
    return True

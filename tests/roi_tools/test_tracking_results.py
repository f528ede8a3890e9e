"""Tracked boxes as rectangles that an artist can edit."""

from __future__ import annotations

import pytest

from roi_tools.errors import TrackingError
from roi_tools.geometry import Size
from roi_tools.shapes import RectF
from roi_tools.tracking.boxes import TrackedBox
from roi_tools.tracking.results import tracked_rectangle

SIZE = Size(400, 300)


def moving(frame: int) -> RectF:
    return RectF(20 + 2.5 * frame, 30 + 0.02 * frame * frame, 80 + 2.5 * frame, 90 + 0.03 * frame * frame)


def test_a_tracked_rectangle_has_few_keys_covers_and_keeps_what_was_drawn() -> None:
    tracked = [TrackedBox(frame, moving(frame), 0.9, frame in (10, 40)) for frame in range(5, 60)]
    rectangle = tracked_rectangle(tracked)
    assert len(rectangle.key_frames) < 14 and (rectangle.first_frame, rectangle.last_frame) == (5, 59)
    for entry in tracked:
        box = rectangle.box_at(entry.frame, SIZE)
        assert box is not None and box.contains(entry.rect.outer_box())
        assert box.area_px < entry.rect.outer_box().grown(5).area_px
        if entry.is_anchor:
            assert rectangle.rect_at(entry.frame) == entry.rect


def test_nothing_tracked_makes_no_shape() -> None:
    with pytest.raises(TrackingError, match="nothing was tracked"):
        tracked_rectangle([])

"""Keyframes on the strip: their signs, and the name over them."""

from itertools import combinations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from desktop.base import theme
from desktop.editing.timeline_map import ShotSpan
from desktop.timeline_view.rows import Rows
from desktop.timeline_view.strip_painter import (
    KEY_RADIUS_PX,
    draw_keyframes,
    is_tracked_key,
    key_radius_px,
    key_sign,
)
from desktop.timeline_view.timeline_layout import fitted_layout
from roi_tools.keyframes import Interpolation
from roi_tools.shapes import RectF
from tests.desktop.documents import box_shape, make_removal, make_shot

WAYS: tuple[Interpolation, ...] = ("linear", "hold", "smooth", "bezier")


def test_each_interpolation_has_a_sign_of_its_own() -> None:
    signs = {way: key_sign(way, QPointF(0, 0), 6.0) for way in WAYS}
    assert all(one != other for one, other in combinations(signs.values(), 2))
    for sign in signs.values():
        bounds = sign.boundingRect()
        assert bounds.width() > 7 and bounds.height() > 7
        assert bounds.left() > -6.5 and bounds.right() < 6.5


def test_keys_of_a_track_are_hollow(qtbot: QtBot) -> None:
    centre = QPointF(0, 0)
    for way in WAYS:
        own, tracked = key_sign(way, centre, 6.0), key_sign(way, centre, 6.0, hollow=True)
        assert own.contains(centre) and not tracked.contains(centre)
        assert own.boundingRect() == tracked.boundingRect()


def test_a_key_is_a_track_s_until_a_person_changes_it() -> None:
    shape = box_shape(make_removal()).with_rect(20, RectF(5, 5, 9, 9)).with_rect(30, RectF(6, 6, 9, 9))
    tracked = {20: (5.0, 5.0, 9.0, 9.0), 30: (7.0, 7.0, 9.0, 9.0)}
    removal = make_removal(shape=shape, tracked_keys=tracked)
    assert [is_tracked_key(removal, frame) for frame in (0, 20, 25, 30)] == [False, True, False, False]


def test_keys_side_by_side_do_not_touch() -> None:
    layout = fitted_layout(100, 0, 600)
    assert key_radius_px(layout, (0, 50, 99), KEY_RADIUS_PX) == KEY_RADIUS_PX
    assert key_radius_px(layout, (0, 1, 99), KEY_RADIUS_PX) == layout.px_per_frame / 2


def _drawn(label: str, keys: range) -> QImage:
    shape = box_shape(make_removal())
    for frame in keys:
        shape = shape.with_rect(frame, RectF(10 + frame, 10, 30 + frame, 30))
    removal = make_removal(shape=shape, label=label)
    span = ShotSpan(make_shot(frames=100, removals=(removal,)), 0, 100)
    picture = QImage(600, 120, QImage.Format.Format_RGB32)
    picture.fill(QColor(theme.PANEL))
    painter = QPainter(picture)
    draw_keyframes(painter, fitted_layout(100, 0, 400), Rows(lanes=1), span, 0, removal, selected=True)
    painter.end()
    return picture


def test_a_name_is_read_over_keys_on_every_frame(qtbot: QtBot) -> None:
    middle = round(Rows(lanes=1).lane_top(0) + 4)
    keyed = QColor(theme.KEYFRAME)

    def key_columns(picture: QImage) -> int:
        return sum(picture.pixelColor(x, middle + 2) == keyed for x in range(30, 100))

    assert key_columns(_drawn("", range(100))) > 20
    assert key_columns(_drawn("The walker on the left", range(100))) == 0

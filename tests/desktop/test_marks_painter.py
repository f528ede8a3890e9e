"""What is drawn over the picture looks the same however often it is asked for, and never as it was before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.points import outline_points
from desktop.roto.transforms import transformed, translation
from desktop.viewer.matte_overlay import _raster, _ShapeMattes
from desktop.viewer.outline_cache import OutlineCache
from desktop.viewer.roto_painter import _point_size
from roi_tools.geometry import Size
from roi_tools.matte import grow
from roi_tools.roto.model import Mode, RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte
from tests.desktop.test_roto_tools import LEFT
from tests.desktop.test_window import at
from timeline.marking import RotoMarking

RASTER = Size(64, 48)
ROUNDING = 3
"""What 8-bit layers differ by from drawing everything on the picture itself."""


def apart(image: QImage, other: QImage) -> int:
    """The largest difference of any sample."""
    assert image.size() == other.size()
    first, second = (np.frombuffer(one.constBits(), np.uint8).astype(int) for one in (image, other))
    return int(np.abs(first - second).max())


def ellipse(label: str, x: float) -> Shape:
    return Shape(label, "ellipse", (constant(x, 20, 12, 20, 0),), color=(0.2, 1.0, 0.4))


@pytest.fixture
def three(editor: MainWindow) -> MainWindow:
    shapes = tuple(ellipse(f"E {number}", 12.0 + 16 * number) for number in range(3))
    roto_commands.add_roto(editor.session, RotoLayer("roto", shapes))
    editor.roto_selection.select("E 0")
    return editor


def test_what_is_drawn_again_looks_as_it_did(three: MainWindow) -> None:
    first = three.canvas.grab().toImage()
    assert all(apart(three.canvas.grab().toImage(), first) <= ROUNDING for _ in range(3))


@pytest.mark.parametrize("change", ["move", "hide", "colour", "select", "delete", "disable", "frame", "zoom"])
def test_what_was_drawn_before_a_change_is_not_shown_after_it(three: MainWindow, change: str) -> None:
    canvas, session = three.canvas, three.session
    removal = session.removal
    assert removal is not None
    before = [canvas.grab().toImage() for _ in range(3)][-1]
    edits = {
        "move": lambda shape: transformed(shape, 0, None, translation(0, 6)),
        "hide": lambda shape: replace(shape, is_visible=False),
        "colour": lambda shape: replace(shape, color=(1.0, 0.0, 0.0)),
        "frame": lambda shape: replace(shape, last_frame=3),
    }
    if change in edits:
        roto_commands.change_shape(session, removal.id, "E 1", edits[change], "change")
    if change == "select":
        three.roto_selection.select("E 2")
    elif change == "delete":
        roto_commands.delete_shapes(session, removal.id, ["E 2"])
    elif change == "disable":
        three.window_actions["toggle_removal"].trigger()
    elif change == "frame":
        session.go_to(5)
    elif change == "zoom":
        canvas.zoom_by(1.5)
    assert apart(canvas.grab().toImage(), before) > 50


def test_the_dragged_shape_is_drawn_where_it_is(three: MainWindow, qtbot: QtBot) -> None:
    canvas = three.canvas
    qtbot.mousePress(canvas, LEFT, pos=at(canvas, 12, 20))
    qtbot.mouseMove(canvas, at(canvas, 14, 26))
    qtbot.mouseMove(canvas, at(canvas, 14, 30))
    dragged = [canvas.grab().toImage() for _ in range(3)]
    assert max(apart(again, dragged[0]) for again in dragged) <= ROUNDING
    qtbot.mouseMove(canvas, at(canvas, 14, 34))
    assert apart(canvas.grab().toImage(), dragged[0]) > 50
    qtbot.mouseRelease(canvas, LEFT, pos=at(canvas, 14, 34))


def test_outlines_are_those_of_the_frame_asked_for() -> None:
    cache, moving = OutlineCache(), transformed(ellipse("E", 10), 8, None, translation(20, 0))
    for frame in (0, 8, 0, 4):
        assert (cache.of(moving, frame).corners == outline_points(moving, frame)).all()


def test_only_places_near_the_bounds_are_looked_at_closer() -> None:
    outlines = OutlineCache().of(ellipse("E", 10), 0)  # 4 to 16, 10 to 30
    assert outlines.bounds == pytest.approx((4, 10, 16, 30))
    assert outlines.is_near(18, 20, 3)
    assert not outlines.is_near(18, 20, 1)


@pytest.mark.parametrize(("step_px", "size_px"), [(100.0, 7.0), (10.0, 4.5), (2.0, 3.5)])
def test_points_that_would_touch_are_drawn_smaller(step_px: float, size_px: float) -> None:
    places = np.array([[n * step_px, 0.0] for n in range(5)])
    assert _point_size(places) == pytest.approx(size_px)


def test_a_locked_shape_says_why_it_cannot_be_taken_hold_of(three: MainWindow, qtbot: QtBot) -> None:
    three.window_actions["lock_shape"].trigger()
    qtbot.mouseMove(three.canvas, at(three.canvas, 12, 20))
    assert "'E 0' is locked" in three.hint_label.text()


def full_matte(layer: RotoLayer, grow_px: int) -> NDArray[np.uint8]:
    matte = layer_matte(layer, 0, RASTER, None, 0.5)
    return np.rint((grow(matte, grow_px) if grow_px else matte) * 255).astype(np.uint8)


def shown_matte(layer: RotoLayer, grow_px: float, mattes: _ShapeMattes) -> NDArray[np.uint8]:
    drawn = _raster(RotoMarking(layer), 0, Size(128, 96), 0.5, grow_px, mattes)
    whole = np.zeros((RASTER.height_px, RASTER.width_px), np.uint8)
    if drawn is not None:
        image, box = drawn.image, drawn.box
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        whole[box.slices] = rows[:, : image.width()]
    return whole


@pytest.mark.parametrize("grow_px", [0, 6])
@pytest.mark.parametrize("mode", ["add", "subtract"])
def test_the_matte_of_kept_shapes_is_the_layer_s(mode: Mode, grow_px: int) -> None:
    soft = replace(ellipse("soft", 50), feather_px=constant(6), opacity=constant(0.5))
    beyond = ellipse("beyond", 130)
    layer = RotoLayer("roto", (ellipse("E", 20), soft, replace(ellipse("over", 44), mode=mode), beyond))
    mattes = _ShapeMattes()
    for shift in (0.0, 3.0, 9.5):
        layer = layer.with_shape(transformed(layer.shapes[0], 0, None, translation(shift, 1)))
        different = shown_matte(layer, grow_px, mattes).astype(int) - full_matte(layer, grow_px // 2)
        assert np.abs(different).max() <= 1


def test_nothing_is_tinted_before_a_shape_begins() -> None:
    late = RotoLayer("roto", (replace(ellipse("E", 20), first_frame=3),))
    assert shown_matte(late, 4, _ShapeMattes()).max() == 0

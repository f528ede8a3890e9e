"""Roto as part of the document: commands, undo, copies, renders, staleness. Without a window."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from desktop.editing import commands, strip_commands
from desktop.editing.clipboard import RemovalClipboard
from desktop.editing.session import Session
from desktop.rendering.request import render_request
from desktop.rendering.results import ResultState, ResultStore
from desktop.roto import commands as roto_commands
from desktop.roto.convert import shape_of_rectangle
from engine.protocol import FrameEvent
from roi_tools.errors import ShapeError
from roi_tools.geometry import Size
from roi_tools.matte import rasterise
from roi_tools.roto.layer_json import layer_from_dict
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.raster import layer_matte
from roi_tools.shapes import AnimatedRectangle
from tests.desktop.documents import make_removal, make_session, make_shot
from tests.roi_tools.strategies import rectangles
from tests.support.media import info_of, noise_frame
from tests.timeline.test_marking import moving, triangle
from timeline.marking import RotoMarking

INFO = replace(info_of(noise_frame("yuv420p", Size(64, 48)), 20), rate=Fraction(24))


def roto_session(frame: int = 3) -> Session:
    session = make_session(make_shot())
    session.go_to(frame)
    roto_commands.add_shape(session, triangle("Bezier"))
    return session


def shapes_of(session: Session) -> tuple[Shape, ...]:
    marking = roto_commands.roto_of(session.removal)
    return marking.layer.shapes if marking else ()


def keys_of(session: Session) -> list[int]:
    return list(session.removal.shape.key_frames) if session.removal else []


def test_the_first_shape_makes_a_removal_and_the_next_joins_it() -> None:
    session = roto_session()
    roto_commands.add_shape(session, triangle("Bezier", dx=5))
    assert [shape.label for shape in shapes_of(session)] == ["Bezier 1", "Bezier 2"]
    assert len(session.project.shots[0].removals) == 1
    session.undo()
    assert [shape.label for shape in shapes_of(session)] == ["Bezier 1"]
    session.undo()
    assert not session.project.shots[0].removals


def test_a_shape_drawn_with_a_box_selected_makes_a_removal_of_its_own() -> None:
    session = make_session(make_shot(removals=(make_removal(),)))
    roto_commands.add_shape(session, triangle())
    first, second = session.project.shots[0].removals
    assert isinstance(first.shape, AnimatedRectangle)
    assert isinstance(second.shape, RotoMarking)
    assert session.removal == second


def test_shapes_are_named_ordered_copied_and_deleted() -> None:
    session = roto_session()
    removal = session.removal
    assert removal is not None
    roto_commands.rename_shape(session, removal.id, "Bezier 1", "arm")
    assert roto_commands.duplicate_shape(session, removal.id, "arm") == "arm 1"
    with pytest.raises(ShapeError, match="already"):
        roto_commands.rename_shape(session, removal.id, "arm", "arm 1")
    roto_commands.move_shape(session, removal.id, "arm", 5)
    assert [shape.label for shape in shapes_of(session)] == ["arm 1", "arm"]
    roto_commands.delete_shapes(session, removal.id, ["arm 1"])
    assert [shape.label for shape in shapes_of(session)] == ["arm"]
    roto_commands.delete_shapes(session, removal.id, ["arm"])
    assert session.removal is None
    session.undo()
    assert len(session.project.shots[0].removals) == 1


def test_keyframes_are_set_held_moved_and_deleted() -> None:
    session = roto_session()
    session.go_to(8)
    commands.toggle_keyframe(session)
    assert keys_of(session) == [3, 8]
    commands.set_interpolation(session, "smooth")
    assert commands.interpolation(session) == "smooth"
    assert session.removal is not None
    strip_commands.move_keyframe(session, session.removal.id, 8, 11)
    assert keys_of(session) == [3, 11]
    commands.go_to_neighbour_key(session, -1)
    assert session.playhead == 3
    commands.delete_keyframe(session)
    assert keys_of(session) == [11]
    assert not commands.can_delete_keyframe(session)


def test_roto_starts_and_ends() -> None:
    session = roto_session()
    commands.start_here(session)
    session.go_to(9)
    commands.end_here(session)
    assert session.removal is not None
    assert [frame for frame in range(20) if session.removal.shape.is_present(frame)] == list(range(3, 10))


def test_a_box_becomes_a_shape_that_marks_the_same() -> None:
    box = make_removal().shape
    assert isinstance(box, AnimatedRectangle)
    box = box.with_rect(10, box.rect_at(0).shifted(7, 3)).with_range(2, 15)  # type: ignore[union-attr]
    session = make_session(make_shot(removals=(make_removal(shape=box),)))
    roto_commands.convert_to_roto(session)
    assert session.removal is not None
    shape = session.removal.shape
    assert isinstance(shape, RotoMarking)
    for frame in range(20):
        rect, wanted = shape.rect_at(frame), box.rect_at(frame)
        assert (rect is None) == (wanted is None)
        assert rect is None or wanted is None or rect.as_tuple() == pytest.approx(wanted.as_tuple())
    session.undo()
    assert session.project.shots[0].removals[0].shape == box


@given(rectangles())
def test_the_shape_of_a_rectangle_has_its_matte(rectangle: AnimatedRectangle) -> None:
    size, layer = Size(80, 60), RotoLayer("r", (shape_of_rectangle(rectangle, "r"),))
    for frame in (*rectangle.key_frames, 1, 7):
        rect = rectangle.rect_at(frame)
        if rect is not None and max(map(abs, rect.as_tuple())) < 1e4:
            wanted = rasterise([rect], size)
            np.testing.assert_allclose(layer_matte(layer, frame, size), wanted, atol=2e-3)


def test_a_pasted_roto_moves_with_the_shot() -> None:
    other = replace(make_shot("b", start=100), media_path="/media/other.mov")
    session = make_session(make_shot("a", removals=(make_removal(shape=moving()),)), other)
    clipboard = RemovalClipboard(session)
    clipboard.copy()
    session.go_to(25)
    clipboard.paste()
    assert session.removal is not None
    assert session.removal.shape.key_frames == (103, 109)


# --- renders ------------------------------------------------------------------------------------------------------


def test_roto_goes_to_the_engine_with_its_boxes() -> None:
    shot = make_shot(removals=(make_removal(shape=moving().with_range(2, 8)),))
    (only,) = render_request(shot, INFO).passes
    assert only.boxes is not None and isinstance(only.roto, dict)
    assert [frame for frame, boxes in enumerate(only.boxes) if boxes] == list(range(2, 9))
    assert only.boxes[3] == ((10, 10, 40, 40),)
    layer = layer_from_dict(only.roto)
    for frame in range(12):
        assert bool(layer_matte(layer, frame, Size(64, 48)).any()) is bool(only.boxes[frame])


def test_boxes_and_roto_share_a_pass_each_in_its_own_layer() -> None:
    cut = moving().with_layer(replace(moving().layer, shapes=(*moving().layer.shapes, triangle("c", mode="subtract"))))
    box = make_removal("b")
    (only,) = render_request(make_shot(removals=(box, make_removal("r", shape=cut))), INFO).passes
    assert isinstance(only.roto, tuple) and only.boxes is not None
    boxed, drawn = (layer_from_dict(layer) for layer in only.roto)
    assert drawn == cut.layer
    rect = box.shape.rect_at(5)
    assert rect is not None
    size = Size(64, 48)
    np.testing.assert_allclose(layer_matte(boxed, 5, size), rasterise([rect], size), atol=1e-5)
    assert len(only.boxes[5]) == 2


def test_a_result_is_stale_once_a_point_moved_but_not_for_a_colour() -> None:
    session = roto_session()
    shot, removal = session.shot, session.removal
    assert shot is not None and removal is not None
    results = ResultStore()
    results.begin(shot)
    results.add(shot.id, FrameEvent(job_id="j", frame=3, patch_path="p"))

    def state() -> ResultState:
        assert session.shot is not None
        return results.state(session.shot, 3)

    roto_commands.change_shape(session, removal.id, "Bezier 1", lambda shape: replace(shape, color=(1, 0, 0)), "Colour")
    assert state() is ResultState.READY
    moved = triangle(dx=2).tracks
    roto_commands.change_shape(session, removal.id, "Bezier 1", lambda shape: replace(shape, tracks=moved), "Move")
    assert state() is ResultState.STALE
    session.undo()
    assert state() is ResultState.READY

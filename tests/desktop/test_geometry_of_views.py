"""The picture's and the strip's arithmetic, without Qt."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.editing.frame_entry import clock_text, parse_frame
from desktop.timeline_view.timeline_layout import TimelineLayout, fitted_layout, runs
from desktop.viewer.box_handles import MINIMUM_SIDE_PX, Handle, dragged, drawn, handle_at, handle_points
from desktop.viewer.view_transform import MAXIMUM_ZOOM, MINIMUM_ZOOM, ViewTransform, centred, fitted
from roi_tools.geometry import Size
from roi_tools.shapes import RectF

points = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000))
views = st.builds(ViewTransform, st.floats(MINIMUM_ZOOM, MAXIMUM_ZOOM), st.floats(-5000, 5000), st.floats(-5000, 5000))
sides = st.integers(0, 400)


@st.composite
def rects(draw: st.DrawFn) -> RectF:
    x, y = draw(sides), draw(sides)
    return RectF(x, y, x + draw(st.integers(2, 300)), y + draw(st.integers(2, 300)))


@given(views, points)
def test_image_and_widget_are_inverses(view: ViewTransform, point: tuple[float, float]) -> None:
    assert view.to_image(*view.to_widget(*point)) == pytest.approx(point, abs=1e-5)


@given(views, points, st.floats(0.1, 10))
def test_zoom_keeps_what_is_under_the_cursor(view: ViewTransform, at: tuple[float, float], factor: float) -> None:
    zoomed = view.zoomed_at(*at, factor)
    assert zoomed.to_widget(*view.to_image(*at)) == pytest.approx(at, abs=1e-2)
    assert MINIMUM_ZOOM <= zoomed.zoom <= MAXIMUM_ZOOM


@given(st.integers(8, 4000), st.integers(8, 4000), st.integers(100, 3000), st.integers(100, 3000))
def test_fit_shows_all_of_the_picture(width: int, height: int, widget_width: int, widget_height: int) -> None:
    view = fitted(Size(width, height), widget_width, widget_height, 20)
    x0, y0 = view.to_widget(0, 0)
    x1, y1 = view.to_widget(width, height)
    assert x0 >= 19 and y0 >= 19
    assert x1 <= widget_width - 19 and y1 <= widget_height - 19


def test_at_100_percent_the_picture_lies_on_whole_pixels() -> None:
    view = centred(Size(101, 51), 400, 301, 1.0)
    assert (view.zoom, view.left % 1, view.top % 1) == (1.0, 0, 0)


@given(rects(), st.sampled_from(list(Handle)), st.integers(-500, 500), st.integers(-500, 500))
def test_a_drag_keeps_a_box_upright_and_large_enough(rect: RectF, handle: Handle, dx: int, dy: int) -> None:
    result = dragged(rect, handle, dx, dy)
    assert result.width_px >= MINIMUM_SIDE_PX
    assert result.height_px >= MINIMUM_SIDE_PX
    if handle is Handle.INSIDE:
        assert result == rect.shifted(dx, dy)


def test_an_edge_moves_alone() -> None:
    assert dragged(RectF(10, 10, 30, 30), Handle.RIGHT, 5, 9) == RectF(10, 10, 35, 30)
    assert dragged(RectF(10, 10, 30, 30), Handle.TOP_LEFT, -5, 2) == RectF(5, 12, 30, 30)


def test_an_edge_dragged_past_the_other_turns_the_box_over() -> None:
    assert dragged(RectF(10, 10, 30, 30), Handle.LEFT, 40, 0) == RectF(30, 10, 50, 30)


@given(rects(), st.sampled_from([handle for handle in Handle if handle is not Handle.INSIDE]))
def test_each_handle_is_found_at_its_place(rect: RectF, handle: Handle) -> None:
    x, y = handle_points(rect)[handle]
    found = handle_at(rect, x, y, reach=0.4)
    assert found is handle


def test_inside_and_outside() -> None:
    rect = RectF(0, 0, 100, 100)
    assert handle_at(rect, 30, 40, 8) is Handle.INSIDE
    assert handle_at(rect, 140, 40, 8) is None
    assert handle_at(rect, 30, 2, 8) is Handle.TOP


@given(points, points)
def test_a_new_box_lies_inside_the_frame(start: tuple[float, float], end: tuple[float, float]) -> None:
    rect = drawn(start, end, Size(640, 360))
    if rect is not None:
        assert 0 <= rect.x0 < rect.x1 <= 640
        assert 0 <= rect.y0 < rect.y1 <= 360
        assert rect.x0.is_integer() and rect.y1.is_integer()


def test_a_click_draws_nothing() -> None:
    assert drawn((50, 50), (50.4, 50.3), Size(640, 360)) is None


@given(st.integers(1, 5000), st.integers(50, 3000), st.integers(0, 5000))
def test_frames_and_x_are_inverses(length: int, width: int, frame: int) -> None:
    layout = fitted_layout(length, 16, width)
    assert layout.frame_at(layout.x_of(frame) + layout.px_per_frame / 2) == frame


@given(st.integers(2, 2000), st.floats(0, 1000), st.lists(st.floats(0.2, 5), max_size=12))
def test_zooming_never_leaves_the_timeline(length: int, x: float, factors: list[float]) -> None:
    layout = fitted_layout(length, 0, 1000)
    for factor in factors:
        layout = layout.zoomed_at(x, factor, length, 1000)
        assert layout.first_frame >= 0
        assert layout.first_frame + 1000 / layout.px_per_frame <= length + 1e-6


@pytest.mark.parametrize(("px_per_frame", "step"), [(100, 1), (40, 2), (8, 10), (0.5, 200), (1e-4, 100000)])
def test_ruler_labels_do_not_touch(px_per_frame: float, step: int) -> None:
    assert TimelineLayout(px_per_frame).ruler_step(76) == step


@given(st.lists(st.sampled_from("abc")))
def test_runs_say_the_same_as_the_list(values: list[str]) -> None:
    found = runs(values)
    assert [value for start, end, value in found for _ in range(start, end)] == values
    assert all(left[2] != right[2] for left, right in pairwise(found))


@pytest.mark.parametrize(
    ("text", "frame"),
    [("40", 40), ("+20", 30), ("-5", 5), (" 7 ", 7), ("1:02", 26), ("1:00:00", 1440), ("1:02:03:04", 89356)],
)
def test_frames_are_typed_as_artists_do(text: str, frame: int) -> None:
    assert parse_frame(text, 10, Fraction(24)) == frame


@pytest.mark.parametrize("text", ["", "abc", "1:", ":5", "1.5", "++3", "1:2:3:4:5"])
def test_nonsense_is_no_frame(text: str) -> None:
    assert parse_frame(text, 10, Fraction(24)) is None


@given(st.integers(0, 1_000_000), st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001)]))
def test_the_clock_reads_back(frame: int, rate: Fraction) -> None:
    assert parse_frame(clock_text(frame, rate), 0, rate) == frame

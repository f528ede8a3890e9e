"""Exposure, gamma, channels, proxy scale and difference: values, and the actions that choose them."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.media.look import Channel, Look, difference8, looked8
from desktop.viewer.comparison import Compare
from desktop.wiring.view import COMPARISONS
from engine.protocol import FrameEvent
from roi_tools.geometry import Box
from roi_tools.shapes import RectF
from tests.desktop.conftest import CLIP_SIZE
from timeline.media.frame import ColorTags, Frame, pixel_format
from timeline.media.patch import FramePatch

SRGB = ColorTags("bt709", "iec61966-2-1", "gbr", True)
LINEAR = ColorTags("bt709", "linear", "gbr", True)


def rgb_frame(values: tuple[float, ...], name: str = "gbrp", color: ColorTags = SRGB, side: int = 6) -> Frame:
    pixels = pixel_format(name)
    return Frame(tuple(np.full((side, side), value, pixels.dtype) for value in values), pixels, color)


def pixel(image: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in image[0, 0])


def test_a_neutral_look_is_the_plain_display() -> None:
    assert pixel(looked8(rgb_frame((10, 128, 250)), Look())) == (10, 128, 250)


def test_one_stop_doubles_the_light_of_a_display() -> None:
    shown = pixel(looked8(rgb_frame((100, 100, 200)), Look(exposure_stops=1)))
    assert (shown[0] / 100) ** 2.4 == pytest.approx(2, rel=0.02)
    assert shown[2] == 255


def test_deep_footage_is_graded_before_it_is_rounded() -> None:
    dark = [rgb_frame((code, code, code), "gbrp16le") for code in (300, 400)]
    shown = [pixel(looked8(frame, Look(exposure_stops=6)))[0] for frame in dark]
    assert shown[1] > shown[0] > 0


def test_scene_linear_light_is_exposed_in_light() -> None:
    frame = rgb_frame((4.0, 0.25, 0.0), "gbrpf32le", LINEAR)
    brought_back = pixel(looked8(frame, Look(exposure_stops=-3)))
    plain = pixel(looked8(rgb_frame((0.5, 0.03125, 0.0), "gbrpf32le", LINEAR), Look()))
    assert brought_back == plain


def test_gamma_lightens_the_middle_and_leaves_the_ends() -> None:
    assert pixel(looked8(rgb_frame((0, 64, 255)), Look(gamma=2.0))) == (0, 128, 255)


@pytest.mark.parametrize(
    ("channel", "shown"),
    [(Channel.RED, 10), (Channel.GREEN, 128), (Channel.BLUE, 250), (Channel.LUMA, 112), (Channel.ALPHA, 77)],
)
def test_a_channel_is_gray(channel: Channel, shown: int) -> None:
    frame = rgb_frame((10, 128, 250, 77), "gbrap")
    assert pixel(looked8(frame, Look(channel=channel))) == (shown,) * 3


def test_footage_without_alpha_is_opaque() -> None:
    assert pixel(looked8(rgb_frame((10, 128, 250)), Look(channel=Channel.ALPHA))) == (255, 255, 255)


def test_a_proxy_has_every_nth_pixel() -> None:
    plane = np.arange(35, dtype=np.uint8).reshape(5, 7)
    frame = Frame((plane, plane, plane), pixel_format("gbrp"), SRGB)
    assert np.array_equal(looked8(frame, Look(proxy_step=2))[..., 0], plane[::2, ::2])


def test_the_difference_is_amplified() -> None:
    source, result = rgb_frame((100, 100, 100)), rgb_frame((103, 100, 98))
    assert pixel(difference8(source, result, Look(difference_gain=16))) == (48, 0, 32)


# --- in the window ------------------------------------------------------------------------------------------------


@pytest.fixture
def cleaned(editor: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """The clip with a flat gray result inside a box on frame 0."""
    box = Box(8, 8, 24, 24)
    luma, chroma = np.full((16, 16), 235, np.uint8), np.full((8, 8), 128, np.uint8)
    FramePatch(box, (luma, chroma, chroma)).save(tmp_path / "0.npz")
    commands.add_removal(editor.session, RectF.from_box(box))
    assert editor.session.shot is not None
    editor.results.begin(editor.session.shot)
    editor.results.add(editor.session.shot.id, FrameEvent(job_id="1", frame=0, patch_path=str(tmp_path / "0.npz")))
    editor.window_actions["overlays"].trigger()
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and editor.canvas.frame.result is not None)
    return editor


def colour_at(window: MainWindow, x: float, y: float, pane: int = 0) -> QColor:
    canvas = window.canvas
    widget_x, widget_y = canvas.view.to_widget(x, y)
    return canvas.grab().toImage().pixelColor(round(widget_x + pane * canvas.width() / 2), round(widget_y))


def test_every_comparison_excludes_the_others_and_can_be_left(cleaned: MainWindow) -> None:
    for name, compare in COMPARISONS.items():
        cleaned.window_actions[name].trigger()
        assert cleaned.canvas.compare is compare
        assert [other for other in COMPARISONS if cleaned.window_actions[other].isChecked()] == [name]
    cleaned.window_actions[name].trigger()
    assert cleaned.canvas.compare is Compare.RESULT


def test_side_by_side_shows_source_left_and_result_right(cleaned: MainWindow) -> None:
    assert cleaned.canvas.frame is not None
    source = cleaned.canvas.frame.source.pixelColor(16, 16)
    cleaned.window_actions["side_by_side"].trigger()
    assert colour_at(cleaned, 16.5, 16.5) == source
    assert colour_at(cleaned, 16.5, 16.5, pane=1).lightness() > 250
    view = cleaned.canvas.view
    assert CLIP_SIZE.width_px * view.zoom <= cleaned.canvas.width() / 2


def test_a_box_is_drawn_in_either_pane(cleaned: MainWindow, qtbot: QtBot) -> None:
    cleaned.window_actions["side_by_side"].trigger()
    cleaned.window_actions["box_tool"].trigger()
    canvas = cleaned.canvas
    start, end = (
        QPoint(round(x + canvas.width() / 2), round(y))
        for x, y in (canvas.view.to_widget(40, 10), canvas.view.to_widget(60, 30))
    )
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(canvas, end)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    assert cleaned.session.removal is not None
    assert cleaned.session.removal.shape.rect_at(0) == RectF(40, 10, 60, 30)


def test_the_difference_is_black_outside_the_box(cleaned: MainWindow, qtbot: QtBot) -> None:
    cleaned.window_actions["difference"].trigger()
    qtbot.waitUntil(lambda: cleaned.canvas.frame is not None and cleaned.canvas.frame.difference is not None)
    assert colour_at(cleaned, 40.5, 40.5).lightness() == 0
    assert colour_at(cleaned, 16.5, 16.5).lightness() > 0
    look = cleaned.viewer.look
    assert look.gain.isVisible() and look.look.difference_gain == 4
    cleaned.window_actions["difference"].trigger()
    assert not look.gain.isVisible() and look.look.difference_gain == 0


def test_onion_skin_is_the_mean_of_both(cleaned: MainWindow) -> None:
    cleaned.window_actions["onion"].trigger()
    assert cleaned.canvas.frame is not None and cleaned.canvas.frame.result is not None
    both = (image.pixelColor(16, 16).red() for image in (cleaned.canvas.frame.source, cleaned.canvas.frame.result))
    assert colour_at(cleaned, 16.5, 16.5).red() == pytest.approx(sum(both) / 2, abs=2)


def test_exposure_and_its_reset(editor: MainWindow, qtbot: QtBot) -> None:
    actions = editor.window_actions
    assert editor.canvas.frame is not None
    before = editor.canvas.frame.source.pixelColor(20, 20).lightness()
    actions["exposure_up"].trigger()
    actions["exposure_up"].trigger()
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and editor.canvas.frame.request.look.exposure_stops == 1.0)
    assert editor.canvas.frame.source.pixelColor(20, 20).lightness() > before
    actions["exposure_down"].trigger()
    editor.viewer.look.gamma.setValue(22)
    actions["reset_look"].trigger()
    assert editor.viewer.look.look == Look()
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and editor.canvas.frame.request.look == Look())


@pytest.mark.parametrize("channel", ["red", "green", "blue", "alpha", "luma"])
def test_a_channel_action_shows_it_and_again_all(editor: MainWindow, qtbot: QtBot, channel: str) -> None:
    action = editor.window_actions[f"show_{channel}"]
    action.trigger()
    qtbot.waitUntil(
        lambda: editor.canvas.frame is not None and editor.canvas.frame.request.look.channel is Channel[channel.upper()]
    )
    assert editor.canvas.frame is not None and editor.canvas.frame.source.isGrayscale()
    action.trigger()
    assert editor.viewer.look.look.channel is Channel.RGB
    assert editor.window_actions["show_rgb"].isChecked()


def test_a_proxy_is_smaller_and_lies_at_the_same_place(editor: MainWindow, qtbot: QtBot) -> None:
    view = editor.canvas.view
    for name, width_px in (("scale_quarter", 16), ("scale_half", 32), ("scale_full", 64)):
        editor.window_actions[name].trigger()
        qtbot.waitUntil(
            lambda: editor.canvas.frame is not None and editor.canvas.frame.source.width() == width_px  # noqa: B023
        )
        assert editor.canvas.view == view
    qtbot.mouseMove(editor.canvas, QPoint(*map(round, view.to_widget(60.5, 40.5))))
    assert "x 60  y 40" in editor.probe_label.text()


def test_safe_areas_are_drawn(editor: MainWindow) -> None:
    before = editor.canvas.grab().toImage()
    editor.window_actions["safe_areas"].trigger()
    assert editor.canvas.grab().toImage() != before
    editor.window_actions["safe_areas"].trigger()
    assert editor.canvas.grab().toImage() == before


def test_full_screen_is_the_viewer_alone_and_escape_leaves_it(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["full_screen"].trigger()
    assert editor.isFullScreen() and not editor.strip.isVisible() and not editor.menuBar().isVisible()
    assert editor.canvas.isVisible()
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Escape)
    assert not editor.isFullScreen() and editor.strip.isVisible() and editor.menuBar().isVisible()
    assert not editor.window_actions["full_screen"].isChecked()


def test_shortcuts_work_while_the_menus_are_hidden(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["full_screen"].trigger()
    with qtbot.waitActive(editor):
        editor.activateWindow()
    editor.canvas.setFocus()
    qtbot.waitUntil(editor.canvas.hasFocus)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_End)
    assert editor.session.playhead == editor.session.length_frames - 1

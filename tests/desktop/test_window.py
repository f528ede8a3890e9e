"""The real window, a real clip, the scripted engine."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.actions import ACTIONS
from desktop.editing import commands
from desktop.editing.session import Session
from desktop.main_window import MainWindow
from desktop.viewer.canvas import Canvas
from desktop.viewer.comparison import Compare
from desktop.viewer.tools.base import Tool
from roi_tools.shapes import RectF
from tests.desktop.conftest import CLIP_FRAMES, CLIP_SIZE, EngineDoor
from tests.support.media import noise_frame, write_clip
from timeline.errors import EditError


def at(canvas: Canvas, x: float, y: float) -> QPoint:
    widget_x, widget_y = canvas.view.to_widget(x, y)
    return QPoint(round(widget_x), round(widget_y))


def drag(qtbot: QtBot, canvas: Canvas, start: tuple[float, float], end: tuple[float, float]) -> None:
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, *start))
    qtbot.mouseMove(canvas, at(canvas, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    qtbot.mouseMove(canvas, at(canvas, *end))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, *end))


def scroll(
    widget: QWidget, at: QPoint, delta: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def draw_box(qtbot: QtBot, window: MainWindow, rect: tuple[int, int, int, int] = (10, 12, 30, 40)) -> None:
    window.window_actions["box_tool"].trigger()
    drag(qtbot, window.canvas, rect[:2], rect[2:])


def rect_now(window: MainWindow) -> RectF | None:
    place, removal = window.session.place, window.session.removal
    assert place is not None and removal is not None
    return removal.shape.rect_at(place.media_frame)


# --- box tool -----------------------------------------------------------------------------------------------------


def test_drawing_makes_a_removal_and_goes_back_to_the_select_tool(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    assert rect_now(editor) == RectF(10, 12, 30, 40)
    assert editor.canvas.tool is Tool.SELECT
    assert editor.removals.list.item(0).text() == "Removal 1"


def test_a_box_is_moved_and_resized_and_each_is_one_undo_step(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    drag(qtbot, editor.canvas, (20, 26), (25, 24))
    assert rect_now(editor) == RectF(15, 10, 35, 38)
    drag(qtbot, editor.canvas, (35, 38), (45, 30))
    assert rect_now(editor) == RectF(15, 10, 45, 30)
    editor.window_actions["undo"].trigger()
    assert rect_now(editor) == RectF(15, 10, 35, 38)
    editor.window_actions["undo"].trigger()
    editor.window_actions["undo"].trigger()
    assert editor.session.removal is None


def test_editing_on_another_frame_makes_a_keyframe_there(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    editor.session.go_to(10)
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and editor.canvas.frame.request.frame == 10)
    drag(qtbot, editor.canvas, (20, 26), (40, 26))
    assert editor.session.removal is not None
    assert editor.session.removal.shape.key_frames == (0, 10)
    editor.session.go_to(5)
    assert rect_now(editor) == RectF(20, 12, 40, 40)


def test_a_click_selects_the_box_under_it_and_beside_it_none(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (2, 2, 20, 20))
    draw_box(qtbot, editor, (40, 20, 60, 44))
    qtbot.mouseClick(editor.canvas, Qt.MouseButton.LeftButton, pos=at(editor.canvas, 10, 10))
    assert editor.session.removal is not None
    assert editor.session.removal.label == "Removal 1"
    qtbot.mouseClick(editor.canvas, Qt.MouseButton.LeftButton, pos=at(editor.canvas, 30, 30))
    assert editor.session.removal is None


def test_escape_gives_a_drag_up(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    canvas = editor.canvas
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, 20, 26))
    qtbot.mouseMove(canvas, at(canvas, 30, 26))
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(canvas, 30, 26))
    assert rect_now(editor) == RectF(10, 12, 30, 40)


def test_hidden_boxes_are_not_grabbed(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    editor.window_actions["overlays"].trigger()
    drag(qtbot, editor.canvas, (20, 26), (30, 30))
    editor.window_actions["undo"].trigger()
    assert editor.session.project.shots[0].removals == ()


# --- viewer -------------------------------------------------------------------------------------------------------


def test_the_picture_follows_the_playhead(editor: MainWindow, qtbot: QtBot) -> None:
    assert editor.canvas.frame is not None
    first = np.array(editor.canvas.frame.native.planes[0])
    editor.session.go_to(7)
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and editor.canvas.frame.request.frame == 7)
    assert editor.canvas.frame is not None
    assert not np.array_equal(editor.canvas.frame.native.planes[0], first)


def test_the_wheel_zooms_at_the_cursor(editor: MainWindow) -> None:
    canvas = editor.canvas
    cursor = at(canvas, 20, 30)
    before = canvas.view.to_image(cursor.x(), cursor.y())
    zoom = canvas.view.zoom
    scroll(canvas, cursor, 240)
    assert canvas.view.zoom > zoom * 1.3
    assert canvas.view.to_image(cursor.x(), cursor.y()) == pytest.approx(before)


def test_the_middle_button_pans_and_fit_comes_back(editor: MainWindow, qtbot: QtBot) -> None:
    canvas = editor.canvas
    fitted = canvas.view
    qtbot.mousePress(canvas, Qt.MouseButton.MiddleButton, pos=QPoint(100, 100))
    qtbot.mouseMove(canvas, QPoint(150, 80))
    qtbot.mouseRelease(canvas, Qt.MouseButton.MiddleButton, pos=QPoint(150, 80))
    assert (canvas.view.left - fitted.left, canvas.view.top - fitted.top) == (50, -20)
    editor.window_actions["fit"].trigger()
    assert canvas.view == fitted


def test_100_percent_is_one_pixel_per_pixel(editor: MainWindow) -> None:
    editor.window_actions["actual_size"].trigger()
    assert editor.canvas.view.zoom * editor.canvas.devicePixelRatioF() == 1


def test_the_probe_says_the_frame_s_own_values(editor: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseMove(editor.canvas, at(editor.canvas, 20.5, 11.5))
    assert editor.canvas.frame is not None
    planes = editor.canvas.frame.native.planes
    text = editor.probe_label.text()
    assert "x 20  y 11" in text
    assert f"Y {planes[0][11, 20]}  U {planes[1][5, 10]}  V {planes[2][5, 10]}" in text


def test_compare_and_wipe_exclude_each_other(editor: MainWindow) -> None:
    actions = editor.window_actions
    actions["compare"].trigger()
    seen = [editor.canvas.compare]
    for _ in range(2):
        actions["wipe"].trigger()
        seen.append(editor.canvas.compare)
        assert not actions["compare"].isChecked()
    assert seen == [Compare.SOURCE, Compare.WIPE, Compare.RESULT]


# --- timeline -----------------------------------------------------------------------------------------------------


def test_a_click_on_the_strip_moves_the_playhead(editor: MainWindow, qtbot: QtBot) -> None:
    layout = editor.strip.layout_now
    qtbot.mouseClick(editor.strip, Qt.MouseButton.LeftButton, pos=QPoint(round(layout.x_of(8.5)), 10))
    assert editor.session.playhead == 8


def test_a_click_on_a_keyframe_goes_there(editor: MainWindow, qtbot: QtBot) -> None:
    from desktop.timeline_view.strip_painter import key_centre

    draw_box(qtbot, editor)
    editor.session.go_to(9)
    centre = key_centre(editor.strip.layout_now, editor.strip.rows, 0, 0)
    qtbot.mouseClick(editor.strip, Qt.MouseButton.LeftButton, pos=centre.toPoint())
    assert editor.session.playhead == 0


# --- keys ---------------------------------------------------------------------------------------------------------


def focus(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitActive(window):
        window.activateWindow()
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)


def test_the_keys_that_artists_know_move_the_playhead(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    draw_box(qtbot, editor)
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    none = Qt.KeyboardModifier.NoModifier
    stops = []
    for key, modifier in (
        (Qt.Key.Key_Right, none),
        (Qt.Key.Key_Right, shift),
        (Qt.Key.Key_Left, none),
        (Qt.Key.Key_Left, control),
        (Qt.Key.Key_End, none),
        (Qt.Key.Key_Home, none),
    ):
        qtbot.keyClick(editor.canvas, key, modifier)
        stops.append(editor.session.playhead)
    assert stops == [1, 11, 10, 0, CLIP_FRAMES - 1, 0]


def test_single_keys_choose_tools_and_views(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    actions = editor.window_actions
    tools = []
    for key in (Qt.Key.Key_R, Qt.Key.Key_V):
        qtbot.keyClick(editor.canvas, key)
        tools.append(editor.canvas.tool)
    assert tools == [Tool.BOX, Tool.SELECT]
    for key, name in ((Qt.Key.Key_Q, "overlays"), (Qt.Key.Key_M, "matte"), (Qt.Key.Key_Return, "compare")):
        before = actions[name].isChecked()
        qtbot.keyClick(editor.canvas, key)
        assert actions[name].isChecked() is not before
    qtbot.keyClick(editor.canvas, Qt.Key.Key_1)
    assert editor.canvas.view.zoom * editor.canvas.devicePixelRatioF() == 1


def test_space_plays_and_k_stops(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: editor.session.playhead > 2)
    speeds = []
    for key in (Qt.Key.Key_K, Qt.Key.Key_J, Qt.Key.Key_J, Qt.Key.Key_L, Qt.Key.Key_Right):
        qtbot.keyClick(editor.canvas, key)
        speeds.append(editor.playback.speed)
    assert speeds == [0, -1, -2, 1, 0]


def test_keys_typed_into_a_field_are_no_shortcuts(editor: MainWindow, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QLineEdit

    focus(qtbot, editor)
    field = editor.viewer.transport.findChild(QLineEdit)
    assert field is not None
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "+5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert editor.session.playhead == 5
    assert not editor.window_actions["compare"].isChecked()
    assert field.text() == "5"


def test_no_two_actions_share_a_shortcut() -> None:
    shortcuts = [shortcut for spec in ACTIONS for shortcut in spec.shortcuts]
    assert len(shortcuts) == len(set(shortcuts))


def test_every_action_does_something(window: MainWindow) -> None:
    for name, action in window.window_actions.items():
        listeners = action.receivers("2triggered(bool)") + action.receivers("2toggled(bool)")
        assert listeners > 0, name


# --- files --------------------------------------------------------------------------------------------------------


def test_dropped_files_are_opened(window: MainWindow, clip: Path, qtbot: QtBot) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(clip))])
    event = QDropEvent(
        QPointF(100, 100),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    qtbot.waitUntil(lambda: window.session.shot is not None)
    assert window.session.shot is not None
    assert window.session.shot.media_path == str(clip)


def test_files_arrive_in_the_order_given_and_as_one_step(window: MainWindow, clip: Path, qtbot: QtBot) -> None:
    other = clip.with_name("zother.mkv")
    other.write_bytes(clip.read_bytes())
    window.documents.open_paths([str(other), str(clip)])
    qtbot.waitUntil(lambda: len(window.session.project.shots) == 2)
    assert [shot.name for shot in window.session.project.shots] == ["zother", "noise"]
    window.session.undo()
    assert window.session.project.shots == ()


@pytest.mark.parametrize(("name", "content"), [("missing.mov", None), ("broken.mov", b"not a movie at all")])
def test_bad_media_is_one_line_in_a_dialog_and_loses_nothing(
    editor: MainWindow, tmp_path: Path, qtbot: QtBot, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    before = editor.session.project
    editor.documents.open_paths([str(path)])
    qtbot.waitUntil(lambda: "Media cannot be opened" in editor.notices.texts)
    text = editor.notices.texts["Media cannot be opened"]
    assert name in text
    assert "\n" not in text
    assert editor.session.project is before
    assert editor.isEnabled()


def test_several_bad_files_are_all_named(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    window.documents.open_paths([str(tmp_path / name) for name in ("one.mov", "two.mov")])
    qtbot.waitUntil(lambda: "two.mov" in window.notices.texts.get("Media cannot be opened", ""))
    assert "one.mov" in window.notices.texts["Media cannot be opened"]


def test_a_drag_stops_what_moves_the_playhead(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    editor.window_actions["play"].trigger()
    qtbot.mousePress(editor.canvas, Qt.MouseButton.LeftButton, pos=at(editor.canvas, 20, 26))
    assert not editor.playback.is_playing


def test_commands_stay_usable_after_bad_media(editor: MainWindow, tmp_path: Path, clip: Path, qtbot: QtBot) -> None:
    editor.documents.open_paths([str(tmp_path / "missing.mov"), str(clip)])
    qtbot.waitUntil(lambda: len(editor.session.project.shots) == 2)
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    assert editor.session.removal is not None


def test_the_engine_is_let_go_when_the_window_closes(editor: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    editor.close()
    qtbot.waitUntil(lambda: "Save changes?" in editor.notices.texts)
    assert editor.isVisible()
    editor.notices.click("Save changes?", "Don't Save")
    assert not editor.isVisible()
    qtbot.waitUntil(lambda: door.engine.closed == 1)
    assert door.engine.shutdowns == 1


def test_the_same_file_twice_is_two_shots(window: MainWindow, clip: Path, qtbot: QtBot) -> None:
    window.documents.open_paths([str(clip), str(clip)])
    qtbot.waitUntil(lambda: len(window.session.project.shots) == 2)
    first, second = window.session.project.shots
    assert first.id != second.id


def test_an_edit_that_does_not_apply_is_a_message(editor: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(session: Session) -> None:
        raise EditError("shot 'noise' cannot be split at media frame 0; give one of 1 to 11")

    monkeypatch.setattr(commands, "split_shot", refuse)
    editor.window_actions["split_shot"].trigger()
    assert "give one of 1 to 11" in editor.notices.texts["That cannot be done here"]


def test_shots_are_split_and_removed(editor: MainWindow) -> None:
    editor.session.go_to(5)
    editor.window_actions["split_shot"].trigger()
    assert [shot.duration_frames for shot in editor.session.project.shots] == [5, 7]
    editor.window_actions["remove_shot"].trigger()
    assert [shot.duration_frames for shot in editor.session.project.shots] == [5]


def test_cuts_are_found_and_split_the_shot(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    still = [noise_frame("yuv420p", CLIP_SIZE, seed) for seed in (1, 2)]
    clip = write_clip(tmp_path / "two.mkv", [still[0]] * 12 + [still[1]] * 12)
    window.documents.open_paths([str(clip)])
    qtbot.waitUntil(lambda: window.session.shot is not None)
    window.window_actions["detect_cuts"].trigger()
    qtbot.waitUntil(lambda: len(window.session.project.shots) == 2, timeout=20_000)
    assert [shot.source_start for shot in window.session.project.shots] == [0, 12]
    window.window_actions["undo"].trigger()
    assert len(window.session.project.shots) == 1


def test_the_strip_zooms_at_the_cursor_and_fits_again(editor: MainWindow) -> None:
    strip = editor.strip
    before = strip.layout_now
    frame = before.frame_at(400)
    scroll(strip, QPoint(400, 60), 240, Qt.KeyboardModifier.ControlModifier)
    assert strip.layout_now.px_per_frame > before.px_per_frame * 1.4
    assert strip.layout_now.frame_at(400) == frame
    editor.window_actions["timeline_fit"].trigger()
    assert strip.layout_now == before


def test_the_render_panel_does_not_scroll_on_a_laptop(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: window.height() == 900)
    area = window.render_panel.parentWidget()
    assert area is not None
    qtbot.waitUntil(lambda: window.render_panel.height() <= area.height())

"""Recent projects, missing media, trimming, moving keyframes, copying removals, and the in/out range."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog
from pytestqt.qtbot import QtBot

from desktop.editing import commands, strip_commands
from desktop.editing.clipboard import RemovalClipboard
from desktop.editing.in_out import InOut
from desktop.editing.session import Session
from desktop.main_window import MainWindow
from desktop.project.recent_files import LIMIT, RecentMenu, recent_projects, remember_project
from desktop.project.relink import find_media
from desktop.timeline_view.rows import PADDING_PX
from desktop.timeline_view.strip_painter import key_centre
from roi_tools.shapes import RectF
from tests.desktop.conftest import CLIP_FRAMES, EngineDoor
from tests.desktop.documents import box_shape, make_removal, make_session, make_shot, wait_until_saved
from timeline.media.probe import probe
from timeline.project import Project
from timeline.project_file import save_project
from timeline.shot import Shot


def keyed_session() -> Session:
    """One shot of 20 frames from media frame 5 on; its removal has keyframes on 5, 10 and 20."""
    removal = make_removal(frame=10)
    for frame in (5, 20):
        removal = make_removal(shape=box_shape(removal).with_rect(frame, RectF(frame, 0, frame + 10, 9)))
    session = make_session(make_shot(frames=20, start=5, removals=(removal,)))
    session.select_removal(removal.id)
    return session


def keys(session: Session) -> tuple[int, ...]:
    assert session.removal is not None
    return session.removal.shape.key_frames


# --- recent projects ----------------------------------------------------------------------------------------------


def test_recent_projects_are_few_and_the_newest_is_first(tmp_path: Path) -> None:
    for number in range(LIMIT + 3):
        remember_project(tmp_path / f"{number}.otio")
    remember_project(tmp_path / "5.otio")
    assert [path.stem for path in recent_projects()[:3]] == ["5", "12", "11"]
    assert len(recent_projects()) == LIMIT


def test_saved_projects_are_in_the_menu_and_open_from_it(editor: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "one.otio"
    editor.session.mark_saved(editor.session.project, path)
    editor.window_actions["save"].trigger()
    wait_until_saved(editor)
    remember_project(tmp_path / "gone.otio")
    editor.window_actions["new"].trigger()
    assert editor.session.project.shots == ()
    menu = editor.findChild(RecentMenu)
    assert menu is not None
    menu.fill()
    entries = {action.text(): action for action in menu.actions()}
    assert not entries["gone.otio"].isEnabled()
    entries["one.otio"].trigger()
    qtbot.waitUntil(lambda: len(editor.session.project.shots) == 1)
    entries["Clear List"].trigger()
    assert recent_projects() == []


# --- missing media ------------------------------------------------------------------------------------------------


def test_media_is_found_by_name_and_by_the_folders_that_fit_best(tmp_path: Path) -> None:
    for place in ("other/a.mov", "reel_2/a.mov", "frames/plate.0001.exr", "frames/notes.txt"):
        file = tmp_path / place
        file.parent.mkdir(exist_ok=True)
        file.touch()
    wanted = ["/old/reel_2/A.MOV", "/old/x/plate.####.exr", "/old/missing.mov"]
    assert find_media(wanted, tmp_path) == {
        "/old/reel_2/A.MOV": str(tmp_path / "reel_2/a.mov"),
        "/old/x/plate.####.exr": str(tmp_path / "frames/plate.####.exr"),
    }


def moved_project(window: MainWindow, clip: Path, tmp_path: Path, qtbot: QtBot) -> Path:
    """Open a project whose media lies in another folder now; returns where the media is."""
    lost = tmp_path / "before" / clip.name
    lost.parent.mkdir()
    lost.write_bytes(clip.read_bytes())
    save_project(Project("moved", (Shot.from_media(probe(lost)),)), tmp_path / "moved.otio")
    now = tmp_path / "after" / "deeper" / clip.name
    now.parent.mkdir(parents=True)
    lost.rename(now)
    window.documents.open_project(tmp_path / "moved.otio")
    qtbot.waitUntil(lambda: window.media.failure(str(lost)) is not None)
    return now


def test_missing_media_is_searched_and_linked_as_one_step(
    window: MainWindow, clip: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = moved_project(window, clip, tmp_path, qtbot)
    assert window.window_actions["find_media"].isEnabled()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "after"))
    window.window_actions["find_media"].trigger()
    qtbot.waitUntil(lambda: window.session.shot is not None and window.session.shot.media_path == str(now))
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    assert not window.window_actions["find_media"].isEnabled()
    window.window_actions["undo"].trigger()
    assert window.session.shot is not None and window.session.shot.media_path != str(now)


def test_a_search_without_success_says_so(
    window: MainWindow, clip: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_project(window, clip, tmp_path, qtbot)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "empty"))
    window.window_actions["find_media"].trigger()
    qtbot.waitUntil(lambda: "choose another folder" in window.notices.texts.get("Media was not linked", ""))


def test_a_list_finds_its_media_by_name_and_timecode(
    window: MainWindow, clip: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "rushes").mkdir()
    (tmp_path / "rushes" / "Street.mkv").write_bytes(clip.read_bytes())
    (tmp_path / "street.txt").write_text("notes")
    event = "{number}  AX V C {start} {end} 00:00:00:00 00:00:00:05\n* FROM CLIP NAME: {name}\n"
    path = tmp_path / "cut.edl"
    path.write_text(
        "TITLE: cut\n"
        + event.format(number="001", start="01:00:00:02", end="01:00:00:07", name="street")
        + event.format(number="002", start="01:00:00:00", end="01:00:00:05", name="lost").replace(
            "00:00:00:00 00:00:00:05", "00:00:00:05 00:00:00:10"
        )
    )
    window.documents.open_paths([str(path)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    first, second = window.session.project.shots
    assert Path(first.media_path) == tmp_path / "rushes" / "Street.mkv" and first.frames == range(2, 7)
    qtbot.waitUntil(lambda: window.media.failure(second.media_path) is not None)
    assert window.window_actions["find_media"].isEnabled()
    assert window.notices.texts == {}, "the strip shows what is missing"
    assert window.session.path is None and window.session.is_modified


def test_speed_changes_of_a_list_are_told_and_shown_on_the_shots(
    window: MainWindow, clip: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "street.mkv").write_bytes(clip.read_bytes())
    event = "{number}  AX V C 01:00:00:00 01:00:00:0{end} 00:00:00:0{at} 00:00:00:0{to}\n"
    path = tmp_path / "cut.edl"
    path.write_text(
        event.format(number="001", end=4, at=0, to=2)
        + "M2   street       048.0                01:00:00:00\n* FROM CLIP NAME: street\n"
        + event.format(number="002", end=2, at=2, to=4)
        + "* FROM CLIP NAME: street\n"
    )
    window.documents.open_paths([str(path)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    told = window.notices.texts["Speed changes are not applied"]
    assert "The edit plays street (200%) at another speed" in told
    strip = window.strip
    y = strip.rows.shots_top(0) + strip.rows.shot_px / 2
    fast, plain = (strip.tip_at(QPointF(strip.layout_now.x_of(frame + 0.5), y)) for frame in (0, 3))
    assert "(200%) and uses frames 0 to 3" in fast and str(tmp_path / "street.mkv") in fast
    assert "another speed" not in plain and "Frames 0 to 1 of the media" in plain


def test_a_shot_is_linked_to_a_chosen_file(
    editor: MainWindow, clip: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "graded.mkv"
    other.write_bytes(clip.read_bytes())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(other), ""))
    editor.window_actions["relink"].trigger()
    qtbot.waitUntil(lambda: editor.session.shot is not None and editor.session.shot.media_path == str(other))
    assert editor.session.undo_label == "Relink Media"


def test_a_shot_is_renamed_by_a_double_click_on_its_name(
    editor: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, text, **__: (f"{text} night", True))
    strip = editor.strip
    before = editor.session.project.shots[0].name
    x, top = round(strip.layout_now.x_of(5)), round(strip.rows.shots_top())
    qtbot.mouseDClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(x, top + 45))
    assert editor.session.project.shots[0].name == before, "its pictures are for scrubbing"
    qtbot.mouseDClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(x, top + 10))
    assert editor.session.project.shots[0].name == f"{before} night"


# --- trimming and keyframes ---------------------------------------------------------------------------------------


def drag_on_strip(window: MainWindow, qtbot: QtBot, start: QPoint, by_frames: int) -> None:
    strip = window.strip
    step = QPoint(round(by_frames * strip.layout_now.px_per_frame), 0)
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(strip, start + step / 2)
    qtbot.mouseMove(strip, start + step)
    qtbot.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=start + step)


def test_an_edge_of_a_shot_trims_it_and_is_one_undo_step(editor: MainWindow, qtbot: QtBot) -> None:
    strip, session = editor.strip, editor.session
    y = round(strip.rows.shots_top() + 20)
    drag_on_strip(editor, qtbot, QPoint(round(strip.layout_now.x_of(CLIP_FRAMES)) - 2, y), -4)
    assert session.project.shots[0].frames == range(CLIP_FRAMES - 4)
    assert session.playhead == CLIP_FRAMES - 5
    drag_on_strip(editor, qtbot, QPoint(round(strip.layout_now.x_of(0)) + 2, y), 3)
    assert session.project.shots[0].frames == range(3, CLIP_FRAMES - 4)
    assert strip.layout_now.x_of(session.length_frames) == pytest.approx(strip.width() - PADDING_PX)
    session.undo()
    session.undo()
    assert session.project.shots[0].frames == range(CLIP_FRAMES)


def test_trimming_goes_no_further_than_the_media(editor: MainWindow) -> None:
    session = editor.session
    shot = session.project.shots[0]
    strip_commands.trim_end(session, shot.id, 99)
    strip_commands.trim_start(session, shot.id, -7)
    assert session.project.shots[0].frames == range(CLIP_FRAMES)
    strip_commands.trim_start(session, shot.id, 99)
    assert session.project.shots[0].frames == range(CLIP_FRAMES - 1, CLIP_FRAMES)


def test_the_trim_actions_cut_at_the_playhead(editor: MainWindow) -> None:
    editor.session.go_to(8)
    editor.window_actions["trim_end"].trigger()
    editor.session.go_to(2)
    editor.window_actions["trim_start"].trigger()
    assert editor.session.project.shots[0].frames == range(2, 9)


def test_a_keyframe_stays_between_its_neighbours_and_inside_the_shot() -> None:
    session = keyed_session()
    removal = session.removal
    assert removal is not None
    assert strip_commands.move_keyframe(session, removal.id, 10, 3) == 6
    assert strip_commands.move_keyframe(session, removal.id, 6, 40) == 19
    assert strip_commands.move_keyframe(session, removal.id, 20, 99) == 24
    assert keys(session) == (5, 19, 24)
    assert session.playhead == 19


def test_a_dragged_keyframe_keeps_its_box_and_is_one_undo_step(editor: MainWindow, qtbot: QtBot) -> None:
    session = editor.session
    commands.add_removal(session, RectF(1, 2, 9, 9))
    session.go_to(6)
    assert session.removal is not None
    commands.set_rect(session, session.removal.id, RectF(20, 2, 30, 9))
    session.go_to(0)
    drag_on_strip(editor, qtbot, key_centre(editor.strip.layout_now, editor.strip.rows, 6, 0).toPoint(), 3)
    assert keys(session) == (0, 9)
    assert session.playhead == 9
    assert session.removal.shape.rect_at(9) == RectF(20, 2, 30, 9)
    session.undo()
    assert keys(session) == (0, 6)


# --- copy and paste -----------------------------------------------------------------------------------------------


def test_a_pasted_removal_keeps_its_distance_from_the_shot_s_start() -> None:
    removal = make_removal(frame=7, parameters={"seed": 3})
    session = make_session(make_shot("a", start=5, removals=(removal,)), make_shot("b", start=30))
    clipboard = RemovalClipboard(session)
    session.select_removal(removal.id)
    clipboard.copy()
    session.go_to(25)
    clipboard.paste()
    pasted = session.removal
    assert pasted is not None and session.shot is not None
    assert session.shot.name == "b"
    assert (pasted.shape.key_frames, pasted.label, dict(pasted.parameters)) == ((32,), "r", {"seed": 3})
    assert pasted.id != removal.id


def test_in_the_same_media_a_pasted_box_stays_on_its_frames() -> None:
    session = keyed_session()
    clipboard = RemovalClipboard(session)
    clipboard.copy()
    session.go_to(8)
    commands.split_shot(session)
    clipboard.paste()
    assert keys(session) == (5, 10, 20)
    assert session.removal is not None and session.removal.label == "r copy"


def test_the_copy_and_paste_actions_paste(editor: MainWindow) -> None:
    actions = editor.window_actions
    assert not actions["paste"].isEnabled()
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    actions["copy"].trigger()
    actions["paste"].trigger()
    assert [removal.label for removal in editor.session.project.shots[0].removals] == ["Removal 1", "Removal 1 copy"]


# --- in and out ---------------------------------------------------------------------------------------------------


def test_marks_belong_to_one_shot_and_never_cross() -> None:
    session = make_session(make_shot("a"), make_shot("b", start=100))
    in_out = InOut(session)
    first, second = session.project.shots
    session.go_to(12)
    in_out.mark_in()
    assert in_out.range_of(first) == range(12, 20)
    session.go_to(4)
    in_out.mark_out()
    assert in_out.range_of(first) == range(5)
    session.go_to(22)
    in_out.mark_out()
    assert in_out.range_of(first) is None
    assert in_out.range_of(second) == range(100, 103)
    in_out.clear()
    assert in_out.range_of(second) is None


def test_only_the_marked_range_is_rendered(editor: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    actions = editor.window_actions
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    assert not actions["render_range"].isEnabled()
    for frame, name in ((3, "mark_in"), (6, "mark_out")):
        editor.session.go_to(frame)
        actions[name].trigger()
    actions["render_range"].trigger()
    qtbot.waitUntil(lambda: len(door.engine.requests) == 1)
    request = door.engine.requests[0]
    assert request.frames.as_range() == range(3, 7)
    assert request.passes[0].boxes is not None and len(request.passes[0].boxes) == CLIP_FRAMES
    actions["clear_marks"].trigger()
    assert not actions["clear_marks"].isEnabled()

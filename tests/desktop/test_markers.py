"""Markers on the strip: added, changed, gone to, snapped to, undone; and several tracks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from desktop.dialogs.marker_dialog import MarkerDialog
from desktop.editing import commands, markers, strip_commands
from desktop.editing.session import Session
from desktop.main_window import MainWindow
from desktop.timeline_view.rows import RULER_PX
from desktop.timeline_view.snapping import snapped, timeline_targets
from desktop.timeline_view.strip_drag import Edge, TrimDrag
from desktop.timeline_view.timeline_layout import TimelineLayout
from roi_tools.shapes import RectF
from tests.desktop.documents import make_removal, make_session, make_shot, wait_until_saved
from timeline.marker import Marker
from timeline.project import Project
from timeline.project_file import load_project


def names(session: Session) -> list[tuple[str, int]]:
    return [(place.marker.name, place.frame) for place in markers.marker_places(session.project)]


def test_markers_are_added_found_renamed_deleted_and_undone(editor: MainWindow, tmp_path: Path) -> None:
    session, actions = editor.session, editor.window_actions
    for frame in (3, 8):
        session.go_to(frame)
        actions["add_marker"].trigger()
    actions["add_marker"].trigger()  # one is enough on a frame
    assert names(session) == [("Marker 1", 3), ("Marker 2", 8)]
    actions["previous_marker"].trigger()
    assert session.playhead == 3
    actions["edit_marker"].trigger()
    dialog = editor.findChild(MarkerDialog)
    assert dialog is not None
    dialog.name.setText("pole")
    dialog.note.setPlainText("left of the door")
    dialog.color.setCurrentIndex(dialog.color.findData("RED"))
    dialog.accept()
    here = markers.marker_here(session)
    assert here is not None
    assert (here.marker.name, here.marker.note, here.marker.color) == ("pole", "left of the door", "RED")
    actions["next_marker"].trigger()
    assert session.playhead == 8
    actions["delete_marker"].trigger()
    assert names(session) == [("pole", 3)]
    session.undo()
    assert names(session) == [("pole", 3), ("Marker 2", 8)]
    path = tmp_path / "marked.otio"
    editor.documents.save_to(path)
    wait_until_saved(editor)
    assert load_project(path) == session.project


def test_a_marker_follows_its_shot(editor: MainWindow) -> None:
    session = editor.session
    session.go_to(6)
    markers.add_marker(session)
    strip_commands.trim_start(session, session.project.shots[0].id, 4)
    assert names(session) == [("Marker 1", 2)]
    strip_commands.trim_start(session, session.project.shots[0].id, 7)
    assert names(session) == []


def test_a_click_on_a_flag_goes_there_and_its_tip_has_the_note(editor: MainWindow, qtbot: QtBot) -> None:
    session, strip = editor.session, editor.strip
    session.go_to(6)
    markers.add_marker(session)
    here = markers.marker_here(session)
    assert here is not None
    markers.change_marker(session, here.marker, "wire", "BLUE", "two of them")
    session.go_to(0)
    point = QPoint(round(strip.layout_now.x_of(6.5)) + 4, round(RULER_PX) + 6)
    assert strip.tip_at(QPointF(point)) == "wire (6)\ntwo of them"
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=point)
    assert session.playhead == 6


def test_drags_snap_to_markers_and_keyframes_within_reach() -> None:
    assert snapped(101, {90, 100}, 2.0) == 100
    assert snapped(101, {90, 100}, 8.0) == 101
    assert snapped(5, (), 1.0) == 5
    trim = TrimDrag("s", Edge.END, 200, 400.0, TimelineLayout(2.0), frozenset({150}))
    assert trim.frame_at(400.0 - 2 * 47) == 151  # the frame of the marker is the last one
    assert trim.frame_at(400.0 - 2 * 30) == 170


def test_the_playhead_snaps_to_markers_cuts_and_keyframes() -> None:
    shot = replace(make_shot("a", start=5, removals=(make_removal(frame=9),)), markers=(Marker("m", 12),))
    session = make_session(shot, make_shot("b"))
    assert timeline_targets(session.project, session.span) == {0, 20, 4, 7}


def test_the_snap_action_switches_snapping(editor: MainWindow) -> None:
    assert editor.strip.snaps and editor.window_actions["snap"].isChecked()
    editor.window_actions["snap"].trigger()
    assert not editor.strip.snaps


# --- tracks -------------------------------------------------------------------------------------------------------


def two_tracks() -> Session:
    """A below from 0 to 20, B above from 10 to 15, then nothing, then C from 30 on."""
    session = make_session()
    shots = (
        make_shot("a"),
        replace(make_shot("b", frames=5), track=1, gap_before_frames=10),
        replace(make_shot("c", frames=5), track=1, gap_before_frames=15),
    )
    session.replace_document(Project("tracks", shots), None)
    return session


def test_the_uppermost_shot_is_worked_on_unless_another_track_is_chosen() -> None:
    session = two_tracks()
    seen = []
    for frame in (5, 12, 17, 25, 32):
        session.go_to(frame)
        seen.append(session.shot.name if session.shot else None)
    assert seen == ["a", "b", "a", None, "c"]
    session.go_to(12)
    session.work_on_next_track()
    assert session.shot is not None and session.shot.name == "a"
    commands.add_removal(session, RectF(1, 1, 9, 9))
    assert [len(shot.removals) for shot in session.project.shots] == [1, 0, 0]
    session.work_on_next_track()
    assert session.shot is not None and session.shot.name == "b" and session.removal is None


def test_a_click_on_a_track_works_on_its_shot(editor: MainWindow, qtbot: QtBot) -> None:
    session, strip = editor.session, editor.strip
    (below,) = session.project.shots
    above = replace(below, id="above", name="above", source_end_exclusive=4, track=1, gap_before_frames=6)
    session.apply("two tracks", replace(session.project, shots=(below, above)))
    x = round(strip.layout_now.x_of(7.5))
    for track, name in ((1, "above"), (0, below.name)):
        y = round(strip.rows.shots_top(track) + 20)
        qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
        assert session.playhead == 7
        assert session.shot is not None and session.shot.name == name


def test_where_no_track_has_a_shot_the_window_can_go_on(editor: MainWindow) -> None:
    session = editor.session
    (shot,) = session.project.shots
    session.apply("gap", replace(session.project, shots=(shot, replace(shot, id="c", track=1, gap_before_frames=20))))
    session.go_to(15)
    assert session.shot is None
    assert editor.window_actions["step_forward"].isEnabled() and editor.canvas.isVisible()
    editor.window_actions["to_start"].trigger()
    assert session.shot is not None

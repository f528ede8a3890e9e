"""Shapes to files of other programs and back, from the window."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from desktop.base.long_work import Progress, WorkCancelled
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.roi_commands import document_to_write, export_path, sequence_of, write_document
from desktop.wiring.roi import _KINDS, PROBLEM, RoiWiring
from roi_tools.geometry import Box, Size
from roi_tools.roi_document import RoiDocument, write_roi
from roi_tools.roi_file import read_boxes
from roi_tools.roto.raster import layer_matte
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.desktop.conftest import CLIP_SIZE
from tests.desktop.test_roto_tools import draw_triangle
from timeline import edits
from timeline.marking import RotoMarking
from timeline.removal import Removal, new_id


@pytest.fixture
def roi(editor: MainWindow) -> RoiWiring:
    (wiring,) = editor.findChildren(RoiWiring)
    return wiring


@pytest.mark.parametrize("ending", [".nk", ".json"])
def test_roto_comes_back_as_it_went(
    editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path, ending: str
) -> None:
    draw_triangle(qtbot, editor)
    path = tmp_path / f"shapes{ending}"
    roi.write(path)
    roi.read(path)
    first, second = (removal.shape for removal in editor.session.project.shots[0].removals)
    assert isinstance(first, RotoMarking) and isinstance(second, RotoMarking)
    size = Size(CLIP_SIZE.width_px, CLIP_SIZE.height_px)
    for frame in (0, 7):
        mattes = [layer_matte(marking.shown_layer(), frame, size) for marking in (first, second)]
        np.testing.assert_allclose(mattes[1], mattes[0], atol=1e-3)
    editor.window_actions["undo"].trigger()
    assert len(editor.session.project.shots[0].removals) == 1


@pytest.mark.parametrize("ending", [".fxs", ".py"])
def test_a_box_goes_out_as_a_shape(editor: MainWindow, roi: RoiWiring, tmp_path: Path, ending: str) -> None:
    commands.add_removal(editor.session, RectF(5, 5, 20, 20))
    roi.write(tmp_path / f"box{ending}")
    assert (tmp_path / f"box{ending}").stat().st_size > 200
    assert roto_commands.roto_of(editor.session.removal) is None


def test_boxes_of_other_tools_become_removals(editor: MainWindow, roi: RoiWiring, tmp_path: Path) -> None:
    path = tmp_path / "tracks.txt"
    path.write_text("1,1,5,6,10,10,1,-1,-1,-1\n2,1,7,6,10,10,1,-1,-1,-1\n")
    roi.read(path)
    (removal,) = editor.session.project.shots[0].removals
    assert removal.shape.box_at(1, CLIP_SIZE) is not None


def test_linked_boxes_become_linked_removals(editor: MainWindow, roi: RoiWiring, tmp_path: Path) -> None:
    boxes = {"shade": (Box(5, 16, 25, 20), None, Box(7, 16, 27, 20)), "boy": (Box(5, 6, 15, 16),) * 3}
    write_roi(tmp_path / "roi.json", RoiDocument(CLIP_SIZE, Fraction(24), 3, boxes, (), {"shade": "boy"}))
    roi.read(tmp_path / "roi.json")
    linked = {removal.label: removal for removal in editor.session.project.shots[0].removals}
    assert len(linked) == 2 and len(editor.session.project.shots[0].removals) == 3
    first, second, boy = editor.session.project.shots[0].removals
    assert (first.linked_to, second.linked_to, boy.linked_to) == (boy.id, "", "")


def test_what_cannot_be_read_is_one_line(editor: MainWindow, roi: RoiWiring, tmp_path: Path) -> None:
    path = tmp_path / "broken.nk"
    path.write_text("no roto in here")
    roi.read(path)
    assert "broken.nk" in editor.notices.texts[PROBLEM]
    assert editor.session.project.shots[0].removals == ()


def test_a_matte_comes_back_as_shapes(editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path) -> None:
    draw_triangle(qtbot, editor)
    path = tmp_path / "matte.mkv"
    roi.write(path)
    qtbot.waitUntil(lambda: roi.work.dialog is None)
    assert "matte.mkv" in editor.statusBar().currentMessage()
    roi.read(path)
    qtbot.waitUntil(lambda: len(editor.session.project.shots[0].removals) == 2)
    first, second = (removal.shape for removal in editor.session.project.shots[0].removals)
    assert isinstance(first, RotoMarking) and isinstance(second, RotoMarking)
    mattes = [layer_matte(marking.shown_layer(), 3, CLIP_SIZE) for marking in (first, second)]
    assert mattes[0].sum() > 50
    assert np.abs(mattes[1] - mattes[0]).sum() < 0.2 * mattes[0].sum()


def test_a_matte_that_is_cancelled_leaves_no_file(
    editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path
) -> None:
    draw_triangle(qtbot, editor)
    (shot,) = editor.session.project.shots
    info = editor.media.info(shot.media_path)
    assert info is not None
    document = document_to_write(editor.session, info, tmp_path / "matte.mkv")

    def cancelled(done: int, total: int) -> None:
        if done == 3:
            raise WorkCancelled

    with pytest.raises(WorkCancelled):
        write_document(tmp_path / "matte.mkv", document, cancelled)
    assert list(tmp_path.glob("matte*")) == []


def test_an_roi_file_holds_all_removals_of_the_shot_and_their_links(
    editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path
) -> None:
    draw_triangle(qtbot, editor)
    session, shot = editor.session, editor.session.project.shots[0]
    ball = Removal(new_id(), "ball", AnimatedRectangle.still(RectF(10, 10, 20, 20)))
    shadow = Removal(new_id(), "ball", AnimatedRectangle.still(RectF(22, 16, 34, 22)), linked_to=ball.id)
    project = session.project
    (triangle,) = shot.removals
    cast = Removal(new_id(), "cast", AnimatedRectangle.still(RectF(30, 30, 36, 36)), linked_to=triangle.id)
    for removal in (ball, shadow, cast):
        project = edits.add_removal(project, shot.id, removal)
    session.apply("two boxes", project)
    session.select_removal(ball.id)
    roi.write(tmp_path / "shot.json")
    roi.read(tmp_path / "shot.json")
    drawn, _, _, _, again, back, companion, beside = session.project.shots[0].removals
    assert (again.label, back.label, companion.label, beside.label) == (drawn.label, "ball", "ball 2", "cast")
    assert isinstance(again.shape, RotoMarking)
    assert (companion.linked_to, beside.linked_to) == (back.id, again.id)
    for before, after in ((ball, back), (shadow, companion)):
        first, second = before.shape.rect_at(3), after.shape.rect_at(3)
        assert first is not None and second is not None
        np.testing.assert_allclose(first.as_tuple(), second.as_tuple(), atol=4)


def test_cancelled_work_brings_nothing(roi: RoiWiring, qtbot: QtBot) -> None:
    begin, said = threading.Event(), list[object]()

    def work(progress: Progress) -> str:
        begin.wait(60)
        progress(1, 2)
        return "result"

    roi.work.start("title", work, said.append, said.append)
    assert roi.work.dialog is not None
    roi.work.dialog.findChildren(QPushButton)[0].click()
    begin.set()
    qtbot.waitUntil(lambda: roi.work.dialog is None)
    assert said == []
    roi.work.start("title", work, said.append, said.append)
    qtbot.waitUntil(lambda: said == ["result"])


def test_a_matte_of_another_size_is_refused(editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "m.0001.png"
    cv2.imwrite(str(path), np.full((10, 10), 255, np.uint8))
    roi.read(path)
    qtbot.waitUntil(lambda: PROBLEM in editor.notices.texts)
    assert "same size" in editor.notices.texts[PROBLEM]
    assert editor.session.project.shots[0].removals == ()


@pytest.mark.parametrize("ending", [".png", ".tif", ".exr"])
def test_a_sequence_comes_back_as_shapes(
    editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_triangle(qtbot, editor)
    kind = next(f"{name} (*{known})" for name, known in _KINDS if known == ending)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "ball"), kind))
    editor.window_actions["export_shapes"].trigger()
    qtbot.waitUntil(lambda: roi.work.dialog is None and bool(list(tmp_path.glob("ball*"))))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"ball.{n:04d}{ending}" for n in range(1, 13)]
    cv2.imwrite(str(tmp_path / "plate.0001.png"), np.zeros((48, 64, 3), np.uint8))  # another sequence beside it
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / f"ball.0007{ending}"), ""))
    editor.window_actions["import_shapes"].trigger()
    qtbot.waitUntil(lambda: len(editor.session.project.shots[0].removals) == 2)
    first, second = (removal.shape for removal in editor.session.project.shots[0].removals)
    assert editor.session.project.shots[0].removals[1].label == "ball"
    assert isinstance(first, RotoMarking) and isinstance(second, RotoMarking)
    mattes = [layer_matte(marking.shown_layer(), 3, CLIP_SIZE) for marking in (first, second)]
    assert np.abs(mattes[1] - mattes[0]).sum() < 0.2 * mattes[0].sum()


def test_images_that_are_there_are_replaced_only_if_wanted(
    editor: MainWindow, roi: RoiWiring, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_triangle(qtbot, editor)
    old = tmp_path / "m.0003.png"
    old.write_bytes(b"mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "m.####.png"), ""))
    editor.window_actions["export_shapes"].trigger()
    assert "m.####.png that are there already: 1" in editor.notices.texts["Export Shapes"]
    editor.notices.click("Export Shapes", "Cancel")
    assert [path.name for path in tmp_path.iterdir()] == ["m.0003.png"]
    editor.window_actions["export_shapes"].trigger()
    editor.notices.click("Export Shapes", "Replace")
    qtbot.waitUntil(lambda: len(list(tmp_path.glob("m.*.png"))) == 12, timeout=30_000)
    assert old.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("chosen", "written"),
    [
        ("a.png", "a.####.png"),
        ("a.0012.exr", "a.####.exr"),
        ("a_007.tif", "a_###.tif"),
        ("a.##.png", "a.##.png"),
        ("a.%03d.png", "a.%03d.png"),
        ("a.nk", "a.nk"),
        ("a", "a.nk"),
        ("shot 2", "shot 2.nk"),
        ("a.mkv", "a.mkv"),
        ("a.boxes.json", "a.boxes.json"),
    ],
)
def test_where_a_chosen_name_leads(chosen: str, written: str) -> None:
    assert export_path(Path("there") / chosen) == Path("there") / written


def test_one_image_without_a_number_is_a_matte_of_one_frame(tmp_path: Path) -> None:
    assert sequence_of(tmp_path / "matte.png") == tmp_path / "matte.png"
    assert sequence_of(tmp_path / "v2_matte.0010.png") == tmp_path / "v2_matte.####.png"


def test_boxes_go_out_plainly_and_come_back(editor: MainWindow, roi: RoiWiring, tmp_path: Path) -> None:
    commands.add_removal(editor.session, RectF(5, 5, 20, 20))
    path = tmp_path / "shot.boxes.json"
    roi.write(path)
    assert read_boxes(path, 12, CLIP_SIZE).boxes == ((Box(5, 5, 20, 20),),) * 12
    roi.read(path)
    back = editor.session.project.shots[0].removals[1].shape.box_at(7, CLIP_SIZE)
    assert back is not None
    assert np.abs(np.subtract(back.as_tuple(), (5, 5, 20, 20))).max() <= 2  # few keyframes, with a little room

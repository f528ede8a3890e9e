"""Shapes to files of other programs and back, from the window."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from desktop.base.long_work import Progress, WorkCancelled
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.roi_commands import document_to_write, write_document
from desktop.wiring.roi import PROBLEM, RoiWiring
from roi_tools.geometry import Size
from roi_tools.roto.raster import layer_matte
from roi_tools.shapes import RectF
from tests.desktop.conftest import CLIP_SIZE
from tests.desktop.test_roto_tools import draw_triangle
from timeline.marking import RotoMarking


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
    document = document_to_write(editor.session, info)

    def cancelled(done: int, total: int) -> None:
        if done == 3:
            raise WorkCancelled

    with pytest.raises(WorkCancelled):
        write_document(tmp_path / "matte.mkv", document, cancelled)
    assert list(tmp_path.glob("matte*")) == []


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

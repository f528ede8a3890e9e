"""The whole job with the real window and the real engine, through a kill of each.

Two clips are opened, cut, marked with the mouse, tracked, rendered, compared and saved in one process, which is killed;
this one recovers its work, follows its render, survives the kill of the engine in the middle of it, and exports.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.dialogs.export_dialog import ExportDialog
from desktop.main_window import MainWindow
from desktop.project.recovery import lost_sessions
from desktop.rendering.results import ResultState
from desktop.wiring.window import WindowWiring
from engine.client import EngineClient
from roi_tools.geometry import Size
from roi_tools.shapes import RectF
from tests.desktop.whole_job import FIRST_FRAMES, LABEL
from tests.support.clips import SHARED
from tests.support.engine_process import running_engine
from tests.support.media import noise_frame, write_clip
from timeline.media.frame import Frame
from timeline.media.patch import FramePatch
from timeline.media.reader import open_media
from timeline.project_file import load_project

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SECOND_FRAMES = 10
TIMEOUT_MS = 300_000
LOST_WORK, LOST_ENGINE = "Recover unsaved work?", "The render engine does not answer"


@dataclass
class Media:
    """``edit`` has a cut after FIRST_FRAMES frames; ``box`` is around something that moves in it, on frame 0."""

    edit: Path
    second: Path
    box: RectF


@pytest.fixture
def media(tmp_path: Path) -> Media:
    """Of two filmed clips where they are at hand, else drawn ones."""
    dogs, bmx = SHARED / "clips" / "dogs-jump", SHARED / "clips" / "bmx-trees"
    if not (dogs.exists() and bmx.exists()):
        return drawn_media(tmp_path)
    with open_media(dogs / "clip.mp4") as first, open_media(bmx / "clip.mp4") as second:
        frames = [*first.frames(0, FIRST_FRAMES), *second.frames(0, SECOND_FRAMES)]
        edit = write_clip(tmp_path / "edit.mkv", [Frame(f.planes, f.format, frames[0].color) for f in frames])
    boxes = json.loads((dogs / "boxes.json").read_text("utf-8"))["boxes_by_label"]
    return Media(edit, bmx / "clip.mp4", RectF(*(float(edge) for edge in boxes["38"][0])))


def drawn_media(folder: Path) -> Media:
    """A bright square that walks over blotches; then noise."""
    size = Size(192, 108)
    noise = noise_frame("yuv420p", size, 7)
    coarse = np.kron(noise.planes[0][::6, ::6], np.ones((6, 6), np.uint8))[: size.height_px] // 2 + 40

    def scene(frame: int) -> Frame:
        luma = coarse.copy()
        x = 20 + 5 * frame
        luma[40:70, x : x + 30] = 200 + noise.planes[0][40:70, :30] // 8
        return Frame((luma, *(np.full_like(plane, 128) for plane in noise.planes[1:])), noise.format, noise.color)

    others = [noise_frame("yuv420p", size, 100 + frame) for frame in range(SECOND_FRAMES)]
    walk = [scene(frame) for frame in range(FIRST_FRAMES)]
    edit, second = write_clip(folder / "edit.mkv", [*walk, *others]), write_clip(folder / "second.mkv", walk)
    return Media(edit, second, RectF(16.0, 36.0, 54.0, 74.0))


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The first two frames of a gated render may pass."""
    folder = tmp_path / "gate"
    folder.mkdir()
    for frame in range(2):
        (folder / str(frame)).touch()
    return folder


def work_and_be_killed(media: Media, socket: Path, project: Path, gate: Path) -> None:
    """The first half, in a process that ends as badly as one can."""
    box = media.box
    corners = f"{box.x0},{box.y0},{box.x1},{box.y1}"
    arguments = [str(part) for part in (socket, media.edit, media.second, project, gate)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.desktop.whole_job", *arguments, corners],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.strip() == "ready":
                break
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert lines and lines[-1].strip() == "ready", "".join(lines)


@pytest.fixture
def opened(themed: QApplication, qtbot: QtBot, grayplate_home: Path) -> Iterator[MainWindow]:
    """A window of its own, whose engine is whichever listens on the socket of this home."""
    window = MainWindow(lambda: EngineClient(grayplate_home / "engine.sock"))
    WindowWiring(window)
    window.resize(1300, 850)
    window.show()
    yield window
    window.documents.quit_agreed.emit()
    window.deleteLater()
    qtbot.wait(1)


def test_the_whole_job(
    request: pytest.FixtureRequest, media: Media, gate: Path, grayplate_home: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    project = tmp_path / "film.otio"
    with running_engine(grayplate_home) as engine:
        work_and_be_killed(media, engine.socket, project, gate)
        window: MainWindow = request.getfixturevalue("opened")
        with qtbot.waitSignal(window.bridge.connected, timeout=TIMEOUT_MS):
            window.bridge.start()
        recover(window, project, qtbot)
        # The render that the killed window had begun goes on in this one.
        last = window.session.project.shots[-1]
        qtbot.waitUntil(lambda: window.renders.active is not None, timeout=TIMEOUT_MS)
        qtbot.waitUntil(lambda: len(window.results.chosen(last.id).frames) == 2, timeout=TIMEOUT_MS)
        engine.end(signal.SIGKILL)
        qtbot.waitUntil(lambda: LOST_ENGINE in window.notices.texts, timeout=TIMEOUT_MS)
    for frame in range(2, 6):
        (gate / str(frame)).touch()
    with running_engine(grayplate_home):
        window.notices.click(LOST_ENGINE, "Retry")
        qtbot.waitUntil(lambda: window.renders.active is None, timeout=TIMEOUT_MS)
        assert window.results.states(last, range(6)) == [ResultState.READY] * 6
        exported = export_first_shot(window, tmp_path / "clean.mkv", qtbot)
        check(window, media, exported)


def recover(window: MainWindow, project: Path, qtbot: QtBot) -> None:
    """What was not saved is back, and what was rendered is found again."""
    assert len(lost_sessions()) == 1
    window.documents.offer_recovery()
    window.notices.click(LOST_WORK, "Recover")
    shots = window.session.project.shots
    assert [removal.label for removal in shots[0].removals] == [LABEL]
    assert LABEL not in project.read_text("utf-8") and window.session.is_modified
    assert load_project(project).shots[0].removals[0].shape == shots[0].removals[0].shape
    ready = [ResultState.READY] * FIRST_FRAMES
    qtbot.waitUntil(lambda: window.results.states(shots[0], shots[0].frames) == ready, timeout=TIMEOUT_MS)


def export_first_shot(window: MainWindow, path: Path, qtbot: QtBot) -> Path:
    """Through the dialog, as a person would."""
    window.session.go_to(0)
    window.in_out.clear()
    window.window_actions["export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    dialog.path.setText(str(path))
    dialog.accept()
    qtbot.waitUntil(lambda: not window.renders.is_busy, timeout=TIMEOUT_MS)
    assert window.notices.texts == {}
    return path


def check(window: MainWindow, media: Media, exported: Path) -> None:
    """Every frame: untouched outside the box, inside just what the window shows, and not what was there."""
    shot = window.session.project.shots[0]
    shape = shot.removals[0].shape
    changed = 0
    with open_media(exported) as clean, open_media(media.edit) as source:
        assert clean.info.frame_count == FIRST_FRAMES
        assert (clean.info.rate, clean.info.size) == (source.info.rate, source.info.size)
        for number in range(FIRST_FRAMES):
            before, after = source.read(number), clean.read(number)
            box = shape.box_at(number, source.info.size)
            assert box is not None
            outside = np.ones(before.planes[0].shape, bool)
            outside[max(box.y0 - 64, 0) : box.y1 + 64, max(box.x0 - 64, 0) : box.x1 + 64] = False
            assert np.array_equal(after.planes[0][outside], before.planes[0][outside])
            expected = before
            for patch in window.results.patches(shot, number):
                expected = FramePatch.load(patch).apply(expected)
            for plane, wanted in zip(after.planes, expected.planes, strict=True):
                assert np.array_equal(plane, wanted)
            changed += not np.array_equal(after.planes[0][box.slices], before.planes[0][box.slices])
    assert changed == FIRST_FRAMES

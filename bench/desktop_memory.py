"""Memory of the desktop and its engine over long work, compressed into minutes; prints the curve.

    xvfb-run -a .venv/bin/python -m bench.desktop_memory [--minutes 12] [--cache-mb 256]

One round after the other, of what an artist does in a day: a project is opened, scrubbed and played; removals are
added, keyed, undone and redone; a range is rendered by the real engine while its previews are shown; dialogs open and
close; it is saved, and another one is opened. Media: a 1080p H.264 clip of one group of pictures, and the sample.

The curve has the resident memory of this process, and of the engine with its worker. Once everything was seen once, it
should be flat: the last row says how much a round adds, by a line through the second half.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from bench.desktop_window import SAMPLE, make_clip, open_window, resident_mb, rest, until
from desktop.base.preferences import load_preferences
from desktop.dialogs.preferences_dialog import PreferencesDialog
from desktop.editing import commands
from engine.client import EngineClient
from roi_tools.shapes import RectF

RENDERED_FRAMES = 4


@dataclass(frozen=True)
class Point:
    """After so many rounds: minutes, MiB of this process and of the engine, objects that Python keeps."""

    rounds: int
    minutes: float
    desktop_mb: float
    engine_mb: float
    objects: int


def main() -> None:
    """Work for so long in a home of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--cache-mb", type=int, default=256, help="the viewer's memory")
    parser.add_argument("--kinds", action="store_true", help="also list which Python objects became more")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRAYPLATE_HOME"] = folder
        points, grown = Work(Path(folder), options.cache_mb).run(options.minutes * 60)
    console = Console(width=120)
    console.print(curve(points, options.cache_mb))
    for kind, count in grown if options.kinds else ():
        console.print(f"{count:+7d}  {kind}")


class Work:
    """One window for all rounds."""

    def __init__(self, folder: Path, cache_mb: int) -> None:
        self._long = folder / "long.otio"
        clip = make_clip(folder / "clip.mp4")
        self.window = open_window(cache_mb)
        self._random = random.Random(1)
        self._began = time.monotonic()
        self._rounds = 0
        self.window.bridge.start()
        self.window.documents.open_paths([str(clip)])
        until(lambda: self.window.canvas.frame is not None and self.window.bridge.is_connected)
        self._save(self._long)
        self._sample = folder / "sample.otio"
        self._open(SAMPLE)
        self._save(self._sample)

    def run(self, seconds: float) -> tuple[list[Point], list[tuple[str, int]]]:
        """Rounds until the time is over; the window and its engine end with it."""
        points = [self._point()]
        kinds: Counter[str] = Counter()
        while time.monotonic() - self._began < seconds:
            self._round()
            points.append(self._point())
            if self._rounds == 3:
                kinds = _kinds()
        grown = (_kinds() - kinds).most_common(15)
        self.window.documents.quit_agreed.emit()
        return points, grown

    def _round(self) -> None:
        self._rounds += 1
        self._open(self._long)
        self._scrub(12)
        self._play(2.0)
        self._edit(25)
        self._dialogs()
        self._save(self._long)
        self._open(self._sample)
        self._scrub(25)
        self._edit(10)
        self._render()
        self._play(1.0)
        self._save(self._sample)

    def _open(self, path: Path) -> None:
        window = self.window
        if window.session.path is not None:
            window.session.mark_saved(window.session.document, window.session.path)
        window.documents.open_project(path)
        until(lambda: window.session.path == path and window.canvas.frame is not None)

    def _save(self, path: Path) -> None:
        self.window.documents.save_to(path)
        until(lambda: not self.window.documents.is_saving)

    def _scrub(self, count: int) -> None:
        window = self.window
        for _ in range(count):
            frame = self._random.randrange(window.session.length_frames)
            window.session.go_to(frame)
            until(lambda frame=frame: self._shows(frame))  # type: ignore[misc]
            window.strip.grab()

    def _shows(self, frame: int) -> bool:
        place, shown = self.window.session.place, self.window.canvas.frame
        return place is not None and shown is not None and shown.request.frame == place.media_frame and frame >= 0

    def _play(self, seconds: float) -> None:
        self.window.session.go_to(0)
        self.window.playback.forward()
        rest(seconds)
        self.window.playback.stop()

    def _edit(self, count: int) -> None:
        """Add, key, undo and redo; nothing is left but the history."""
        session = self.window.session
        commands.add_removal(session, RectF(20, 20, 90, 80))
        removal = session.removal
        assert removal is not None
        for number in range(count):
            session.go_to(self._random.randrange(session.length_frames))
            commands.set_rect(session, removal.id, RectF(20 + number, 20, 90 + number, 80))
            session.undo()
            session.redo()
            QApplication.processEvents()
        commands.delete_removal(session)

    def _dialogs(self) -> None:
        dialog = PreferencesDialog(load_preferences(), self.window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        rest(0.2)
        dialog.reject()
        rest(0.1)

    def _render(self) -> None:
        """Other frames with every round, with a parameter that no earlier render had: the engine has to work."""
        window, session = self.window, self.window.session
        shot = session.shot
        assert shot is not None
        first = self._random.randrange(shot.duration_frames - RENDERED_FRAMES)
        for frame, mark in ((first, window.in_out.mark_in), (first + RENDERED_FRAMES - 1, window.in_out.mark_out)):
            session.go_to_media_frame(shot.id, shot.source_start + frame)
            mark()
        removal = shot.removals[0]
        session.select_removal(removal.id)
        commands.set_rect(session, removal.id, _nudged(removal.shape.rect_at(session.place.media_frame), self._rounds))  # type: ignore[union-attr]
        window.window_actions["render_range"].trigger()
        until(lambda: window.renders.active is None)
        session.undo()
        window.in_out.clear()

    def _point(self) -> Point:
        gc.collect()
        minutes = (time.monotonic() - self._began) / 60
        with EngineClient() as engine:
            family = _family(engine.health().pid)
        point = Point(
            self._rounds, minutes, resident_mb(os.getpid()), sum(map(resident_mb, family)), len(gc.get_objects())
        )
        print(f"{point.minutes:6.2f} min  {point.desktop_mb:6.0f}  {point.engine_mb:6.0f} MiB", flush=True)
        return point


def curve(points: list[Point], cache_mb: int) -> Table:
    """At most 16 points, and what a round adds in the second half."""
    table = Table(
        "rounds",
        "minutes",
        "desktop",
        "engine and worker",
        "Python objects",
        title=f"Memory, viewer bounded at {cache_mb} MiB",
    )
    step = max(len(points) // 16, 1)
    for point in [*points[::step], *([points[-1]] if (len(points) - 1) % step else [])]:
        table.add_row(
            str(point.rounds),
            f"{point.minutes:.1f}",
            f"{point.desktop_mb:.0f} MiB",
            f"{point.engine_mb:.0f} MiB",
            str(point.objects),
        )
    later = points[len(points) // 2 :]
    if len(later) > 2:
        rounds = [point.rounds for point in later]
        slopes = [
            np.polyfit(rounds, [getattr(point, name) for point in later], 1)[0]
            for name in ("desktop_mb", "engine_mb", "objects")
        ]
        table.add_row("a round adds", "", *(f"{slope:+.2f} MiB" for slope in slopes[:2]), f"{slopes[2]:+.0f}")
    return table


def _nudged(rect: RectF | None, by: int) -> RectF:
    assert rect is not None, "the sample's removal is there on all frames"
    return RectF(rect.x0 + 0.01 * by, rect.y0, rect.x1, rect.y1)


def _family(pid: int) -> list[int]:
    """A process and its children, whichever of its threads started them."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(text) for file in files for text in file.read_text(encoding="ascii").split()]
    return [pid, *(member for child in children for member in _family(child))]


def _kinds() -> Counter[str]:
    return Counter(f"{type(found).__module__}.{type(found).__qualname__}" for found in gc.get_objects())


if __name__ == "__main__":
    main()

"""Measures the desktop on a 1080p H.264 clip with long groups of pictures, and prints a table.

    xvfb-run -a .venv/bin/python -m bench.desktop [--no-render] [--scrubs 400]

The clip is the sample, enlarged twice and played to and fro for 240 frames, one group of pictures. Start: a process
of its own, from its launch to the window's first exposure, the second of two. Scrubbing: from the playhead's move to
a picture in the viewer, if only of a frame nearby; to one of that very frame; and to the frame itself, over random
frames: right after the file was opened, once small pictures of all its frames are there, and with a proxy instead of
these. Playback: 5 seconds of a
loop of 30 frames in memory. Memory: this process before and after many random scrubs with an edit, an undo and a
picture of the window's timeline at each, the document saved at every tenth; the viewer's memory is bounded at 512 MiB
here (``bench.desktop_memory`` has the curve of long work). Stall: the longest time in which the event loop took no turn
while the real engine rendered the sample and its frames were shown; beside it this thread's own CPU time, which other
programs do not lengthen, and the same while nothing was done: what the machine itself does.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QTimer
from rich.console import Console
from rich.table import Table

from bench.desktop_window import FRAMES, SAMPLE, make_clip, open_window, resident_mb, rest, until
from desktop.base.qt import create_application
from desktop.base.theme import apply_theme
from desktop.main_window import MainWindow
from desktop.media.display import DisplayFrame
from desktop.wiring.window import WindowWiring

LOOP_FRAMES = 30
PLAY_S = 5.0
CACHE_MB = 512
_SHOWN = "window shown"

Row = tuple[str, str, str]
"""What, measured, wanted."""


def main() -> None:
    """Run all measurements in a home of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-render", action="store_true", help="leave the real render and its stalls out")
    parser.add_argument("--scrubs", type=int, default=400, help="random scrubs of the memory test")
    parser.add_argument("--start-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start_only:
        show_and_leave()
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRAYPLATE_HOME"] = folder
        table = Table("what", "measured", "wanted", title="Desktop")
        for row in (warm_start(), *Bench(Path(folder)).run(options.scrubs, with_render=not options.no_render)):
            table.add_row(*row)
    Console(width=120).print(table)


def show_and_leave() -> None:
    """The child of :func:`warm_start`: say when the window is exposed."""
    application = create_application()
    apply_theme(application)
    window = MainWindow()
    WindowWiring(window)
    window.show()
    while not (window.windowHandle() and window.windowHandle().isExposed()):
        application.processEvents()
    print(_SHOWN, time.time(), flush=True)
    window.documents.quit_agreed.emit()


def warm_start() -> Row:
    """From the launch of a process to its window."""
    seconds = 0.0
    for _ in range(2):
        launched = time.time()
        command = [sys.executable, "-m", "bench.desktop", "--start-only"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        seconds = float(said.split(_SHOWN)[1]) - launched
    return "warm start to window", f"{seconds:.2f} s", ""


class Bench:
    """One window, measured from the outside as a person would."""

    def __init__(self, folder: Path) -> None:
        self._clip = make_clip(folder / "clip.mp4")
        self.window = open_window(CACHE_MB)
        self._random = random.Random(1)

    def run(self, scrubs: int, *, with_render: bool) -> list[Row]:
        """All measurements; the window closes at their end."""
        rows = [self.first_frame(), *self.scrubbing(), *self.proxies(), self.playback(), self.memory(scrubs)]
        if with_render:
            rows += self.stalls()
        self.window.documents.quit_agreed.emit()
        return rows

    def _shown(self, frame: int) -> DisplayFrame | None:
        shown = self.window.canvas.frame
        return shown if shown is not None and shown.request.frame == frame else None

    def _shows_very(self, frame: int) -> bool:
        shown = self._shown(frame)
        return shown is not None and not shown.off_by_frames

    def _shows_itself(self, frame: int) -> bool:
        shown = self._shown(frame)
        return shown is not None and not shown.is_proxy

    def first_frame(self) -> Row:
        """From the file's name to its first frame in the viewer."""
        began = time.perf_counter()
        self.window.documents.open_paths([str(self._clip)])
        until(lambda: self.window.canvas.frame is not None)
        return "first frame of 1080p H.264", f"{_ms(began):.0f} ms", ""

    def _scrub_to(self, frame: int) -> tuple[float, float, float]:
        """Milliseconds to a picture, to one of the very frame, and to the frame itself."""
        began = time.perf_counter()
        self.window.session.go_to(frame)
        passed = []
        for shows in (self._shown, self._shows_very, self._shows_itself):
            until(lambda shows=shows: bool(shows(frame)))  # type: ignore[misc]
            passed.append(_ms(began))
        return passed[0], passed[1], passed[2]

    def _scrubs(self, count: int) -> list[str]:
        """Over random frames beyond the loop."""
        found = [self._scrub_to(self._random.randrange(LOOP_FRAMES, FRAMES)) for _ in range(count)]
        return [_percentiles(list(values)) for values in zip(*found, strict=True)]

    def scrubbing(self) -> list[Row]:
        """Latencies of frames that are not in memory, and of frames that are."""
        early = self._scrubs(12)
        began = time.perf_counter()
        until(lambda: self.window.media.has_looked_over)
        looked_s = time.perf_counter() - began
        far = self._scrubs(40)
        for frame in range(LOOP_FRAMES):
            self._scrub_to(frame)
        near = [self._scrub_to(self._random.randrange(LOOP_FRAMES))[2] for _ in range(200)]
        return [
            ("scrub right after opening, a picture nearby", early[0], "p50 <= 300 ms"),
            ("scrub right after opening, one of the very frame", early[1], ""),
            ("scrub right after opening, the frame itself", early[2], ""),
            ("then all frames are looked over after", f"{looked_s:.1f} s", ""),
            ("scrub from the file, first picture", far[1], "p95 <= 300 ms"),
            ("scrub from the file, the frame itself", far[2], ""),
            ("scrub, from memory", _percentiles(near), "p95 <= 50 ms"),
        ]

    def proxies(self) -> list[Row]:
        """Making a proxy, and latencies with it of frames that are not in memory."""
        window = self.window
        began = time.perf_counter()
        window.window_actions["make_proxy"].trigger()
        until(lambda: window.media.proxies.find(str(self._clip)) is not None)
        made_s = time.perf_counter() - began
        rest(1.0)
        window.media.set_cache_mb(0)
        found = self._scrubs(20)
        window.media.set_cache_mb(CACHE_MB)
        return [
            (f"proxy of {FRAMES} frames made", f"{made_s:.1f} s", ""),
            ("scrub with a proxy, first picture", found[1], "p95 <= 300 ms"),
            ("scrub with a proxy, the frame itself", found[2], ""),
        ]

    def playback(self) -> Row:
        """How many frames of a loop in memory are not shown."""
        window = self.window
        for frame in range(LOOP_FRAMES):
            self._scrub_to(frame)
        for frame, mark in ((0, window.in_out.mark_in), (LOOP_FRAMES - 1, window.in_out.mark_out)):
            window.session.go_to(frame)
            mark()
        shown: list[int] = []
        window.media.frame_ready.connect(lambda frame: shown.append(frame.request.frame))
        window.session.go_to(0)
        window.playback.forward()
        ends = time.perf_counter() + PLAY_S
        until(lambda: time.perf_counter() >= ends)
        window.playback.stop()
        window.in_out.clear()
        expected = round(PLAY_S * 24)
        return "playback, frames dropped", f"{max(expected - len(shown), 0)} of {expected}", "0"

    def memory(self, scrubs: int) -> Row:
        """Growth of this process over many scrubs, edits, pictures of the timeline and saves."""
        from desktop.editing import commands
        from roi_tools.shapes import RectF

        commands.add_removal(self.window.session, RectF(100, 100, 400, 400))
        removal = self.window.session.removal
        before = resident_mb(os.getpid())
        for number in range(scrubs):
            self._scrub_to(self._random.randrange(FRAMES))
            if removal is not None:
                left = float(number % 500)
                commands.set_rect(self.window.session, removal.id, RectF(left, 100, left + 300, 400))
                self.window.session.undo()
            self.window.strip.grab()
            if number % 10 == 0:
                self.window.documents.save_to(self._clip.with_suffix(".otio"))
                until(lambda: not self.window.documents.is_saving)
        what = f"memory, {scrubs} scrubs with edits and saves"
        return what, f"{before:.0f} -> {resident_mb(os.getpid()):.0f} MiB", f"cache bounded at {CACHE_MB} MiB"

    def stalls(self) -> list[Row]:
        """The event loop's longest pause while the engine renders the sample and its frames are shown, and at rest."""
        window = self.window
        window.session.mark_saved(window.session.document, Path("bench.otio"))
        window.bridge.start()
        window.documents.open_project(SAMPLE)
        until(lambda: window.bridge.is_connected and window.session.project.name != "")
        until(lambda: window.canvas.frame is not None and window.session.removal is not None)
        rest(1.0)
        with self._watched() as (at_rest, _):
            rest(5.0)
        with self._watched() as (pauses, work):
            window.window_actions["render"].trigger()
            until(lambda: window.renders.active is None)
        return [
            ("UI thread's longest stall in a render", _percentiles(pauses, longest=True), "<= 50 ms"),
            ("its longest work without a pause, CPU time", _percentiles(work, longest=True), "<= 50 ms"),
            ("its longest stall with nothing to do", _percentiles(at_rest, longest=True), ""),
        ]

    @contextmanager
    def _watched(self) -> Iterator[tuple[list[float], list[float]]]:
        """Milliseconds between turns of the event loop, on the clock and of this thread's CPU time."""
        pauses: list[float] = []
        work: list[float] = []
        last, last_cpu = time.perf_counter(), time.thread_time()

        def tick() -> None:
            nonlocal last, last_cpu
            pauses.append(_ms(last))
            work.append(1000 * (time.thread_time() - last_cpu))
            last, last_cpu = time.perf_counter(), time.thread_time()

        timer = QTimer()
        timer.timeout.connect(tick)
        timer.start(1)
        yield pauses, work
        timer.stop()


def _ms(since: float) -> float:
    return 1000 * (time.perf_counter() - since)


def _percentiles(values: list[float], *, longest: bool = False) -> str:
    cuts = statistics.quantiles(values, n=20)
    text = f"p50 {statistics.median(values):.1f} ms, p95 {cuts[-1]:.1f} ms"
    return f"{max(values):.0f} ms ({text})" if longest else text


if __name__ == "__main__":
    main()

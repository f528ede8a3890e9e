"""What the desktop's measurements share: a window to measure, waiting for it, a clip that is hard to scrub."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from desktop.base.qt import create_application
from desktop.base.theme import apply_theme
from desktop.main_window import MainWindow
from desktop.wiring.window import WindowWiring

FRAMES = 240
SAMPLE = Path(str(files("resources").joinpath("sample", "walkby.otio")))
TIMEOUT_S = 300.0
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10


def open_window(cache_mb: int) -> MainWindow:
    """A window on the screen, as the program opens it, whose viewer may keep so much."""
    apply_theme(create_application())
    window = MainWindow()
    WindowWiring(window)
    window.resize(1500, 940)
    window.show()
    window.media.set_cache_mb(cache_mb)
    return window


def until(condition: Callable[[], bool]) -> None:
    """Let the window do its work until something is so. Raises TimeoutError."""
    application = QApplication.instance()
    assert application is not None, "a window is open"
    ends = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError("the desktop did not get there in time")
        application.processEvents()
        # Without an event loop of the application, Qt would keep what is to be deleted later.
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        time.sleep(0.0005)


def rest(seconds: float) -> None:
    """Let the window do its work for so long."""
    ends = time.monotonic() + seconds
    until(lambda: time.monotonic() >= ends)


def resident_mb(pid: int) -> float:
    """Memory of a process, MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KIB / 1024


def make_clip(path: Path) -> Path:
    """The sample at twice its size, to and fro, in one group of pictures."""
    # Here, so that a start that is measured does not load FFmpeg for it.
    from roi_tools.geometry import Size
    from timeline.media.frame import Frame
    from timeline.media.reader import open_media
    from timeline.media.writer import open_writer

    with open_media(str(SAMPLE.with_name("walkby.mp4"))) as reader:
        small = [reader.read(frame) for frame in range(reader.info.frame_count)]
        info = reader.info
    size = Size(2 * info.size.width_px, 2 * info.size.height_px)
    there_and_back = small + small[-2:0:-1]
    with open_writer(str(path), replace(info, size=size, frame_count=FRAMES)) as writer:
        for number in range(FRAMES):
            frame = there_and_back[number % len(there_and_back)]
            planes = tuple(np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1) for plane in frame.planes)
            writer.write(Frame(planes, frame.format, frame.color))
    return path

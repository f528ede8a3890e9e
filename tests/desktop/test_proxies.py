"""Proxies: made in the background, shown first, never in place of the frame itself."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.media.decode_worker import DecodeWorker
from desktop.media.display import FrameRequest
from desktop.media.proxy_store import ProxyStore, make_proxy, proxy_size, shrunk
from roi_tools.geometry import Size
from tests.desktop.conftest import CLIP_FRAMES, CLIP_SIZE
from tests.desktop.shown import Shown
from tests.support.media import noise_frame
from timeline.media.frame import pixel_format
from timeline.media.reader import open_media


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gbrp", "gray16le", "gbrpf32le"])
def test_a_shrunk_frame_has_the_means_of_its_blocks(name: str) -> None:
    frame = noise_frame(name, Size(36, 20), 3)
    small = shrunk(frame, 2)
    assert small.size == proxy_size(frame.size, frame.format, 2) == Size(18, 10)
    block = frame.planes[0][4:6, 6:8].astype(float)
    assert abs(float(small.planes[0][2, 3]) - block.mean()) <= (0.5 if not frame.format.is_float else 1e-3)


def test_odd_sizes_are_covered() -> None:
    assert proxy_size(Size(1919, 1081), pixel_format("yuv420p"), 2) == Size(960, 542)
    assert shrunk(noise_frame("yuv420p", Size(37, 21), 1), 4).size == Size(10, 6)


def test_a_proxy_has_every_frame_and_belongs_to_this_version_of_the_media(clip: Path, tmp_path: Path) -> None:
    media = tmp_path / "clip.mkv"
    media.write_bytes(clip.read_bytes())
    store = ProxyStore(tmp_path / "proxies")
    store.folder.mkdir()
    assert store.find(str(media)) is None
    assert make_proxy(str(media), store.path_of(str(media)), lambda done, total: True)
    found = store.find(str(media))
    assert found is not None
    with open_media(found) as reader:
        assert (reader.info.frame_count, reader.info.size) == (CLIP_FRAMES, Size(32, 24))
        small = shrunk(noise_frame("yuv420p", CLIP_SIZE, 5), 2).planes[0].astype(int)
        # ProRes is lossy; what counts is that it is this frame.
        read = reader.read(5).planes[0].astype(int) >> (reader.info.format.bit_depth - 8)
        assert np.abs(read - small).mean() < 6
    os.utime(media, ns=(1, 1))
    assert store.find(str(media)) is None


def test_a_proxy_that_is_broken_off_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "proxy.mov"
    assert not make_proxy(str(clip), target, lambda done, total: done < 3)
    assert list(tmp_path.iterdir()) == []


def test_the_least_recently_used_proxies_go(tmp_path: Path) -> None:
    store = ProxyStore(tmp_path, limit_bytes=25)
    files = [tmp_path / f"{number}.mov" for number in range(4)]
    for age, file in enumerate(files):
        file.write_bytes(b"0123456789")
        os.utime(file, (age, age))
    store.shrink(keep=files[0])
    assert [file.exists() for file in files] == [True, False, False, True]


def test_all_proxies_go_and_nothing_else(tmp_path: Path) -> None:
    store = ProxyStore(tmp_path)
    for name in ("a.mov", "b.mov", "note.txt"):
        (tmp_path / name).write_bytes(b"0123456789")
    assert store.clear() == 20
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]
    assert store.clear() == 0


@pytest.fixture
def proxied(clip: Path, tmp_path: Path, qapp: object):
    """A decode thread whose clip has a proxy."""
    store, shown = ProxyStore(tmp_path), Shown()
    make_proxy(str(clip), store.path_of(str(clip)), lambda done, total: True)
    worker = DecodeWorker(shown, 64 << 20, store.find)
    yield worker, shown
    worker.stop()


def test_a_proxy_is_shown_until_the_frame_itself_is_there(proxied: tuple[DecodeWorker, Shown], clip: Path) -> None:
    worker, shown = proxied
    wish = FrameRequest(str(clip), None, 5, proxy="first")
    worker.show(wish)
    first, second = shown.wait(2)
    assert (first.is_proxy, second.is_proxy) == (True, False)
    assert first.request == second.request == wish
    assert first.native.size == second.native.size == CLIP_SIZE
    assert (first.source.width(), second.source.width()) == (CLIP_SIZE.width_px // 2, CLIP_SIZE.width_px)
    assert np.array_equal(second.native.planes[0], noise_frame("yuv420p", CLIP_SIZE, 5).planes[0])
    assert worker.cached(FrameRequest(str(clip), None, 5)) is not None


def test_while_playing_the_proxy_is_enough(proxied: tuple[DecodeWorker, Shown], clip: Path) -> None:
    worker, shown = proxied
    for frame in (3, 4):
        worker.show(FrameRequest(str(clip), None, frame, proxy="only"))
        shown.wait(frame - 2)
    assert [(frame.request.frame, frame.is_proxy) for frame in shown.frames] == [(3, True), (4, True)]
    assert worker.cached(FrameRequest(str(clip), None, 3)) is None


def test_a_result_is_never_shown_as_a_proxy(proxied: tuple[DecodeWorker, Shown], clip: Path, tmp_path: Path) -> None:
    from tests.desktop.renders import patch_file

    worker, shown = proxied
    worker.show(FrameRequest(str(clip), None, 2, (patch_file(tmp_path, 2, 200),), proxy="only"))
    (only,) = shown.wait(1)
    assert not only.is_proxy and only.native_result is not None
    assert only.native_result.planes[0][10, 10] == 200


def test_without_proxies_in_use_the_frame_itself_comes_at_once(proxied: tuple[DecodeWorker, Shown], clip: Path) -> None:
    worker, shown = proxied
    worker.use_proxies(False)
    worker.show(FrameRequest(str(clip), None, 2, proxy="only"))
    (only,) = shown.wait(1)
    assert not only.is_proxy and only.request.proxy == "only"


def test_the_action_makes_a_proxy_and_the_viewer_uses_it(editor: MainWindow, clip: Path, qtbot: QtBot) -> None:
    actions, media = editor.window_actions, editor.media
    assert actions["make_proxy"].isEnabled() and not actions["cancel_proxy"].isEnabled()
    actions["make_proxy"].trigger()
    qtbot.waitUntil(lambda: media.proxies.find(str(clip)) is not None)
    qtbot.waitUntil(lambda: actions["make_proxy"].isEnabled())
    media.set_cache_mb(0)
    editor.canvas.actual_size()
    editor.canvas.zoom_by(0.5)
    proxies: list[int] = []
    media.frame_ready.connect(lambda frame: proxies.append(frame.request.frame) if frame.is_proxy else None)
    editor.session.go_to(9)
    qtbot.waitUntil(lambda: 9 in proxies)
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and not editor.canvas.frame.is_proxy)
    assert editor.canvas.frame is not None and editor.canvas.frame.request.frame == 9
    editor.canvas.actual_size()
    assert showing_only_itself(editor, 7, qtbot) and 7 not in proxies, "at 100 % one looks at pixels"
    editor.canvas.zoom_by(0.5)
    actions["use_proxies"].trigger()
    assert showing_only_itself(editor, 2, qtbot) and 2 not in proxies


def test_deleted_proxies_are_no_longer_shown(editor: MainWindow, clip: Path, qtbot: QtBot) -> None:
    actions, media = editor.window_actions, editor.media
    actions["make_proxy"].trigger()
    qtbot.waitUntil(lambda: media.proxies.find(str(clip)) is not None)
    qtbot.waitUntil(lambda: actions["make_proxy"].isEnabled())
    media.set_cache_mb(0)
    editor.canvas.actual_size()
    editor.canvas.zoom_by(0.5)
    actions["delete_proxies"].trigger()
    (question,) = editor.notices.texts
    editor.notices.click(question, "Delete")
    assert media.proxies.find(str(clip)) is None
    proxies: list[int] = []
    media.frame_ready.connect(lambda frame: proxies.append(frame.request.frame) if frame.is_proxy else None)
    assert showing_only_itself(editor, 9, qtbot) and not proxies


def showing_only_itself(window: MainWindow, frame: int, qtbot: QtBot) -> bool:
    """Go to a frame and wait for its picture."""
    window.session.go_to(frame)
    qtbot.waitUntil(lambda: window.canvas.frame is not None and window.canvas.frame.request.frame == frame)
    assert window.canvas.frame is not None
    return not window.canvas.frame.is_proxy


def test_a_proxy_can_be_cancelled(
    editor: MainWindow, clip: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desktop.media import proxy_maker

    begun = threading.Event()

    def endless(media_path: str, target: Path, progress: Any) -> bool:
        begun.set()
        while progress(0, 100):
            pass
        return False

    monkeypatch.setattr(proxy_maker, "make_proxy", endless)
    editor.window_actions["make_proxy"].trigger()
    assert begun.wait(20)
    editor.window_actions["cancel_proxy"].trigger()
    qtbot.waitUntil(lambda: editor.window_actions["make_proxy"].isEnabled())
    assert editor.media.proxies.find(str(clip)) is None

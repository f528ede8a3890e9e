"""The decode thread: the newest wish wins, the cache is bounded, failures are told."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.media.decode_worker import DecodeWorker
from desktop.media.display import DisplayFrame, FrameRequest, frame_image
from desktop.media.frame_cache import FrameCache
from roi_tools.geometry import Size
from tests.desktop.conftest import CLIP_FRAMES, CLIP_SIZE
from tests.support.media import noise_clip, noise_frame
from timeline.media.display import frame_to_display8

CACHE_BYTES = 64 << 20


class Collected:
    """Reports as a list, with a way to wait for them."""

    def __init__(self) -> None:
        self.items: list[tuple[str, Any]] = []
        self._condition = threading.Condition()

    def _add(self, kind: str, payload: Any) -> None:
        with self._condition:
            self.items.append((kind, payload))
            self._condition.notify_all()

    def frame_decoded(self, frame: DisplayFrame) -> None:
        self._add("frame", frame)

    def decoding_failed(self, request: FrameRequest, message: str) -> None:
        self._add("failed", (request, message))

    def media_probed(self, path: str, info: Any) -> None:
        self._add("probed", info)

    def probing_failed(self, path: str, message: str) -> None:
        self._add("probe_failed", message)

    def media_changed(self, path: str) -> None:
        self._add("changed", path)

    def wait(self, kind: str) -> Any:
        with self._condition:
            assert self._condition.wait_for(lambda: any(name == kind for name, _ in self.items), 20)
            return next(payload for name, payload in self.items if name == kind)


@pytest.fixture
def reports() -> Collected:
    return Collected()


@pytest.fixture
def worker(reports: Collected, qapp: object):
    worker = DecodeWorker(reports, CACHE_BYTES)
    yield worker
    worker.stop()


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def request(clip: Path, frame: int) -> FrameRequest:
    return FrameRequest(str(clip), None, frame)


def test_a_frame_is_decoded_and_then_in_memory(worker: DecodeWorker, reports: Collected, clip: Path) -> None:
    worker.show(request(clip, 5))
    frame = reports.wait("frame")
    assert np.array_equal(frame.native.planes[0], noise_frame("yuv420p", CLIP_SIZE, 5).planes[0])
    assert worker.cached(request(clip, 5)) is frame


def test_only_the_newest_wish_counts(worker: DecodeWorker, reports: Collected, clip: Path) -> None:
    with worker._condition:  # the thread cannot begin before all wishes are there
        for frame in range(CLIP_FRAMES):
            worker._wish = request(clip, frame)
        worker._condition.notify()
    assert reports.wait("frame").request.frame == CLIP_FRAMES - 1
    worker.stop()
    assert [kind for kind, _ in reports.items] == ["frame"]


def test_frames_ahead_are_decoded_quietly(worker: DecodeWorker, reports: Collected, clip: Path) -> None:
    worker.look_ahead([request(clip, frame) for frame in (1, 2, 3)])
    until(lambda: worker.cached(request(clip, 3)) is not None)
    assert all(worker.cached(request(clip, frame)) for frame in (1, 2, 3))
    assert reports.items == []


def test_probing_tells_what_is_there_or_why_not(
    worker: DecodeWorker, reports: Collected, clip: Path, tmp_path: Path
) -> None:
    worker.probe(str(clip), None)
    assert reports.wait("probed").frame_count == CLIP_FRAMES
    worker.probe(str(tmp_path / "missing.mov"), None)
    assert "missing.mov" in reports.wait("probe_failed")


def test_a_frame_outside_the_media_is_a_message(worker: DecodeWorker, reports: Collected, clip: Path) -> None:
    worker.show(request(clip, 99))
    failed, message = reports.wait("failed")
    assert failed.frame == 99
    assert "\n" not in message
    worker.show(request(clip, 1))
    assert reports.wait("frame").request.frame == 1


def test_the_cache_is_bounded_and_keeps_what_was_used_last() -> None:
    frames = [display(number) for number in range(6)]
    cache = FrameCache(limit_bytes=3 * frames[0].byte_count)
    for frame in frames[:3]:
        cache.put(frame)
    cache.get(frames[0].request)
    cache.put(frames[3])
    assert frames[0].request in cache
    assert frames[1].request not in cache
    for frame in frames:
        cache.put(frame)
    assert len(cache) == 3
    assert cache.byte_count == 3 * frames[0].byte_count


def test_a_file_that_was_replaced_or_is_gone_is_read_anew(
    worker: DecodeWorker, reports: Collected, clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(clip.read_bytes())

    def said(count: int) -> list[str]:
        worker.probe(str(path), None)
        until(lambda: len(reports.items) >= count)
        return [kind for kind, _ in reports.items]

    said(1)
    assert said(2) == ["probed", "probed"], "nothing has changed"
    worker.show(request(path, 5))
    reports.wait("frame")
    assert worker.cached_frames(str(path)) == {5}
    path.unlink()
    noise_clip(path, 7, CLIP_SIZE)
    assert said(5)[3:] == ["changed", "probed"] and reports.items[-1][1].frame_count == 7
    assert worker.cached_frames(str(path)) == set()
    path.unlink()
    assert said(7)[5:] == ["changed", "probe_failed"]
    assert reports.items[-1][1] == f"{path} does not exist; check the path"


def test_one_frame_over_the_limit_is_kept() -> None:
    cache = FrameCache(limit_bytes=1)
    cache.put(display(0))
    cache.put(display(1))
    assert len(cache) == 1
    assert display(1).request in cache


def display(number: int) -> DisplayFrame:
    native = noise_frame("yuv420p", Size(64, 48), number)
    return DisplayFrame(FrameRequest("/a.mov", None, number), native, frame_image(native))


@pytest.mark.parametrize("format_name", ["yuv420p", "yuv422p10le", "gbrp", "gray", "gbrpf32le"])
def test_the_image_shows_the_frame_s_colours(format_name: str) -> None:
    frame = noise_frame(format_name, Size(31, 17), 3)
    image = frame_image(frame)
    expected = frame_to_display8(frame)
    for x, y in ((0, 0), (30, 16), (7, 11)):
        color = image.pixelColor(x, y)
        assert [color.red(), color.green(), color.blue()] == list(expected[y, x])

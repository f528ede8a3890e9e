"""Small pictures: of the very frame, bounded, made in the background, shown until the frame itself is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.media.decode_worker import DecodeWorker
from desktop.media.display import DisplayFrame, FrameRequest
from desktop.media.quick_look import MediaRange, QuickLook
from desktop.media.small_pictures import Media, SmallPicture, SmallPictures
from desktop.wiring.quick_look import media_ranges
from roi_tools.geometry import Size
from tests.desktop.renders import patch_file
from tests.desktop.shown import Shown
from tests.support.media import info_of, noise_frame
from tests.timeline.media.pictures import encode_movie
from timeline.media.frame import Frame
from timeline.media.reader import open_media
from timeline.shot import Shot

FRAMES = 60
LONG_GROUP = {"g": "60", "bf": "2", "preset": "fast", "threads": "1"}


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames, one group of pictures."""
    return encode_movie(tmp_path_factory.mktemp("media") / "long.mp4", list(range(FRAMES)), options=LONG_GROUP)


class Thumbnails:
    """What the thread reports."""

    def __init__(self) -> None:
        self.images: dict[int, QImage] = {}

    def __call__(self, path: str, frame: int, image: QImage) -> None:
        self.images[frame] = image


@pytest.fixture
def quick(qapp: object) -> Iterator[tuple[QuickLook, SmallPictures, Thumbnails]]:
    store, thumbnails = SmallPictures(64 << 20), Thumbnails()
    quick = QuickLook(store, thumbnails)
    yield quick, store, thumbnails
    quick.stop()


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def smooth_frame(format_name: str, size: Size) -> Frame:
    """Noise without fine detail, which a small picture can show."""
    noisy = noise_frame(format_name, size)
    planes = tuple(cv2.GaussianBlur(plane, (0, 0), 12) for plane in noisy.planes)
    return replace(noisy, planes=planes)


@pytest.mark.parametrize("format_name", ["yuv420p", "yuv422p10le", "gbrp16le", "yuva444p", "gray"])
def test_a_small_picture_is_the_frame_s(format_name: str) -> None:
    frame = smooth_frame(format_name, Size(1283, 721))
    picture = SmallPicture.of(frame)
    small, large = picture.frame(), picture.enlarged(info_of(frame, 1))
    assert small.size == Size(480, 270) and small.format == frame.format
    assert large.size == frame.size
    tolerance = 3 << max(frame.format.bit_depth - 8, 0)
    for plane, again in zip(frame.planes, large.planes, strict=True):
        assert np.abs(plane.astype(int) - again).mean() < tolerance
    assert picture.byte_count < 60_000


def test_untagged_colour_stays_that_of_the_whole_frame() -> None:
    frame = replace(noise_frame("yuv420p", Size(1920, 1080)), color=noise_frame("gray", Size(2, 2)).color)
    untagged = replace(frame, color=replace(frame.color, matrix=None, primaries=None))
    assert SmallPicture.of(untagged).color.matrix == "bt709", "480 px wide and untagged would be BT.601"


def test_more_than_fits_is_thinned_evenly() -> None:
    picture = SmallPicture.of(noise_frame("gray", Size(64, 48)))
    store = SmallPictures(10 * picture.byte_count)
    media = ("/a.mov", None)
    for frame in range(40):
        store.put(media, frame, picture)
    assert store.step_frames == 4
    assert [frame for frame in range(40) if store.get(media, frame)] == list(range(0, 40, 4))
    assert store.byte_count == 10 * picture.byte_count
    assert store.missing(media, range(38, 60), 2) == [40, 44]
    store.set_limit(0)
    assert store.byte_count == 0 and not store.is_open


def test_pictures_of_other_media_go() -> None:
    picture = SmallPicture.of(noise_frame("gray", Size(64, 48)))
    store = SmallPictures(1 << 20)
    store.put(("/a.mov", None), 0, picture)
    store.put(("/b.mov", Fraction(24)), 0, picture)
    store.keep_only([("/b.mov", Fraction(24))])
    assert store.get(("/a.mov", None), 0) is None and store.get(("/b.mov", Fraction(24)), 0) is picture
    assert store.byte_count == picture.byte_count


def test_all_frames_of_the_plan_are_looked_over(quick: Any, movie: Path) -> None:
    look, store, _ = quick
    media = (str(movie), None)
    look.set_focus(str(movie), 30)
    look.set_plan([MediaRange(*media, 10, 50)])
    until(lambda: look.is_done)
    assert [frame for frame in range(FRAMES) if store.get(media, frame)] == list(range(10, 50))
    with open_media(movie) as reader:
        for frame in (10, 33, 49):
            assert (
                np.abs(store.get(media, frame).frame().planes[0].astype(int) - reader.read(frame).planes[0]).max() < 40
            )


class Diary(SmallPictures):
    """Remembers in which order pictures came."""

    def __init__(self) -> None:
        super().__init__(64 << 20)
        self.kept: list[int] = []

    def put(self, media: Media, frame: int, picture: SmallPicture) -> None:
        self.kept.append(frame)
        super().put(media, frame, picture)


def test_keyframes_about_the_playhead_come_first_then_all_from_its_group_on(qapp: object, tmp_path: Path) -> None:
    options = {"g": "25", "sc_threshold": "0", "bf": "0", "preset": "ultrafast", "threads": "1"}
    path = encode_movie(tmp_path / "groups.mp4", list(range(80)), options=options)
    store = Diary()
    look = QuickLook(store, Thumbnails())
    look.set_focus(str(path), 60)
    look.set_plan([MediaRange(str(path), None, 0, 80)])
    until(lambda: look.is_done)
    look.stop()
    assert store.kept[:4] == [50, 75, 25, 0]
    rest = [*range(51, 75), *range(76, 80), *range(1, 25), *range(26, 50)]
    assert store.kept[4:] == rest


def test_pausing_leaves_only_thumbnails(quick: Any, movie: Path) -> None:
    look, store, thumbnails = quick
    look.pause(True)
    look.set_plan([MediaRange(str(movie), None, 0, FRAMES)])
    look.thumbnail(str(movie), None, 7)
    until(lambda: 7 in thumbnails.images)
    assert thumbnails.images[7].height() == 96
    assert store.byte_count == 0 and not look.is_done
    look.pause(False)
    until(lambda: look.is_done)
    assert store.get((str(movie), None), FRAMES - 1) is not None


def test_on_the_way_to_a_thumbnail_pictures_are_kept(quick: Any, movie: Path) -> None:
    look, _, thumbnails = quick
    media = (str(movie), None)
    look.thumbnail(*media, 40)
    look.set_plan([MediaRange(*media, 0, FRAMES)])
    until(lambda: 40 in thumbnails.images and look.is_done)
    with open_media(movie) as reader:
        shown = reader.read(40).size
    assert thumbnails.images[40].width() == round(96 * shown.width_px / shown.height_px)


def test_media_that_cannot_be_read_or_need_it_not_are_left_alone(quick: Any, clip: Path, tmp_path: Path) -> None:
    look, store, _ = quick
    look.set_plan([MediaRange(str(tmp_path / "missing.mov"), None, 0, 9), MediaRange(str(clip), None, 0, 12)])
    until(lambda: look.is_done)
    assert store.byte_count == 0, "each picture of the clip stands alone"


def test_ranges_of_shots_are_joined() -> None:
    def shot(name: str, path: str, start: int, stop: int) -> Shot:
        return Shot(name, name, path, Fraction(24), start, stop)

    shots = [
        shot("a", "/a.mov", 10, 20),
        shot("b", "/b.mov", 0, 5),
        shot("c", "/a.mov", 20, 30),
        shot("d", "/a.mov", 40, 50),
    ]
    assert media_ranges(shots) == [
        MediaRange("/a.mov", Fraction(24), 10, 30),
        MediaRange("/a.mov", Fraction(24), 40, 50),
        MediaRange("/b.mov", Fraction(24), 0, 5),
    ]


@pytest.fixture
def scrubbed(movie: Path, qapp: object) -> Iterator[tuple[DecodeWorker, Shown]]:
    """A decode thread for which every second frame has a small picture."""
    store, shown = SmallPictures(64 << 20), Shown()
    with open_media(movie) as reader:
        for frame in range(0, FRAMES, 2):
            store.put((str(movie), None), frame, SmallPicture.of(reader.read(frame)))
    worker = DecodeWorker(shown, 64 << 20, find_small=lambda path, rate, *where: store.nearest((path, rate), *where))
    yield worker, shown
    worker.stop()


def test_a_far_frame_has_its_small_picture_first(scrubbed: tuple[DecodeWorker, Shown], movie: Path) -> None:
    worker, shown = scrubbed
    wish = FrameRequest(str(movie), None, 50)
    worker.show(wish)
    first, second = shown.wait(2)
    assert (first.is_proxy, second.is_proxy) == (True, False)
    assert first.request == second.request == wish and first.native.size == second.native.size
    with open_media(movie) as reader:
        assert np.array_equal(second.native.planes[0], reader.read(50).planes[0])
    assert worker.cached(wish) is second, "what stands in is not kept"


def test_a_frame_without_a_picture_has_one_nearby_until_it_is_there(
    scrubbed: tuple[DecodeWorker, Shown], movie: Path, tmp_path: Path
) -> None:
    worker, shown = scrubbed
    worker.show(FrameRequest(str(movie), None, 41))
    shown.wait(2)
    worker.show(FrameRequest(str(movie), None, 43))  # the decoder is nearly there
    shown.wait(3)
    worker.show(FrameRequest(str(movie), None, 5, (patch_file(tmp_path, 5, 200),)))  # a result fits its frame only
    told = [(frame.request.frame, frame.is_proxy, frame.off_by_frames) for frame in shown.wait(4)]
    assert told == [(41, True, -1), (41, False, 0), (43, False, 0), (5, False, 0)]


def test_a_result_lies_over_its_small_picture(
    scrubbed: tuple[DecodeWorker, Shown], movie: Path, tmp_path: Path
) -> None:
    worker, shown = scrubbed
    worker.show(FrameRequest(str(movie), None, 50, (patch_file(tmp_path, 50, 200),)))
    first, second = shown.wait(2)
    assert (first.is_proxy, second.is_proxy) == (True, False)
    assert first.native_result is not None and second.native_result is not None
    assert first.native_result.planes[0][10, 10] == second.native_result.planes[0][10, 10] == 200


def test_a_frame_that_is_not_wanted_any_more_gives_way(scrubbed: tuple[DecodeWorker, Shown], movie: Path) -> None:
    worker, _ = scrubbed
    newest = FrameRequest(str(movie), None, 30)

    class Impatient(Shown):
        """Wishes for another frame as soon as it sees a stand-in."""

        def frame_decoded(self, frame: DisplayFrame) -> None:
            super().frame_decoded(frame)
            if frame.request.frame == 58 and frame.is_proxy:
                worker.show(newest)

    worker._reports = impatient = Impatient()
    worker.show(FrameRequest(str(movie), None, 58))
    until(lambda: any(not frame.is_proxy for frame in impatient.frames))
    seen = [(frame.request.frame, frame.is_proxy) for frame in impatient.frames]
    assert seen[0] == (58, True) and seen[-1] == (30, False)
    assert worker.cached(FrameRequest(str(movie), None, 58)) is None


def test_the_viewer_says_that_it_still_shows_another_frame(
    window: MainWindow, movie: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.documents.open_paths([str(movie)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    said: list[bool] = []
    monkeypatch.setattr(window.canvas, "set_waiting", lambda: said.append(True))
    monkeypatch.setattr(window.media, "show", lambda request: None)  # a decoder that takes its time
    window.session.go_to(45)
    qtbot.waitUntil(lambda: said == [True])


def test_the_window_looks_over_what_is_opened(window: MainWindow, movie: Path, qtbot: QtBot) -> None:
    window.documents.open_paths([str(movie)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    qtbot.waitUntil(lambda: window.media.has_looked_over, timeout=20_000)
    window.media.set_cache_mb(8)  # small pictures stay, no more than a few frames
    stood_in: list[int] = []
    window.media.frame_ready.connect(lambda frame: stood_in.append(frame.request.frame) if frame.is_proxy else None)
    window.session.go_to(45)
    qtbot.waitUntil(lambda: window.canvas.frame is not None and window.canvas.frame.request.frame == 45)
    qtbot.waitUntil(lambda: window.canvas.frame is not None and not window.canvas.frame.is_proxy)
    assert stood_in == [45]
    commands.remove_shot(window.session)
    qtbot.waitUntil(lambda: window.media._small.byte_count == 0)

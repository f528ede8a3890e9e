"""Exact frames: random access equals decoding from the start."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from roi_tools.geometry import Size
from tests.support.clips import shared_clip
from tests.timeline.media.pictures import encode_movie, numbered_picture, same_planes
from timeline.errors import MediaError, ReadGivenUpError
from timeline.media.av_frames import from_av
from timeline.media.frame import Frame
from timeline.media.reader import open_media

LONG_GOP = {"g": "40", "bf": "3", "preset": "fast", "threads": "1"}
CONSTANT = list(range(60))
VARIABLE = [0]
for _step in range(59):
    VARIABLE.append(VARIABLE[-1] + (1, 4, 2, 9, 1, 1, 3)[_step % 7])


def all_frames(path: Path) -> list[Frame]:
    with av.open(str(path)) as container:
        return [_copy(picture) for picture in container.decode(video=0)]


def _copy(picture: av.VideoFrame) -> Frame:
    frame = from_av(picture)
    return Frame(tuple(plane.copy() for plane in frame.planes), frame.format, frame.color)


def assert_random_access_is_exact(path: Path, seed: int = 1) -> None:
    expected = all_frames(path)
    order = [*range(len(expected)), *reversed(range(len(expected)))]
    random.Random(seed).shuffle(order)
    with open_media(path) as reader:
        assert reader.info.frame_count == len(expected)
        wrong = [frame for frame in order if not same_planes(reader.read(frame), expected[frame])]
    assert wrong == []


@pytest.mark.parametrize("times", [CONSTANT, VARIABLE], ids=["constant rate", "variable rate"])
@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "ts"])
def test_random_access_equals_decoding_in_order(tmp_path: Path, ending: str, times: list[int]) -> None:
    assert_random_access_is_exact(encode_movie(tmp_path / f"plate.{ending}", times, options=LONG_GOP))


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("open_gop.mp4", "libx264", LONG_GOP | {"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3"}),
        ("short_gop.mp4", "libx264", LONG_GOP | {"g": "2", "bf": "1"}),
        ("intra.mov", "prores_ks", {"profile": "4444"}),
        ("part2.mp4", "mpeg4", {"bf": "2", "g": "12"}),
        ("part2.avi", "mpeg4", {"bf": "2", "g": "12"}),
        ("motion_jpeg.avi", "mjpeg", {}),
        ("raw.h264", "libx264", LONG_GOP),
        ("vp9.webm", "libvpx-vp9", {"cpu-used": "8", "g": "20", "lag-in-frames": "12", "deadline": "realtime"}),
    ],
)
def test_random_access_is_exact_in_every_container(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    stored = {"prores_ks": "yuv444p10le", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
    path = encode_movie(tmp_path / name, range(30), codec=codec, options=options, stored_format=stored)
    assert_random_access_is_exact(path)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("pyramid.mp4", "libx264", LONG_GOP | {"g": "90", "x264-params": "b-pyramid=normal:bframes=5"}),
        ("open_gop.mkv", "libx264", LONG_GOP | {"x264-params": "open-gop=1:keyint=45:min-keyint=45:bframes=3"}),
        ("hevc.mp4", "libx265", {"preset": "ultrafast", "x265-params": "keyint=90:bframes=4:b-pyramid=1:log-level=0"}),
        ("part2.mp4", "mpeg4", {"bf": "2", "g": "90"}),
        ("vp9.webm", "libvpx-vp9", {"cpu-used": "8", "g": "90", "lag-in-frames": "16", "deadline": "realtime"}),
    ],
)
def test_a_frame_far_from_its_keyframe_is_exact(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    path = encode_movie(tmp_path / name, range(90), codec=codec, options=options)
    assert_random_access_is_exact(path)


def test_after_a_read_that_was_given_up_every_frame_is_exact(tmp_path: Path) -> None:
    """What was left out on the way to a far frame is not missing on the way to a nearer one."""
    path = encode_movie(tmp_path / "long.mp4", CONSTANT, options=LONG_GOP | {"g": "60"})
    expected = all_frames(path)
    for pictures in range(1, 9):
        with open_media(path) as reader:
            with pytest.raises(ReadGivenUpError):
                reader.read_while(59, partial(next, iter([True] * pictures), False))
            for frame in (10, 20, 12, 40, 41, 30, 59):
                assert same_planes(reader.read(frame), expected[frame]), (pictures, frame)


def test_what_a_frame_costs_is_known_before(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "long.mp4", CONSTANT, options=LONG_GOP)
    with open_media(path) as reader:
        assert [reader.group_start(frame) for frame in (0, 39, 40, 59)] == [0, 0, 40, 40]
        assert reader.pictures_to(39) in (39, 40)  # frame 0 may be known from the start
        reader.read(45)
        assert [reader.pictures_to(frame) for frame in (45, 47, 3)] == [0, 2, 4]


def test_frame_n_is_the_nth_presentation_time(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mp4", VARIABLE, options=LONG_GOP | {"crf": "1"})
    with open_media(path) as reader:
        for number in (0, 17, 3, 59, 31):
            difference = np.abs(reader.read(number).planes[0].astype(int) - numbered_picture(number).planes[0])
            assert np.median(difference) <= 3, number


def test_rates(tmp_path: Path) -> None:
    even = encode_movie(tmp_path / "even.mkv", CONSTANT, time_base=Fraction(1001, 24000))
    uneven = encode_movie(tmp_path / "uneven.mp4", VARIABLE)
    with open_media(even) as reader:
        assert (reader.info.rate, reader.info.is_variable_rate) == (Fraction(24000, 1001), False)
    with open_media(uneven) as reader:
        average = Fraction(59, VARIABLE[-1]) * 24
        assert reader.info.is_variable_rate
        assert abs(reader.info.rate - average) < Fraction(1, 100)
    with open_media(even, rate=Fraction(25)) as reader:
        assert reader.info.rate == 25


def test_the_cache_holds_few_frames(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mp4", CONSTANT, options=LONG_GOP)
    with open_media(path) as reader:
        for _frame in reader.frames(0, 60):
            pass
        assert len(vars(reader)["_cache"]) <= 24


def test_frames_iterates_half_open(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mp4", CONSTANT, options=LONG_GOP)
    with open_media(path) as reader:
        assert len(list(reader.frames(10, 15))) == 5
        assert list(reader.frames(7, 7)) == []
        assert same_planes(next(iter(reader.frames(10, 15))), reader.read(10))


@pytest.mark.parametrize("frame", [-1, 60])
def test_a_frame_outside_says_so(tmp_path: Path, frame: int) -> None:
    path = encode_movie(tmp_path / "plate.mp4", CONSTANT)
    with open_media(path) as reader, pytest.raises(MediaError, match=rf"has no frame {frame}; its 60 frames"):
        reader.read(frame)


def test_planes_are_read_only(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mp4", CONSTANT[:3])
    with open_media(path) as reader, pytest.raises(ValueError, match="read-only"):
        reader.read(0).planes[0][0, 0] = 1


def test_a_phone_held_upright_is_turned(tmp_path: Path) -> None:
    path = encode_movie(tmp_path / "plate.mp4", CONSTANT[:3], options={"crf": "1"})
    with open_media(path) as reader:
        lying = reader.read(1)
    path.write_bytes(_with_quarter_turn(path.read_bytes()))
    with open_media(path) as reader:
        assert reader.info.size == Size(48, 64)
        upright = reader.read(1)
    for before, after in zip(lying.planes, upright.planes, strict=True):
        assert np.array_equal(np.rot90(before, -1), after)


def _with_quarter_turn(mp4: bytes) -> bytes:
    """The track header's matrix (ISO 14496-12, 8.3.2) replaced by the one that players turn clockwise."""
    start = mp4.index(b"tkhd") + 4 + 40
    one, zero, last = b"\x00\x01\x00\x00", bytes(4), b"\x40\x00\x00\x00"
    minus = b"\xff\xff\x00\x00"
    matrix = zero + one + zero + minus + zero + zero + zero + zero + last
    return mp4[:start] + matrix + mp4[start + 36 :]


@pytest.mark.real_clips
@pytest.mark.parametrize("name", ["bmx-trees", "dogs-jump", "car-road"])
def test_random_access_is_exact_on_real_clips(name: str) -> None:
    path = shared_clip(name) / "clip.mp4"
    expected = all_frames(path)
    order = random.Random(2).sample(range(len(expected)), 12)
    with open_media(path) as reader:
        assert [same_planes(reader.read(frame), expected[frame]) for frame in order] == [True] * 12

"""What is written is what is read back, with its rate, timecode and colour tags; failures leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roi_tools.geometry import Size
from tests.support.clips import shared_clip
from tests.timeline.media.pictures import FFV1_FORMATS, info_like, random_frame, same_planes
from timeline.errors import MediaExistsError, MediaWriteError
from timeline.media import movie_writer
from timeline.media.color import frame_to_rgb
from timeline.media.frame import ColorTags, Frame
from timeline.media.info import MediaInfo
from timeline.media.reader import open_media
from timeline.media.writer import delivery_for, open_writer

HD = Size(1280, 720)
SMALL = Size(96, 64)


def write(path: Path, frames: list[Frame], info: MediaInfo | None = None) -> Path:
    with open_writer(path, info or info_like(frames[0]), overwrite=True) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(FFV1_FORMATS), st.integers(1, 90), st.integers(1, 70), st.integers(1, 3))
def test_ffv1_is_the_identity(tmp_path: Path, name: str, width: int, height: int, count: int) -> None:
    frames = [random_frame(name, Size(width, height), seed) for seed in range(count)]
    path = write(tmp_path / "plate.mkv", frames)
    assert delivery_for(path).is_lossless(info_like(frames[0]))
    with open_media(path) as reader:
        assert reader.info.frame_count == count
        for number, frame in enumerate(frames):
            assert same_planes(reader.read(number), frame)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv411p", "yuv410p", "gbrp"])
@pytest.mark.parametrize("size", [Size(853, 479), Size(854, 480), Size(79, 66), Size(77, 64), Size(355, 131)], ids=str)
def test_ffv1_keeps_the_last_chroma_samples_of_odd_sizes(tmp_path: Path, name: str, size: Size) -> None:
    """Slices of FFV1 that do not meet on the chroma grid would lose them."""
    frame = random_frame(name, size)
    with open_media(write(tmp_path / "plate.mkv", [frame])) as reader:
        assert same_planes(reader.read(0), frame)


RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(60000, 1001),
    Fraction(25, 2),
    Fraction(10),
]


@pytest.mark.parametrize("ending", ["mkv", "mov", "mp4"])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_the_rate_is_exact(tmp_path: Path, ending: str, rate: Fraction) -> None:
    frames = [random_frame("yuv420p", SMALL, seed) for seed in range(5)]
    path = write(tmp_path / f"plate.{ending}", frames, info_like(frames[0], rate=rate))
    with open_media(path) as reader:
        assert (reader.info.rate, reader.info.is_variable_rate, reader.info.frame_count) == (rate, False, 5)


@pytest.mark.parametrize("ending", ["mkv", "mov", "mp4"])
def test_timecode_and_pixel_aspect_are_kept(tmp_path: Path, ending: str) -> None:
    frame = random_frame("yuv420p", SMALL)
    info = replace(info_like(frame), timecode="01:02:03:04", pixel_aspect=Fraction(4, 3))
    with open_media(write(tmp_path / f"plate.{ending}", [frame] * 3, info)) as reader:
        assert reader.info.timecode == "01:02:03:04"
        assert reader.info.pixel_aspect == (1 if ending == "mkv" else Fraction(4, 3))


@pytest.mark.parametrize("ending", ["mkv", "mov", "mp4"])
@pytest.mark.parametrize(
    "color",
    [
        ColorTags("bt709", "bt709", "bt709", False),
        ColorTags("bt2020", "smpte2084", "bt2020nc", False),
        ColorTags("smpte170m", "smpte170m", "smpte170m", False),
    ],
    ids=lambda color: str(color.matrix),
)
def test_colour_tags_are_kept(tmp_path: Path, ending: str, color: ColorTags) -> None:
    frame = random_frame("yuv420p", SMALL, color=color)
    with open_media(write(tmp_path / f"plate.{ending}", [frame])) as reader:
        assert reader.info.color == color


@pytest.mark.parametrize("ending", ["mkv", "mov", "mp4"])
@pytest.mark.parametrize(("size", "matrix"), [(HD, "bt709"), (SMALL, "smpte170m")], ids=["HD", "SD"])
def test_untagged_video_is_tagged_as_it_was_read(tmp_path: Path, ending: str, size: Size, matrix: str) -> None:
    frame = random_frame("yuv420p", size)
    with open_media(write(tmp_path / f"plate.{ending}", [frame])) as reader:
        assert reader.info.color == ColorTags(matrix, matrix, matrix, False)


def soft_frame(name: str, size: Size, color: ColorTags) -> Frame:
    """Smooth enough for a lossy codec to keep it close."""
    frame = random_frame(name, size, color=color)
    ramps = []
    for index, plane in enumerate(frame.planes):
        low, high = (0.1, 0.9) if index == 0 else (0.4, 0.6)
        ramp = np.linspace(low, high, plane.shape[1])[None, :] * np.ones((plane.shape[0], 1))
        ramps.append((ramp * frame.format.max_code).astype(plane.dtype))
    return Frame(tuple(ramps), frame.format, color)


BT709 = ColorTags("bt709", "bt709", "bt709", False)
SRGB = ColorTags("bt709", "iec61966-2-1", None, True)


@pytest.mark.parametrize("ending", ["mov", "mp4"])
@pytest.mark.parametrize(
    ("name", "color"),
    [
        ("yuv420p", BT709),
        ("yuv422p10le", BT709),
        ("yuv420p", ColorTags("smpte170m", "smpte170m", "smpte170m", False)),
        ("yuv444p", ColorTags("bt709", "bt709", "bt709", True)),
        ("gbrp", SRGB),
        ("gbrap16le", SRGB),
        ("gray", ColorTags()),
    ],
)
def test_colours_look_the_same_in_lossy_deliveries(tmp_path: Path, ending: str, name: str, color: ColorTags) -> None:
    frame = soft_frame(name, SMALL, color)
    with open_media(write(tmp_path / f"plate.{ending}", [frame] * 2)) as reader:
        result = reader.read(1)
        assert reader.info.size == SMALL
    difference = np.abs(frame_to_rgb(result) - frame_to_rgb(frame))
    assert difference.mean() < 2 / 255
    assert np.percentile(difference, 99) < 6 / 255


def test_prores_is_4444_of_ten_bits_and_keeps_alpha(tmp_path: Path) -> None:
    opaque = soft_frame("yuv420p", SMALL, BT709)
    cutout = soft_frame("gbrap", SMALL, SRGB)
    with open_media(write(tmp_path / "opaque.mov", [opaque])) as reader:
        assert (reader.info.codec, reader.info.stored_format) == ("prores", "yuv444p12le")
    with open_media(write(tmp_path / "cutout.mov", [cutout])) as reader:
        assert reader.info.format.has_alpha
        alpha = reader.read(0).planes[-1].astype(float) / reader.info.format.max_code
        assert np.abs(alpha - cutout.planes[-1] / 255.0).max() < 0.01


def test_h264_of_an_odd_size_keeps_it(tmp_path: Path) -> None:
    frame = soft_frame("gbrp", Size(85, 47), SRGB)
    with open_media(write(tmp_path / "plate.mp4", [frame] * 2)) as reader:
        assert (reader.info.size, reader.info.format.name) == (Size(85, 47), "yuv444p")


def test_mp4_starts_playing_before_it_is_loaded(tmp_path: Path) -> None:
    data = write(tmp_path / "plate.mp4", [random_frame("yuv420p", SMALL)]).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("name", ["gbrpf16le", "gbrapf32le", "ya16le", "yuv411p10le"])
def test_what_ffv1_cannot_hold_is_refused_with_the_alternatives(tmp_path: Path, name: str) -> None:
    frame = random_frame(name, SMALL)
    with pytest.raises(MediaWriteError, match=rf"FFV1 cannot hold {name}; write an image sequence"):
        open_writer(tmp_path / "plate.mkv", info_like(frame))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused_at_once_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "plate.mkv"
    target.write_text("precious")
    with pytest.raises(MediaExistsError, match=r"plate.mkv exists already; choose another name or allow"):
        open_writer(target, info_like(random_frame("gray", SMALL)))
    assert target.read_text() == "precious"
    with pytest.raises(MediaWriteError, match="it is a folder"):
        (tmp_path / "folder.mkv").mkdir()
        open_writer(tmp_path / "folder.mkv", info_like(random_frame("gray", SMALL)))


def test_an_aborted_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "plate.mkv"
    target.write_text("precious")
    frame = random_frame("yuv420p", SMALL)
    with pytest.raises(RuntimeError), open_writer(target, info_like(frame), overwrite=True) as writer:
        writer.write(frame)
        assert len(list(tmp_path.iterdir())) == 2
        raise RuntimeError("the effect failed")
    assert [file.name for file in tmp_path.iterdir()] == ["plate.mkv"]
    assert target.read_text() == "precious"
    with pytest.raises(MediaWriteError, match="it is closed"):
        writer.write(frame)


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaWriteError, match="there are no frames"):
        open_writer(tmp_path / "plate.mkv", info_like(random_frame("gray", SMALL))).close()
    assert list(tmp_path.iterdir()) == []


def test_frames_that_differ_from_the_media_are_refused(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "plate.mkv", info_like(random_frame("gray", SMALL)))
    with pytest.raises(MediaWriteError, match="frame 0 is 96x64 yuv420p, not 96x64 gray"):
        writer.write(random_frame("yuv420p", SMALL))
    writer.abort()


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaWriteError, match=r"the folder .*renders does not exist; create it first"):
        open_writer(tmp_path / "renders" / "plate.mkv", info_like(random_frame("gray", SMALL)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MediaWriteError, match="is not writable; choose another folder"):
        open_writer(tmp_path / "plate.mkv", info_like(random_frame("gray", SMALL)))


def test_a_folder_that_refuses_files_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(MediaWriteError, match=r"plate.mkv: the folder .* is not writable; choose another folder"):
        open_writer(tmp_path / "plate.mkv", info_like(random_frame("gray", SMALL)))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("ending", ["mkv", "mov", "mp4"])
def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """The hidden file is a link to a device that takes no byte."""
    target = tmp_path / f"plate.{ending}"
    link = tmp_path / f".plate.part.{ending}"
    link.symlink_to("/dev/full")
    monkeypatch.setattr(movie_writer, "temporary_beside", lambda target: link)
    frame = random_frame("yuv444p", Size(640, 360))
    with (
        pytest.raises(MediaWriteError, match=rf"cannot write .*plate.{ending}: the disk is full; free space or write"),
        open_writer(target, info_like(frame)) as writer,
    ):
        for _ in range(4):
            writer.write(frame)
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, signal, sys
from tests.timeline.media.pictures import info_like, random_frame
from roi_tools.geometry import Size
from timeline.errors import MediaWriteError
from timeline.media.writer import open_writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
frame = random_frame("yuv444p", Size(320, 180))
try:
    with open_writer(sys.argv[1], info_like(frame)) as writer:
        for _ in range(8):
            writer.write(frame)
except MediaWriteError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["plate.mkv", "plate.mp4", "plate.####.png"])
def test_a_limit_reached_on_the_way_says_so_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    """A real write that fails in the middle: the process may make files of 50 kB only."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    lines = result.stdout.strip().splitlines()
    assert len(lines) == 1, result
    assert lines[0].startswith("cannot write")
    assert "plate." in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real_clips
def test_a_real_clip_survives_ffv1(tmp_path: Path) -> None:
    with open_media(shared_clip("bmx-trees") / "clip.mp4") as reader:
        frames = list(reader.frames(20, 26))
        path = write(tmp_path / "plate.mkv", frames, reader.info)
    with open_media(path) as reader:
        assert all(same_planes(reader.read(number), frame) for number, frame in enumerate(frames))

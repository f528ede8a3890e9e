"""The measured proof: a change outside the matte is found, on every plane and at every sample."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.errors import RenderFailedError
from engine.protocol import Output
from engine.render.clips import MediaPlate, RenderMatte
from engine.render.delivery import LARGEST_DIFFERENCE, deliver, info_from, outside_difference
from roi_tools.geometry import Box, Size
from tests.support.media import info_of, noise_clip, noise_frame, write_clip
from timeline.media.frame import Frame
from timeline.media.probe import probe
from timeline.media.reader import open_media

SIZE = Size(16, 12)
BOX = Box(3, 3, 9, 9)


def nothing(_: int) -> None:
    """A step that nobody watches."""


def difference(tmp_path: Path, source: list[Frame], written: list[Frame], name: str = "mkv") -> dict[str, float]:
    for folder, frames in (("a", source), ("b", written)):
        (tmp_path / folder).mkdir()
        write_clip(tmp_path / folder / name, frames)
    with open_media(tmp_path / "a" / name) as reader:
        mattes = [RenderMatte(range(len(source)), SIZE, [[BOX]] * len(source), None, 0)]
        output = Output(path=str(tmp_path / "b" / name))
        return outside_difference(output, reader.info, MediaPlate(reader), mattes, range(len(source)), nothing)


def changed(frame: Frame, plane: int, row: int, column: int, value: float) -> Frame:
    planes = [p.copy() for p in frame.planes]
    planes[plane][row, column] = value
    return Frame(tuple(planes), frame.format, frame.color)


def test_changes_inside_are_allowed_and_the_rest_is_zero(tmp_path):
    frame = noise_frame("yuv420p", SIZE)
    other = changed(changed(frame, 0, 5, 5, 0), 1, 2, 2, 0)
    assert difference(tmp_path, [frame] * 2, [frame, other], "x.mkv") == {"Y": 0.0, "U": 0.0, "V": 0.0}


@pytest.mark.parametrize(("plane", "row", "column"), [(0, 2, 5), (0, 9, 9), (1, 1, 2), (2, 4, 4)])
def test_one_changed_sample_outside_is_found(tmp_path, plane, row, column):
    frame = noise_frame("yuv420p", SIZE)
    before = changed(frame, plane, row, column, 100)
    found = difference(tmp_path, [frame, before], [frame, changed(before, plane, row, column, 93)], "x.mkv")
    assert found == {"Y": 0.0, "U": 0.0, "V": 0.0} | {"YUV"[plane]: 7.0}


def test_alpha_may_not_change_even_inside(tmp_path):
    frame = changed(noise_frame("yuva420p", SIZE), 3, 5, 5, 100)
    assert difference(tmp_path, [frame], [changed(frame, 3, 5, 5, 98)], "x.mkv")["A"] == 2.0


def test_the_same_nan_is_no_difference_and_a_lost_one_is(tmp_path):
    frame = changed(noise_frame("gbrpf16le", SIZE), 0, 0, 0, np.nan)
    assert difference(tmp_path, [frame], [frame], "x.####.exr")["R"] == 0.0


def test_a_lost_nan_is_a_difference(tmp_path):
    frame = noise_frame("gbrpf16le", SIZE)
    found = difference(tmp_path, [changed(frame, 0, 0, 0, np.nan)], [frame], "x.####.exr")
    assert found == {"R": LARGEST_DIFFERENCE, "G": 0.0, "B": 0.0}


def test_missing_frames_are_found(tmp_path):
    frame = noise_frame("yuv420p", SIZE)
    with pytest.raises(RenderFailedError, match=r"x\.mkv holds 1 frames, but 2 were written"):
        difference(tmp_path, [frame] * 2, [frame], "x.mkv")


def test_another_pixel_format_is_found(tmp_path):
    with pytest.raises(RenderFailedError, match=r"decodes as 16x12 yuv444p, but the source is 16x12 yuv420p"):
        difference(tmp_path, [noise_frame("yuv420p", SIZE)], [noise_frame("yuv444p", SIZE)], "x.mkv")


def test_our_frames_are_found_among_older_files_of_the_same_pattern(tmp_path):
    pattern = tmp_path / "x.####.png"
    source = write_clip(pattern, [noise_frame("gbrp", SIZE, seed) for seed in range(4)])
    out = Output(path=str(tmp_path / "y.####.png"), overwrite=True)
    matte = RenderMatte(range(4), SIZE, [[BOX]] * 4, None, 0)
    with open_media(source) as reader:
        plate = MediaPlate(reader)
        deliver(out, reader.info, plate, range(4), nothing)
        deliver(out, reader.info, plate, range(2, 4), nothing)
        found = outside_difference(out, reader.info, plate, [matte], range(2, 4), nothing)
    assert found == {"R": 0.0, "G": 0.0, "B": 0.0}
    assert sorted(p.name for p in tmp_path.glob("y.*")) == [f"y.{n:04d}.png" for n in (1, 2, 3, 4)]


class TestInfoFrom:
    def test_a_clip_from_the_start_keeps_everything(self):
        info = info_of(noise_frame("gbrp", SIZE), 3)
        assert info_from(info, 0) is info

    @pytest.mark.parametrize(
        ("timecode", "rate", "start", "expected"),
        [
            ("01:00:00:00", "24", 25, "01:00:01:01"),
            ("00:00:59;28", "30000/1001", 2, "00:01:00;02"),
            (None, "24", 5, None),
        ],
    )
    def test_timecode_and_file_numbers_begin_where_the_range_does(self, timecode, rate, start, expected):
        info = info_of(noise_frame("gbrp", SIZE), 99)
        info = replace(info, timecode=timecode, rate=Fraction(rate), first_file_number=1001)
        later = info_from(info, start)
        assert (later.timecode, later.first_file_number) == (expected, 1001 + start)

    def test_the_written_range_has_its_own_timecode(self, tmp_path):
        with open_media(noise_clip(tmp_path / "a.mkv", 4, SIZE)) as reader:
            info = replace(reader.info, timecode="10:00:00:00")
            deliver(Output(path=str(tmp_path / "b.mkv")), info, MediaPlate(reader), range(3, 4), nothing)
        assert probe(tmp_path / "b.mkv").timecode == "10:00:00:03"

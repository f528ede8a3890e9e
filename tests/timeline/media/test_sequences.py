"""Image sequences: names, missing files, depths, and all of the result or none of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 (the name its own documentation uses)
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roi_tools.geometry import Size
from tests.timeline.media.pictures import info_like, random_frame, same_planes
from timeline.errors import MediaExistsError, MediaNotFoundError, MediaUnreadableError, MediaWriteError
from timeline.media.color import frame_to_rgb
from timeline.media.frame import ColorTags, Frame
from timeline.media.reader import open_media
from timeline.media.writer import delivery_for, open_writer

SMALL = Size(17, 11)
SRGB = ColorTags("bt709", "iec61966-2-1", None, True)
LINEAR = ColorTags("bt709", "linear", None, True)
BT709 = ColorTags("bt709", "bt709", "bt709", False)


def write_sequence(path: Path, frames: list[Frame], first_number: int | None = None) -> Path:
    info = replace(info_like(frames[0], len(frames)), first_file_number=first_number)
    with open_writer(path, info) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


LOSSLESS = [
    ("png", "gbrp", SRGB),
    ("png", "gbrap", SRGB),
    ("png", "gbrp16le", SRGB),
    ("png", "gbrap16le", SRGB),
    ("png", "gray", SRGB),
    ("png", "gray16le", SRGB),
    ("png", "ya8", SRGB),
    ("png", "ya16le", SRGB),
    ("tif", "gbrp", SRGB),
    ("tif", "gbrap16le", SRGB),
    ("tif", "gbrpf32le", LINEAR),
    ("tif", "gray16le", SRGB),
    ("exr", "gbrpf16le", LINEAR),
    ("exr", "gbrapf16le", LINEAR),
    ("exr", "gbrpf32le", LINEAR),
    ("exr", "grayf16le", LINEAR),
    ("dpx", "gbrp10le", ColorTags(full_range=True)),
]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(LOSSLESS), st.integers(1, 40), st.integers(1, 30), st.integers(0, 99))
def test_write_then_read_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, str, ColorTags], width: int, height: int, seed: int
) -> None:
    ending, name, color = case
    folder = tmp_path_factory.mktemp("sequence")
    frames = [random_frame(name, Size(width, height), seed + offset, color) for offset in range(2)]
    path = write_sequence(folder / f"plate.####.{ending}", frames)
    assert delivery_for(path).is_lossless(info_like(frames[0]))
    with open_media(path) as reader:
        assert reader.info.kind == "sequence"
        assert [same_planes(reader.read(number), frame) for number, frame in enumerate(frames)] == [True, True]
        if ending != "dpx" and (ending, name) != ("exr", "grayf16le"):
            assert reader.info.color == color


@pytest.mark.parametrize(
    ("ending", "name", "expected"),
    [
        ("png", "yuv420p", "gbrp"),
        ("png", "yuv422p10le", "gbrp16le"),
        ("png", "gbrp10le", "gbrp16le"),
        ("tif", "yuva444p10le", "gbrap16le"),
        ("exr", "yuv420p", "gbrpf16le"),
        ("exr", "gbrp16le", "gbrpf16le"),
        ("dpx", "yuv422p10le", "gbrp10le"),
        ("dpx", "gbrapf16le", "gbrp10le"),
        ("jpg", "yuv444p16le", "gbrp"),
        ("png", "gbrpf32le", "gbrp16le"),
    ],
)
def test_depths_that_are_delivered(tmp_path: Path, ending: str, name: str, expected: str) -> None:
    frame = random_frame(name, SMALL, color=BT709 if name.startswith("yuv") else ColorTags())
    path = write_sequence(tmp_path / f"plate.####.{ending}", [frame])
    assert not delivery_for(path).is_lossless(info_like(frame))
    with open_media(path) as reader:
        assert reader.read(0).format.name == expected


@pytest.mark.parametrize("ending", ["png", "tif", "dpx"])
def test_video_in_integer_images_keeps_its_code_values(tmp_path: Path, ending: str) -> None:
    frame = random_frame("yuv444p10le", SMALL, color=BT709)
    with open_media(write_sequence(tmp_path / f"plate.####.{ending}", [frame])) as reader:
        result = frame_to_rgb(reader.read(0))
    assert np.abs(result - np.clip(frame_to_rgb(frame), 0, 1)).max() < 0.51 / 1023


def test_rgb_in_video_range_looks_the_same_in_images(tmp_path: Path) -> None:
    frame = random_frame("gbrp16le", SMALL, color=ColorTags(full_range=False))
    path = write_sequence(tmp_path / "plate.####.png", [frame])
    assert not delivery_for(path).is_lossless(info_like(frame))
    with open_media(path) as reader:
        result = frame_to_rgb(reader.read(0))
    assert np.abs(result - np.clip(frame_to_rgb(frame), 0, 1)).max() < 1 / 65535


def test_exr_of_video_is_scene_linear_and_back_it_is_the_same_picture(tmp_path: Path) -> None:
    frame = random_frame("gbrp", SMALL, color=SRGB)
    linear = write_sequence(tmp_path / "linear.####.exr", [frame])
    with open_media(linear) as reader:
        picture, info = reader.read(0), reader.info
    assert info.color.is_scene_linear
    middle = frame.planes[0] == 188
    assert np.allclose(picture.planes[0][middle].astype(float), 0.5029, atol=0.001)
    with open_writer(tmp_path / "back.####.png", info) as writer:
        writer.write(picture)
    with open_media(tmp_path / "back.####.png") as reader:
        back = reader.read(0)
    for before, after in zip(frame.planes, back.planes, strict=True):
        assert np.abs(after.astype(float) / 257 - before).max() < 0.2


def test_a_transfer_without_an_inverse_is_refused_for_exr(tmp_path: Path) -> None:
    frame = random_frame("yuv420p10le", SMALL, color=ColorTags("bt2020", "smpte2084", "bt2020nc", False))
    with pytest.raises(MediaWriteError, match=r"tagged smpte2084 has no conversion to scene-linear here; write .mkv"):
        open_writer(tmp_path / "plate.####.exr", info_like(frame))
    assert names(tmp_path) == []


@pytest.mark.parametrize("pattern", ["plate.####.png", "plate.%04d.png", "plate.@@@@.png", "[a] 100%_v02.####.png"])
def test_patterns_and_their_folder(tmp_path: Path, pattern: str) -> None:
    frames = [random_frame("gbrp", SMALL, seed) for seed in range(3)]
    write_sequence(tmp_path / pattern, frames, first_number=1001)
    assert len(names(tmp_path)) == 3
    assert all(f".{number}." in "".join(names(tmp_path)) for number in (1001, 1002, 1003))
    for path in (tmp_path / pattern, tmp_path):
        with open_media(path) as reader:
            assert (reader.info.frame_count, reader.info.first_file_number) == (3, 1001)
            assert same_planes(reader.read(2), frames[2])


def test_numbers_may_outgrow_their_padding(tmp_path: Path) -> None:
    frames = [random_frame("gray", SMALL, seed) for seed in range(4)]
    write_sequence(tmp_path / "p.##.png", frames, first_number=98)
    assert names(tmp_path) == ["p.100.png", "p.101.png", "p.98.png", "p.99.png"]
    with open_media(tmp_path / "p.%02d.png") as reader:
        assert same_planes(reader.read(3), frames[3])


def test_missing_frames_are_named(tmp_path: Path) -> None:
    write_sequence(tmp_path / "plate.####.png", [random_frame("gray", SMALL)] * 9)
    for number in (3, 5, 6):
        (tmp_path / f"plate.{number:04d}.png").unlink()
    expected = r"3 frames are missing, number 3,5-6 \(plate.0003.png, plate.0005.png, plate.0006.png\); render"
    for path in (tmp_path, tmp_path / "plate.####.png"):
        with pytest.raises(MediaNotFoundError, match=expected):
            open_media(path)


def test_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError, match=r"plate.####.exr matches no file, such as plate.0001.exr"):
        open_media(tmp_path / "plate.####.exr")
    with pytest.raises(MediaNotFoundError, match="holds no images"):
        open_media(tmp_path)
    with pytest.raises(MediaNotFoundError, match=r"the folder .*nowhere does not exist"):
        open_media(tmp_path / "nowhere" / "plate.####.exr")


def test_a_folder_of_several_sequences_asks_for_one(tmp_path: Path) -> None:
    for name in ("beauty", "matte"):
        write_sequence(tmp_path / f"{name}.####.png", [random_frame("gray", SMALL)] * 2)
    with pytest.raises(MediaUnreadableError, match=r"2 sequences \(beauty.####.png, matte.####.png\); name one"):
        open_media(tmp_path)


def test_frames_that_differ_name_the_file(tmp_path: Path) -> None:
    write_sequence(tmp_path / "plate.####.png", [random_frame("gray", SMALL)] * 3)
    (tmp_path / "plate.0002.png").unlink()
    write_sequence(tmp_path / "odd.####.png", [random_frame("gbrp", Size(8, 8))])
    (tmp_path / "odd.0001.png").rename(tmp_path / "plate.0002.png")
    with open_media(tmp_path / "plate.####.png") as reader:
        reader.read(2)
        with pytest.raises(
            MediaUnreadableError, match=r"plate.0002.png is 8x8 gbrp where the sequence starts as 17x11"
        ):
            reader.read(1)


@pytest.mark.parametrize("ending", ["png", "tif", "exr", "dpx", "jpg"])
def test_a_cut_image_names_the_file(tmp_path: Path, ending: str, capfd: pytest.CaptureFixture[str]) -> None:
    size = Size(64, 64)
    write_sequence(tmp_path / f"plate.####.{ending}", [random_frame("gbrp", size, seed) for seed in range(3)])
    damaged = tmp_path / f"plate.0002.{ending}"
    damaged.write_bytes(damaged.read_bytes()[:-1500])
    with open_media(tmp_path / f"plate.####.{ending}") as reader:
        reader.read(0)
        with pytest.raises(MediaUnreadableError, match=rf"plate.0002.{ending} .*render or copy it again$") as caught:
            reader.read(1)
    assert "\n" not in str(caught.value)


def test_one_image_is_media_of_one_frame(tmp_path: Path) -> None:
    frame = random_frame("gbrp", SMALL)
    write_sequence(tmp_path / "plate.####.png", [frame])
    with open_media(tmp_path / "plate.0001.png") as reader:
        assert (reader.info.kind, reader.info.frame_count, reader.info.first_file_number) == ("still", 1, None)
        assert same_planes(reader.read(0), frame)


def test_pixels_outside_the_data_window_are_black(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(4, 2, 3, "half")
    spec.x, spec.y, spec.full_x, spec.full_y, spec.full_width, spec.full_height = 3, 1, 0, 0, 6, 5
    target = oiio.ImageOutput.create(str(tmp_path / "crop.exr"))
    assert target is not None
    assert target.open(str(tmp_path / "crop.exr"), spec)
    assert target.write_image(np.ones((2, 4, 3), np.float16))
    assert target.close()
    with open_media(tmp_path / "crop.exr") as reader:
        red = reader.read(0).planes[0]
    expected = np.zeros((5, 6))
    expected[1:3, 3:6] = 1
    assert np.array_equal(red, expected)


def test_the_rate_of_a_sequence(tmp_path: Path) -> None:
    frame = random_frame("gbrpf16le", SMALL)
    info = info_like(frame, rate=Fraction(24000, 1001))
    for ending in ("exr", "dpx", "png"):
        with open_writer(tmp_path / f"{ending}.####.{ending}", info) as writer:
            writer.write(frame)
    rates = {}
    for ending in ("exr", "dpx", "png"):
        with open_media(tmp_path / f"{ending}.####.{ending}") as reader:
            rates[ending] = reader.info.rate
    assert rates == {"exr": Fraction(24000, 1001), "dpx": Fraction(24000, 1001), "png": Fraction(24)}
    with open_media(tmp_path / "exr.####.exr", rate=Fraction(25)) as reader:
        assert reader.info.rate == 25


def test_existing_files_are_refused_and_kept(tmp_path: Path) -> None:
    frames = [random_frame("gray", SMALL, seed) for seed in range(3)]
    write_sequence(tmp_path / "plate.####.png", frames)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(MediaExistsError, match=r"plate.####.png exists already \(plate.0001.png\); choose another"):
        open_writer(tmp_path / "plate.####.png", info_like(frames[0]))
    with (
        pytest.raises(RuntimeError),
        open_writer(tmp_path / "plate.####.png", info_like(frames[0]), overwrite=True) as writer,
    ):
        writer.write(frames[2])
        raise RuntimeError("the effect failed")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_overwriting_replaces_files_of_the_same_number(tmp_path: Path) -> None:
    frames = [random_frame("gray", SMALL, seed) for seed in range(3)]
    write_sequence(tmp_path / "plate.####.png", frames)
    with open_writer(tmp_path / "plate.####.png", info_like(frames[0]), overwrite=True) as writer:
        writer.write(frames[2])
    with open_media(tmp_path) as reader:
        assert [same_planes(reader.read(n), frames[m]) for n, m in enumerate((2, 1, 2))] == [True, True, True]


@pytest.mark.parametrize("name", ["plate.avi", "plate", "plate.png", "plate.####.mov", "plate.gif"])
def test_unknown_deliveries_list_what_is_possible(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaWriteError, match=rf"cannot write .*{name}: .*####") as caught:
        delivery_for(tmp_path / name)
    assert "\n" not in str(caught.value)

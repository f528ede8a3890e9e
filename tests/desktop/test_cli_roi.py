"""``grayplate roi`` and ``grayplate matte``: marks from file to file, and from clicks to files."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from desktop.cli import main
from desktop.roto.roi_files import RoiOptions, mattes_of, read_marks_of
from desktop.subcommands.exit_codes import EXIT_BAD_INPUT
from roi_tools.geometry import Box, Size
from roi_tools.roi_document import read_roi
from tests.support.media import noise_clip
from tests.support.tiny_sam2 import build_tiny_sam2
from timeline.media.mattes import frame_coverage, write_mattes
from timeline.media.reader import open_media

SIZE = Size(96, 64)
FRAMES = 5


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "clip.mkv", FRAMES, SIZE)


def drawn(frame: int) -> np.ndarray:
    """A ring that moves to the right; nothing on the last frame."""
    image = np.zeros((64, 96), np.uint8)
    if frame < FRAMES - 1:
        cv2.circle(image, (30 + 6 * frame, 32), 20, 1, -1)
        cv2.circle(image, (30 + 6 * frame, 32), 8, 0, -1)
    return image.astype(np.float32)


@pytest.fixture
def matte(clip: Path, tmp_path: Path) -> Path:
    with open_media(clip) as reader:
        write_mattes(tmp_path / "matte.mkv", (drawn(frame) for frame in range(FRAMES)), reader.info)
    return tmp_path / "matte.mkv"


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())


def test_a_matte_becomes_shapes_and_a_matte_again(matte: Path, tmp_path: Path) -> None:
    roi, again = tmp_path / "roi.json", tmp_path / "again.####.png"
    assert main(["roi", str(matte), "-o", str(roi), "--label", "ring"]) == 0
    document = read_roi(roi)
    assert (document.size, document.frames) == (SIZE, FRAMES)
    assert document.boxes["ring"] == (*(Box(10 + 6 * n, 12, 51 + 6 * n, 53) for n in range(FRAMES - 1)), None)
    assert [(shape.label, shape.mode) for shape in document.layers[0].shapes] == [
        ("ring", "add"),
        ("ring 2", "subtract"),
    ]
    assert main(["roi", str(roi), "-o", str(again)]) == 0
    with open_media(again) as written:
        for frame in range(FRAMES - 1):
            assert overlap(frame_coverage(written.read(frame)), drawn(frame)) > 0.95
        assert not frame_coverage(written.read(FRAMES - 1)).any()


def test_shapes_go_to_nuke_and_back(matte: Path, clip: Path, tmp_path: Path) -> None:
    roi, script = tmp_path / "roi.json", tmp_path / "roi.nk"
    assert main(["roi", str(matte), "-o", str(roi)]) == 0
    assert main(["roi", str(roi), "-o", str(script), "--first-number", "1001"]) == 0
    back = ["roi", str(script), "-o", str(roi), "--media", str(clip), "--first-number", "1001"]
    layers = read_roi(roi).layers
    assert main(back) == EXIT_BAD_INPUT
    assert main([*back, "--overwrite"]) == 0
    assert read_roi(roi).layers == layers


def test_a_matte_that_is_written_is_filled_and_joined_over_time(
    matte: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roi, filled = tmp_path / "roi.json", tmp_path / "filled.mkv"
    assert main(["roi", str(matte), "-o", str(roi)]) == 0
    assert main(["roi", str(roi), "-o", str(filled), "--union", "1", "--fill-holes", "--grow", "2"]) == 0
    with open_media(filled) as reader:
        found = [frame_coverage(frame) for frame in reader.frames(0, FRAMES)]
    assert found[0][32, 30] == 1 and found[0][32, 56] == 1 and found[0][32, 62] == 0
    assert found[FRAMES - 1][32, 48] == 1  # of the frame before it
    assert main(["roi", str(roi), "-o", str(tmp_path / "a.nk"), "--hull"]) == EXIT_BAD_INPUT
    assert "a matte only is grown, feathered, filled or joined over time" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.fxs", "out.py", "out.nk", "out.json"])
def test_boxes_of_other_tools_become_shapes(clip: Path, tmp_path: Path, name: str) -> None:
    source = tmp_path / "tracks.txt"
    source.write_text("1,7,10,20,30,25\n3,7,12,20,30,25\n")
    output = tmp_path / name
    assert main(["roi", str(source), "-o", str(output), "--media", str(clip)]) == 0
    assert output.stat().st_size > 100
    boxes = read_marks_of(source, open_media(clip).info, RoiOptions())
    expected = [np.zeros((64, 96), np.float32) for _ in range(FRAMES)]
    expected[0][20:45, 10:40] = expected[2][20:45, 12:42] = 1
    np.testing.assert_array_equal(list(mattes_of(boxes)), expected)


def test_what_cannot_be_converted_is_told(matte: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "a.nk"
    assert main(["roi", str(matte), "-o", str(script)]) == 0
    assert main(["roi", str(script), "-o", str(tmp_path / "b.json")]) == EXIT_BAD_INPUT
    assert "name the clip with --media" in capsys.readouterr().err
    wire = {
        "label": "wire",
        "kind": "stroke",
        "tracks": [[{"frame": 0, "value": [n, 9, 0, 0, 0, 0, 0, 0]}] for n in (2, 50)],
    }
    layers = [{"version": 1, "name": name, "shapes": [wire]} for name in ("one", "two")]
    roi = tmp_path / "roi.json"
    data = {"schema": "grayplate.roi/1", "width": 96, "height": 64, "rate": [24, 1], "frames": 5, "layers": layers}
    roi.write_text(json.dumps(data))
    assert main(["roi", str(roi), "-o", str(tmp_path / "c.fxs")]) == EXIT_BAD_INPUT
    assert "choose one of 'one', 'two' with --layer" in capsys.readouterr().err
    assert main(["roi", str(roi), "-o", str(tmp_path / "c.fxs"), "--layer", "two"]) == 0
    assert "'wire' is left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say where the object is: --click X,Y@FRAME"),
        (["--click", "4@1"], "'4@1' is no place on a frame; write X,Y@FRAME"),
        (["--box", "1,2,3@1"], "write X0,Y0,X1,Y1@FRAME"),
        (["--click", "4,5@3", "--frames", "0-2"], "the prompt on frame 3 lies outside the frames 0-2"),
        (["--not", "4,5@3"], "frame 3 has no click on the object and no box"),
        (["--click", "4,5@3", "--error", "0"], "give a number of pixels above 0"),
    ],
)
def test_prompts_that_make_no_sense_are_named(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["matte", str(clip), "-o", str(tmp_path / "m.mkv"), *arguments]) == EXIT_BAD_INPUT
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_clicks_become_a_matte_and_shapes(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = build_tiny_sam2(tmp_path / "sam2")
    common = ["matte", str(clip), "--click", "50,30@2", "--not", "3,3@2", "--box", "9,9,60,50@3", "--frames", "1-3"]
    assert main([*common, "-o", str(tmp_path / "m.mkv")]) == EXIT_BAD_INPUT
    assert "grayplate models get sam2.1-tiny" in capsys.readouterr().err
    common += ["--model", str(model), "--quiet"]
    assert main([*common, "-o", str(tmp_path / "m.mkv"), "--error", "0.2"]) == 0
    assert main([*common, "-o", str(tmp_path / "m.json"), "--error", "3", "--label", "thing"]) == 0
    assert "'thing' on 3 of 3 frames" in capsys.readouterr().out
    shapes = list(mattes_of(read_roi(tmp_path / "m.json")))
    with open_media(tmp_path / "m.mkv") as written:
        for frame in range(FRAMES):
            found = frame_coverage(written.read(frame))
            assert found.any() == shapes[frame].any() == (1 <= frame <= 3)
            assert not found.any() or overlap(found, shapes[frame]) > 0.5

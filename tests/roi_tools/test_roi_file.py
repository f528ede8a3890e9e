"""Files of boxes: round trips, and one message for each way to get them wrong."""

from __future__ import annotations

import json
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import RoiFileError
from roi_tools.geometry import Box, Size
from roi_tools.roi_file import BoxFile, BoxTrack, read_boxes, write_boxes
from tests.roi_tools.strategies import boxes_within, sizes
from tests.support.clips import shared_clip

GOOD: dict[str, Any] = {"width": 64, "height": 48, "fps": 24, "frames": 2, "boxes": [[1, 2, 30, 40], None]}
RATES = [Fraction(24), Fraction(25, 2), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]


@st.composite
def box_files(draw: st.DrawFn) -> BoxFile:
    size, frames = draw(sizes), draw(st.integers(1, 6))
    labels = draw(st.just([""]) | st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3, unique=True))
    entries = st.lists(st.none() | boxes_within(size), min_size=frames, max_size=frames)
    tracks = tuple(BoxTrack(label, tuple(draw(entries))) for label in labels)
    return BoxFile(size, draw(st.sampled_from(RATES)), frames, tracks)


@given(box_files())
def test_what_is_written_is_read(boxes: BoxFile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "boxes.json"
        write_boxes(path, boxes)
        assert read_boxes(path, boxes.frames, boxes.size) == boxes
        assert [file.name for file in Path(folder).iterdir()] == ["boxes.json"]


def test_the_boxes_of_all_labels_come_together_per_frame(tmp_path: Path) -> None:
    path = _written(tmp_path, _by_label({"a": [[0, 0, 4, 4], None], "b": [[1, 1, 5, 5], [2, 2, 6, 6]]}))
    assert read_boxes(path).boxes == ((Box(0, 0, 4, 4), Box(1, 1, 5, 5)), (Box(2, 2, 6, 6),))


def test_a_box_that_leaves_the_frame_is_clipped(tmp_path: Path) -> None:
    path = _written(tmp_path, GOOD | {"boxes": [[-5, -6, 100, 20], [60.0, 40, 70, 50]]})
    assert read_boxes(path).boxes == ((Box(0, 0, 64, 20),), (Box(60, 40, 64, 48),))


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(23.976, RATES[2]), (23.98, RATES[2]), (29.97, RATES[3]), (59.94, RATES[4]), (12.5, RATES[1]), (30, Fraction(30))],
)
def test_a_decimal_rate_means_the_exact_one(tmp_path: Path, fps: float, rate: Fraction) -> None:
    assert read_boxes(_written(tmp_path, GOOD | {"fps": fps})).rate == rate


def _by_label(lists: object) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != "boxes"} | {"boxes_by_label": lists}


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def _with_box(box: object) -> dict[str, Any]:
    return GOOD | {"boxes": [None, box]}


MALFORMED: list[tuple[object, str]] = [
    ([1, 2], 'holds no JSON object; write {"width": ..., "height": ..., "boxes": [...]}'),
    (_without("width"), "the key 'width' is missing; add \"width\" as a whole number"),
    (_without("height"), "the key 'height' is missing; add \"height\" as a whole number"),
    (_without("frames"), "the key 'frames' is missing; add \"frames\" as a whole number"),
    (_without("fps"), "the key 'fps' is missing; add \"fps\" as frames per second"),
    (_without("boxes"), "has neither 'boxes' nor 'boxes_by_label'; give one of the two"),
    (GOOD | {"boxes_by_label": {}}, "has both 'boxes' and 'boxes_by_label'; give one of the two"),
    (_by_label({}), "'boxes_by_label' is no object with labels; write {\"label\": [[x0, y0, x1, y1], ...]}"),
    (_by_label([]), "'boxes_by_label' is no object with labels; write {\"label\": [[x0, y0, x1, y1], ...]}"),
    (_by_label({"a": {}}), "'boxes_by_label' of 'a' is an object, not a list; give one box or null per frame"),
    (
        _by_label({"a": [None]}),
        "'boxes_by_label' of 'a' has 1 entries, 'frames' says 2; give one box or null per frame",
    ),
    (GOOD | {"width": 0}, "'width' is 0; give a whole number of at least 1"),
    (GOOD | {"width": True}, "'width' is true; give a whole number of at least 1"),
    (GOOD | {"height": "48"}, "'height' is \"48\"; give a whole number of at least 1"),
    (GOOD | {"frames": 2.5}, "'frames' is 2.5; give a whole number of at least 1"),
    (GOOD | {"fps": 0}, "'fps' is 0; give frames per second as a number above 0"),
    (GOOD | {"fps": float("nan")}, "'fps' is NaN; give frames per second as a number above 0"),
    (GOOD | {"boxes": "none"}, "'boxes' is text, not a list; give one box or null per frame"),
    (GOOD | {"boxes": None}, "'boxes' is null, not a list; give one box or null per frame"),
    (GOOD | {"boxes": [None]}, "'boxes' has 1 entries, 'frames' says 2; give one box or null per frame"),
    (_with_box([1, 2, 3]), "frame 1: [1, 2, 3] is no box; write [x0, y0, x1, y1] or null"),
    (_with_box("x" * 99), 'frame 1: "' + "x" * 56 + "... is no box; write [x0, y0, x1, y1] or null"),
    (_with_box([30, 2, 1, 40]), "frame 1: box [30, 2, 1, 40] is empty or inverted; write x0 < x1 and y0 < y1"),
    (_with_box([1, 2, 30, 2]), "frame 1: box [1, 2, 30, 2] is empty or inverted; write x0 < x1 and y0 < y1"),
    (
        _with_box([64, 0, 70, 9]),
        "frame 1: box [64, 0, 70, 9] lies wholly outside the 64x48 frame; "
        "write null where the object is not in the frame",
    ),
    (
        _with_box([1, 2, 30.5, 40]),
        "frame 1: box [1, 2, 30.5, 40] holds 30.5, which is no whole number; give whole pixels",
    ),
    (
        _with_box([1, 2, float("nan"), 40]),
        "frame 1: box [1, 2, NaN, 40] holds nan; give four whole numbers of pixels",
    ),
    (
        _with_box([1, 2, float("inf"), 40]),
        "frame 1: box [1, 2, Infinity, 40] holds inf; give four whole numbers of pixels",
    ),
    (_with_box([1, 2, "30", 40]), 'frame 1: box [1, 2, "30", 40] holds text; give four whole numbers of pixels'),
    (
        _with_box([1, 2, True, 40]),
        "frame 1: box [1, 2, true, 40] holds true or false; give four whole numbers of pixels",
    ),
    (_with_box([1, 2, None, 40]), "frame 1: box [1, 2, null, 40] holds null; give four whole numbers of pixels"),
]


@pytest.mark.parametrize(("data", "message"), MALFORMED)
def test_each_malformed_kind_has_its_own_message(tmp_path: Path, data: object, message: str) -> None:
    path = _written(tmp_path, data)
    with pytest.raises(RoiFileError) as caught:
        read_boxes(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_huge_coordinate_is_only_clipped(tmp_path: Path) -> None:
    path = _written(tmp_path, _with_box([0, 0, 10**400, 9]))
    assert read_boxes(path).boxes[1] == (Box(0, 0, 64, 9),)


def test_boxes_of_another_clip_are_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, GOOD)
    with pytest.raises(RoiFileError) as caught:
        read_boxes(path, frame_count=3)
    assert str(caught.value) == (
        f"{path}: its boxes are for 2 frames, the clip has 3; give one entry per frame of this clip"
    )
    with pytest.raises(RoiFileError) as caught:
        read_boxes(path, size=Size(640, 360))
    assert str(caught.value) == f"{path}: its boxes are for 64x48, the clip is 640x360; give the boxes of this clip"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"width": 64,\n "height": }', "not valid JSON at line 2, column 12 (Expecting value); re-export it"),
        (b"", "not valid JSON at line 1, column 1 (Expecting value); re-export it"),
        (b"\xff\xfe\x00\x01", "not a JSON text file (UnicodeDecodeError); give a file of boxes"),
        (b"[" * 100_000, "not a JSON text file (RecursionError); give a file of boxes"),
        (b'{"width": ' + b"9" * 5000 + b"}", "not a JSON text file (ValueError); give a file of boxes"),
    ],
)
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_bytes(content)
    with pytest.raises(RoiFileError) as caught:
        read_boxes(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RoiFileError, match=r"missing\.json: there is no such file; check the path of the boxes"):
        read_boxes(tmp_path / "missing.json")
    with pytest.raises(RoiFileError, match=r"cannot be read \(Is a directory\); check the path"):
        read_boxes(tmp_path)


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    boxes = read_boxes(_written(tmp_path, GOOD))
    with pytest.raises(RoiFileError, match=r"cannot be written \(No such file or directory\); choose another folder"):
        write_boxes(tmp_path / "missing" / "boxes.json", boxes)
    double = BoxFile(boxes.size, boxes.rate, 2, (boxes.tracks[0], boxes.tracks[0]))
    with pytest.raises(RoiFileError, match="two objects have the same label"):
        write_boxes(tmp_path / "double.json", double)


@pytest.mark.real_clips
@pytest.mark.parametrize(
    ("clip", "labels", "rate"),
    [
        ("bmx-trees", ["255"], Fraction(24)),
        ("dogs-jump", ["38", "75", "113"], Fraction(24)),
        ("car-road", ["255"], Fraction(25, 2)),
        ("ground_truth/pub2_pan", [""], Fraction(24)),
    ],
)
def test_the_boxes_of_real_clips_are_read(clip: str, labels: list[str], rate: Fraction) -> None:
    path = shared_clip(clip) / "boxes.json"
    boxes = read_boxes(path)
    assert ([track.label for track in boxes.tracks], boxes.rate) == (labels, rate)
    assert len(boxes.boxes) == boxes.frames == json.loads(path.read_text())["frames"]


def _written(folder: Path, data: object) -> Path:
    path = folder / "boxes.json"
    path.write_text(json.dumps(data))
    return path

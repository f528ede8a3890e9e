"""Formats for other programs: written as they were when a person looked at them, read as other tools write them.

After a wanted change of a format, write the files in golden/ anew and look at what changed:

    .venv/bin/python -m tests.roi_tools.test_formats
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roi_tools.box_import import import_boxes
from roi_tools.geometry import Box, Size
from roi_tools.interchange.blender import write_blender
from roi_tools.interchange.nuke import read_nuke, write_nuke
from roi_tools.interchange.silhouette import write_silhouette
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roi_document import RoiDocument, read_roi, write_roi
from roi_tools.roi_file import BoxFile, BoxTrack, read_boxes, write_boxes
from roi_tools.roto.model import RotoLayer, Shape, constant
from tests.roi_tools.strategies import boxes_within

GOLDEN = Path(__file__).parent / "golden"
SIZE, RATE, SPAN = Size(128, 100), Fraction(24000, 1001), range(3)

_TRIANGLE = ((60.0, 40.0), (90.0, 50.5), (50.0, 80.0))
LAYER = RotoLayer(
    "shot 1",
    (
        Shape(
            "boy & dog",
            "bezier",
            tuple(
                Track((Keyframe(0, (x, y, -2, 0, 2, 0, 4, -3), "smooth"), Keyframe(2, (x + 8, y, -2, 0, 2, 0, 4, -3))))
                for x, y in _TRIANGLE
            ),
            opacity=Track((Keyframe(0, (1.0,)), Keyframe(2, (0.5,)))),
            feather_px=constant(3),
            first_frame=0,
            last_frame=1,
            color=(0.5, 0.25, 1.0),
        ),
        Shape("hole", "ellipse", (constant(64, 48, 16, 8, 0),), "subtract", is_locked=True),
        Shape("shade", "bspline", tuple(constant(x, y + 16, *(0.0,) * 6) for x, y in _TRIANGLE), "intersect",
              is_inverted=True, is_visible=False, linked_to="boy & dog"),
        Shape("wire", "stroke", tuple(constant(x, 9, *(0.0,) * 6) for x in (2, 90)), width_px=constant(6)),
    ),
    0.5,
    4,
)  # fmt: skip
BOXES = {"boy": (Box(10, 20, 30, 60), None, Box(12, 20, 32, 60)), "shade": (Box(30, 55, 70, 65), None, None)}
DOCUMENT = RoiDocument(SIZE, RATE, 3, BOXES, (LAYER,), {"shade": "boy"})


def _write_curves(path: Path) -> None:
    """A .nk file without the record, whose bytes depend on the version of zlib."""
    write_nuke(path, LAYER, SIZE, SPAN, 1001)
    path.write_text(re.sub(r"(?m)^ grayplate_roto .*\n", "", path.read_text()))


def _write_box_file(path: Path) -> None:
    tracks = tuple(BoxTrack(label, boxes) for label, boxes in BOXES.items())
    write_boxes(path, BoxFile(SIZE, Fraction(24), 3, tracks))


WRITERS: Mapping[str, Callable[[Path], object]] = {
    "roto.nk": _write_curves,
    "roto.fxs": lambda path: write_silhouette(path, LAYER, SIZE, SPAN, 1001),
    "roto.py.txt": lambda path: write_blender(path, LAYER, SIZE, SPAN),
    "shot.roi.json": lambda path: write_roi(path, DOCUMENT),
    "boxes.json": _write_box_file,
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_what_was_looked_at(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    assert (tmp_path / name).read_text() == (GOLDEN / name).read_text()


def test_files_of_today_and_of_the_first_version_are_read() -> None:
    assert read_roi(GOLDEN / "shot.roi.json") == DOCUMENT
    first = read_roi(GOLDEN / "first_version.roi.json")
    assert first.links == {} and first.layers[0].shape("wire").linked_to is None
    assert (first.frames, first.boxes["boy"][1], first.layers[0].shutter_samples) == (3, Box(98, 78, 204, 218), 8)
    read = read_boxes(GOLDEN / "boxes.json")
    assert {track.label: track.boxes for track in read.tracks} == BOXES


def test_the_curves_of_a_nuke_file_are_read_as_they_were_written() -> None:
    layer = read_nuke(GOLDEN / "roto.nk", SIZE, 1001)
    assert [(shape.label, shape.mode, shape.is_inverted, shape.is_visible) for shape in layer.shapes] == [
        ("boy___dog", "add", False, True),
        ("hole", "subtract", False, True),
        ("shade", "intersect", True, False),
    ]
    (boy, _, _), frames = layer.shapes, tuple(SPAN)
    assert boy.tracks[1].frames == frames and (boy.first_frame, boy.last_frame, boy.color) == (0, 1, (0.5, 0.25, 1.0))
    for frame in frames:
        expected = LAYER.shapes[0].tracks[1].value_at(frame)
        assert boy.tracks[1].value_at(frame) == pytest.approx(expected, abs=1e-5)
        assert boy.opacity.value_at(frame) == pytest.approx(LAYER.shapes[0].opacity.value_at(frame))


# --- boxes of other tools -----------------------------------------------------------------------------------------

labels = st.text("abcXYZ 0129<&'\"é", min_size=1, max_size=6).map(str.strip).filter(bool)


@st.composite
def labelled_boxes(draw: st.DrawFn) -> dict[str, tuple[Box | None, ...]]:
    """Box tracks of a shot of 4 frames; each object is there on one frame at least."""
    tracks = st.lists(st.none() | boxes_within(SIZE), min_size=4, max_size=4).filter(any).map(tuple)
    return draw(st.dictionaries(labels, tracks, min_size=1, max_size=3))


def as_mot(boxes: Mapping[str, tuple[Box | None, ...]]) -> tuple[str, dict[str, str]]:
    """The file's text, and what its labels are read as."""
    lines = [
        f"{frame},{number},{box.x0},{box.y0},{box.width_px},{box.height_px},1,-1,-1,-1"
        for number, column in enumerate(boxes.values(), 1)
        for frame, box in enumerate(column, 1)
        if box
    ]
    return "\n".join(sorted(lines)) + "\n", {label: str(number) for number, label in enumerate(boxes, 1)}


def as_cvat(boxes: Mapping[str, tuple[Box | None, ...]]) -> tuple[str, dict[str, str]]:
    parts = []
    for number, (label, column) in enumerate(boxes.items()):
        shown = "".join(
            f'<box frame="{frame}" outside="{int(box is None)}" occluded="0" keyframe="1" '
            f'xtl="{box.x0 if box else 1}.00" ytl="{box.y0 if box else 1}.00" xbr="{box.x1 if box else 2}.00" '
            f'ybr="{box.y1 if box else 2}.00" z_order="0"></box>'
            for frame, box in enumerate(column)
        )
        parts.append(f'<track id="{number}" label={quoteattr(label)} source="manual">{shown}</track>')
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{"".join(parts)}</annotations>'
    return text, {label: f"{label} {number}" for number, label in enumerate(boxes)}


def as_coco(boxes: Mapping[str, tuple[Box | None, ...]]) -> tuple[str, dict[str, str]]:
    numbered = dict(enumerate(boxes, 1))
    data = {
        "images": [{"id": 10 + frame, "file_name": f"{frame:04d}.png"} for frame in reversed(range(4))],
        "categories": [{"id": number, "name": label} for number, label in numbered.items()],
        "annotations": [
            {"image_id": 10 + frame, "category_id": number, "attributes": {"track_id": number},
             "bbox": [box.x0, box.y0, box.width_px, box.height_px]}
            for number, label in numbered.items() for frame, box in enumerate(boxes[label]) if box
        ],
    }  # fmt: skip
    return json.dumps(data), {label: f"{label} {number}" for number, label in numbered.items()}


@pytest.mark.parametrize(
    ("write", "ending"), [(as_mot, ".txt"), (as_mot, ".csv"), (as_cvat, ".xml"), (as_coco, ".json")]
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=labelled_boxes())
def test_boxes_as_other_tools_write_them_are_read(
    tmp_path: Path,
    write: Callable[[Mapping[str, tuple[Box | None, ...]]], tuple[str, dict[str, str]]],
    ending: str,
    boxes: dict[str, tuple[Box | None, ...]],
) -> None:
    text, names = write(boxes)
    (tmp_path / f"boxes{ending}").write_text(text, encoding="utf-8")
    found = import_boxes(tmp_path / f"boxes{ending}", SIZE, 4, Fraction(24))
    assert {track.label: track.boxes for track in found.tracks} == {names[label]: boxes[label] for label in boxes}


if __name__ == "__main__":
    for name, writer in WRITERS.items():
        sys.stdout.write(f"{GOLDEN / name}\n")
        writer(GOLDEN / name)

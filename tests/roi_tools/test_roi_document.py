"""ROI files: written, read back, described by their schema, refused where malformed; boxes of other tools."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roi_tools.box_import import import_boxes
from roi_tools.errors import RoiFileError
from roi_tools.geometry import Box, Size
from roi_tools.roi_document import RoiDocument, json_schema, read_roi, write_roi
from roi_tools.roi_file import read_boxes
from roi_tools.roto.model import RotoLayer, Shape, constant
from tests.roi_tools.roto_strategies import layers
from tests.roi_tools.strategies import boxes_within

SIZE = Size(64, 48)
RATE = Fraction(24000, 1001)
RECTANGLE = Shape("car", "rectangle", (constant(20, 20, 10, 6, 0),))


def conforms(data: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether ``data`` fits ``schema``: the keywords that roi_schema.json uses."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    known = {"type", "required", "properties", "additionalProperties", "items", "minItems", "maxItems", "const", "enum",
             "minimum", "maximum", "title", "description", "$schema", "$defs"}  # fmt: skip
    assert set(schema) <= known
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "null": type(None),
        "integer": int,
        "number": (int, float),
    }
    names = schema.get("type", [])
    wanted = [names] if isinstance(names, str) else names
    is_number = isinstance(data, (int, float)) and not isinstance(data, bool)
    fits = [isinstance(data, types[name]) and (name not in ("integer", "number") or is_number) for name in wanted]
    if (wanted and not any(fits)) or data != schema.get("const", data) or data not in schema.get("enum", [data]):
        return False
    if is_number:
        return bool(schema.get("minimum", data) <= data <= schema.get("maximum", data))
    if isinstance(data, list):
        length = schema.get("minItems", 0) <= len(data) <= schema.get("maxItems", len(data))
        return length and all(conforms(entry, schema.get("items", {}), root) for entry in data)
    if isinstance(data, dict):
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", {})
        rest = [key for key in data if key not in properties]
        return (
            set(schema.get("required", [])) <= set(data)
            and (more is not False or not rest)
            and all(conforms(data[key], properties.get(key) or more, root) for key in data)
        )
    return True


@st.composite
def documents(draw: st.DrawFn) -> RoiDocument:
    frames = draw(st.integers(1, 4))
    boxes = st.lists(st.none() | boxes_within(SIZE), min_size=frames, max_size=frames).map(tuple)
    labelled = draw(st.dictionaries(st.text(max_size=6), boxes, max_size=3))
    drawn = tuple(draw(st.lists(layers(), max_size=2)))
    leader, *others = dict.fromkeys([*labelled, *(layer.name for layer in drawn)]) or [""]
    return RoiDocument(
        SIZE,
        draw(st.sampled_from([Fraction(24), RATE, Fraction(25, 2)])),
        frames,
        labelled,
        drawn,
        {label: leader for label in others if draw(st.booleans())},
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents())
def test_a_document_reads_back_as_written_and_fits_the_schema(tmp_path: Path, document: RoiDocument) -> None:
    path = tmp_path / "shot.roi.json"
    write_roi(path, document)
    assert read_roi(path) == document
    schema = json_schema()
    assert conforms(json.loads(path.read_text()), schema, schema)


def test_the_boxes_of_a_document_serve_as_boxes(tmp_path: Path) -> None:
    path = tmp_path / "shot.roi.json"
    layer = RotoLayer("roto", (RECTANGLE, replace(RECTANGLE, label="cut", mode="subtract")))
    write_roi(path, RoiDocument(SIZE, RATE, 2, {"boy": (Box(1, 2, 3, 4), None)}, (layer,)))
    boxes = read_boxes(path, 2, SIZE)
    assert [track.label for track in boxes.tracks] == ["boy", "car"] and boxes.rate == RATE
    assert boxes.boxes == ((Box(1, 2, 3, 4), Box(15, 17, 25, 23)), (Box(15, 17, 25, 23),))
    with pytest.raises(RoiFileError, match="its boxes are for 2 frames, the clip has 3"):
        read_boxes(path, 3)


def test_boxes_drawn_for_a_shape_count_in_place_of_the_shapes_own(tmp_path: Path) -> None:
    document = RoiDocument(SIZE, RATE, 1, {"car": (Box(0, 0, 9, 9),)}, (RotoLayer("roto", (RECTANGLE,)),))
    assert document.boxes_of_all() == {"car": (Box(0, 0, 9, 9),)}


GOOD: dict[str, Any] = {
    "schema": "grayplate.roi/1", "width": 64, "height": 48, "rate": [24, 1], "frames": 1, "boxes": {"a": [[1, 2, 3, 4]]}
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "grayplate.roi/2"}, 'its schema is "grayplate.roi/2"; this program reads "grayplate.roi/1"'),
        ({"boxs": {}}, "the key 'boxs' is not known; known are boxes, frames"),
        ({"width": 0}, "'width' is 0; give a whole number of at least 1"),
        ({"rate": 24}, r"'rate' is 24; write frames/s as \[24000, 1001\]"),
        ({"boxes": []}, "'boxes' is no object with labels"),
        ({"boxes": {"a": []}}, "'boxes' of 'a' is no list of 1; give one box or null per frame"),
        ({"boxes": {"a": [[1, 2, 3]]}}, r"'a', frame 0: \[1, 2, 3\] is no box"),
        ({"boxes": {"a": [[1.5, 2, 3, 4]]}}, "'a', frame 0: .* is no box"),
        ({"boxes": {"a": [[3, 2, 1, 4]]}}, "'a', frame 0: box .* is empty or inverted"),
        ({"boxes": {"a": [[90, 2, 99, 4]]}}, "lies outside the 64x48 frame; write null"),
        ({"layers": [3]}, "'layers' is no list of layers"),
        ({"layers": [{"version": 1}]}, "needs a list 'shapes'"),
        ({"links": []}, "'links' is no object"),
        ({"links": {"a": "b"}}, "'a' is linked to 'b'; link labels of 'boxes' or names of 'layers': a"),
        ({"links": {"a": ["a"]}}, "'a' is linked to .*; link labels"),
        ({"links": {"a": "a"}}, "'a' is linked to 'a', which is linked itself"),
    ],
)
def test_malformed_documents_are_refused_by_name(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(GOOD | change))
    for read in (read_roi, read_boxes):
        with pytest.raises(RoiFileError, match=message) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_a_document_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(RoiFileError, match="no list of 2"):
        write_roi(tmp_path / "a.json", RoiDocument(SIZE, RATE, 2, {"a": (None,)}))
    assert list(tmp_path.iterdir()) == []


COCO = {
    "images": [{"id": 7, "file_name": "b.png"}, {"id": 5, "file_name": "a.png"}],
    "annotations": [
        {"image_id": 5, "bbox": [1.2, 2, 3, 4.5], "category_id": 1, "track_id": 3},
        {"image_id": 7, "bbox": [2, 2, 3, 4], "category_id": 1, "attributes": {"track_id": 3}},
    ],
    "categories": [{"id": 1, "name": "dog"}],
}
CVAT = """<annotations><track id="0" label="dog"><box frame="0" xtl="1.2" ytl="2" xbr="4.2" ybr="6.5" outside="0"/>
<box frame="1" xtl="2" ytl="2" xbr="5" ybr="6" outside="1"/></track></annotations>"""
MOT = "1,3,1.2,2,3,4.5,1,-1,-1,-1\n2,3,60,2,300,4,1,-1,-1,-1\n"


def imported(path: Path, text: str) -> dict[str, tuple[Box | None, ...]]:
    path.write_text(text)
    return {track.label: track.boxes for track in import_boxes(path, SIZE, 2, RATE).tracks}


def test_boxes_of_other_tools_are_read(tmp_path: Path) -> None:
    assert imported(tmp_path / "a.json", json.dumps(COCO)) == {"dog 3": (Box(1, 2, 5, 7), Box(2, 2, 5, 6))}
    assert imported(tmp_path / "a.xml", CVAT) == {"dog 0": (Box(1, 2, 5, 7), None)}
    assert imported(tmp_path / "gt.txt", MOT) == {"3": (Box(1, 2, 5, 7), Box(60, 2, 64, 6))}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.doc", "", "its ending is not known; give one of .json, .xml"),
        ("a.json", "{}", "has no lists 'images' and 'annotations'"),
        ("a.json", json.dumps(COCO | {"images": []}), "annotation 0 belongs to no image"),
        ("a.json", json.dumps(COCO | {"annotations": [{"image_id": 5}]}), "annotation 0 has no 'bbox'"),
        ("a.xml", "<annotations>", "is no valid XML"),
        ("a.xml", "<boxes/>", "is <boxes>, not <annotations>"),
        ("a.xml", '<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', "declares a document type"),
        ("a.xml", CVAT.replace('xtl="1.2"', ""), "a box of track 'dog 0' holds null"),
        ("gt.txt", "1,2,3", "line 1 has 3 values; write frame, id, left"),
        ("gt.txt", "1,1,a,2,3,4", 'line 1 holds "a"; give numbers'),
        ("gt.txt", "9,1,1,2,3,4", "line 1 is on frame 8, the clip has 2"),
        ("gt.txt", "1,1,1,2,0,4", "line 1 is empty or inverted"),
    ],
)
def test_malformed_boxes_of_other_tools_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(RoiFileError, match=message):
        imported(tmp_path / name, text)

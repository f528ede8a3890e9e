"""Boxes from other tools: COCO-style JSON, CVAT's video XML, MOT's comma-separated lines."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from roi_tools.errors import RoiFileError
from roi_tools.geometry import Box, Size
from roi_tools.json_file import load_json, read_text
from roi_tools.keyframes_json import is_int, is_number
from roi_tools.roi_file import BoxFile, BoxTrack


@dataclass(frozen=True)
class _Entry:
    """One box of one object, edges in px."""

    label: str
    frame: int
    edges: tuple[float, float, float, float]
    place: str


def import_boxes(path: str | os.PathLike[str], size: Size, frames: int, rate: Fraction) -> BoxFile:
    """Box tracks of another tool, for a clip of that size, length and rate. By the file's ending:

    - .json: COCO: ``images`` (``frame_index`` or ``frame_id``, else their order by ``file_name``), ``annotations``
      with ``bbox`` [x, y, width, height] and ``track_id`` (also ``instance_id``, also inside ``attributes``);
    - .xml: CVAT for video 1.1: ``track`` elements with a ``box`` per frame; ``outside="1"`` means gone;
    - .txt, .csv: MOT: frame (from 1), id, left, top, width, height, ...

    Boxes are rounded outward and clipped to the frame; those outside it are left out. Several boxes of one object on a
    frame are united. Raises RoiFileError with the file, the place and the remedy.
    """
    source = Path(path)
    readers = {".json": _coco, ".xml": _cvat, ".txt": _mot, ".csv": _mot}
    reader = readers.get(source.suffix.lower())
    if reader is None:
        raise _error(source, "its ending is not known", f"give one of {', '.join(readers)}")
    found: dict[str, list[Box | None]] = {}
    for entry in reader(source):
        if not 0 <= entry.frame < frames:
            raise _error(
                source, f"{entry.place} is on frame {entry.frame}, the clip has {frames}", "give its own boxes"
            )
        box = _box(entry, size, source)
        boxes = found.setdefault(entry.label, [None] * frames)
        before = boxes[entry.frame]
        if box is not None:
            boxes[entry.frame] = box if before is None else before.united(box)
    return BoxFile(size, rate, frames, tuple(BoxTrack(label, tuple(boxes)) for label, boxes in found.items()))


def _box(entry: _Entry, size: Size, source: Path) -> Box | None:
    x0, y0, x1, y1 = entry.edges
    if not all(map(math.isfinite, entry.edges)) or max(map(abs, entry.edges)) > 1e6 or x1 <= x0 or y1 <= y0:
        raise _error(source, f"{entry.place} is empty or inverted: {entry.edges}", "correct or remove it")
    return Box(math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1)).clipped(size)


def _coco(source: Path) -> Iterator[_Entry]:
    data = load_json(source)
    if not isinstance(data, Mapping) or not all(isinstance(data.get(k), list) for k in ("images", "annotations")):
        raise _error(source, "has no lists 'images' and 'annotations'", "export it as COCO")
    frames = _coco_frames(data["images"], source)
    categories = data.get("categories", [])
    names = {category.get("id"): str(category.get("name")) for category in categories if isinstance(category, Mapping)}
    for number, annotation in enumerate(data["annotations"]):
        place = f"annotation {number}"
        if not isinstance(annotation, Mapping) or annotation.get("image_id") not in frames:
            raise _error(source, f"{place} belongs to no image", "give each the 'image_id' of one of 'images'")
        bbox = annotation.get("bbox")
        if not isinstance(bbox, list) or len(bbox) != 4 or not all(is_number(edge) for edge in bbox):
            raise _error(source, f"{place} has no 'bbox'", "write [x, y, width, height]")
        x, y, width, height = map(float, bbox)
        label = _coco_label(annotation, names)
        yield _Entry(label, frames[annotation["image_id"]], (x, y, x + width, y + height), place)


def _coco_frames(images: list[Any], source: Path) -> dict[Any, int]:
    if not all(isinstance(image, Mapping) and isinstance(image.get("id"), (int, str)) for image in images):
        raise _error(source, "an entry of 'images' has no 'id'", "export it as COCO")
    keyed = {image["id"]: image.get("frame_index", image.get("frame_id")) for image in images}
    if all(is_int(frame) for frame in keyed.values()):
        return keyed
    ordered = sorted(images, key=lambda image: str(image.get("file_name", "")))
    return {image["id"]: frame for frame, image in enumerate(ordered)}


def _coco_label(annotation: Mapping[str, Any], names: Mapping[Any, str]) -> str:
    attributes = annotation.get("attributes")
    places = (annotation, attributes if isinstance(attributes, Mapping) else {})
    track = next((place[key] for place in places for key in ("track_id", "instance_id") if key in place), None)
    name = names.get(annotation.get("category_id"), "object")
    return name if track is None else f"{name} {track}"


def _cvat(source: Path) -> Iterator[_Entry]:
    text = read_text(source)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities may expand without end
        raise _error(source, "declares a document type", "export it from CVAT as 'CVAT for video 1.1'")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise _error(source, f"is no valid XML ({error})", "re-export it") from error
    if root.tag != "annotations":
        raise _error(source, f"is <{root.tag}>, not <annotations>", "export it from CVAT as 'CVAT for video 1.1'")
    for track in root.iter("track"):
        label = f"{track.get('label', 'object')} {track.get('id', '')}".strip()
        for box in track.iter("box"):
            if box.get("outside") == "1":
                continue
            place = f"a box of track '{label}'"
            x0, y0, x1, y1, frame = _numbers(
                [box.get(name) for name in ("xtl", "ytl", "xbr", "ybr", "frame")], place, source
            )
            yield _Entry(label, int(frame), (x0, y0, x1, y1), place)


def _mot(source: Path) -> Iterator[_Entry]:
    for number, row in enumerate(csv.reader(read_text(source).splitlines()), 1):
        if not row or row[0].lstrip().startswith("#"):
            continue
        if len(row) < 6:
            raise _error(source, f"line {number} has {len(row)} values", "write frame, id, left, top, width, height")
        frame, identity, left, top, width, height = _numbers(row[:6], f"line {number}", source)
        edges = left, top, left + width, top + height
        yield _Entry(f"{identity:g}", int(frame) - 1, edges, f"line {number}")


def _numbers(texts: Iterable[str | None], place: str, source: Path) -> list[float]:
    values = []
    for text in texts:
        try:
            values.append(float(text or ""))
        except ValueError as error:
            raise _error(source, f"{place} holds {json.dumps(text)}", "give numbers") from error
        if not math.isfinite(values[-1]):
            raise _error(source, f"{place} holds {json.dumps(text)}", "give numbers")
    return values


def _error(source: Path, problem: str, remedy: str) -> RoiFileError:
    return RoiFileError(f"{source}: {problem}; {remedy}")

"""Files of boxes: JSON with one entry per frame of the clip.

    {"width": W, "height": H, "fps": F, "frames": N, "boxes": [[x0, y0, x1, y1] | null, ...]}

Pixels, origin top left, x1 and y1 exclusive, null where the object is not in the frame. Several objects come as
``"boxes_by_label": {"label": [[x0, y0, x1, y1] | null, ...], ...}`` in place of ``"boxes"``. ROI files
(roi_tools.roi_document) are read as well.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from roi_tools.errors import RoiFileError, ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.json_file import load_json, write_text
from roi_tools.rates import rational_rate
from roi_tools.roi_document import RoiDocument, is_roi_data, roi_from_data


@dataclass(frozen=True)
class BoxTrack:
    """The boxes of one object, one entry per frame; the label is empty where the file names none."""

    label: str
    boxes: tuple[Box | None, ...]


@dataclass(frozen=True)
class BoxFile:
    """What a file of boxes says; every box lies inside the frame."""

    size: Size
    rate: Fraction
    frames: int
    tracks: tuple[BoxTrack, ...]

    @property
    def boxes(self) -> tuple[tuple[Box, ...], ...]:
        """The boxes of each frame, of all objects together."""
        columns = [[track.boxes[frame] for track in self.tracks] for frame in range(self.frames)]
        return tuple(tuple(box for box in boxes if box is not None) for boxes in columns)


def read_boxes(path: str | os.PathLike[str], frame_count: int | None = None, size: Size | None = None) -> BoxFile:
    """Read a file of boxes; ``frame_count`` and ``size`` of the clip are compared with it where given.

    Boxes that leave the frame are clipped. Raises RoiFileError, one line with the file, the place and the remedy, for
    anything unreadable, missing, of the wrong type, or not fitting the clip.
    """
    source = Path(path)
    return _Reader(source).read(load_json(source), frame_count, size)


def write_boxes(path: str | os.PathLike[str], boxes: BoxFile) -> None:
    """Write a file that :func:`read_boxes` reads back to the same. Raises RoiFileError where it cannot be written."""
    target = Path(path)
    data: dict[str, Any] = {
        "width": boxes.size.width_px,
        "height": boxes.size.height_px,
        "fps": boxes.rate.numerator if boxes.rate.denominator == 1 else float(boxes.rate),
        "frames": boxes.frames,
    }
    lists = {track.label: [box and list(box.as_tuple()) for box in track.boxes] for track in boxes.tracks}
    if len(lists) != len(boxes.tracks):
        raise RoiFileError(f"{target}: two objects have the same label; give each its own")
    if list(lists) == [""]:
        data["boxes"] = lists[""]
    else:
        data["boxes_by_label"] = lists
    write_text(target, json.dumps(data) + "\n")


@dataclass(frozen=True)
class _Reader:
    """Reads one file; knows its name for the messages."""

    path: Path

    def read(self, data: object, frame_count: int | None, clip_size: Size | None) -> BoxFile:
        if not isinstance(data, dict):
            raise self._error("holds no JSON object", 'write {"width": ..., "height": ..., "boxes": [...]}')
        if is_roi_data(data):
            return self._fitting(box_file(roi_from_data(data, self.path)), frame_count, clip_size)
        size = Size(self._count(data, "width"), self._count(data, "height"))
        frames = self._count(data, "frames")
        tracks = tuple(
            BoxTrack(label, self._boxes(label, entries, frames, size)) for label, entries in self._lists(data).items()
        )
        return self._fitting(BoxFile(size, self._rate(data), frames, tracks), frame_count, clip_size)

    def _fitting(self, boxes: BoxFile, frame_count: int | None, clip_size: Size | None) -> BoxFile:
        """``boxes``, if they are for a clip of that length and size."""
        size, frames = boxes.size, boxes.frames
        if clip_size is not None and size != clip_size:
            raise self._error(f"its boxes are for {size}, the clip is {clip_size}", "give the boxes of this clip")
        if frame_count is not None and frames != frame_count:
            raise self._error(
                f"its boxes are for {frames} frames, the clip has {frame_count}",
                "give one entry per frame of this clip",
            )
        return boxes

    def _lists(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The list of each label; "" where the file has one unnamed list."""
        if ("boxes" in data) == ("boxes_by_label" in data):
            found = "both 'boxes' and 'boxes_by_label'" if "boxes" in data else "neither 'boxes' nor 'boxes_by_label'"
            raise self._error(f"has {found}", "give one of the two")
        if "boxes" in data:
            return {"": data["boxes"]}
        by_label = data["boxes_by_label"]
        if not isinstance(by_label, dict) or not by_label:
            raise self._error("'boxes_by_label' is no object with labels", 'write {"label": [[x0, y0, x1, y1], ...]}')
        return by_label

    def _boxes(self, label: str, entries: object, frames: int, size: Size) -> tuple[Box | None, ...]:
        what = f"'boxes_by_label' of '{label}'" if label else "'boxes'"
        if not isinstance(entries, list):
            raise self._error(f"{what} is {_kind(entries)}, not a list", "give one box or null per frame")
        if len(entries) != frames:
            raise self._error(
                f"{what} has {len(entries)} entries, 'frames' says {frames}", "give one box or null per frame"
            )
        return tuple(self._box(entry, frame, size) for frame, entry in enumerate(entries))

    def _box(self, entry: object, frame: int, size: Size) -> Box | None:
        if entry is None:
            return None
        if not isinstance(entry, list) or len(entry) != 4:
            raise self._error(f"frame {frame}: {_shown(entry)} is no box", "write [x0, y0, x1, y1] or null")
        try:
            box = Box(*(self._coordinate(number, entry, frame) for number in entry))
        except ShapeError as error:
            raise self._error(
                f"frame {frame}: box {_shown(entry)} is empty or inverted", "write x0 < x1 and y0 < y1"
            ) from error
        clipped = box.clipped(size)
        if clipped is None:
            raise self._error(
                f"frame {frame}: box {_shown(entry)} lies wholly outside the {size} frame",
                "write null where the object is not in the frame",
            )
        return clipped

    def _coordinate(self, number: object, entry: object, frame: int) -> int:
        place = f"frame {frame}: box {_shown(entry)}"
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise self._error(f"{place} holds {_kind(number)}", "give four whole numbers of pixels")
        if isinstance(number, int):
            return number
        if not math.isfinite(number):
            raise self._error(f"{place} holds {number}", "give four whole numbers of pixels")
        if not number.is_integer():
            raise self._error(f"{place} holds {number}, which is no whole number", "give whole pixels")
        return int(number)

    def _count(self, data: Mapping[str, Any], key: str) -> int:
        if key not in data:
            raise self._error(f"the key '{key}' is missing", f'add "{key}" as a whole number')
        value = data[key]
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._error(f"'{key}' is {_shown(value)}", "give a whole number of at least 1")
        return value

    def _rate(self, data: Mapping[str, Any]) -> Fraction:
        if "fps" not in data:
            raise self._error("the key 'fps' is missing", 'add "fps" as frames per second')
        value = data["fps"]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 10_000:
            raise self._error(f"'fps' is {_shown(value)}", "give frames per second as a number above 0")
        return rational_rate(value)

    def _error(self, problem: str, remedy: str) -> RoiFileError:
        return RoiFileError(f"{self.path}: {problem}; {remedy}")


def box_file(document: RoiDocument) -> BoxFile:
    """The boxes of a document, shapes' own among them."""
    tracks = tuple(BoxTrack(label, boxes) for label, boxes in document.boxes_of_all().items())
    return BoxFile(document.size, document.rate, document.frames, tracks)


def _kind(value: object) -> str:
    kinds: Sequence[tuple[type, str]] = ((bool, "true or false"), (dict, "an object"), (list, "a list"), (str, "text"))
    if value is None:
        return "null"
    return next((name for kind, name in kinds if isinstance(value, kind)), "a number")


def _shown(value: object) -> str:
    """A value as JSON, cut where it would not fit on a line."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."

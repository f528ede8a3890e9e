"""What a file of boxes or an ROI file marks for removal: boxes per frame, or the mattes of its shapes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roi_tools.geometry import Box, Size
from roi_tools.json_file import load_json
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roi_document import RoiDocument, is_roi_data, roi_from_data
from roi_tools.roi_file import read_boxes
from roi_tools.roto.model import RotoLayer, Shape


@dataclass(frozen=True)
class Marks:
    """One of the two: boxes of each frame, or layers whose mattes mark (the largest counts)."""

    boxes: tuple[tuple[Box, ...], ...] | None = None
    layers: tuple[RotoLayer, ...] = ()


def read_marks(path: str | os.PathLike[str], frame_count: int, size: Size) -> Marks:
    """What the file marks on a clip of that length and size; raises RoiFileError as :func:`read_boxes` does.

    Where an ROI file has shapes, they mark: boxes of a shape's label only say where it is. Boxes of other labels mark
    all that they hold, as a layer of rectangles.
    """
    boxes = read_boxes(path, frame_count, size).boxes
    data = load_json(Path(path))
    if not is_roi_data(data):
        return Marks(boxes=boxes)
    document = roi_from_data(data, Path(path))
    drawn = tuple(layer for layer in document.layers if any(shape.is_visible for shape in layer.shapes))
    return Marks(layers=(*drawn, *_boxes_alone(document))) if drawn else Marks(boxes=boxes)


def box_shape(label: str, boxes: Sequence[Box | None]) -> Shape:
    """A rectangle that is exactly ``boxes[n]`` on frame n, and nothing where that is None or beyond the last one."""
    places, shown = [], []
    last: tuple[float, ...] = (0.0,) * 5
    for frame, box in enumerate(boxes):
        if box is not None:
            last = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, float(box.width_px), float(box.height_px), 0.0)
        places.append(Keyframe(frame, last, "hold"))
        shown.append(Keyframe(frame, (0.0 if box is None else 1.0,), "hold"))
    rectangle = Track(tuple(places))
    return Shape(
        label, "rectangle", (rectangle,), opacity=Track(tuple(shown)), first_frame=0, last_frame=len(boxes) - 1
    )


def _boxes_alone(document: RoiDocument) -> list[RotoLayer]:
    shaped = {shape.label for layer in document.layers for shape in layer.shapes if shape.is_visible}
    alone = tuple(box_shape(label, boxes) for label, boxes in document.boxes.items() if label not in shaped)
    return [RotoLayer("boxes", alone)] if alone else []

"""All that a shot's removals mark as one ROI document, their links included. Without Qt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from desktop.roto.convert import layer_of
from roi_tools.roto.model import RotoLayer
from roi_tools.shapes import AnimatedRectangle
from timeline.media.info import MediaInfo
from timeline.shot import Shot

if TYPE_CHECKING:
    from roi_tools.roi_document import RoiDocument  # loads OpenCV


def document_of_shot(shot: Shot, info: MediaInfo) -> RoiDocument:
    """Boxes of the removals that are boxes, a layer for each other one, and what goes along with what.

    Boxes are rounded outward to whole pixels. Where two removals have one name, the later has a number too.
    """
    from roi_tools.roi_document import RoiDocument

    labels: dict[str, str] = {}
    layers: list[RotoLayer] = []
    for removal in shot.removals:
        if not isinstance(removal.shape, AnimatedRectangle):
            labels[removal.id] = _free(removal.label, labels.values())
            layers.append(replace(layer_of(removal.shape), name=labels[removal.id]))
    taken = {name for layer in layers for name in (layer.name, *(shape.label for shape in layer.shapes))}
    boxes = {}
    for removal in shot.removals:
        if isinstance(removal.shape, AnimatedRectangle):
            label = labels[removal.id] = _free(removal.label, taken)
            taken.add(label)
            boxes[label] = tuple(removal.shape.box_at(frame, info.size) for frame in range(info.frame_count))
    links = {labels[removal.id]: labels[removal.linked_to] for removal in shot.removals if removal.linked_to in labels}
    return RoiDocument(info.size, info.rate, info.frame_count, boxes, tuple(layers), links)


def _free(label: str, taken: Collection[str]) -> str:
    return next(name for number in count(1) if (name := label if number == 1 else f"{label} {number}") not in taken)

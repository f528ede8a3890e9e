"""The mattes of roto layers, drawn only where something can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadRequestError
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, union_box
from roi_tools.roto.layer_json import layer_from_dict
from roi_tools.roto.model import RotoLayer
from roi_tools.roto.raster import layer_box, layer_matte


def layers_from_request(roto: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, number: int) -> list[RotoLayer]:
    """The layers in a pass's ``roto``; raises BadRequestError that names pass ``number`` and what is wrong."""
    given = [] if roto is None else [roto] if isinstance(roto, Mapping) else roto
    try:
        return [layer_from_dict(layer) for layer in given]
    except ShapeError as error:
        raise BadRequestError(f"the roto of pass {number}: {error}; docs/roi-file.md describes layers") from None


def draw_layers(
    layers: Sequence[RotoLayer], frame: int, size: Size, within: Box
) -> tuple[Box, NDArray[np.float32]] | None:
    """What any of the layers marks inside ``within``: a region and its coverage; None where nothing can be.

    Layers join by maximum, each drawn on its own. Outside the region nothing is marked.
    """
    boxes = [(layer, box.intersected(within)) for layer in layers if (box := layer_box(layer, frame, size))]
    region = union_box(box for _, box in boxes if box)
    if region is None:
        return None
    coverage = np.zeros((region.height_px, region.width_px), np.float32)
    for layer, box in boxes:
        if box is not None:
            place = coverage[box.shifted(-region.x0, -region.y0).slices]
            np.maximum(place, np.clip(layer_matte(layer, frame, size, box), 0.0, 1.0), out=place)
    return region, coverage

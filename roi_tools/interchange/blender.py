"""Blender masks, out: a Python script that builds them when it runs inside Blender.

Blender's mask space runs from 0 to 1 along the longer side, centred on the shorter one, y up; handles are absolute.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Size
from roi_tools.interchange.baked import BakedShape, baked
from roi_tools.json_file import write_text
from roi_tools.roto.model import RotoLayer

_SCRIPT = '''\
"""Builds the mask {name} in Blender: open it in the text editor and run it."""
import json

import bpy

DATA = json.loads({data})

mask = bpy.data.masks.new(DATA["name"])


def key(layer, path, frame):
    # Points know no path of their own, so everything is keyed from the mask.
    mask.keyframe_insert(f'layers["{{bpy.utils.escape_identifier(layer.name)}}"].{{path}}', frame=frame)


for shape in DATA["shapes"]:
    layer = mask.layers.new(name=shape["label"])
    layer.blend = shape["blend"]
    layer.invert = shape["invert"]
    for frame, opacity in shape["opacities"]:
        layer.alpha = opacity
        key(layer, "alpha", frame)
    layer.hide_render = shape["hidden"]
    spline = layer.splines.new()
    spline.use_cyclic = True
    spline.points.add(len(shape["points"][0]) - len(spline.points))  # a new one has a point already
    for point in spline.points:
        point.handle_type = "FREE"
    for frame, points in zip(shape["frames"], shape["points"]):
        for number, (point, (place, left, right)) in enumerate(zip(spline.points, points)):
            point.co, point.handle_left, point.handle_right = place, left, right
            for part in ("co", "handle_left", "handle_right"):
                key(layer, f"splines[0].points[{{number}}].{{part}}", frame)
'''
_BLENDS = {"add": "MERGE_ADD", "subtract": "MERGE_SUBTRACT", "intersect": "MUL"}


def write_blender(
    path: str | os.PathLike[str], layer: RotoLayer, size: Size, span: range, first_number: int = 1
) -> tuple[str, ...]:
    """Write a script that makes ``layer`` a mask; frame n becomes Blender's frame ``n + first_number``.

    One mask layer per shape, with the points of every frame of ``span`` where it moves; outside its lifetime its
    opacity is 0. Feathers are left out. Returns the labels of the open lines, which are left out too. Raises
    RoiFileError.
    """
    found = [(shape, baked(shape, span)) for shape in layer.shapes]
    data = {
        "name": layer.name,
        "shapes": [_shape(curve, size, first_number) for _, curve in found if curve is not None],
    }
    text = _SCRIPT.format(name=ascii(layer.name).strip("'\""), data=ascii(json.dumps(data)))
    write_text(Path(path), text)
    return tuple(shape.label for shape, curve in found if curve is None)


def _shape(curve: BakedShape, size: Size, first_number: int) -> dict[str, Any]:
    shape = curve.shape
    return {
        "label": shape.label,
        "blend": _BLENDS[shape.mode],
        "invert": shape.is_inverted,
        "opacities": [[frame + first_number, opacity] for frame, opacity in curve.shown()],
        "hidden": not shape.is_visible,
        "frames": [frame + first_number for frame in curve.frames],
        "points": [_in_mask_space(points, size).round(7).tolist() for points in curve.points],
    }


def _in_mask_space(points: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """(n, 3, 2): place, left handle, right handle."""
    absolute = points[:, :3].copy()
    absolute[:, 1:] += absolute[:, :1]
    longer = max(size.width_px, size.height_px)
    centred = (absolute - (size.width_px / 2, size.height_px / 2)) * (1, -1)
    return np.asarray(centred / longer + 0.5)

"""Silhouette's shape files (.fxs), out: XML with a path per keyframe.

Places count from the picture's centre in units of its height, y down; handles are relative to their point.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Size
from roi_tools.interchange.baked import BakedShape, baked
from roi_tools.json_file import write_text
from roi_tools.roto.model import RotoLayer

_MODES = {"add": "Add", "subtract": "Subtract", "intersect": "Intersect"}


def write_silhouette(
    path: str | os.PathLike[str], layer: RotoLayer, size: Size, span: range, first_number: int = 0
) -> tuple[str, ...]:
    """Write ``layer``; frame n becomes ``n + first_number``. Shapes that move get a path on every frame of ``span``.

    Returns the labels of the open lines, which are left out. Raises RoiFileError where it cannot be written.
    """
    root = Element(
        "Silhouette",
        width=str(size.width_px),
        height=str(size.height_px),
        pixelAspect="1",
        workRangeStart=str(span.start + first_number),
        workRangeEnd=str(span.stop - 1 + first_number),
        sessionStartFrame=str(span.start + first_number),
    )
    left_out = []
    for number, shape in enumerate(reversed(layer.shapes)):  # the topmost first
        curve = baked(shape, span)
        if curve is None:
            left_out.append(shape.label)
        else:
            _add_shape(root, curve, number, size, first_number)
    ElementTree.indent(root)
    write_text(Path(path), ElementTree.tostring(root, encoding="unicode") + "\n")
    return tuple(reversed(left_out))


def _add_shape(root: Element, curve: BakedShape, number: int, size: Size, first_number: int) -> None:
    shape = curve.shape
    element = SubElement(root, "Shape", type="Shape", id=str(number), label=shape.label, shape_type="Bezier")
    if not shape.is_visible:
        element.set("hidden", "True")
    if shape.is_locked:
        element.set("locked", "True")
    properties = SubElement(element, "Properties")
    _constant(properties, "color", "({:.6f},{:.6f},{:.6f})".format(*shape.color))
    _constant(properties, "mode", _MODES[shape.mode])
    _constant(properties, "invert", "true" if shape.is_inverted else "false")
    opacity = SubElement(properties, "Property", id="opacity")
    for frame, shown in curve.shown():  # Silhouette knows no lifetime
        SubElement(opacity, "Key", frame=str(frame + first_number), interp="hold").text = f"{100 * shown:.6f}"
    path = SubElement(properties, "Property", id="path")
    for frame, points in zip(curve.frames, curve.points, strict=True):
        key = {"frame": str(frame + first_number), "interp": "linear"}
        outline = SubElement(SubElement(path, "Key", key), "Path", closed="True", type="Bezier")
        for point in _normalised(points, size):
            place, arriving, leaving = (f"({x:.9f},{y:.9f})" for x, y in point)
            SubElement(outline, "Point").text = f"{place},{leaving},{arriving}"


def _normalised(points: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """(n, 3, 2): place, arriving handle, leaving handle."""
    result = points[:, :3].copy()
    result[:, 0] -= (size.width_px / 2, size.height_px / 2)
    return np.asarray(result / size.height_px)


def _constant(properties: Element, name: str, value: str) -> None:
    entry = SubElement(properties, "Property", id=name, constant="True")
    SubElement(entry, "Value").text = value

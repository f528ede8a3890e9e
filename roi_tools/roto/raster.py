"""From a layer of shapes to its matte: any part of the frame, at any scale and sub-pixel offset.

Shapes join by maximum (add), minimum (intersect) and minimum with the complement (subtract): joining a shape twice is
joining it once, also along antialiased edges.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box, union_box
from roi_tools.matte import Matte
from roi_tools.roto.coverage import Coverage, cover
from roi_tools.roto.distances import distances_px
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.outlines import feather_at, magnification_at, outline_at

_SHORTEST_FEATHER_PX = 1e-3
_WIDE_PX = 512.0
"""A feather that reaches further is drawn small: its slope is less than 1/512 a pixel."""


def layer_matte(
    layer: RotoLayer,
    frame: int,
    size: Size,
    window: Box | None = None,
    scale: float = 1.0,
    offset_px: tuple[float, float] = (0.0, 0.0),
) -> Matte:
    """The matte of ``layer`` on ``frame``, (window height, window width), 0 to 1.

    ``size`` is the raster's, ``window`` the part to draw in the raster's px (default: all of it). Frame px (x, y) lies
    at ``(x, y) * scale + offset_px`` of the raster. Raises ShapeError for a scale that is not above 0.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise ShapeError(f"a matte at scale {scale} is not possible; give a number above 0")
    window = window or frame_box(size)
    exposures = layer.exposures(frame)
    total = _exposure(layer, frame, exposures[0], window, scale, offset_px)
    for time in exposures[1:]:
        total += _exposure(layer, frame, time, window, scale, offset_px)
    return total / np.float32(len(exposures)) if len(exposures) > 1 else total


def shape_box(shape: Shape, frame: int, size: Size) -> Box | None:
    """The whole pixels that ``shape`` touches on ``frame``, feather included, clipped to the frame; None for none."""
    return _touched_box(shape, frame, size) if shape.is_present(frame) else None


def layer_box(layer: RotoLayer, frame: int, size: Size) -> Box | None:
    """Whole pixels, inside the frame, outside of which :func:`layer_matte` is 0 on ``frame``; None where all of it is.

    It holds all that shapes add, whether or not others take it away again.
    """
    added = [shape for shape in layer.shapes if shape.mode == "add" and shape.is_present(frame)]
    if any(shape.is_inverted for shape in added):
        return frame_box(size)
    boxes = (_touched_box(shape, time, size) for shape in added for time in layer.exposures(frame))
    return union_box(box for box in boxes if box)


def _touched_box(shape: Shape, time: float, size: Size) -> Box | None:
    polygons = [*outline_at(shape, time)]
    feather = feather_at(shape, time)
    if feather is not None:
        polygons.append(feather)
    points = np.vstack([polygon for polygon in polygons if np.isfinite(polygon).all()] or [np.zeros((0, 2))])
    if not len(points):
        return None
    soft = max(0.0, shape.feather_px.value_at(time)[0] * magnification_at(shape, time))
    if soft or feather is not None:
        soft += 1.0  # where a slanted edge lies in its pixel is known to a fraction of it
    x0, y0 = np.floor(points.min(axis=0) - soft + 1e-9)
    x1, y1 = np.ceil(points.max(axis=0) + soft - 1e-9)
    return Box(int(x0), int(y0), int(x1), int(y1)).clipped(size) if x1 > x0 and y1 > y0 else None


def _exposure(
    layer: RotoLayer, frame: int, time: float, window: Box, scale: float, offset_px: tuple[float, float]
) -> Matte:
    present = [shape for shape in layer.shapes if shape.is_present(frame)]
    outlines = [[piece + offset_px for piece in outline_at(shape, time, scale)] for shape in present]
    covered = iter(cover([piece for pieces in outlines for piece in pieces], _with_room(present, time, window, scale)))
    matte = np.zeros((window.height_px, window.width_px), np.float32)
    for shape, pieces in zip(present, outlines, strict=True):
        parts = [part for _ in pieces if (part := next(covered)) is not None]
        soft = _softened(shape, time, parts, window, scale, offset_px)
        _join(matte, shape, time, soft, window)
    return matte


def _with_room(shapes: list[Shape], time: float, window: Box, scale: float) -> Box:
    """The window and what a feather reaches into it from outside; wide ones are drawn by themselves."""
    reaches = (_reach_px(shape, time, scale) for shape in shapes)
    reach = max((reach for reach in reaches if reach <= _WIDE_PX), default=0.0)
    return window.grown(math.ceil(reach) + 1) if reach else window


def _reach_px(shape: Shape, time: float, scale: float) -> float:
    uniform = abs(shape.feather_px.value_at(time)[0])
    own = 0.0
    if shape.has_point_feather:
        own = float(np.hypot(*shape.values_at(time)[:, 6:8].T).max())
    return (uniform + own) * scale * magnification_at(shape, time)


def _softened(
    shape: Shape, time: float, parts: list[Coverage], window: Box, scale: float, offset_px: tuple[float, float]
) -> list[Coverage]:
    """The coverage with the shape's feather: a part of its own where there is any."""
    if _reach_px(shape, time, scale) > _WIDE_PX:
        return [(window, _widely_softened(shape, time, parts, window, scale, offset_px))]
    feather = feather_at(shape, time, scale)
    uniform_px = shape.feather_px.value_at(time)[0] * scale * magnification_at(shape, time)
    if feather is None and (uniform_px == 0 or not parts):
        return parts
    reachable = _with_room([shape], time, window, scale)
    outer_parts = [part for part in cover([] if feather is None else [feather + offset_px], reachable) if part]
    touched = union_box(box for box, _ in (*parts, *outer_parts))
    room = touched and touched.grown(math.ceil(abs(uniform_px)) + 1).intersected(reachable)
    if room is None:
        return []
    inner = _pasted(parts, room)
    if feather is not None:
        outer = _pasted(outer_parts, room)
        inner = _ramp(np.minimum(inner, outer), np.maximum(inner, outer))
    if uniform_px:
        inner = _uniform(inner, uniform_px)
    return [(room, inner)]


def _widely_softened(
    shape: Shape, time: float, parts: list[Coverage], window: Box, scale: float, offset_px: tuple[float, float]
) -> Matte:
    """The coverage with a feather that reaches far: its slope drawn small and enlarged, its edges as they are.

    Otherwise a shape that is magnified a thousand times would draw a raster a thousand times as large.
    """
    shrink = _reach_px(shape, time, scale) / _WIDE_PX
    small = Box(*(math.floor(edge / shrink) - 1 for edge in window.as_tuple()[:2]),
                *(math.ceil(edge / shrink) + 1 for edge in window.as_tuple()[2:]))  # fmt: skip
    small_offset = offset_px[0] / shrink, offset_px[1] / shrink
    outlines = [piece + small_offset for piece in outline_at(shape, time, scale / shrink)]
    covered = [part for part in cover(outlines, small.grown(math.ceil(_WIDE_PX) + 2)) if part]
    slope = _pasted(_softened(shape, time, covered, small, scale / shrink, small_offset), small)
    slope = _enlarged(slope, small, window, shrink)
    low = high = _pasted(parts, window)
    feather = feather_at(shape, time, scale)
    if feather is not None:
        outer = _pasted([part for part in cover([feather + offset_px], window) if part], window)
        low, high = np.minimum(low, outer), np.maximum(high, outer)
    uniform_px = shape.feather_px.value_at(time)[0]
    if uniform_px <= 0:
        slope = np.minimum(slope, high)
    return np.maximum(slope, low) if uniform_px >= 0 else slope


def _enlarged(matte: Matte, box: Box, window: Box, factor: float) -> Matte:
    """``matte`` of ``box``, in px of ``factor`` px each, in the px of ``window``."""
    to_small = np.array([[1 / factor, 0, (window.x0 + 0.5) / factor - box.x0 - 0.5],
                         [0, 1 / factor, (window.y0 + 0.5) / factor - box.y0 - 0.5]])  # fmt: skip
    size, flags = (window.width_px, window.height_px), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    enlarged = cv2.warpAffine(matte, to_small, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(enlarged, np.float32)


def _pasted(parts: list[Coverage], room: Box) -> Matte:
    matte = np.zeros((room.height_px, room.width_px), np.float32)
    for box, values in parts:
        both = box.intersected(room)
        if both is not None:
            place = matte[both.shifted(-room.x0, -room.y0).slices]
            np.maximum(place, values[both.shifted(-box.x0, -box.y0).slices], out=place)
    return matte


def _ramp(inner: Matte, outer: Matte) -> Matte:
    """1 on ``inner``, 0 outside ``outer``, in between by the distances from both."""
    inwards, outwards = distances_px(inner), distances_px(1 - outer)
    between = outwards / np.maximum(inwards + outwards, 1e-6)
    return np.asarray(np.maximum(inner, np.minimum(between, outer)), np.float32)


def _uniform(matte: Matte, feather_px: float) -> Matte:
    """Soft over ``feather_px`` outside the edge, or inside it where negative."""
    width_px = max(abs(feather_px), _SHORTEST_FEATHER_PX)
    if feather_px > 0:
        return np.asarray(np.maximum(matte, np.clip(1 - distances_px(matte) / width_px, 0, 1)), np.float32)
    padded = np.pad(1 - matte, 1, constant_values=1)
    return np.asarray(np.minimum(matte, np.clip(distances_px(padded)[1:-1, 1:-1] / width_px, 0, 1)), np.float32)


def _join(matte: Matte, shape: Shape, time: float, parts: list[Coverage], window: Box) -> None:
    opacity = np.float32(np.clip(shape.opacity.value_at(time)[0], 0, 1))
    if shape.mode == "add" and not shape.is_inverted:  # only what it touches changes
        for box, values in parts:
            both = box.intersected(window)
            if both is not None:
                place = matte[both.shifted(-window.x0, -window.y0).slices]
                here = values[both.shifted(-box.x0, -box.y0).slices]
                np.maximum(place, here if opacity == 1 else here * opacity, out=place)
        return
    alpha = _pasted(parts, window)
    if shape.is_inverted:
        alpha = 1 - alpha
    if shape.mode == "add":
        np.maximum(matte, alpha * opacity, out=matte)
    elif shape.mode == "subtract":
        np.minimum(matte, 1 - alpha * opacity, out=matte)
    else:
        np.minimum(matte, alpha * opacity + (1 - opacity), out=matte)

"""Nuke's Roto node as .nk text, out and in.

The node's ``curves`` knob is a tree of layers with curve groups, each a closed curve and its feather curve (NDK
developer guide, "Roto serialisation format"). Floats are "x" and the eight hex digits of an IEEE single; y points up.
A curve that stands still is ``{px time {x y} ...}``, one that moves ``{p {xs ys} ...}`` with lists of ``{time value}``;
three pairs per point: arriving handle, place, leaving handle. Handles are relative to the place, feather places to
the curve's. Moving shapes are written with every frame, so no interpolation is left to the reader; the keyframes
themselves lie beside the curves (roi_tools.interchange.nuke_record).
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import RoiFileError, ShapeError
from roi_tools.geometry import Size
from roi_tools.interchange.baked import BakedShape, baked
from roi_tools.interchange.nuke_record import KNOB, NukeRecord, decoded, encoded
from roi_tools.json_file import read_text, write_text
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import Mode, RotoLayer, Shape, constant

Tree: TypeAlias = "list[str | Tree]"

_MODES: tuple[Mode, ...] = ("subtract", "intersect")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|[^\s{}"]+')
_DEEPEST = 64
_UNMOVED_PX = 1e-3
_FURTHEST = 1e9
_RANGE = 4
"""Lifetime type: from one frame to another."""


def write_nuke(
    path: str | os.PathLike[str], layer: RotoLayer, size: Size, span: range, first_number: int = 0
) -> tuple[str, ...]:
    """Write ``layer`` as a Roto node; frame n becomes Nuke's frame ``n + first_number``. A .nk file to open or paste.

    :func:`read_nuke` gives the same layer back. Returns the labels of the shapes that Nuke does not show: open lines,
    and nothing else. Labels become Nuke names (letters, digits, underscores); a shape that subtracts or intersects says
    so at the end of its name. Raises RoiFileError.
    """
    write_text(Path(path), _script(NukeRecord(layer, size, span, first_number)))
    return tuple(shape.label for shape in layer.shapes if shape.is_open)


def _script(record: NukeRecord) -> str:
    layer, size, first_number = record.layer, record.size, record.first_number
    found = [(shape, baked(shape, record.span)) for shape in layer.shapes]
    # Nuke lists the topmost shape first.
    groups = "".join(
        _group(curve, size, record.span, first_number) for _, curve in reversed(found) if curve is not None
    )
    center = f"{_float(size.width_px / 2)} {_float(size.height_px / 2)}"
    name = _name(layer.name) or "Roto1"
    return (
        "Roto {\n inputs 0\n output alpha\n cliptype none\n curves {{{v x3f99999a}\n  {f 0}\n  {n\n   {layer Root\n"
        f"    {{f 2097152}}\n    {{t {center}}}\n    {{a}}\n{groups}   }}}}}}}}\n name {name}\n"
        f' addUserKnob {{20 grayplate l Grayplate}}\n addUserKnob {{1 {KNOB} l "layer as drawn" +INVISIBLE}}\n'
        f" {KNOB} {encoded(record)}\n}}\n"
    )


def read_nuke(path: str | os.PathLike[str], size: Size, first_number: int = 0) -> RotoLayer:
    """The first Roto or RotoPaint node of a .nk file: what :func:`write_nuke` was given, if its curves are unchanged.

    Otherwise the node's closed Bezier shapes, bottom first; keyframes between which Nuke would draw a curve are then
    joined by straight lines. Raises RoiFileError where there is no such node, or it holds what this program does not
    read (a B-spline, an expression).
    """
    source = Path(path)
    body = _roto_node(_parsed(read_text(source), source), source)
    drawn = _drawn(body, size, first_number, source)
    word = str(body[body.index(KNOB) + 1]) if KNOB in body[:-1] else ""
    record = decoded(word) if word else None
    if record is None or record.size != size:
        return drawn
    written = _roto_node(_parsed(_script(record), source), source)
    is_unchanged = _alike(_drawn(written, size, first_number, source), drawn)
    return record.numbered_from(first_number) if is_unchanged else drawn


def _drawn(body: Tree, size: Size, first_number: int, source: Path) -> RotoLayer:
    """What the curves alone say."""
    try:
        shapes = [_shape(group, size, first_number, source) for group in _curve_groups(body)]
    except ShapeError as error:
        raise RoiFileError(f"{source}: {error}") from error
    name = body[body.index("name") + 1] if "name" in body[:-1] else "Roto1"
    return RotoLayer(str(name), tuple(_named_apart(shapes[::-1])))


def _alike(one: RotoLayer, other: RotoLayer) -> bool:
    """Whether nobody has moved anything, renamed, hidden or inverted it."""
    return len(one.shapes) == len(other.shapes) and all(
        replace(a, tracks=b.tracks, opacity=b.opacity) == b
        and len(a.tracks) == len(b.tracks)
        and all(
            p.frames == q.frames and np.allclose([k.value for k in p.keys], [k.value for k in q.keys], 0, _UNMOVED_PX)
            for p, q in zip((*a.tracks, a.opacity), (*b.tracks, b.opacity), strict=True)
        )
        for a, b in zip(one.shapes, other.shapes, strict=True)
    )


def _group(curve: BakedShape, size: Size, span: range, first_number: int) -> str:
    shape = curve.shape
    name = (_name(shape.label) or "shape") + (f"_{shape.mode}" if shape.mode in _MODES else "")
    numbers = [frame + first_number for frame in curve.frames]
    flipped = curve.points * (1, -1)
    flipped[:, :, 0, 1] += size.height_px
    outline = flipped[:, :, [1, 0, 2]]
    feather = flipped[:, :, [1, 3, 2]]
    center = flipped[0, :, 0].mean(axis=0)
    return (
        f"    {{curvegroup {name} 512 bezier\n     {{{{cc\n       {{f 8192}}\n       {_points(numbers, outline)}}}\n"
        f"      {{cc\n       {{f 8192}}\n       {_points(numbers, feather)}}}}}\n"
        f"     {{tx {_float(numbers[0])} {_float(center[0])} {_float(center[1])}}}\n"
        f"     {{a {_attributes(shape, curve.frames, span, first_number)}}}}}\n"
    )


def _points(numbers: Sequence[int], points: NDArray[np.float64]) -> str:
    """``points`` (frames, n, 3, 2)."""
    if len(numbers) == 1:
        pairs = "".join(f"\n        {{{_float(x)} {_float(y)}}}" for x, y in points[0].reshape(-1, 2))
        return f"{{px {_float(numbers[0])}{pairs}}}"
    columns = points.reshape(len(numbers), -1, 2).transpose(1, 2, 0)
    pairs = "".join(f"\n        {{{_curve(numbers, xs)} {_curve(numbers, ys)}}}" for xs, ys in columns)
    return f"{{p{pairs}}}"


def _curve(numbers: Sequence[int], values: NDArray[np.float64]) -> str:
    return "{" + "".join(f"{{{_float(n)} {_float(value)}}}" for n, value in zip(numbers, values, strict=True)) + "}"


def _attributes(shape: Shape, frames: Sequence[int], span: range, first_number: int) -> str:
    opacity = [shape.opacity.value_at(frame)[0] for frame in frames]
    still = len(set(opacity)) == 1
    numbers = [frame + first_number for frame in frames]
    values = {
        "vis": _float(float(shape.is_visible)),
        "r": _float(shape.color[0]),
        "g": _float(shape.color[1]),
        "b": _float(shape.color[2]),
        "opc": _float(opacity[0]) if still else _curve(numbers, np.array(opacity)),
        "inv": _float(float(shape.is_inverted)),
    }
    feather = shape.feather_px.value_at(frames[0])[0]
    if feather:
        values |= {"fx": _float(feather), "fy": _float(feather)}
    if shape.first_frame is not None or shape.last_frame is not None:
        first, last = shape.first_frame, shape.last_frame
        first = min(span.start, last or 0) if first is None else first
        last = max(span.stop - 1, first) if last is None else last
        values |= {"ltn": _float(first + first_number), "ltm": _float(last + first_number), "ltt": _float(_RANGE)}
    return " ".join(f"{name} {value}" for name, value in values.items())


def _float(value: float) -> str:
    # A strong perspective may throw a point to infinity, which Nuke's text cannot hold.
    single = np.float32(np.nan_to_num(value, nan=0.0, posinf=_FURTHEST, neginf=-_FURTHEST).clip(-_FURTHEST, _FURTHEST))
    return "0" if single == 0 else f"x{struct.unpack('>I', struct.pack('>f', single))[0]:08x}"


def _name(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", label)


def _named_apart(shapes: Sequence[Shape]) -> Iterator[Shape]:
    """The shapes with a number behind each label that another one has already: Nuke's layers allow that."""
    taken: set[str] = set()
    for shape in shapes:
        label, number = shape.label, 2
        while label in taken:
            label, number = f"{shape.label} {number}", number + 1
        taken.add(label)
        yield replace(shape, label=label)


def _parsed(text: str, source: Path) -> Tree:
    """Braces as nested lists."""
    root: Tree = []
    stack = [root]
    for token in _TOKEN.findall(text):
        if token == "{":
            if len(stack) > _DEEPEST:
                raise _error(source, "its braces are nested too deeply", "give a script with a Roto node")
            inner: Tree = []
            stack[-1].append(inner)
            stack.append(inner)
        elif token == "}":
            if len(stack) == 1:
                raise _error(source, "a brace closes that was never opened", "save the script again")
            stack.pop()
        else:
            stack[-1].append(token.strip('"'))
    if len(stack) > 1:
        raise _error(source, "a brace is never closed", "save the script again")
    return root


def _roto_node(tree: Tree, source: Path) -> Tree:
    for kind, body in pairwise(tree):
        if kind in ("Roto", "RotoPaint") and isinstance(body, list):
            return body
    for body in tree:
        if isinstance(body, list) and any(kind in ("Roto", "RotoPaint") for kind in body if isinstance(kind, str)):
            return _roto_node(body, source)
    raise _error(source, "holds no Roto or RotoPaint node", "copy one from Nuke into a .nk file")


def _curve_groups(tree: Tree) -> Iterator[Tree]:
    for entry in tree:
        if isinstance(entry, list):
            if entry[:1] == ["curvegroup"]:
                yield entry
            else:
                yield from _curve_groups(entry)


def _shape(group: Tree, size: Size, first_number: int, source: Path) -> Shape:
    name = str(group[1]) if len(group) > 1 else "?"
    if len(group) < 5 or group[3] != "bezier" or not isinstance(group[4], list):
        raise _error(source, f"shape '{name}' is no Bezier curve", "convert it to one in Nuke")
    curves = [_vectors(entry, name, source) for entry in group[4] if isinstance(entry, list)]
    if not curves or not curves[0] or len(curves[0]) % 3:
        raise _error(source, f"shape '{name}' has no whole number of points", "save the script again")
    # "idem" in place of a feather curve: the same curve, no offsets.
    feather = curves[1] if len(curves) > 1 and len(curves[1]) == len(curves[0]) else None
    tracks = []
    for at in range(0, len(curves[0]), 3):
        arriving, place, leaving = curves[0][at : at + 3]
        parts = [place, arriving, leaving, *([feather[at + 1]] if feather else [])]
        tracks.append(_track(parts, size, first_number))
    mode = next((mode for mode in _MODES if name.endswith(f"_{mode}")), None)
    label = name.removesuffix(f"_{mode}") if mode else name
    attributes = _read_attributes(group, name, source)
    return _with_attributes(Shape(label, "bezier", tuple(tracks), mode or "add"), attributes, first_number)


Curve: TypeAlias = dict[float, float]
"""Values by Nuke frame; one entry for what stands still."""


def _vectors(entry: Tree, name: str, source: Path) -> list[tuple[Curve, Curve]]:
    points = next((part for part in entry if isinstance(part, list) and part[:1] in (["px"], ["p"])), None)
    if entry[:1] != ["cc"] or points is None:
        raise _error(source, f"shape '{name}' has a curve that is not understood", "save it from Nuke 7 or later")
    time = 0.0
    if points[0] == "px" and len(points) > 1 and isinstance(points[1], str):
        time = _number(points[1], name, source)
    pairs = [part for part in points[1:] if isinstance(part, list)]
    if any(len(pair) != 2 for pair in pairs):
        raise _error(source, f"shape '{name}' has a point that is no pair", "save the script again")
    return [(_read_curve(x, time, name, source), _read_curve(y, time, name, source)) for x, y in pairs]


def _read_curve(entry: str | Tree, time: float, name: str, source: Path) -> Curve:
    if isinstance(entry, str):
        return {time: _number(entry, name, source)}
    curve: Curve = {}
    for key in entry:
        if not isinstance(key, list) or len(key) < 2 or not isinstance(key[0], str) or not isinstance(key[1], str):
            raise _error(source, f"shape '{name}' is moved by more than keyframes", "bake it in Nuke")
        curve[_number(key[0], name, source)] = _number(key[1], name, source)
    if not curve:
        raise _error(source, f"shape '{name}' has a curve without keyframes", "save the script again")
    return curve


def _track(parts: Sequence[tuple[Curve, Curve]], size: Size, first_number: int) -> Track:
    """A point's track: its place, its arriving and leaving handle, its feather point."""
    times = sorted({round(time) for part in parts for curve in part if len(curve) > 1 for time in curve})
    keys = []
    for time in times or [first_number]:
        x, y, *rest = (_value(curve, time) for part in parts for curve in part)
        flipped = [number if index % 2 == 0 else -number for index, number in enumerate(rest)]
        value = (x, size.height_px - y, *flipped, *([0.0] * (6 - len(flipped))))
        keys.append(Keyframe(time - first_number, value))
    return Track(tuple(keys))


def _value(curve: Curve, time: float) -> float:
    times = sorted(curve)
    return float(np.interp(time, times, [curve[key] for key in times]))


def _read_attributes(group: Tree, name: str, source: Path) -> dict[str, Curve]:
    entry = next((part for part in group[5:] if isinstance(part, list) and part[:1] == ["a"]), ["a"])
    pairs = zip(entry[1::2], entry[2::2], strict=False)
    wanted = {"vis", "r", "g", "b", "opc", "inv", "fx", "ltn", "ltm", "ltt"}
    return {
        key: _read_curve(value, 0.0, name, source) for key, value in pairs if isinstance(key, str) and key in wanted
    }


def _with_attributes(shape: Shape, attributes: dict[str, Curve], first_number: int) -> Shape:
    def first(key: str, default: float) -> float:
        curve = attributes.get(key, {0.0: default})
        return curve[min(curve)]

    opacity = attributes.get("opc", {0.0: 1.0})
    keys = [Keyframe(round(time) - first_number, (min(max(value, 0.0), 1.0),)) for time, value in opacity.items()]
    is_range = first("ltt", 0) == _RANGE
    red, green, blue = (min(max(first(part, 1.0), 0.0), 1.0) for part in "rgb")
    return Shape(
        shape.label,
        shape.kind,
        shape.tracks,
        shape.mode,
        is_inverted=first("inv", 0) != 0,
        opacity=Track.of(keys) if len(keys) > 1 else constant(*keys[0].value),
        feather_px=constant(first("fx", 0.0)),
        first_frame=round(first("ltn", 0)) - first_number if is_range else None,
        last_frame=round(first("ltm", 0)) - first_number if is_range else None,
        color=(red, green, blue),
        is_visible=first("vis", 1) != 0,
    )


def _number(text: str, name: str, source: Path) -> float:
    try:
        value = (
            struct.unpack(">f", bytes.fromhex(text[1:]))[0] if re.fullmatch("x[0-9a-fA-F]{8}", text) else float(text)
        )
    except ValueError as error:
        raise _error(source, f"shape '{name}' holds '{text[:20]}', which is no number", "bake it in Nuke") from error
    if not math.isfinite(value):
        raise _error(source, f"shape '{name}' holds '{text[:20]}', which is no number", "bake it in Nuke")
    return float(value)


def _error(source: Path, problem: str, remedy: str) -> RoiFileError:
    return RoiFileError(f"{source}: {problem}; {remedy}")

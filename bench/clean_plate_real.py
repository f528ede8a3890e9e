"""Clips without truth: which cleaned frames are worst by what the result itself shows, and a sheet of them.

Three measures, each 0 for nothing to complain of:

- doubt: mean of 1 - confidence over the replaced pixels;
- flicker: mean absolute change from the last frame inside the hole, over that in a ring around it;
- seam: mean absolute step across the hole's edge, over that between pixels outside it, next to each other alike.

The worst frames are taken from the three in turn, none near another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.clean_plate_cases import Case, Picture
from bench.clean_plate_methods import clean_plates
from engine.plate.analysis import box_around, dilate
from engine.plate.model import OUTSIDE_HOLE, RecoveredFrame
from roi_tools.geometry import Box, Size

WORST = 5
APART_FRAMES = 5
RING_PX = 16
EDGE = (0, 220, 255)
CONTEXT_PX = 40
DETAIL_PX = 320
"""A hole up to this size is shown at 2:1, a larger one at 1:1."""

LABEL_PX = 20


@dataclass(frozen=True)
class Cleaned:
    """One frame of a clip, as it was and as it came out."""

    frame: int
    before: Picture
    after: Picture
    hole: NDArray[np.bool_]
    found: RecoveredFrame


@dataclass(frozen=True)
class Found:
    """A frame that is among the worst by one measure."""

    cleaned: Cleaned
    measure: str
    value: float


def clean(case: Case) -> list[Cleaned]:
    """The marked frames of a clip."""
    plates = clean_plates(case)
    return [
        Cleaned(n, case.source[n], image, case.hole(n), found)
        for n, (image, found) in enumerate(plates)
        if found.box is not None
    ]


def worst_frames(frames: Sequence[Cleaned]) -> list[Found]:
    """The worst of a clip; fewer where they would lie next to each other."""
    pairs = dict(zip((c.frame for c in frames[1:]), frames, strict=False))
    measures: dict[str, Callable[[Cleaned], float]] = {
        "doubt": doubt,
        "flicker": lambda c: flicker(c, pairs.get(c.frame)),
        "seam": seam,
    }
    ranked = {name: sorted(frames, key=measure, reverse=True) for name, measure in measures.items()}
    found: list[Found] = []
    turns = cycle(measures)
    while len(found) < WORST:
        name = next(turns)
        far = [c for c in ranked[name] if all(abs(c.frame - f.cleaned.frame) >= APART_FRAMES for f in found)]
        if not far:
            break
        found.append(Found(far[0], name, measures[name](far[0])))
    return found


def doubt(cleaned: Cleaned) -> float:
    provenance = cleaned.found.provenance
    replaced = (provenance != OUTSIDE_HOLE) & (provenance != cleaned.frame)
    return float(1.0 - cleaned.found.confidence[replaced].mean()) if replaced.any() else 0.0


def flicker(cleaned: Cleaned, before: Cleaned | None) -> float:
    if before is None or before.frame != cleaned.frame - 1:
        return 0.0
    hole = cleaned.hole | before.hole
    ring = dilate(hole, RING_PX) & ~hole
    change = np.abs(cleaned.after.astype(np.float32) - before.after).mean(axis=2)
    return _ratio(change, cleaned.hole, ring)


def seam(cleaned: Cleaned) -> float:
    codes = cleaned.after.astype(np.float32)
    inside, outside = cleaned.hole, ~dilate(cleaned.hole, 1)
    crossing, beside = [], []
    for axis in (0, 1):
        step = np.abs(np.diff(codes, axis=axis)).mean(axis=2)
        first, second = (np.moveaxis(cleaned.hole, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        crosses = np.moveaxis(first != second, 0, axis)
        near = dilate(inside, RING_PX // 2) & outside
        both = np.moveaxis(np.moveaxis(near, axis, 0)[:-1] & np.moveaxis(near, axis, 0)[1:], 0, axis)
        crossing.append(step[crosses])
        beside.append(step[both])
    across, around = np.concatenate(crossing), np.concatenate(beside)
    return float((across.mean() + 1.0) / (around.mean() + 1.0)) if across.size and around.size else 0.0


def _ratio(values: NDArray[np.float32], inside: NDArray[np.bool_], ring: NDArray[np.bool_]) -> float:
    """Of the means, a code added to both: what is one code more than nothing is not infinitely worse."""
    return float((values[inside].mean() + 1.0) / (values[ring].mean() + 1.0)) if ring.any() else 0.0


def sheet(name: str, worst: Sequence[Found]) -> Picture:
    """Per frame: before and after with the hole's edge, and what is around the hole after, unmarked, at 1:1 or 2:1."""
    rows = [_row(name, found) for found in worst]
    width = max(row.shape[1] for row in rows)
    padded = [cv2.copyMakeBorder(row, 0, 4, 0, width - row.shape[1], cv2.BORDER_CONSTANT) for row in rows]
    return np.asarray(np.vstack(padded), np.uint8)


def _row(name: str, found: Found) -> Picture:
    cleaned = found.cleaned
    height, width = cleaned.before.shape[:2]
    box = box_around(cleaned.hole) or Box(0, 0, width, height)
    window = box.grown(CONTEXT_PX).clipped(Size(width, height)) or box
    zoom = 2 if max(box.width_px, box.height_px) <= DETAIL_PX else 1
    detail = np.repeat(np.repeat(cleaned.after[window.slices], zoom, axis=0), zoom, axis=1)
    panels = [_edged(cleaned.before, cleaned.hole), _edged(cleaned.after, cleaned.hole), detail]
    tall = max(panel.shape[0] for panel in panels)
    row = np.hstack([cv2.copyMakeBorder(p, LABEL_PX, tall - p.shape[0], 0, 4, cv2.BORDER_CONSTANT) for p in panels])
    text = f"{name} frame {cleaned.frame}: {found.measure} {found.value:.2f}"
    cv2.putText(row, text, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
    return np.asarray(row, np.uint8)


def _edged(picture: Picture, hole: NDArray[np.bool_]) -> Picture:
    """The edge is drawn outside the hole, half transparent."""
    out = picture.copy()
    edge = dilate(hole, 1) & ~hole
    out[edge] = (0.5 * out[edge] + 0.5 * np.array(EDGE)).astype(np.uint8)
    return out

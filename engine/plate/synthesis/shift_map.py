"""From where the parts of a hole are copied as wholes: few shifts, so put together that the seams show least.

Shifts under which much of the picture resembles itself go on with what enters a hole (He and Sun, "Statistics of Patch
Offsets for Image Completion", ECCV 2012); shifts along edges that enter it on both sides join them. Which pixel takes
which shift is a labelling (Pritch, Kav-Venaki and Peleg, "Shift-Map Image Editing", ICCV 2009), found by sequential
tree-reweighted message passing (Kolmogorov, PAMI 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask
from engine.plate.photometric import pull_push
from engine.plate.synthesis.border_lines import Crossing
from engine.plate.synthesis.patch_match import MatchMap, Positions, better_matches, own_positions, whole_patches

NEAR = 1.0 / 15.0
"""Shifts shorter than this part of the picture say only that it is smooth (He and Sun)."""

MATCH_ROUNDS = 4
PEAK_PX = 1.4
APART_PX = 4
MOST_PEAKS = 200
RASTER = (-1.4, -1.0, -0.75, -0.5, -0.3, 0.0, 0.3, 0.5, 0.75, 1.0, 1.4)
RASTER_IN_PICTURE = 0.6
"""Shifts that are tried in any case: such parts of the hole's size, and this part of them of the picture's."""

BESIDE, BESIDE_PX = 5.0, 8.0
"""So much more counts what lies so near to the hole."""

MOST_SHIFTS = 70
CHOICE = 12
"""Every pixel shall have about so many shifts to choose from."""

SHORTEST_PX, REACH_PX = 4.0, 12.0
LINE_CHOICE = 3
MOST_ALONG = 16
"""Shifts along an edge: from the shortest to so much more than its length in the hole."""

# Costs are squared differences of colours in [0, 1], summed over the channels.
BORDER = 2.0
BORDER_PX = 2
LACKING = 0.1
"""Of a pixel next to the hole for which a shift brings nothing."""

NOT_ALLOWED = 4.0
CHANGE = 2e-3
"""Of any seam, per pixel: fewer and larger parts."""

LIMIT = 0.5
LINE, LINE_PX = 0.2, 2.0
"""Of a shift that leaves an edge, and how near to it."""

GUIDE, GUIDE_LIMIT, GUIDE_PX = 0.06, 0.1, 3.0
"""Of colours that differ, over some pixels, from what the hole's border has all around."""

SWEEPS = 24
Still = Callable[[], None]


def shift_map(
    rgb: FloatImage, unknown: Mask, sources: Mask, lines: Sequence[Crossing], still_wanted: Still
) -> MatchMap:
    """(H, W, 2) positions, in `sources` where there is a choice, that the pixels of the `unknown` are copied from.

    All others have their own. `lines`: edges that enter the unknown on both sides.
    """
    from engine.plate.synthesis.shift_loops import decide, send, shown_by_shifts

    nodes = np.argwhere(unknown)
    shifts = _candidates(rgb, unknown, nodes, sources, lines)
    unary = _costs(rgb, unknown, nodes, sources, shifts, lines)
    colours, _ = shown_by_shifts(rgb, sources, nodes, shifts)
    neighbours = _neighbours(unknown)
    messages = np.zeros((len(nodes), 4, len(shifts)), np.float32)
    for n in range(SWEEPS):
        still_wanted()
        send(unary, colours, neighbours, messages, CHANGE, LIMIT, n % 2 == 1)
    chosen = decide(unary, colours, neighbours, messages, CHANGE, LIMIT)
    at = own_positions(unknown.shape)
    at[unknown] += shifts[chosen]
    return np.asarray(at.clip(0, np.array(unknown.shape) - 1), np.intp)


def _candidates(
    rgb: FloatImage, unknown: Mask, nodes: Positions, sources: Mask, lines: Sequence[Crossing]
) -> Positions:
    common = np.concatenate([common_shifts(rgb, unknown, sources), _raster(unknown)])
    return np.unique(
        np.concatenate(
            [_useful(common, nodes, sources, CHOICE, MOST_SHIFTS), *(_along(line, nodes, sources) for line in lines)]
        ),
        axis=0,
    )


def common_shifts(rgb: FloatImage, unknown: Mask, sources: Mask) -> Positions:
    """(n, 2) the shifts under which most of the picture resembles itself, the commonest first.

    What is next to the unknown counts more: there a shift shall go on with what is known.
    """
    known = whole_patches(~unknown)
    target, centres = np.argwhere(known), np.argwhere(sources)
    at = own_positions(sources.shape)
    at[known] = centres[np.random.default_rng(0).integers(len(centres), size=len(target))]
    wide = float(max(sources.shape))
    at, _ = better_matches(rgb, sources, at, known, known, MATCH_ROUNDS, 0, wide, wide * NEAR)
    shift = at[known] - target
    away = cv2.distanceTransform((~unknown).view(np.uint8), cv2.DIST_L2, 5)[known]
    far = (np.abs(shift) >= wide * NEAR).any(axis=1)
    counts = _counts(shift[far], np.ones(int(far.sum()), np.float32), sources.shape)
    # What resembles itself under a shift does so under its opposite.
    counts += counts[::-1, ::-1]
    counts += BESIDE * _counts(shift, (away < BESIDE_PX).astype(np.float32), sources.shape)
    smooth = cv2.GaussianBlur(counts, (0, 0), PEAK_PX)
    peaks = smooth == cv2.dilate(smooth, np.ones((2 * APART_PX + 1, 2 * APART_PX + 1), np.uint8))
    found = np.argwhere(peaks & (smooth > 0))
    order = np.argsort(-smooth[found[:, 0], found[:, 1]], kind="stable")
    return np.asarray(found[order[:MOST_PEAKS]] - np.array(sources.shape), np.intp)


def _counts(shift: Positions, weight: FloatImage, shape: tuple[int, ...]) -> FloatImage:
    """How often each shift occurs; none is in the middle."""
    counts = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1), np.float32)
    np.add.at(counts, (shift[:, 0] + shape[0], shift[:, 1] + shape[1]), weight)
    return counts


def _raster(unknown: Mask) -> Positions:
    hole = np.ptp(np.argwhere(unknown), axis=0) + 2 * BORDER_PX
    parts = np.array([(down, across) for down in RASTER for across in RASTER if (down, across) != (0.0, 0.0)])
    return np.rint(np.concatenate([parts * hole, RASTER_IN_PICTURE * parts * np.array(unknown.shape)])).astype(np.intp)


def _useful(shifts: Positions, nodes: Positions, sources: Mask, choice: int, most: int) -> Positions:
    """Of the shifts, the commoner ones first, so many that every pixel has some to choose from."""
    valid = np.stack([_in(sources, nodes + shift) for shift in shifts]).astype(np.float32)
    worth = np.linspace(1.0, 0.3, len(shifts), dtype=np.float32)
    wants = np.full(len(nodes), choice, np.float32)
    chosen: list[int] = []
    while len(chosen) < min(most, len(shifts)):
        gain = worth * (valid @ np.minimum(wants, 1.0))
        gain[chosen] = 0.0
        best = int(gain.argmax())
        if gain[best] <= 0.0:
            break
        chosen.append(best)
        # A little is wanted still when there is enough.
        wants = np.maximum(wants - valid[best], 0.02)
    return shifts[chosen]


def _in(mask: Mask, at: Positions) -> Mask:
    """(n,) whether the positions, which may lie outside the picture, are in the mask."""
    limit = np.array(mask.shape)
    inside = ((at >= 0) & (at < limit)).all(axis=1)
    row, column = at.clip(0, limit - 1).T
    return np.asarray(inside & mask[row, column])


def _along(line: Crossing, nodes: Positions, sources: Mask) -> Positions:
    """Shifts along an edge, both ways, so many that all of the hole near it has some to choose from.

    Those that whole pixels meet well go first.
    """
    away, place = line.beside(nodes)
    near = nodes[(np.abs(away) < LINE_PX) & (place > 0.0) & (place < line.length_px)]
    if len(near) == 0:
        return np.zeros((0, 2), np.intp)
    shown = sources & line.shown(sources.shape, LINE_PX + 1.0)
    lengths = np.arange(SHORTEST_PX, 1.2 * line.length_px + REACH_PX)
    exact = np.concatenate([lengths, -lengths])[:, None] * line.along
    shifts = np.rint(exact).astype(np.intp)
    aside = np.abs(shifts @ line.normal)
    order = np.lexsort((-np.abs(exact).max(axis=1), np.rint(10.0 * aside)))
    return _useful(shifts[order], near, shown, LINE_CHOICE, MOST_ALONG)


def _costs(
    rgb: FloatImage, unknown: Mask, nodes: Positions, sources: Mask, shifts: Positions, lines: Sequence[Crossing]
) -> FloatImage:
    """(n, K) what it costs by itself to copy each node by each shift."""
    from engine.plate.synthesis.shift_loops import border_costs, shown_by_shifts

    costs = border_costs(rgb, ~unknown, nodes, shifts, BORDER_PX, LACKING) * np.float32(BORDER)
    guide = pull_push(rgb * ~unknown[..., None], (~unknown).astype(np.float32))
    smooth = cv2.GaussianBlur(np.where(unknown[..., None], guide, rgb), (0, 0), GUIDE_PX)
    brought, allowed = shown_by_shifts(np.asarray(smooth, np.float32), sources, nodes, shifts)
    unlike = np.square(brought - guide[unknown][:, :, None]).sum(axis=1)
    costs += np.float32(GUIDE) * np.minimum(unlike, np.float32(GUIDE_LIMIT))
    costs[~allowed] += NOT_ALLOWED
    for line in lines:
        costs += _beside(line, nodes, shifts)
    return costs


def _beside(line: Crossing, nodes: Positions, shifts: Positions) -> FloatImage:
    """(n, K) what a shift costs near an edge that it doesn't go along."""
    away, place = line.beside(nodes)
    near = np.exp(-0.5 * np.square(away / LINE_PX)) * (place > -LINE_PX) * (place < line.length_px + LINE_PX)
    aside = np.square(np.minimum(np.abs(shifts @ line.normal) / 2.0, 1.0))
    there = line.seen(place[:, None] + shifts @ line.along)
    return np.asarray(LINE * line.certainty * near[:, None] * np.where(there, aside, 1.0), np.float32)


def _neighbours(unknown: Mask) -> NDArray[np.intp]:
    """(n, 4) which node is left, above, right and below, or -1."""
    index = np.full((unknown.shape[0] + 2, unknown.shape[1] + 2), -1, np.intp)
    index[1:-1, 1:-1][unknown] = np.arange(int(unknown.sum()))
    sides = (index[1:-1, :-2], index[:-2, 1:-1], index[1:-1, 2:], index[2:, 1:-1])
    return np.stack([side[unknown] for side in sides], axis=1)

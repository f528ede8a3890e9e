"""Which of several layers a hidden pixel belongs to.

Followed with the layer that it belongs to, a pixel looks the same in all frames; with another, it doesn't, since what
lies before or behind shows at some time. Around the hole the truth is known. Neighbours mostly belong to one layer: a
Potts model, relaxed by belief propagation (min-sum; Felzenszwalb and Huttenlocher 2006).
"""

from __future__ import annotations

from dataclasses import fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import mean_of
from engine.plate.fusion import Fused
from engine.plate.model import FloatImage, Mask
from engine.plate.votes import OUTVOTED_SPREAD

SMOOTH_PX = 0.8
"""What a pixel's neighbours say counts for it, so far around: grain is no evidence."""

CHANGE = 0.3
"""What a change of layer between neighbours costs, where 1 is a pixel on which the frames don't agree at all. Chosen
on a made shot; ten times as much costs it 2 dB."""

UNCONFIRMED = 0.5
"""What a pixel costs for which no frame speaks; it counts as much as one lender. A lone lender agrees with itself."""

AS_LIKELY = 0.1
"""A hypothesis that costs so much more is 1/e as likely."""

MOST_AWAY = 0.05
"""What is further off, in mean square, than grass from sky is counted as this far."""

ROUNDS = 40
"""What is said on one side of a gap without evidence is heard about half as many pixels away."""

_NEIGHBOURS = ((1, 1), (1, -1), (2, 1), (2, -1))
"""Axis and step by which messages travel; each beside its opposite."""


Counts = NDArray[np.intp]


def choose(hypotheses: list[Fused], lenders: list[Counts], own: FloatImage, hole: Mask, grid: Mask) -> Fused:
    """The N pixels at which the (h, w) `grid` is True, each as the hypothesis shows it that fits best.

    `lenders`: of each hypothesis, (N,) how many frames show a pixel. `own`: (h, w, 3) the frame; outside the (h, w)
    `hole` it shows the truth. Of equals the first is taken. The spread is that of its own evidence and of what else the
    pixel may be.
    """
    costs = np.stack([_cost(*each, own, hole, grid) for each in zip(hypotheses, lenders, strict=True)])
    label = relaxed(costs, grid)[grid]
    which = np.arange(len(label))
    chosen = Fused(
        *(np.stack([getattr(each, field.name) for each in hypotheses])[label, which] for field in fields(Fused))
    )
    return replace(chosen, spread=chosen.spread + _mistaken(hypotheses, costs[:, grid], label, chosen))


def _mistaken(hypotheses: list[Fused], costs: FloatImage, label: Counts, chosen: Fused) -> FloatImage:
    """(N,) the square error to be expected since a pixel may be another hypothesis', the likelier the less that costs,
    (L, N)."""
    more = np.maximum(costs - costs[label, np.arange(len(label))], np.float32(0.0))
    likely = np.exp(-more / np.float32(AS_LIKELY)) * np.stack([each.found for each in hypotheses])
    away = np.stack([np.square(each.colour - chosen.colour).mean(axis=1) for each in hypotheses])
    # What shows nothing, or NaN, is no other picture.
    expected = (likely * np.minimum(np.nan_to_num(away), np.float32(MOST_AWAY))).sum(axis=0)
    return np.asarray(expected / np.maximum(likely.sum(axis=0), np.float32(1e-6)), np.float32)


def _cost(fused: Fused, lenders: Counts, own: FloatImage, hole: Mask, grid: Mask) -> FloatImage:
    """(h, w) how little a hypothesis fits, in [0, 1]; 2 where it shows nothing."""
    cost, shown = np.zeros(grid.shape, np.float32), np.zeros((*grid.shape, 3), np.float32)
    apart = np.minimum(fused.spread / OUTVOTED_SPREAD, 1.0)
    cost[grid] = np.where(fused.found, (lenders * apart + UNCONFIRMED) / (lenders + 1), 2.0)
    shown[grid] = fused.colour
    off = np.minimum(mean_of(np.square(shown - own)) / np.float32(OUTVOTED_SPREAD), np.float32(1.0))
    band = grid & ~hole
    cost[band] = np.maximum(cost, off)[band]
    # NaN, in EXR, says nothing.
    cost = np.nan_to_num(cost, nan=1.0)
    amount = cv2.GaussianBlur(grid.astype(np.float32), (0, 0), SMOOTH_PX)
    return np.asarray(cv2.GaussianBlur(cost, (0, 0), SMOOTH_PX) / np.maximum(amount, 1e-3), np.float32)


def relaxed(costs: FloatImage, grid: Mask) -> NDArray[np.intp]:
    """(h, w) the labels of least (L, h, w) cost, changes among the four neighbours included; outside the `grid`
    nothing is known."""
    data = np.where(grid, costs, np.float32(0.0))
    messages = np.zeros((len(_NEIGHBOURS), *costs.shape), np.float32)
    for _ in range(ROUNDS):
        belief = data + messages.sum(axis=0)
        # To whom a message goes, his own is not repeated.
        sent = np.stack([_sent(belief - messages[n ^ 1], *way) for n, way in enumerate(_NEIGHBOURS)])
        # Messages that all change at once swing to and fro, in a checkerboard, unless they are held back.
        messages += np.float32(0.5) * (sent - messages)
    return np.asarray((data + messages.sum(axis=0)).argmin(axis=0))


def _sent(belief: FloatImage, axis: int, by: int) -> FloatImage:
    """(L, h, w) what arrives at each pixel from its neighbour."""
    least = belief.min(axis=0)
    message = np.roll(np.minimum(belief, least + np.float32(CHANGE)) - least, by, axis)
    edge: list[slice | int] = [slice(None)] * 3
    edge[axis] = 0 if by > 0 else -1
    message[tuple(edge)] = 0.0
    return message

"""Layers of a scene that move apart: what lies at another depth, or moves by itself.

How the hidden moves can't be measured, but what is around a hole mostly continues behind it. The points of the ring
around the hole are followed for some frames to both sides. Where their local motion doesn't explain the pictures
there, groups of points that stay together are found, their motions sharpened on the pictures, and the points given to
the motion that explains them best, in turns (layered motion: Wang and Adelson 1994). Every hidden pixel is then
followed with each layer as if it belonged to it; see hypotheses.py for how it is decided.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.alignment import Matrix, apply_matrix
from engine.plate.analysis import FrameView
from engine.plate.flow import Step
from engine.plate.footage import Footage
from engine.plate.layer_motion import LEAST_POINTS, WORST_CODES, Layer, advanced, aligned, similarity
from engine.plate.model import Mask, Points
from engine.plate.registration import Ring

SPAN_FRAMES = 8
"""The ring's points are followed so far to both sides: slow layers have moved apart, and most points are still seen."""

CELL_PX = 0.5
TOGETHER_PX = 0.75
"""After the span the points of a layer are so near to where it says, in analysis pixels."""

APART_PX = 0.7
"""Motions are different when they set the ring's points, in the mean, so far apart."""

PLANAR_PX = 0.5
PLANAR_SHARE = 0.95
"""Where so many points are within this of the camera's motion and an affine drift, that may say all."""

MISMATCH_CODES = 4.0
MISMATCHES = 2.5
MISMATCH_SHARE = 0.04
"""Layers are looked for where so many of the points differ, after the local motion, by more than these codes and so
many times more than a quarter of the points do."""

WORSE = 1.1
"""Layers that fit so much worse than the local motion are accidents. Inside the hole, where that is only supposed,
they may be better though they fit no better around it."""

UNLIKE_CODES = 12.0
"""A point that differs by more belongs to no layer."""

MAX_SEEDS = 6
MAX_LAYERS = 4
ROUNDS = 3
NEIGHBOURS_PX = 4.0
"""Over so many pixels around, the difference of a point is averaged."""

Motions = dict[int, Matrix]
"""By frame, the motion from the target there, in analysis pixels."""

Errors = NDArray[np.float32]


@dataclass(frozen=True)
class Surroundings:
    """What moves around a hole: its `layers`, the largest first, none where the local motion explains all.

    `planar`: the camera's motion alone explains more than the local motion, which is noise.
    """

    layers: tuple[Layer, ...] = ()
    planar: bool = False


@dataclass(frozen=True)
class _Way:
    """Where the ring's points have got to on one side: `view` of that frame, (K, 2) `there` in analysis pixels, and
    (K,) if they were `seen` all the way; `by_camera`: the 3x3 motion of the camera alone."""

    frame: int
    view: FrameView
    there: Points
    seen: Mask
    by_camera: Matrix


def find_layers(footage: Footage, frame: int, ring: Ring) -> Surroundings:
    """What moves around a frame's hole; nothing under a locked camera."""
    ways = [way for sign in (-1, 1) if (way := _follow(footage, frame, ring, sign)) is not None]
    if not ways:
        return Surroundings()
    by_flow = _smoothed(ring, [_flow_error(ring, way) for way in ways])
    known = np.isfinite(by_flow)
    if not _mismatch(by_flow[known]):
        return Surroundings(planar=_is_planar(ring, ways, float(by_flow[known].mean())))
    motions, members, errors = _sharpened(ring, ways, _seeds(ring, ways))
    if not motions or errors[known].mean() > WORSE * by_flow[known].mean():
        return Surroundings()
    sizes = [int((members == n).sum()) for n in range(len(motions))]
    largest = sorted(range(len(motions)), key=lambda n: -sizes[n])[:MAX_LAYERS]
    return Surroundings(
        tuple(
            Layer(frame, ring.only(members == n, LEAST_POINTS // 2), motions[n])
            for n in largest
            if sizes[n] >= LEAST_POINTS
        )
    )


def _follow(footage: Footage, frame: int, ring: Ring, sign: int) -> _Way | None:
    """None where nothing moves, or nothing is measured."""
    last = min(max(frame + sign * SPAN_FRAMES, footage.available.start), footage.available.stop - 1)
    steps: list[tuple[int, int, Step]] = []
    for a, b in itertools.pairwise(range(frame, last + sign, sign)):
        step = footage.step(a, b)
        if step is None:
            break
        steps.append((a, b, step))
    if all(step.residual is None for _, _, step in steps):
        return None
    now, seen, by_camera, end = ring.small, np.ones(len(ring.small), bool), np.eye(3), frame
    for a, end, step in steps:
        now, measured = advanced(footage, step, (a, end), now)
        seen &= measured
        by_camera = step.matrix @ by_camera
    if seen.sum() < LEAST_POINTS:
        return None
    return _Way(end, footage.view(end), now, seen, by_camera)


def _flow_error(ring: Ring, way: _Way) -> Errors:
    """(K,) codes by which the points differ where the local motion has taken them, its drift taken out."""
    affine = ring.drift(way.view, ring.full_size(way.there))
    drift = 0.0 if affine is None else ring.basis(ring.points) @ affine
    return np.where(way.seen, ring.error(way.view, np.asarray(way.there + drift, np.float32)), np.nan)


def _mismatch(error: Errors) -> bool:
    """Whether the local motion fails at some of the points."""
    if len(error) < LEAST_POINTS:
        return False
    limit = max(MISMATCH_CODES, MISMATCHES * float(np.quantile(error, 0.25)))
    return bool((error > limit).mean() > MISMATCH_SHARE)


def _is_planar(ring: Ring, ways: list[_Way], by_flow: float) -> bool:
    """Whether the camera's motion explains the points, and better than their local motion does."""
    if not all(_moves_affinely(ring, way) for way in ways):
        return False
    error = [
        np.where(
            way.seen, ring.error(way.view, apply_matrix(aligned(ring, way.view, way.by_camera), ring.small)), np.nan
        )
        for way in ways
    ]
    by_camera = _smoothed(ring, error)
    return float(by_camera[np.isfinite(by_camera)].mean()) < by_flow


def _moves_affinely(ring: Ring, way: _Way) -> bool:
    away = (way.there - apply_matrix(way.by_camera, ring.small))[way.seen]
    basis = ring.basis(ring.points)[way.seen]
    close = np.ones(len(away), bool)
    for _ in range(ROUNDS):
        if close.mean() < PLANAR_SHARE:
            return False
        model = np.linalg.lstsq(basis[close], away[close], rcond=None)[0]
        close = np.linalg.norm(away - basis @ model, axis=1) < PLANAR_PX
    return bool(close.mean() >= PLANAR_SHARE)


def _seeds(ring: Ring, ways: list[_Way]) -> list[Motions]:
    """Motions that may be layers: the camera's, and those of groups of points that stay together."""
    seeds = [{way.frame: way.by_camera for way in ways}]
    left = np.any([way.seen for way in ways], axis=0)
    while len(seeds) <= MAX_SEEDS:
        way = max(ways, key=lambda each: int((each.seen & left).sum()))
        candidates = way.seen & left
        if candidates.sum() < LEAST_POINTS:
            break
        away = way.there - ring.small
        start = candidates & (np.linalg.norm(away - _mode(away[candidates]), axis=1) < 2 * CELL_PX)
        motions, found = _grown(ring, ways, left, start)
        left &= ~(found | start)
        if found.sum() >= LEAST_POINTS // 2:
            seeds.append(motions)
    return seeds


def _grown(ring: Ring, ways: list[_Way], left: Mask, found: Mask) -> tuple[Motions, Mask]:
    """The motion of a group and all of the points `left` that follow it; even where a side doesn't show it."""
    motions: Motions = {}
    for _ in range(ROUNDS):
        near = left.copy()
        motions = {}
        for way in ways:
            both = found & way.seen
            if both.sum() < LEAST_POINTS // 4:
                near &= ~way.seen
                continue
            motions[way.frame] = similarity(ring.small[both], way.there[both])
            off = np.linalg.norm(apply_matrix(motions[way.frame], ring.small) - way.there, axis=1)
            near &= ~way.seen | (off < TOGETHER_PX)
        if near.sum() < LEAST_POINTS // 4 or not motions:
            break
        found = near
    if not motions:
        return motions, np.zeros_like(found)
    back = np.asarray(np.linalg.inv(next(iter(motions.values()))), np.float64)
    return {way.frame: motions.get(way.frame, back) for way in ways}, found


def _mode(away: Points) -> Points:
    """(2,) where most of the (n, 2) displacements lie: around the fullest 3x3 of small cells."""
    cell = np.floor(away / CELL_PX).astype(np.int64)
    places, counts = np.unique(cell, axis=0, return_counts=True)
    close = (np.abs(places[:, None] - places[None]) <= 1).all(axis=2)
    best = places[int((close @ counts).argmax())]
    return np.asarray(away[(np.abs(cell - best) <= 1).all(axis=1)].mean(axis=0), np.float32)


def _sharpened(ring: Ring, ways: list[_Way], motions: list[Motions]) -> tuple[list[Motions], NDArray[np.intp], Errors]:
    """The motions that explain some points best, sharpened on them; (K,) which explains a point, -1 for none; and by
    how many codes (K,) it differs."""
    for _ in range(ROUNDS):
        members, _ = _assigned(ring, ways, motions)
        sharper = []
        for n, motion in enumerate(motions):
            if (members == n).sum() >= LEAST_POINTS:
                part = ring.only(members == n, LEAST_POINTS // 2)
                sharper.append({way.frame: aligned(part, way.view, motion[way.frame]) for way in ways})
        motions = _distinct(ring, sharper)
    return motions, *_assigned(ring, ways, motions)


def _assigned(ring: Ring, ways: list[_Way], motions: list[Motions]) -> tuple[NDArray[np.intp], Errors]:
    """See _sharpened."""
    if not motions:
        return np.full(len(ring.small), -1), np.full(len(ring.small), np.inf, np.float32)
    errors = np.stack(
        [
            _smoothed(ring, [ring.error(way.view, apply_matrix(motion[way.frame], ring.small)) for way in ways])
            for motion in motions
        ]
    )
    errors = np.nan_to_num(errors, nan=WORST_CODES)
    least = errors.min(axis=0)
    return np.where(least < UNLIKE_CODES, errors.argmin(axis=0), -1), least


def _distinct(ring: Ring, motions: list[Motions]) -> list[Motions]:
    """Without those that say nearly the same as an earlier one."""
    kept: list[Motions] = []
    for motion in motions:
        places = [
            max(
                float(
                    np.linalg.norm(
                        apply_matrix(motion[f], ring.small) - apply_matrix(other[f], ring.small), axis=1
                    ).mean()
                )
                for f in motion
            )
            for other in kept
        ]
        if all(away > APART_PX for away in places):
            kept.append(motion)
    return kept


def _smoothed(ring: Ring, errors: list[Errors]) -> Errors:
    """(K,) the mean of (K,) codes per way, averaged over the neighbourhood; NaN where no way has any."""
    stacked = np.stack(errors)
    seen = np.isfinite(stacked)
    total, amount = np.where(seen, np.minimum(stacked, WORST_CODES), 0.0).sum(axis=0), seen.sum(axis=0)
    column, row = (ring.small - ring.small.min(axis=0)).astype(np.intp).T
    images = np.zeros((2, row.max() + 1, column.max() + 1), np.float32)
    images[0, row, column], images[1, row, column] = total, amount
    for image in images:
        cv2.GaussianBlur(image, (0, 0), NEIGHBOURS_PX, dst=image)
    mean = images[0] / np.maximum(images[1], np.float32(1e-6))
    return np.where(amount > 0, mean[row, column], np.nan).astype(np.float32)

"""Where the hidden pixels of a frame are in other frames: followed with what is around them, layer by layer."""

from __future__ import annotations

import itertools

import numpy as np

from engine.plate.chain import Correction, Uncorrected, follow
from engine.plate.far import Around, far_sightings
from engine.plate.footage import Footage
from engine.plate.layer_motion import LayerSteps, StepOf, camera_steps
from engine.plate.layers import find_layers
from engine.plate.registration import Registration
from engine.plate.target import Target

LEAST_MISSING_PX = 32
"""What is less is filled from around unseen."""


def trace(footage: Footage, frame: int) -> Target:
    """Follows the hidden pixels of a frame both ways; with each layer as well, where there are several."""
    if footage.view(frame).box is None:
        return Target(frame, None, 0)
    whole = Registration(footage, frame)
    moves = find_layers(footage, frame, whole.ring)
    steps = camera_steps(footage) if moves.planar else footage.step
    target = _followed(footage, frame, whole, (steps, steps))
    for layer in moves.layers:
        ways = LayerSteps(footage, layer), LayerSteps(footage, layer)
        beside = Uncorrected(layer.ring.audited, whole.margin_px)
        target.layers.append(_followed(footage, frame, beside, ways))
    if footage.settings.search_far:
        _look_further(footage, target, Around(whole.ring, whole.around))
    return target


def _look_further(footage: Footage, target: Target, around: Around) -> None:
    """Adds what far frames show of the pixels that nothing has shown."""
    missing = np.ones(target.pixels, bool)
    for each in target.hypotheses:
        for sighting in itertools.chain(*each.sightings):
            missing[sighting.index] = False
    view = footage.view(target.frame)
    if np.count_nonzero(missing & view.hole[view.guarded]) < LEAST_MISSING_PX:
        return
    found = far_sightings(footage, target.frame, around, np.flatnonzero(missing))
    for way, sightings in zip(target.sightings, found, strict=True):
        way.extend(sightings)


def _followed(footage: Footage, frame: int, correct: Correction, steps: tuple[StepOf, StepOf]) -> Target:
    view = footage.view(frame)
    if view.box is None:
        return Target(frame, None, 0)
    reach, available = footage.settings.reach_frames, footage.available
    before = range(frame, max(frame - reach, available.start) - 1, -1)
    after = range(frame, min(frame + reach, available.stop - 1) + 1)
    ways = [
        follow(view.guarded, view.box, way, step, footage.hidden, correct)
        for way, step in zip((before, after), steps, strict=True)
    ]
    return Target(frame, view.box, int(view.guarded.sum()), correct.around, (ways[0], ways[1]))

"""Where the hidden pixels of a frame are in other frames: followed with what is around them, layer by layer."""

from __future__ import annotations

from engine.plate.chain import Correction, Uncorrected, follow
from engine.plate.footage import Footage
from engine.plate.layer_motion import LayerSteps, StepOf, camera_steps
from engine.plate.layers import find_layers
from engine.plate.registration import Registration
from engine.plate.target import Target


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
    return target


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

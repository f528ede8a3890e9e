"""Companions among a shot's removals: a shadow's shape goes along with its object's. See roi_tools.linking.

``edits.update_removal`` takes companions along by itself, whatever moved the leader: a track, a keyframe, a drag. So a
desktop has three things to do: on accepting a proposal, ``add_removal`` with ``companion_of`` as shape and
``linked_to`` the leader's id; to offer ``edits.link_removal`` and ``edits.unlink_removal``; to show ``linked_to``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from roi_tools import linking
from roi_tools.keyframes import Track
from roi_tools.shapes import AnimatedRectangle, RectF
from timeline.marking import Marking, RotoMarking
from timeline.removal import Removal
from timeline.shot import Shot


def companions_of(shot: Shot, removal_id: str) -> tuple[Removal, ...]:
    """The removals of the shot that go along with that one."""
    return tuple(removal for removal in shot.removals if removal.linked_to == removal_id)


def companion_of(leader: Marking, rect: RectF, frame: int) -> AnimatedRectangle:
    """The box that is ``rect`` on ``frame`` and goes along with what ``leader`` marks, as long as that is there."""
    if isinstance(leader, AnimatedRectangle):
        return linking.companion_box(leader, rect, frame)
    still = AnimatedRectangle.still(rect, frame).with_range(leader.first_frame, leader.last_frame)
    unmoved = replace(leader.layer, shapes=tuple(linking.unmoved(shape, frame) for shape in leader.layer.shapes))
    frames = linking.frames_of((*_tracks(leader), still.track))
    return linking.moved_box(still, frames, linking.layer_displacements(unmoved, leader.layer, frames))


def gone_along(companion: Marking, before: Marking, after: Marking) -> Marking:
    """``companion`` moved as its leader was, which was ``before`` and is ``after``.

    A leader that became another kind of marking was not moved.
    """
    if before == after:
        return companion
    frames = linking.frames_of((*_tracks(before), *_tracks(after), *_tracks(companion)))
    if isinstance(before, AnimatedRectangle) and isinstance(after, AnimatedRectangle):
        displacements = linking.box_displacements(before, after, frames)
    elif isinstance(before, RotoMarking) and isinstance(after, RotoMarking):
        displacements = linking.layer_displacements(before.layer, after.layer, frames)
    else:
        return companion
    return _moved(companion, frames, displacements)


def with_companions(marking: Marking, before: Marking) -> Marking:
    """``marking``, an edit of ``before``, whose own linked shapes went along with their leaders."""
    if isinstance(marking, RotoMarking) and isinstance(before, RotoMarking):
        return marking.with_layer(linking.with_companions(before.layer, marking.layer))
    return marking


def _moved(companion: Marking, frames: range, displacements: linking.Displacements) -> Marking:
    if isinstance(companion, AnimatedRectangle):
        return linking.moved_box(companion, frames, displacements)
    if not np.any(displacements):
        return companion
    motion = linking.translations(displacements)
    shapes = tuple(linking.moved_shape(shape, frames, motion) for shape in companion.layer.shapes)
    return companion.with_layer(replace(companion.layer, shapes=shapes))


def _tracks(marking: Marking) -> list[Track]:
    if isinstance(marking, AnimatedRectangle):
        return [marking.track]
    return [track for shape in marking.layer.shapes for track in (*shape.tracks, shape.transform)]

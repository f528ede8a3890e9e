"""Doing a stretch of a finished result again: what changes, and the removal that does it. Without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from desktop.base.language import tr
from desktop.editing.session import Session
from engine.protocol import EffectDescriptor, ParameterValue
from timeline import edits
from timeline.removal import Removal, new_id

KNOWN_FRAMES = 16
"""Finished frames that a generating effect sees on both sides and goes on from: four of its latents."""


def redo_changes(effect: EffectDescriptor, before: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """What differs when an effect does some frames again: it sees their neighbours, and takes the next seed."""
    known = {parameter.name: parameter for parameter in effect.parameters}
    changes: dict[str, ParameterValue] = {}
    if "known_frames" in known:
        changes["known_frames"] = max(KNOWN_FRAMES, int(before.get("known_frames", 0)))
    if "seed" in known:
        seed, last = known["seed"], known["seed"].maximum
        following = int(before.get("seed", seed.default)) + 1
        changes["seed"] = following if last is None or following <= last else int(seed.minimum or 0)
    return changes


def redo_frames(session: Session, effect: EffectDescriptor, frames: range) -> Removal | None:
    """A removal that does ``frames`` (media frames) of the selected one again, above it, selected; one undo step.

    It works on the finished result: frames around it are known to it, and the first result stays under it, to come
    back when it is switched off or deleted.
    """
    shot, removal = session.shot, session.removal
    if shot is None or removal is None or removal.effect != effect.identifier or not frames:
        return None
    first, last = removal.shape.first_frame, removal.shape.last_frame
    start = frames.start if first is None else max(frames.start, first)
    stop = frames.stop if last is None else min(frames.stop, last + 1)
    if start >= stop:
        return None
    parameters = {**removal.parameters, **redo_changes(effect, removal.parameters)}
    label = tr("{removal}, frames {first}-{last} again").format(removal=removal.label, first=start, last=stop - 1)
    again = replace(
        removal,
        id=new_id(),
        label=label,
        shape=removal.shape.with_range(start, stop - 1),
        parameters=parameters,
        otio_json="",
    )
    session.end_gesture()
    session.apply(tr("Redo Frames"), edits.add_removal(session.project, shot.id, again))
    session.select_removal(again.id)
    return again

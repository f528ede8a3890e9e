"""Doing a stretch of a finished result again: what changes, and the removal that does it. Without Qt."""

from __future__ import annotations

from collections.abc import Mapping

from engine.protocol import EffectDescriptor, ParameterValue

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

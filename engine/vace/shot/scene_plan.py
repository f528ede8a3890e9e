"""How a shot with cuts in it is generated: every scene as though it were a shot of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.vace.shot.stretches import marked_stretches
from roi_tools.crop_path import CropPath
from roi_tools.geometry import Box


@dataclass(frozen=True)
class Scene:
    """The frames between two cuts: what is marked on them, the clips that are sampled, and the crop of them all."""

    frames: range
    bounds: Mapping[int, Box]
    stretches: Sequence[range]
    crop: CropPath


def plan_scenes(
    bounds: Mapping[int, Box],
    known_frames: int,
    pieces: Sequence[range],
    plan_crop: Callable[[Mapping[int, Box]], CropPath],
) -> list[Scene]:
    """Those of the ``pieces`` (rising, between cuts) on which something is marked.

    ``bounds`` are those of the marked frames, rising. Clips reach ``known_frames`` further, but never over a cut.
    """
    scenes = []
    for piece in pieces:
        marked = {frame: box for frame, box in bounds.items() if frame in piece}
        if marked:
            scenes.append(Scene(piece, marked, marked_stretches(marked, known_frames, piece), plan_crop(marked)))
    return scenes


def searched_frames(marked: Sequence[int], known_frames: int, available: range) -> range:
    """Where cuts matter: from the first marked frame to the last one, and as far as the model is shown more."""
    if not marked:
        return range(0)
    return range(max(marked[0] - known_frames, available.start), min(marked[-1] + 1 + known_frames, available.stop))


def scene_of(scenes: Sequence[Scene], frame: int) -> Scene:
    """The scene that holds ``frame``; the nearest one before it, or the first, where nothing is marked in its own."""
    return scenes[max(bisect_right([scene.frames.start for scene in scenes], frame) - 1, 0)]

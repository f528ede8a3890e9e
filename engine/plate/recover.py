"""Recovers what a removed object hid, from the frames before and after that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from engine.plate.analysis import box_around
from engine.plate.chain import SIGHTING_ORDERS, Sighting, follow
from engine.plate.footage import Footage
from engine.plate.fusion import (
    COLOUR_MEMORY_FRAMES,
    STARTS,
    VOTE_MEMORY_MOVING_FRAMES,
    VOTE_MEMORY_STATIC_FRAMES,
    Evidence,
    fuse,
)
from engine.plate.model import (
    OUTSIDE_HOLE,
    SYNTHESISED,
    FloatImage,
    PlateSettings,
    PlateSource,
    RecoveredFrame,
)
from engine.plate.photometric import membrane
from engine.plate.sampling import pick, sample_sharp
from engine.plate.synthesis import fill_never_seen
from roi_tools.geometry import Box

Progress = Callable[[float], None]

BATCH_BYTES = 400_000_000
MAX_BATCH_FRAMES = 24


def recover(
    source: PlateSource,
    core: range,
    available: range,
    settings: PlateSettings,
    progress: Progress,
) -> Iterator[RecoveredFrame]:
    """Yields the frames of `core`, in order, each with its hidden pixels recovered.

    Looks at frames of `available` up to `settings.reach_frames` before and after each; a result depends on those
    alone, not on how a shot is cut into cores. Memory is bounded by the reach and the frame size, not by the
    length of `core`. `progress` is called often with the share done, 0 to 1, and cancels the work by raising.
    """
    if core and (core.start not in available or core[-1] not in available):
        raise ValueError(f"core {core} lies outside the available frames {available}")
    footage = Footage(source, available, settings)
    done = 0
    while done < len(core):
        batch: list[_Target] = []
        used = 0
        while done + len(batch) < len(core) and len(batch) < MAX_BATCH_FRAMES and used < BATCH_BYTES:
            batch.append(_trace(footage, core[done + len(batch)]))
            used += batch[-1].size_bytes
            progress((done + 0.6 * len(batch)) / len(core))
        traced = (done + 0.6 * len(batch)) / len(core)
        for _ in _gather(footage, batch):
            progress(traced)
        for target in batch:
            yield _finish(footage, target)
            done += 1
            progress(done / len(core))
        footage.forget_before(core.start + done - settings.reach_frames)


@dataclass
class _Target:
    """One frame on its way: how many pixels it wants, where they were seen, and the colours read there."""

    frame: int
    box: Box | None
    pixels: int
    sightings: tuple[list[Sighting], list[Sighting]] = field(default_factory=lambda: ([], []))
    colours: dict[tuple[int, int], FloatImage] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Memory that its sightings and their colours take."""
        return sum(36 * len(s.index) for direction in self.sightings for s in direction)


def _trace(footage: Footage, frame: int) -> _Target:
    view = footage.view(frame)
    if view.box is None:
        return _Target(frame, None, 0)
    wanted = view.guarded[view.box.slices]
    reach = footage.settings.reach_frames
    before = range(frame, max(frame - reach, footage.available.start) - 1, -1)
    after = range(frame, min(frame + reach, footage.available.stop - 1) + 1)
    with ThreadPoolExecutor(2) as pool:
        hidden = lambda n: footage.view(n).guarded  # noqa: E731
        ways = [pool.submit(follow, wanted, view.box, way, footage.step, hidden) for way in (before, after)]
        return _Target(frame, view.box, int(wanted.sum()), (ways[0].result(), ways[1].result()))


def _gather(footage: Footage, batch: list[_Target]) -> Iterator[None]:
    """Reads the colours, source frame by source frame, so that each is decoded once per batch and in order."""
    wanted: dict[int, list[tuple[_Target, int, Sighting]]] = {}
    for target in batch:
        for direction, sightings in enumerate(target.sightings):
            for sighting in sightings:
                wanted.setdefault(sighting.frame, []).append((target, direction, sighting))
    for frame in sorted(wanted):
        rgb = footage.source.rgb(frame)
        for target, direction, sighting in wanted[frame]:
            read = pick if sighting.static else sample_sharp
            target.colours[direction, frame] = read(rgb, sighting.points) + sighting.colour_offset
        yield


def _finish(footage: Footage, target: _Target) -> RecoveredFrame:
    """Fuses, matches the light, synthesises the rest, and cuts out the hole's box."""
    view = footage.view(target.frame)
    hole_box = box_around(view.hole)
    if target.box is None or hole_box is None:
        return RecoveredFrame(target.frame, None, np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), np.int32))
    rgb = footage.source.rgb(target.frame)
    inside = target.box.slices
    guarded, hole = view.guarded[inside], view.hole[inside]
    evidence = _evidence(target)
    plate = rgb[inside].copy()
    provenance = np.full(hole.shape, SYNTHESISED, np.int32)
    if evidence.starts:
        fused = fuse(evidence, guarded, footage.settings.feather_px)
        found = np.zeros(hole.shape, bool)
        found[guarded] = fused.found
        plate[found] = fused.colour[fused.found]
        provenance[guarded] = np.where(fused.found, fused.frame, SYNTHESISED)
        band = found & ~hole
        correction = membrane(np.where(band[..., None], rgb[inside] - plate, 0.0).astype(np.float32), band)
        plate[found] += correction[found]
    plate[~hole] = rgb[inside][~hole]
    provenance[~hole] = OUTSIDE_HOLE
    whole = rgb.copy()
    whole[inside] = plate
    unknown = np.zeros(view.hole.shape, bool)
    unknown[inside] = provenance == SYNTHESISED
    whole = fill_never_seen(whole, unknown)
    cut = _within(hole_box, target.box)
    return RecoveredFrame(target.frame, hole_box, whole[hole_box.slices].copy(), provenance[cut])


def _within(inner: Box, outer: Box) -> tuple[slice, slice]:
    return (
        slice(inner.y0 - outer.y0, inner.y1 - outer.y0),
        slice(inner.x0 - outer.x0, inner.x1 - outer.x0),
    )


def _evidence(target: _Target) -> Evidence:
    """Sorts the sightings into slots: those before the target, then those after it, near to far."""
    ways = len(SIGHTING_ORDERS)
    shape = (2 * ways, target.pixels)
    colour = np.zeros((*shape, 3), np.float32)
    vote, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    frame = np.full(shape, SYNTHESISED, np.int32)
    for direction, way in enumerate(target.sightings):
        for sighting in way:
            slot = sighting.slot + direction * ways
            colour[slot, sighting.index] = target.colours[direction, sighting.frame]
            age = abs(sighting.frame - target.frame) - 1
            memory = VOTE_MEMORY_STATIC_FRAMES if sighting.static else VOTE_MEMORY_MOVING_FRAMES
            vote[slot, sighting.index] = math.exp(-age / memory)
            weight[slot, sighting.index] = math.exp(-age / COLOUR_MEMORY_FRAMES)
            frame[slot, sighting.index] = sighting.frame
    starts = tuple(n + direction * ways for direction in range(2) for n in STARTS)
    return Evidence(colour, vote, weight, frame, tuple(n for n in starts if vote[n].any()))

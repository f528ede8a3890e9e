"""Recovers what a removed object hid, from the frames before and after that show it."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.agreement import keep_agreeing
from engine.plate.analysis import box_around
from engine.plate.chain import Sighting
from engine.plate.clearance import Clearance
from engine.plate.confidence import Doubts, confidence
from engine.plate.footage import Footage
from engine.plate.fusion import Fused, fuse
from engine.plate.hypotheses import choose
from engine.plate.inventions import Inventions, Painted
from engine.plate.model import (
    OUTSIDE_HOLE,
    SYNTHESISED,
    FloatImage,
    Mask,
    PaintedPlate,
    PlateSettings,
    PlateSource,
    Points,
    RecoveredFrame,
)
from engine.plate.movers.fit import Layer
from engine.plate.movers.movers import Movers
from engine.plate.outlines import Outlines, TightFootage, widened
from engine.plate.overhang import overhang
from engine.plate.photometric import relight
from engine.plate.sampling import pick
from engine.plate.serial import SerialSource
from engine.plate.surround import Surround
from engine.plate.target import Target
from engine.plate.trace import trace
from roi_tools.geometry import Box

Progress = Callable[[float], None]
Result = TypeVar("Result")
Still = Callable[[], None]
"""Raises when nobody wants the result any more."""

TRACING_SHARE = 0.6
"""The part of the time that goes into following pixels, before the first frame of a batch is finished."""

PROGRESS_S = 0.3
THREADS = min(max(os.cpu_count() or 2, 2), 4)
"""Each holds the evidence of one frame; more would need more memory than they save time."""

BATCH_BYTES = 500_000_000
MAX_BATCH_FRAMES = 24
FILTER_PX = 4
"""Reach of the resampling filter."""

CONTEXT_PX = 16
"""What is read around a hole: synthesis continues it."""


def recover(
    source: PlateSource,
    core: Sequence[int],
    available: range,
    settings: PlateSettings,
    progress: Progress,
    painted: PaintedPlate | None = None,
) -> Iterator[RecoveredFrame]:
    """Yields the frames of `core`, rising, each with its hidden pixels recovered.

    Looks at frames of `available` up to `settings.reach_frames` before and after each, and up to twice as far for what
    none of them shows; a result depends on those alone, not on how a shot is cut into cores. Memory is bounded by the
    reach and the frame size, not by the length of `core`. Raises ValueError for a core outside `available`. `progress`
    is called often with the share done, 0 to 1, and cancels the work by raising. What no frame shows is taken from the
    `painted` plate where there is one; ValueError where it is not of the footage's size.
    """
    if not all(frame in available for frame in core):
        raise ValueError(f"core {core} leaves the available frames {available}; ask only for frames that exist")
    source = SerialSource(source)
    footage = Footage(source, available, settings)
    if settings.second_pass:
        footage = _tightened(footage)
    if painted is not None and painted.rgb.shape[:2] != (footage.size.height_px, footage.size.width_px):
        raise ValueError(
            f"the painted plate is {painted.rgb.shape[1]}x{painted.rgb.shape[0]}, the frames {footage.size}"
        )
    results = _with_own_pixels(footage, core, progress, painted)
    yield from (widened(result, source) for result in results) if settings.second_pass else results


def _tightened(first: Footage) -> Footage:
    """The footage with the outlines of what a first pass has found for its holes."""

    def plates(frames: Sequence[int], still_wanted: Still) -> Iterator[RecoveredFrame]:
        return _recover_all(first, frames, lambda share: still_wanted(), None)

    return TightFootage(Outlines(first.source, first.available, plates), first)


def _with_own_pixels(
    footage: Footage, core: Sequence[int], progress: Progress, given: PaintedPlate | None
) -> Iterator[RecoveredFrame]:
    """The frames of `core`, with what is clean of them kept where that is wanted."""

    def recovered(frames: Sequence[int]) -> Iterator[RecoveredFrame]:
        return _recover_all(footage, frames, progress, Inventions(footage, partial(_paint_alone, footage), given))

    if not footage.settings.keep_agreeing:
        yield from recovered(core)
        return
    # Whether a pixel is kept depends on the next frames too.
    wanted = set(core)
    around = sorted({near for n in core for near in (n - 1, n, n + 1) if near in footage.available})
    for result in keep_agreeing(recovered(around), footage.source):
        if result.frame in wanted:
            yield result


def _recover_all(
    footage: Footage, core: Sequence[int], progress: Progress, inventions: Inventions | None
) -> Iterator[RecoveredFrame]:
    """The frames of `core`, with nothing of the hole kept."""
    done, movers = 0, Movers(footage)
    while done < len(core):
        for result, share in _batch(
            footage, movers, inventions, core[done : done + MAX_BATCH_FRAMES], progress, done, len(core)
        ):
            done += 1
            progress(share)
            yield result
        if done < len(core):
            footage.forget_before(core[done] - footage.settings.reach_frames)
            movers.forget_before(core[done])
            if inventions is not None:
                inventions.forget_before(core[done])


def _batch(
    footage: Footage,
    movers: Movers,
    inventions: Inventions | None,
    frames: Sequence[int],
    progress: Progress,
    done: int,
    total: int,
) -> Iterator[tuple[RecoveredFrame, float]]:
    """As many of the frames as fit into memory at once, each with the share that is done after it."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        pool.map(footage.measure, range(frames[0], frames[-1] + MAX_BATCH_FRAMES))
        batch = _traced(footage, frames, pool, lambda count: progress((done + TRACING_SHARE * count) / total))
        traced = (done + TRACING_SHARE * len(batch)) / total
        for _ in _gather(footage, batch, pool):
            progress(traced)
        # They are painted ahead, while others are finished.
        painting = [pool.submit(_with_movers, footage, movers, target) for target in batch]
        for finished, painted in enumerate(painting, start=1):
            before = (done + finished - 1 + TRACING_SHARE * (len(batch) - finished + 1)) / total
            after = (done + finished + TRACING_SHARE * (len(batch) - finished)) / total
            still_wanted = partial(progress, before)
            ready = _when_ready(painted, still_wanted)
            yield _finish(footage, batch[finished - 1].frame, *ready, inventions, still_wanted), after
    except BaseException:
        footage.abandon()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _traced(
    footage: Footage, frames: Sequence[int], pool: ThreadPoolExecutor, progress: Callable[[int], None]
) -> list[Target]:
    """As many of the frames as fit into memory at once, each followed; `progress` is told how many are."""
    left, tracing, batch, used = iter(frames), deque[Future[Target]](), list[Target](), 0
    while True:
        ahead = 2 * THREADS - len(tracing) if used <= BATCH_BYTES else 0
        tracing.extend(pool.submit(trace, footage, frame) for frame in islice(left, ahead))
        if not tracing:
            return batch
        batch.append(_when_ready(tracing.popleft(), partial(progress, len(batch))))
        used += batch[-1].size_bytes


def _when_ready(work: Future[Result], still_wanted: Still) -> Result:
    """The result of another thread; `still_wanted` is asked meanwhile."""
    still_wanted()
    while wait([work], timeout=PROGRESS_S).not_done:
        still_wanted()
    return work.result()


def _gather(footage: Footage, batch: list[Target], pool: ThreadPoolExecutor) -> Iterator[None]:
    """Reads the colours, source frame by source frame, so that each is decoded once per batch and in order."""
    wanted: dict[int, list[tuple[Target, int, Sighting]]] = {}
    for target in [each for whole in batch for each in whole.hypotheses]:
        target.surround = _surround(footage, target)
        for direction, sightings in enumerate(target.sightings):
            for sighting in sightings:
                wanted.setdefault(sighting.frame, []).append((target, direction, sighting))
    reading: list[Future[None]] = []
    for frame in sorted(wanted):
        window = _window(footage, [p for _, _, s in wanted[frame] for p in (s.points, s.around[s.around_seen])])
        rgb = np.ascontiguousarray(footage.source.rgb(frame, window))
        origin, clear = np.array([window.x0, window.y0], np.float32), Clearance(footage.view(frame))
        # A target takes its lenders in order, whichever thread reads: the frame before must be done.
        for part in reading:
            part.result()
        parts = (wanted[frame][n::THREADS] for n in range(THREADS))
        reading = [pool.submit(_read, rgb, origin, clear, part) for part in parts if part]
        yield
    for part in reading:
        part.result()


def _read(rgb: FloatImage, origin: Points, clear: Clearance, wanted: list[tuple[Target, int, Sighting]]) -> None:
    """Reads one frame's colours for some targets; `origin`: (2,) x, y of its (h, w, 3) window."""
    for target, direction, sighting in wanted:
        target.read(direction, sighting, rgb, origin, clear)


def _finish(
    footage: Footage,
    frame: int,
    painted: Painted | None,
    passing: Layer | None,
    inventions: Inventions | None,
    still_wanted: Still,
) -> RecoveredFrame:
    """Invents the rest, unless there is nobody for that, puts what passes by before it, and cuts out the hole's box."""
    hole_box = None if painted is None else box_around(painted.hole)
    if painted is None or hole_box is None:
        nothing = np.zeros((0, 0), np.float32)
        return RecoveredFrame(frame, None, np.zeros((0, 0, 3), np.float32), nothing.astype(np.int32), nothing)
    if inventions is not None:
        painted = replace(painted, plate=inventions.complete(painted, still_wanted))
    if passing is not None:
        painted = passing.over(painted)
    cut = hole_box.slices
    hole = painted.hole[cut]
    rgb = np.array(footage.source.rgb(frame, painted.window)[cut])
    cv2.copyTo(np.asarray(painted.plate[cut], np.float32), hole.view(np.uint8), rgb)
    return RecoveredFrame(
        frame,
        hole_box.shifted(painted.window.x0, painted.window.y0),
        rgb,
        np.where(hole, painted.provenance[cut], OUTSIDE_HOLE).astype(np.int32),
        np.where(hole, painted.confidence[cut], np.float32(1.0)).astype(np.float32),
        painted.overhang_px,
    )


def _paint_alone(footage: Footage, frame: int, still_wanted: Still) -> Painted | None:
    """A reference frame, recovered out of turn."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            target = _when_ready(pool.submit(trace, footage, frame), still_wanted)
        except BaseException:
            footage.abandon()
            raise
        for _ in _gather(footage, [target], pool):
            still_wanted()
    return _painted(footage, target)


def _with_movers(footage: Footage, movers: Movers, target: Target) -> tuple[Painted | None, Layer | None]:
    """The frame painted, and what walks by behind its hole."""
    painted = _painted(footage, target)
    return painted, None if painted is None else movers.behind(painted)


def _painted(footage: Footage, target: Target) -> Painted | None:
    """The frame with all that was found painted in, its light matched; None where it has no hole."""
    from engine.plate.painting_loops import paint

    view = footage.view(target.frame)
    if target.box is None:
        return None
    window = target.box.grown(CONTEXT_PX).clipped(view.size) or target.box
    plate = np.array(footage.source.rgb(target.frame, window), np.float32)
    guarded, hole = np.zeros(plate.shape[:2], bool), np.zeros(plate.shape[:2], bool)
    inside = target.box.shifted(-window.x0, -window.y0).slices
    guarded[inside], hole[inside] = view.guarded, view.hole
    provenance = np.full(hole.shape, SYNTHESISED, np.int32)
    trust = np.zeros(hole.shape, np.float32)
    fused = _fused(target, plate, hole, guarded, footage.settings.blend_px)
    if fused is not None:
        found = np.zeros(hole.shape, bool)
        at = np.flatnonzero(guarded)
        error, band = paint(at, fused.colour, fused.frame, fused.found, hole, plate, provenance, found)
        light = relight(error, band)
        cv2.add(plate, light, dst=plate, mask=found.view(np.uint8))
        trust = confidence(plate, Doubts.of(fused, guarded), error - light, band, found)
    reaches = overhang(target.around, target.surround.departing(), target.box)
    return Painted(target.frame, target.box, window, plate, hole, provenance, trust, reaches)


def _fused(target: Target, own: FloatImage, hole: Mask, guarded: Mask, blend_px: float) -> Fused | None:
    """The `guarded` pixels as the hypothesis shows them that fits best; None where no frame shows any."""
    found: list[Fused] = []
    lenders: list[NDArray[np.intp]] = []
    for each in target.hypotheses:
        evidence = each.evidence()
        if evidence.starts:
            if target.layers:
                lenders.append(np.count_nonzero(evidence.vote, axis=0))
            found.append(fuse(evidence, guarded, blend_px, each.surround.weights, each.surround.errors))
    if len(found) < 2:
        return found[0] if found else None
    return choose(found, lenders, own, hole, guarded)


def _surround(footage: Footage, target: Target) -> Surround:
    """What the target itself shows around its hole."""
    if not len(target.around):
        return Surround(target.frame, np.zeros((0, 3), np.float32))
    window = _window(footage, [target.around])
    rgb = footage.source.rgb(target.frame, window)
    return Surround(target.frame, np.asarray(pick(rgb, target.around - np.array([window.x0, window.y0]))))


def _window(footage: Footage, points: list[Points]) -> Box:
    """What must be read of a frame to sample it at the points."""
    from engine.plate.lending_loops import extent

    left, top, right, bottom = zip(*(extent(p) for p in points if len(p)), strict=True)
    box = Box(math.floor(min(left)), math.floor(min(top)), math.ceil(max(right)) + 1, math.ceil(max(bottom)) + 1)
    return box.grown(FILTER_PX).clipped(footage.size) or box

"""Recovers what a removed object hid, from the frames before and after that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from engine.plate.agreement import keep_agreeing
from engine.plate.analysis import box_around
from engine.plate.chain import SIGHTING_ORDERS, Sighting, follow
from engine.plate.confidence import confidence
from engine.plate.footage import Footage
from engine.plate.fusion import (
    STARTS,
    VOTE_MEMORY_MOVING_FRAMES,
    VOTE_MEMORY_STATIC_FRAMES,
    Evidence,
    fuse,
)
from engine.plate.inventions import Inventions, Painted
from engine.plate.model import (
    OUTSIDE_HOLE,
    SYNTHESISED,
    FloatImage,
    PaintedPlate,
    PlateSettings,
    PlateSource,
    Points,
    RecoveredFrame,
)
from engine.plate.photometric import relight
from engine.plate.registration import Registration
from engine.plate.sampling import pick, sample_nearest, sample_sharp
from engine.plate.serial import SerialSource
from engine.plate.surround import Surround
from roi_tools.geometry import Box

Progress = Callable[[float], None]
Still = Callable[[], None]
"""Raises when nobody wants the result any more."""

TRACING_SHARE = 0.6
"""The part of the time that goes into following pixels, before the first frame of a batch is finished."""

PROGRESS_S = 0.3
THREADS = 2
"""Each holds the evidence of one frame; more would need more memory than they save time."""

BATCH_BYTES = 400_000_000
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
    if painted is not None and painted.rgb.shape[:2] != (footage.size.height_px, footage.size.width_px):
        raise ValueError(
            f"the painted plate is {painted.rgb.shape[1]}x{painted.rgb.shape[0]}, the frames {footage.size}"
        )
    if not settings.keep_agreeing:
        yield from _recover_all(footage, core, progress, painted)
        return
    # Whether a pixel is kept depends on the next frames too.
    wanted = set(core)
    around = sorted({near for frame in core for near in (frame - 1, frame, frame + 1) if near in available})
    for result in keep_agreeing(_recover_all(footage, around, progress, painted), source):
        if result.frame in wanted:
            yield result


def _recover_all(
    footage: Footage, core: Sequence[int], progress: Progress, given: PaintedPlate | None
) -> Iterator[RecoveredFrame]:
    """The frames of `core`, with nothing of the hole kept."""
    inventions = Inventions(footage, partial(_paint_alone, footage), given)
    done = 0
    while done < len(core):
        for result, share in _batch(
            footage, inventions, core[done : done + MAX_BATCH_FRAMES], progress, done, len(core)
        ):
            done += 1
            progress(share)
            yield result
        if done < len(core):
            footage.forget_before(core[done] - footage.settings.reach_frames)
            inventions.forget_before(core[done])


def _batch(
    footage: Footage, inventions: Inventions, frames: Sequence[int], progress: Progress, done: int, total: int
) -> Iterator[tuple[RecoveredFrame, float]]:
    """As many of the frames as fit into memory at once, each with the share that is done after it."""
    batch: list[_Target] = []
    used = 0
    for frame in frames:
        traced = (done + TRACING_SHARE * len(batch)) / total
        batch.append(_trace(footage, frame, partial(progress, traced)))
        used += batch[-1].size_bytes
        if used > BATCH_BYTES:
            break
    traced = (done + TRACING_SHARE * len(batch)) / total
    pool = ThreadPoolExecutor(THREADS)
    try:
        for _ in _gather(footage, batch, pool):
            progress(traced)
        # They are painted ahead, while others are finished.
        painting = [pool.submit(_painted, footage, target) for target in batch]
        for finished, painted in enumerate(painting, start=1):
            before = (done + finished - 1 + TRACING_SHARE * (len(batch) - finished + 1)) / total
            after = (done + finished + TRACING_SHARE * (len(batch) - finished)) / total
            still_wanted = partial(progress, before)
            ready = _when_ready(painted, still_wanted)
            yield _finish(footage, batch[finished - 1].frame, ready, inventions, still_wanted), after
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Target:
    """One frame on its way: how many pixels it wants, where they were seen, and the colours read there."""

    frame: int
    box: Box | None
    pixels: int
    around: Points = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    sightings: tuple[list[Sighting], list[Sighting]] = field(default_factory=lambda: ([], []))
    colours: dict[tuple[int, int], FloatImage] = field(default_factory=dict)
    surround: Surround = field(default_factory=lambda: Surround(0, np.zeros((0, 3), np.float32)))

    @property
    def size_bytes(self) -> int:
        """Memory that its sightings and their colours take."""
        return sum(36 * len(s.index) for direction in self.sightings for s in direction)


def _trace(footage: Footage, frame: int, still_wanted: Still) -> _Target:
    """Follows the hidden pixels of a frame both ways at once; `still_wanted` raises when they no longer are."""
    view = footage.view(frame)
    if view.box is None:
        return _Target(frame, None, 0)
    wanted = view.guarded
    correct = Registration(footage, frame)
    reach = footage.settings.reach_frames
    before = range(frame, max(frame - reach, footage.available.start) - 1, -1)
    after = range(frame, min(frame + reach, footage.available.stop - 1) + 1)
    with ThreadPoolExecutor(2) as pool:
        ways = [
            pool.submit(follow, wanted, view.box, way, footage.step, footage.hidden, correct) for way in (before, after)
        ]
        try:
            still_wanted()
            while wait(ways, timeout=PROGRESS_S).not_done:
                still_wanted()
        except BaseException:
            footage.abandon()
            raise
        return _Target(frame, view.box, int(wanted.sum()), correct.around, (ways[0].result(), ways[1].result()))


def _when_ready(painting: Future[Painted | None], still_wanted: Still) -> Painted | None:
    """The result of another thread; `still_wanted` is asked meanwhile."""
    still_wanted()
    while wait([painting], timeout=PROGRESS_S).not_done:
        still_wanted()
    return painting.result()


def _gather(footage: Footage, batch: list[_Target], pool: ThreadPoolExecutor) -> Iterator[None]:
    """Reads the colours, source frame by source frame, so that each is decoded once per batch and in order."""
    wanted: dict[int, list[tuple[_Target, int, Sighting]]] = {}
    for target in batch:
        target.surround = _surround(footage, target)
        for direction, sightings in enumerate(target.sightings):
            for sighting in sightings:
                wanted.setdefault(sighting.frame, []).append((target, direction, sighting))
    reading: list[Future[None]] = []
    for frame in sorted(wanted):
        window = _window(footage, [p for _, _, s in wanted[frame] for p in (s.points, s.around[s.around_seen])])
        rgb = footage.source.rgb(frame, window)
        origin = np.array([window.x0, window.y0], np.float32)
        # A target takes its lenders in order, whichever thread reads: the frame before must be done.
        for part in reading:
            part.result()
        parts = (wanted[frame][n::THREADS] for n in range(THREADS))
        reading = [pool.submit(_read, rgb, origin, part) for part in parts if part]
        yield
    for part in reading:
        part.result()


def _read(rgb: FloatImage, origin: Points, wanted: list[tuple[_Target, int, Sighting]]) -> None:
    """Reads one frame's colours for some targets; `origin`: (2,) x, y of its (h, w, 3) window."""
    for target, direction, sighting in wanted:
        read = sample_nearest if sighting.static else sample_sharp
        seen = sighting.around_seen
        around = np.zeros((len(seen), 3), np.float32)
        around[seen] = read(rgb, sighting.around[seen] - origin)
        light = target.surround.light(sighting.frame, around, seen, sighting.around, sighting.colour_offset)
        target.colours[direction, sighting.frame] = light.match(read(rgb, sighting.points - origin))


def _finish(
    footage: Footage, frame: int, painted: Painted | None, inventions: Inventions, still_wanted: Still
) -> RecoveredFrame:
    """Invents the rest, and cuts out the hole's box."""
    hole_box = None if painted is None else box_around(painted.hole)
    if painted is None or hole_box is None:
        nothing = np.zeros((0, 0), np.float32)
        return RecoveredFrame(frame, None, np.zeros((0, 0, 3), np.float32), nothing.astype(np.int32), nothing)
    plate = inventions.complete(painted, still_wanted)
    cut = hole_box.slices
    hole = painted.hole[cut]
    rgb = footage.source.rgb(frame, painted.window)[cut]
    return RecoveredFrame(
        frame,
        hole_box.shifted(painted.window.x0, painted.window.y0),
        np.where(hole[..., None], plate[cut], rgb).astype(np.float32),
        np.where(hole, painted.provenance[cut], OUTSIDE_HOLE).astype(np.int32),
        np.where(hole, painted.confidence[cut], np.float32(1.0)).astype(np.float32),
    )


def _paint_alone(footage: Footage, frame: int, still_wanted: Still) -> Painted | None:
    """A reference frame, recovered out of turn."""
    target = _trace(footage, frame, still_wanted)
    with ThreadPoolExecutor(1) as pool:
        for _ in _gather(footage, [target], pool):
            still_wanted()
    return _painted(footage, target)


def _painted(footage: Footage, target: _Target) -> Painted | None:
    """The frame with all that was found painted in, its light matched; None where it has no hole."""
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
    evidence = _evidence(target)
    if evidence.starts:
        fused = fuse(evidence, guarded, footage.settings.blend_px, target.surround.weights)
        found = np.zeros(hole.shape, bool)
        found[guarded] = fused.found
        provenance[guarded] = np.where(fused.found, fused.frame, SYNTHESISED)
        rgb = plate.copy()
        plate[found] = fused.colour[fused.found]
        band = found & ~hole
        error = np.where(band[..., None], rgb - plate, np.float32(0.0))
        light = relight(error, band)
        plate[found] += light[found]
        spread = np.zeros(hole.shape, np.float32)
        spread[guarded] = fused.spread
        trust = confidence(spread, error - light, band, found)
    return Painted(target.frame, target.box, window, plate, hole, provenance, trust)


def _surround(footage: Footage, target: _Target) -> Surround:
    """What the target itself shows around its hole."""
    if not len(target.around):
        return Surround(target.frame, np.zeros((0, 3), np.float32))
    window = _window(footage, [target.around])
    rgb = footage.source.rgb(target.frame, window)
    return Surround(target.frame, np.asarray(pick(rgb, target.around - np.array([window.x0, window.y0]))))


def _window(footage: Footage, points: list[Points]) -> Box:
    """What must be read of a frame to sample it at the points."""
    columns, rows = ([p[:, axis] for p in points if len(p)] for axis in (0, 1))
    low_x, low_y = (math.floor(min(float(v.min()) for v in values)) for values in (columns, rows))
    high_x, high_y = (math.ceil(max(float(v.max()) for v in values)) + 1 for values in (columns, rows))
    box = Box(low_x, low_y, high_x, high_y)
    return box.grown(FILTER_PX).clipped(footage.size) or box


def _evidence(target: _Target) -> Evidence:
    """Sorts the sightings into slots: those before the target, then those after it, near to far."""
    ways, pixels = len(SIGHTING_ORDERS), target.pixels
    colour = np.zeros((3, 2 * ways * pixels), np.float32)
    vote, phase = np.zeros(2 * ways * pixels, np.float32), np.zeros((2, 2 * ways * pixels), np.float32)
    frame = np.full(2 * ways * pixels, SYNTHESISED, np.int32)
    for direction, way in enumerate(target.sightings):
        for sighting in way:
            place = (sighting.slot + np.intp(direction * ways)) * pixels + sighting.index
            for channel, values in zip(colour, target.colours[direction, sighting.frame].T, strict=True):
                channel[place] = values
            age = abs(sighting.frame - target.frame) - 1
            memory = VOTE_MEMORY_STATIC_FRAMES if sighting.static else VOTE_MEMORY_MOVING_FRAMES
            vote[place] = math.exp(-age / memory)
            if not sighting.static:
                for axis, at in zip(phase, sighting.points.T, strict=True):
                    axis[place] = at - np.rint(at)
            frame[place] = sighting.frame
    shape = (2 * ways, pixels)
    vote = vote.reshape(shape)
    starts = tuple(n + direction * ways for direction in range(2) for n in STARTS)
    return Evidence(
        colour.reshape(3, *shape),
        vote,
        phase.reshape(2, *shape),
        frame.reshape(shape),
        tuple(n for n in starts if vote[n].any()),
        target.surround.interpolation_loss,
    )

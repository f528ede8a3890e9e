"""The Source and Matte clips that effects see: decoded on demand, kept within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import RLock
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadRequestError
from engine.ofx.clips import SourceClip
from engine.render.roto_matte import draw_layers
from roi_tools.geometry import Box, Size, frame_box, union_box
from roi_tools.matte import bounds as matte_bounds
from roi_tools.matte import grow, rasterise
from roi_tools.roto.model import RotoLayer
from timeline.media.color import frame_to_rgb, resolved_color
from timeline.media.frame import Frame
from timeline.media.mattes import frame_coverage
from timeline.media.patch import FramePatch
from timeline.media.reader import MediaReader

FRAME_BUDGET_BYTES = 768 * 2**20
"""Decoded frames kept per clip: about 250 frames of 8-bit 1080p, 30 of half-float 4K."""
MATTE_BUDGET_BYTES = 128 * 2**20

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteBoundedCache(Generic[K, V]):
    """Least recently used values, as many as fit into ``budget_bytes`` (the newest one always stays).

    Safe to use from several threads; ``make`` runs in one of them at a time, because decoders are not thread-safe.
    """

    def __init__(self, make: Callable[[K], V], size_bytes: Callable[[V], int], budget_bytes: int) -> None:
        self._make, self._size_bytes, self._budget_bytes = make, size_bytes, budget_bytes
        self._values: OrderedDict[K, V] = OrderedDict()
        self.held_bytes = 0
        self._lock = RLock()

    def get(self, key: K) -> V:
        """The value of ``key``, made when it is not held."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            value = self._make(key)
            self._values[key] = value
            self.held_bytes += self._size_bytes(value)
            while self.held_bytes > self._budget_bytes and len(self._values) > 1:
                self.held_bytes -= self._size_bytes(self._values.popitem(last=False)[1])
            return value


class Plate(SourceClip, Protocol):
    """A SourceClip whose frames can also be had in the source's own planes."""

    def native(self, frame: int) -> Frame:
        """The frame in the source's own pixel format."""


class MediaPlate:
    """The source as it lies on disk. A SourceClip."""

    def __init__(self, reader: MediaReader, budget_bytes: int = FRAME_BUDGET_BYTES) -> None:
        self._info = reader.info
        self._cache = ByteBoundedCache(reader.read, _frame_bytes, budget_bytes)

    @property
    def frames(self) -> range:
        """Every frame of the media."""
        return range(self._info.frame_count)

    @property
    def size(self) -> Size:
        """Raster size."""
        return self._info.size

    @property
    def is_scene_linear(self) -> bool:
        """True where code values are proportional to light: float media, unless it is tagged otherwise."""
        return resolved_color(self._info.color, self._info.format, self._info.size).is_scene_linear

    def native(self, frame: int) -> Frame:
        """The frame in the source's own pixel format."""
        return self._cache.get(frame)

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See SourceClip."""
        return _read_only_rgb(self.native(frame), window)


class PatchedPlate:
    """What the passes before left: the source with their patches applied. A SourceClip.

    ``patch_of(frame)`` is the newest finished patch, or None where the frame is untouched.
    """

    def __init__(
        self, below: Plate, patch_of: Callable[[int], FramePatch | None], budget_bytes: int = FRAME_BUDGET_BYTES
    ) -> None:
        self._below, self._patch_of = below, patch_of
        self._cache = ByteBoundedCache(self._patched, _frame_bytes, budget_bytes)

    @property
    def frames(self) -> range:
        """Every frame of the media."""
        return self._below.frames

    @property
    def size(self) -> Size:
        """Raster size."""
        return self._below.size

    @property
    def is_scene_linear(self) -> bool:
        """Same as the media's."""
        return self._below.is_scene_linear

    def native(self, frame: int) -> Frame:
        """The patched frame in the source's own pixel format."""
        return self._cache.get(frame)

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See SourceClip."""
        return _read_only_rgb(self.native(frame), window)

    def _patched(self, frame: int) -> Frame:
        patch = self._patch_of(frame)
        below = self._below.native(frame)
        return below if patch is None else patch.apply(below)


LocalMatte = tuple[Box, NDArray[np.float32]]
"""Coverage of a region; outside of it the matte is 0."""


class RenderMatte:
    """Where a pass removes: what the matte movie or the roto layers mark inside the frame's boxes, grown. A MatteClip.

    ``boxes[i]`` are those of ``known_frames[i]``; boxes alone mark all that they hold. Without boxes the matte movie
    and the layers mark on every frame; of both together the larger one counts.
    """

    def __init__(
        self,
        frames: range,
        size: Size,
        boxes: Sequence[Sequence[Box]] | None,
        movie: MediaReader | None,
        grow_px: int | Callable[[int], int],
        known_frames: range | None = None,
        roto: Sequence[RotoLayer] = (),
    ) -> None:
        self._frames, self._size, self._roto = frames, size, roto
        self._known_frames = frames if known_frames is None else known_frames
        self._boxes, self._movie = boxes, movie
        self._grow_px = grow_px
        self._cache = ByteBoundedCache(self._make, lambda local: local[1].nbytes if local else 0, MATTE_BUDGET_BYTES)

    @property
    def frames(self) -> range:
        """The rendered range."""
        return self._frames

    @property
    def known_frames(self) -> range:
        """See MatteClip."""
        return self._known_frames

    @property
    def size(self) -> Size:
        """Same as the source's."""
        return self._size

    def bounds(self, frame: int) -> Box | None:
        """See MatteClip. Frames of the media only."""
        local = self._cache.get(frame)
        return local[0] if local else None

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See MatteClip. ``window`` may leave the frame, where coverage is 0."""
        window = window or frame_box(self._size)
        result = np.zeros((window.height_px, window.width_px), np.float32)
        local = self._cache.get(frame)
        common = local[0].intersected(window) if local else None
        if local and common:
            target = common.shifted(-window.x0, -window.y0).slices
            result[target] = local[1][common.shifted(-local[0].x0, -local[0].y0).slices]
        result.flags.writeable = False
        return result

    def _make(self, frame: int) -> LocalMatte | None:
        marked = self._marked(frame)
        if marked is None:
            return None
        region, coverage = marked
        grow_px = self._grow_px(frame) if callable(self._grow_px) else self._grow_px
        around = region.grown(grow_px).clipped(self._size) or region
        padded = np.zeros((around.height_px, around.width_px), np.float32)
        padded[region.shifted(-around.x0, -around.y0).slices] = coverage
        grown = grow(padded, grow_px) if grow_px else padded
        tight = matte_bounds(grown)
        return (tight.shifted(around.x0, around.y0), grown[tight.slices].copy()) if tight else None

    def _marked(self, frame: int) -> LocalMatte | None:
        """The ungrown matte, on a region that holds all of it."""
        if self._boxes is None:
            return self._drawn(frame, frame_box(self._size))
        marked = self._boxes[frame - self._known_frames.start] if frame in self._known_frames else ()
        clipped = [box for box in (b.clipped(self._size) for b in marked) if box]
        within = union_box(clipped)
        if within is None:
            return None
        if self._movie is None and not self._roto:
            return within, rasterise(clipped, self._size, within)
        local = self._drawn(frame, within)
        return local and (local[0], local[1] * rasterise(clipped, self._size, local[0]))

    def _drawn(self, frame: int, within: Box) -> LocalMatte | None:
        """What the movie and the layers mark inside a box."""
        drawn = draw_layers(self._roto, frame, self._size, within)
        if self._movie is None:
            return drawn
        coverage = frame_coverage(self._movie.read(frame), within)
        if drawn is not None:
            place = coverage[drawn[0].shifted(-within.x0, -within.y0).slices]
            np.maximum(place, drawn[1], out=place)
        return within, coverage


def check_matte_fits(matte: MediaReader, source: MediaReader, matte_path: str) -> None:
    """Raises BadRequestError unless the matte has the source's frame count and size."""
    given, wanted = matte.info, source.info
    if given.size != wanted.size:
        raise BadRequestError(
            f"{matte_path} is {given.size}, but the source {wanted.path} is {wanted.size}; "
            "render the matte at the source's size"
        )
    if given.frame_count != wanted.frame_count:
        raise BadRequestError(
            f"{matte_path} has {given.frame_count} frames, but the source {wanted.path} has {wanted.frame_count}; "
            "render the matte for every frame of the source"
        )


def _read_only_rgb(frame: Frame, window: Box | None) -> NDArray[np.float32]:
    rgb = frame_to_rgb(frame, window)
    rgb.flags.writeable = False
    return rgb


def _frame_bytes(frame: Frame) -> int:
    return sum(plane.nbytes for plane in frame.planes)

"""What no frame shows is invented once, on a reference frame, and carried from there to all others: it holds still.

The reference frames of a stretch form a binary tree: its middle frame, then the middles of its halves, and so on. A
frame takes what it lacks from its ancestors, the oldest first; what they don't show either it invents itself. Around
the border of two stretches the one's inventions dissolve into the other's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.plate.analysis import box_around, dilate
from engine.plate.chain import CORRECTED_FRAMES
from engine.plate.footage import Footage
from engine.plate.model import SYNTHESISED, FloatImage, Mask, PaintedPlate, ProvenanceMap
from engine.plate.nodes import Nodes
from engine.plate.overhang import NOTHING, Overhang
from engine.plate.photometric import membrane
from engine.plate.registration import Registration
from engine.plate.sampling import pick, sample_sharp
from engine.plate.synthesis.telea import fill_never_seen
from engine.plate.synthesis.texture import continue_texture
from roi_tools.geometry import Box, frame_box

Still = Callable[[], None]

SHORTEST_STRETCH_FRAMES = 8
"""Within fewer frames no further reference is made: little comes into view."""

DISSOLVE_FRAMES = 12
"""From so many frames before the border of two stretches to as many after it; less with a short reach."""

TINY_DEPTH_PX = 4.0
"""Thinner regions have no room for texture."""

SEAM_PX = 8
"""So far around a region the lent picture is compared with the frame's own, to meet its light."""

MIN_CONTEXT_PX = 96
MAX_CONTEXT_PX = 400
"""How much of the picture around a hole may lend texture: as much as the hole is large, within these limits."""


@dataclass(frozen=True)
class Painted:
    """A frame with all that others show of it painted in.

    `plate`: (h, w, 3) of `window`; in the guard band it shows what was recovered, as in the hole. `box`: of the
    guarded hole. `hole`, `provenance`, `confidence`: (h, w) of the window. `overhang_px`: how far something of the
    object reaches out of the box.
    """

    frame: int
    box: Box
    window: Box
    plate: FloatImage
    hole: Mask
    provenance: ProvenanceMap
    confidence: FloatImage
    overhang_px: Overhang = NOTHING

    @property
    def unseen(self) -> Mask:
        """(h, w) what of the hole no frame within reach shows."""
        return self.hole & (self.provenance == SYNTHESISED)


class Inventions:
    """Fills the unseen parts of frames; each result depends on the frame and the footage alone.

    `paint` recovers a frame of the footage; `still_wanted` raises when nobody wants the result any more. An artist's
    `given` plate goes before all that would be invented, on frames up to twice the reach away.
    """

    def __init__(
        self, footage: Footage, paint: Callable[[int, Still], Painted | None], given: PaintedPlate | None = None
    ) -> None:
        self._footage = footage
        self._paint = paint
        self._given = given
        self._references: dict[int, Painted] = {}

    def complete(self, painted: Painted, still_wanted: Still) -> FloatImage:
        """(h, w, 3) the plate of the window with nothing left unseen."""
        return self._complete(painted, still_wanted, dissolves=True)

    def forget_before(self, frame: int) -> None:
        """Frees the references that no later frame has as an ancestor."""
        oldest = frame - 2 * self._footage.settings.reach_frames
        self._references = {n: v for n, v in self._references.items() if n >= oldest}

    def _complete(self, painted: Painted, still_wanted: Still, dissolves: bool) -> FloatImage:
        plate, unseen = self._from_artist(painted, painted.plate, painted.unseen)
        wanted = _without_thin_parts(unseen)
        if wanted.any():
            own, rest = self._from_ancestors(painted, plate, wanted, painted.frame, still_wanted)
            if rest.any():
                own = self._invent(painted, own, rest, still_wanted)
            plate = self._dissolved(painted, plate, wanted, own, still_wanted) if dissolves else own
        return fill_never_seen(plate, unseen & ~wanted)

    def _dissolved(
        self, painted: Painted, plate: FloatImage, wanted: Mask, own: FloatImage, still_wanted: Still
    ) -> FloatImage:
        """The `own` completed plate with a share of what the next stretch, where it is near, shows of the `wanted`."""
        found = neighbour(painted.frame, self._footage.available, self._longest_frames, self._dissolve_frames)
        if found is None:
            return own
        nearest, share = found
        other, rest = self._from_ancestors(painted, plate, wanted, nearest, still_wanted)
        return np.where((wanted & ~rest)[..., None], own + np.float32(share) * (other - own), own)

    def _from_ancestors(
        self, painted: Painted, plate: FloatImage, rest: Mask, nearest: int, still_wanted: Still
    ) -> tuple[FloatImage, Mask]:
        """See _lend; `nearest` is the frame whose ancestors lend."""
        for frame in ancestors(nearest, self._footage.available, self._longest_frames):
            if not rest.any() or frame == painted.frame:
                break
            plate, rest = self._from_reference(painted, plate, rest, frame, still_wanted)
        return plate, rest

    @property
    def _dissolve_frames(self) -> int:
        return min(DISSOLVE_FRAMES, self._footage.settings.reach_frames // 4)

    @property
    def _longest_frames(self) -> int:
        """Of a stretch: a frame that dissolves into the next must not look further than twice the reach."""
        return 2 * (self._footage.settings.reach_frames - self._dissolve_frames)

    def _reference(self, frame: int, still_wanted: Still) -> Painted | None:
        if frame not in self._references:
            painted = self._paint(frame, still_wanted)
            if painted is None:
                return None
            # References that dissolved would need each other.
            plate = self._complete(painted, still_wanted, dissolves=False)
            self._references[frame] = replace(painted, plate=plate)
        return self._references[frame]

    def _from_artist(self, painted: Painted, plate: FloatImage, rest: Mask) -> tuple[FloatImage, Mask]:
        """See _lend."""
        given, far = self._given, 2 * self._footage.settings.reach_frames
        if given is None or abs(given.frame - painted.frame) > far or given.frame not in self._footage.available:
            return plate, rest
        window = frame_box(self._footage.size)
        return self._lend(painted, plate, rest, given.frame, lambda: (window, given.rgb))

    def _from_reference(
        self, painted: Painted, plate: FloatImage, rest: Mask, frame: int, still_wanted: Still
    ) -> tuple[FloatImage, Mask]:
        """See _lend."""

        def picture() -> tuple[Box, FloatImage] | None:
            reference = self._reference(frame, still_wanted)
            return None if reference is None else (reference.window, reference.plate)

        return self._lend(painted, plate, rest, frame, picture)

    def _lend(
        self,
        painted: Painted,
        plate: FloatImage,
        rest: Mask,
        frame: int,
        picture_of: Callable[[], tuple[Box, FloatImage] | None],
    ) -> tuple[FloatImage, Mask]:
        """The plate with what the picture of another frame, (h, w, 3) of a window, shows of the `rest`; what remains.

        The picture is only asked for where the two frames are of one shot.
        """
        if not rest.any():
            return plate, rest
        register = Registration(self._footage, painted.frame)
        nodes, offset = self._walk(painted, frame, register)
        lender = None if nodes is None else picture_of()
        if nodes is None or lender is None:
            return plate, rest
        window, lent_picture = lender
        inside = painted.box.shifted(-painted.window.x0, -painted.window.y0).slices
        wanted = dilate(rest, SEAM_PX)[inside]
        points = nodes.points(wanted)
        if not nodes.static:
            points = points + register.correction(frame, nodes)(nodes.home(wanted))
        local = points - np.array([window.x0, window.y0], np.float32)
        limit = np.array([window.width_px - 1, window.height_px - 1], np.float32)
        shown = ((local >= 0) & (local <= limit)).all(axis=1)
        colour = (pick if nodes.static else sample_sharp)(lent_picture, local[shown]) + offset
        lent = np.zeros(rest.shape, bool)
        lent[inside][wanted] = shown
        picture = np.zeros_like(plate)
        picture[lent] = colour
        seam = lent & ~painted.unseen
        picture += membrane(np.where(seam[..., None], plate - picture, np.float32(0.0)), seam)
        taken = lent & rest
        return np.where(taken[..., None], picture, plate).astype(np.float32), rest & ~taken

    def _walk(self, painted: Painted, frame: int, register: Registration) -> tuple[Nodes | None, FloatImage]:
        """Where the pixels of a frame's box are in another frame, and the change of light; None over a cut."""
        nodes = Nodes(painted.box, register.margin_px)
        offset = np.zeros(3, np.float32)
        way = 1 if frame > painted.frame else -1
        for a, b in itertools.pairwise(range(painted.frame, frame + way, way)):
            step = self._footage.step(a, b)
            if step is None:
                return None, offset
            nodes.advance(step)
            if not nodes.static and abs(b - painted.frame) % CORRECTED_FRAMES == 0:
                nodes.shift(register.correction(b, nodes))
            offset = offset + step.colour_offset
        return nodes, offset

    def _invent(self, painted: Painted, plate: FloatImage, rest: Mask, still_wanted: Still) -> FloatImage:
        """The plate with the `rest` continued from the picture around; other holes lend nothing."""
        context_px = min(max(painted.box.width_px, painted.box.height_px, MIN_CONTEXT_PX), MAX_CONTEXT_PX)
        window = painted.box.grown(context_px).clipped(self._footage.size) or painted.window
        picture = self._footage.source.rgb(painted.frame, window).copy()
        inside = painted.window.shifted(-window.x0, -window.y0).slices
        picture[inside] = plate
        unknown = np.zeros(picture.shape[:2], bool)
        unknown[inside] = rest | painted.unseen
        lends = ~self._footage.hidden(painted.frame)[window.slices]
        filled = continue_texture(picture, unknown, lends, still_wanted)
        if filled is None:
            return fill_never_seen(plate, rest)
        return np.where(rest[..., None], filled[inside], plate).astype(np.float32)


def ancestors(frame: int, available: range, longest_frames: int) -> list[int]:
    """The reference frames of a frame, the one for most frames first; the last may be the frame itself.

    The available frames are divided into equal stretches of at most `longest_frames`.
    """
    stretch = _stretch(frame, available, longest_frames)
    start, stop = stretch.start, stretch.stop
    found: list[int] = []
    while stop - start >= SHORTEST_STRETCH_FRAMES or not found:
        middle = (start + stop) // 2
        found.append(middle)
        if frame == middle:
            break
        start, stop = (start, middle) if frame < middle else (middle + 1, stop)
    return found


def neighbour(frame: int, available: range, longest_frames: int, dissolve_frames: int) -> tuple[int, float] | None:
    """The nearest frame of the next stretch and its share, below one half, in what `frame` shows; None far from it."""
    stretch = _stretch(frame, available, longest_frames)
    borders = ((frame - stretch.start + 0.5, stretch.start - 1), (stretch.stop - frame - 0.5, stretch.stop))
    away, nearest = min(((away, n) for away, n in borders if n in available), default=(math.inf, frame))
    return (nearest, 0.5 - 0.5 * away / dissolve_frames) if away < dissolve_frames else None


def _stretch(frame: int, available: range, longest_frames: int) -> range:
    count = -(-len(available) // longest_frames)
    number = (frame - available.start) * count // len(available)
    start = available.start + -(-number * len(available) // count)
    return range(start, available.start + -(-(number + 1) * len(available) // count))


def _without_thin_parts(mask: Mask) -> Mask:
    """The connected parts of a mask that are somewhere deeper than TINY_DEPTH_PX."""
    if box_around(mask) is None:
        return mask
    depth = cv2.distanceTransform(np.pad(mask, 1, mode="edge").view(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    count, labels = cv2.connectedComponents(mask.view(np.uint8))
    deep = np.zeros(count, bool)
    deep[np.unique(labels[mask & (depth > TINY_DEPTH_PX)])] = True
    deep[0] = False
    return np.asarray(deep[labels])

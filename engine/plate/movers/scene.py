"""What moves under a locked camera: the still background, and what differs from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import FrameView, Gray
from engine.plate.footage import Footage
from engine.plate.model import FloatImage, Mask
from engine.plate.once import Once
from roi_tools.geometry import Box, Size

WORKING_PIXELS = 300_000
"""Movers are looked for at a whole part of the analysis size, of at most about so many pixels."""

SAMPLES = 32
LEAST_SAMPLES = 5
"""The still background is what most of so many frames show; where fewer show anything it is not known."""

BLUR_PX = 1.0
FAINT_CODES, FAINT_GRAINS = 6.0, 3.5
CLEAR_CODES, CLEAR_GRAINS = 14.0, 7.0
"""A mover differs all over by the first, somewhere by the second: codes, and times the grain."""

CLEAR_SHARE = 0.1
CLOSE_PX = 5
LEAST_AREA = 8e-4
"""Of the frame; what is smaller is left out."""

FLICKER_SHARE = 0.3
"""Where so much of the frame differs the light has changed, not the scene."""


@dataclass(frozen=True)
class Picture:
    """One frame as movers are looked for in it, in the light of the scene's middle.

    `planes`: (h, w, 3) luma and chroma, 8-bit; `shown`: (h, w) what is not hidden; `coloured`: where the chroma is free
    of what is. `gain`: what the light of the scene must be multiplied with.
    """

    planes: NDArray[np.uint8]
    shown: Mask
    coloured: Mask
    gain: float


@dataclass(frozen=True)
class Patch:
    """What is seen of a mover in a frame: (h, w) `mask` of `box`, in working pixels; `number`: among the frame's."""

    frame: int
    number: int
    box: Box
    mask: Mask

    def picture(self, size: Size) -> NDArray[np.uint8]:
        """(h, w) of the working size, 1 where the patch is, 0 elsewhere."""
        picture = np.zeros((size.height_px, size.width_px), np.uint8)
        picture[self.box.slices] = self.mask
        return picture


class Scene:
    """A stretch of frames under a locked camera; every answer depends on these frames alone."""

    def __init__(self, footage: Footage, frames: range) -> None:
        self._footage = footage
        self.frames = frames
        view = footage.view(frames[0])
        shrink = max(math.ceil(math.sqrt(view.gray.size / WORKING_PIXELS)), 1)
        self._size = max(view.gray.shape[1] // shrink, 1), max(view.gray.shape[0] // shrink, 1)
        self.scale = np.array([self._size[0] / view.size.width_px, self._size[1] / view.size.height_px])
        self._reference = footage.view(frames[len(frames) // 2])
        self._backgrounds: Once[None, Picture] = Once(lambda _: self._still())
        self._pictures: Once[int, Picture] = Once(self._pictured)
        self._patches: Once[int, list[Patch]] = Once(self._found)
        self._holes: Once[int, list[Box]] = Once(lambda frame: parts(~self.picture(frame).shown))

    def forget_before(self, frame: int) -> None:
        """Frees what was measured on earlier frames."""
        self._pictures.forget(lambda key: key < frame)
        self._patches.forget(lambda key: key < frame)
        self._holes.forget(lambda key: key < frame)

    @property
    def background(self) -> Picture:
        """What most frames show; `shown`: where that is known."""
        return self._backgrounds[None]

    def picture(self, frame: int) -> Picture:
        """A frame of it."""
        return self._pictures[frame]

    def patches(self, frame: int) -> list[Patch]:
        """What is seen of movers in a frame."""
        return self._patches[frame]

    def holes(self, frame: int) -> list[Box]:
        """Boxes around the parts of a frame's hole, in working pixels."""
        return self._holes[frame]

    @property
    def size(self) -> Size:
        """Of the working pictures."""
        return Size(*self._size)

    def _gain(self, view: FrameView) -> float:
        """The light of a frame over that of the scene's middle."""
        here, there = view.thumbnail[..., 1], self._reference.thumbnail[..., 1]
        both = view.thumbnail_known & self._reference.thumbnail_known & (there > 0.05) & (here > 0.05)
        return float(np.clip(np.median(here[both] / there[both]), 0.25, 4.0)) if both.any() else 1.0

    def _luma(self, view: FrameView, gain: float) -> Gray:
        gray = view.gray
        if (gray.shape[1], gray.shape[0]) != self._size:
            gray = np.asarray(cv2.resize(gray, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        return np.asarray(cv2.convertScaleAbs(gray, alpha=1.0 / gain), np.uint8)

    def _chroma(self, view: FrameView, gain: float) -> NDArray[np.uint8]:
        """(th, tw, 2) of a frame's thumbnail, 128 for none."""
        rgb = np.clip(np.nan_to_num(view.thumbnail / np.float32(gain)), 0.0, 1.0)
        return np.rint(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)[..., 1:] * 255.0).astype(np.uint8)

    def _hidden(self, view: FrameView) -> Mask:
        small = view.guarded_small
        if (small.shape[1], small.shape[0]) == self._size:
            return small
        return cv2.resize(small.astype(np.float32), self._size, interpolation=cv2.INTER_AREA) > 0.0

    def _pictured(self, frame: int) -> Picture:
        view = self._footage.view(frame)
        gain = self._gain(view)
        luma, shown = self._luma(view, gain), ~self._hidden(view)
        return self._composed(luma, self._chroma(view, gain), shown, view.thumbnail_known, gain)

    def _composed(
        self, luma: Gray, chroma: NDArray[np.uint8], shown: Mask, thumbnail_known: Mask, gain: float
    ) -> Picture:
        luma = np.asarray(cv2.GaussianBlur(luma, (0, 0), BLUR_PX), np.uint8)
        planes = np.dstack([luma, cv2.resize(chroma, self._size, interpolation=cv2.INTER_LINEAR)])
        # A large pixel beside one that was hidden is mixed with it here.
        known = cv2.erode(thumbnail_known.view(np.uint8), np.ones((3, 3), np.uint8))
        coloured = cv2.resize(known, self._size, interpolation=cv2.INTER_NEAREST).astype(bool)
        return Picture(np.ascontiguousarray(planes), shown, coloured & shown, gain)

    def _still(self) -> Picture:
        from engine.plate.movers.loops import mode

        views = [self._footage.view(n) for n in self.frames[:: max(len(self.frames) // SAMPLES, 1)]]
        gains = [self._gain(view) for view in views]
        hidden = [self._hidden(view) for view in views]
        luma = [self._luma(view, gain) for view, gain in zip(views, gains, strict=True)]
        count = _gathered(luma, [~mask for mask in hidden])
        chroma = [self._chroma(view, gain) for view, gain in zip(views, gains, strict=True)]
        known = [view.thumbnail_known for view in views]
        planes = []
        for channel in range(2):
            values, number = _gathered([c[..., channel] for c in chroma], known)
            planes.append(mode(values, number))
        return self._composed(mode(*count), np.dstack(planes), count[1] >= LEAST_SAMPLES, number >= LEAST_SAMPLES, 1.0)

    def _difference(self, frame: int) -> tuple[Mask, Mask]:
        """(h, w) what differs, and what of it clearly."""
        picture, still = self.picture(frame), self.background
        known = picture.shown & still.shown
        nothing = np.zeros_like(known)
        if known.mean() < 0.05:
            return nothing, nothing
        faint, clear = _departing(picture.planes[..., 0], still.planes[..., 0], known)
        coloured = picture.coloured & still.coloured
        if coloured.any():
            for channel in (1, 2):
                some, sure = _departing(picture.planes[..., channel], still.planes[..., channel], coloured)
                # It is coarse: its edge reaches out of the mover.
                some = cv2.erode(some.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
                faint, clear = faint | some, clear | (sure & some)
        if clear.mean() > FLICKER_SHARE or not clear.any():
            return nothing, nothing
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSE_PX, CLOSE_PX))
        solid = cv2.morphologyEx(faint.view(np.uint8), cv2.MORPH_CLOSE, disc)
        solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc[1:-1, 1:-1])
        return solid.astype(bool) & known, clear

    def _found(self, frame: int) -> list[Patch]:
        mask, clear = self._difference(frame)
        count, label, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
        found: list[Patch] = []
        for n in range(1, count):
            x, y, w, h, area = (int(v) for v in stats[n])
            box = Box(x, y, x + w, y + h)
            own = label[box.slices] == n
            if area >= LEAST_AREA * mask.size and np.count_nonzero(own & clear[box.slices]) > CLEAR_SHARE * area:
                found.append(Patch(frame, len(found), box, own))
        return found


def parts(mask: Mask) -> list[Box]:
    """Boxes around the connected parts of a mask."""
    stats = cv2.connectedComponentsWithStats(mask.view(np.uint8))[2][1:]
    return [Box(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats]


def _gathered(values: list[Gray], known: list[Mask]) -> tuple[Gray, NDArray[np.int32]]:
    """(h, w, n) the known ones of n pictures, packed to the front, and (h, w) how many there are."""
    out = np.zeros((*values[0].shape, len(values)), np.uint8)
    count = np.zeros(values[0].shape, np.int32)
    flat, number = out.reshape(-1, len(values)), count.reshape(-1)
    for value, mask in zip(values, known, strict=True):
        at = np.flatnonzero(mask)
        flat[at, number[at]] = value.reshape(-1)[at]
        number[at] += 1
    return out, count


def _departing(plane: Gray, still: Gray, known: Mask) -> tuple[Mask, Mask]:
    """(h, w) where a plane differs from the still one, and where clearly: by codes, and by times the grain."""
    off = plane.astype(np.int16) - still
    some = off[known][::7]
    middle = float(np.median(some))
    grain = 1.4826 * float(np.median(np.abs(some - middle)))
    away: FloatImage = np.abs(off - np.float32(middle))
    faint = known & (away > max(FAINT_CODES, FAINT_GRAINS * grain))
    return faint, known & (away > max(CLEAR_CODES, CLEAR_GRAINS * grain))

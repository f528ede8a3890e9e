"""What walks by behind one frame's hole, put together from the frames that lend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import Gray, dilate
from engine.plate.footage import Footage
from engine.plate.inventions import Painted
from engine.plate.model import FloatImage, Mask
from engine.plate.movers.fit import FEATHER_PX, HALF_TRUST, Layer, fitted
from engine.plate.movers.lenders import Lent
from engine.plate.movers.scene import Scene
from engine.plate.movers.ways import Place

MOST_LENDERS = 8
"""So many frames, those that are worth most, say where the mover is and where it is not."""

NEAR_PX = 20
"""They say so for places so far around it; in working pixels."""

MAJORITY = 0.5
BETTER = 0.85
"""The mover is where more of what they are worth says so, and the error of a piece of it that must be expected from how
far they agree is by this smaller than that of the still background. Chosen on seven made clips and one with a running
dog."""

MARGIN_PX = 3
"""The rim that is read of a lender around a mover, for the feather."""


@dataclass(frozen=True)
class Shown:
    """What one frame shows there, (h, w) of the painted window: the mover and a rim around it, and what is near it."""

    frame: int
    worth: float
    error: float
    colour: FloatImage
    mover: Mask
    rim: Mask
    near: Mask


class Stage:
    """One painted frame, on which the movers are put."""

    def __init__(self, footage: Footage, scene: Scene, painted: Painted) -> None:
        self._footage, self._scene, self._painted = footage, scene, painted

    def layer(self, lent: list[Lent]) -> Layer | None:
        """What is to be put in front of the background, None for nothing. Of the lenders the best come first."""
        by_frame: dict[int, list[Lent]] = {}
        for each in lent:
            by_frame.setdefault(each.patch.frame, []).append(each)
        shown = [self._shown(frame, own) for frame, own in list(by_frame.items())[:MOST_LENDERS]]
        layer = self._agreed(shown)
        if not ((layer.alpha > 0.0) & self._painted.hole).any():
            return None
        own = self._footage.source.rgb(self._painted.frame, self._painted.window)
        return fitted(layer, self._painted, own, float(self._scene.scale[0]))

    def _shown(self, frame: int, lent: list[Lent]) -> Shown:
        """What one frame shows, of one mover or several."""
        shape = self._painted.hole.shape
        mover, rim, near = (np.zeros(shape, bool) for _ in range(3))
        colour = self._painted.plate.copy()
        reach = round(NEAR_PX / float(self._scene.scale[0]))
        shows = self._scene.picture(frame).shown.view(np.uint8) * np.uint8(255)
        for each in lent:
            own = self._enlarged(each.patch.picture(self._scene.size) * np.uint8(255), each.place) > 127
            seen = self._enlarged(shows, each.place) > 254
            fresh = seen & dilate(own, MARGIN_PX) & ~mover
            colour[fresh] = self._colour(each)[fresh]
            mover, rim, near = mover | (own & seen), rim | fresh, near | (seen & dilate(own, reach))
        worth = lent[0].worth / abs(frame - self._painted.frame)
        return Shown(frame, worth, max(each.error for each in lent), colour, mover, rim, near)

    def _agreed(self, shown: list[Shown]) -> Layer:
        """What the frames agree on: of each place the colour that the frame of most worth lends that shows it."""
        plate, hole = self._painted.plate, self._painted.hole
        colour, frames = plate.copy(), np.full(hole.shape, self._painted.frame, np.int32)
        error, have = np.zeros(hole.shape, np.float32), np.zeros(hole.shape, bool)
        for part in ("mover", "rim"):
            for each in shown:
                fresh = getattr(each, part) & ~have
                colour[fresh], frames[fresh], error[fresh] = each.colour[fresh], each.frame, np.float32(each.error)
                have |= fresh
        says, lending, leaving = _expected(shown, plate, colour)
        mover = _worth_it(says, lending, leaving)
        soft = cv2.GaussianBlur(mover.astype(np.float32), (0, 0), FEATHER_PX)
        alpha = np.where(have & (soft > 0.02), soft, np.float32(0.0)).astype(np.float32)
        trust = HALF_TRUST / (HALF_TRUST + np.sqrt(np.maximum(lending, np.square(error))))
        return Layer(colour, alpha, frames, np.asarray(trust, np.float32))

    def _enlarged(self, picture: NDArray[np.uint8], place: Place) -> Gray:
        """A whole working picture, moved, as the painted window shows it."""
        scale, window = self._scene.scale, self._painted.window
        x, y = ((place + 0.5) / scale - 0.5) - np.array([window.x0, window.y0])
        there = np.array([[1.0 / scale[0], 0.0, x], [0.0, 1.0 / scale[1], y]])
        return np.asarray(cv2.warpAffine(picture, there, self._painted.hole.shape[::-1]), np.uint8)

    def _colour(self, each: Lent) -> FloatImage:
        """(h, w, 3) of the painted window, as the lender shows it; of its frame no more is read than that."""
        painted, frame = self._painted, each.patch.frame
        shift = each.place / self._scene.scale
        x, y = (int(v) for v in np.rint(shift))
        window = painted.window.shifted(-x, -y).grown(MARGIN_PX).clipped(self._footage.size)
        if window is None:
            return painted.plate
        rgb = np.ascontiguousarray(self._footage.source.rgb(frame, window), np.float32)
        x0, y0 = shift + np.array([window.x0 - painted.window.x0, window.y0 - painted.window.y0])
        there, size = np.array([[1.0, 0.0, x0], [0.0, 1.0, y0]]), painted.hole.shape[::-1]
        moved = cv2.warpAffine(rgb, there, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        gain = self._scene.picture(painted.frame).gain / self._scene.picture(frame).gain
        return np.asarray(moved * np.float32(gain), np.float32)


def _expected(shown: Iterable[Shown], plate: FloatImage, colour: FloatImage) -> tuple[Mask, FloatImage, FloatImage]:
    """(h, w) where the frames say that the mover is, and the mean square errors to be expected with its colour and with
    the plate, (h, w, 3): their distances from what the frames show, those included that show the background."""
    total, square = np.zeros_like(plate), np.zeros(plate.shape[:2], np.float32)
    weight, says = np.zeros(plate.shape[:2], np.float32), np.zeros(plate.shape[:2], np.float32)
    for each in shown:
        worth, value = np.float32(each.worth), np.where(each.mover[..., None], each.colour, plate)
        told = (each.mover | each.near) * worth
        total += told[..., None] * value
        square += told * np.square(value).sum(axis=2)
        weight += told
        says += each.mover * worth
    share = 1.0 / np.maximum(weight, np.float32(1e-9))
    mean = total * share[..., None]
    spread = np.maximum(square * share - np.square(mean).sum(axis=2), np.float32(0.0))
    lending, leaving = ((np.square(v - mean).sum(axis=2) + spread) / np.float32(3.0) for v in (colour, plate))
    return np.asarray((says > MAJORITY * weight) & (says > 0.0)), lending, leaving


def _worth_it(mover: Mask, lending: FloatImage, leaving: FloatImage) -> Mask:
    """The pieces of the (h, w) mover that must be expected to be nearer to the truth with it than without."""
    count, label = cv2.connectedComponents(mover.view(np.uint8))
    with_it, without = (np.bincount(label.ravel(), np.nan_to_num(v).ravel(), count) for v in (lending, leaving))
    better = with_it < BETTER * without
    better[0] = False
    return np.asarray(better[label])

"""Composites an effect's image over the plate in the plate's own pixel format.

Outside the matte nothing changes: only samples that lie wholly inside the matte's support are written. A chroma
sample of a subsampled format covers several pixels; when one of them lies outside, the sample stays as it is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.errors import RenderFailedError
from engine.ofx.clips import MatteClip
from engine.ofx.effect import RenderedImage
from roi_tools.geometry import Box
from roi_tools.matte import inward_feather
from timeline.media.color import rgb_to_planes
from timeline.media.frame import Frame, Plane
from timeline.media.patch import FramePatch


def composite(
    below: Frame, image: RenderedImage, matte: MatteClip, frame: int, feather_px: float, earlier: FramePatch | None
) -> FramePatch:
    """The changed region of ``below`` with ``image`` blended in through the matte of ``frame``.

    ``below`` must hold ``earlier``, the patch of the pass before; the result covers that patch too, so that it alone,
    applied to the source, gives the finished frame. Raises RenderFailedError when the image leaves part of the matte
    uncovered or has the wrong shape.
    """
    bounds = matte.bounds(frame)
    if bounds is None:
        raise RenderFailedError(f"frame {frame} was rendered although nothing is marked on it")
    _check_image(image, bounds, frame)
    form = below.format
    region = form.aligned_box(bounds, below.size)
    painted = rgb_to_planes(image.rgb, form, below.color, image.window, below)
    alpha = _feathered(matte, frame, region, bounds, feather_px)
    planes = []
    for number in range(len(painted.planes)):
        samples, corner = form.plane_box(number, region), form.plane_box(number, painted.box)
        over = painted.planes[number][samples.shifted(-corner.x0, -corner.y0).slices]
        under = below.planes[number][samples.slices]
        planes.append(_blend(under, over, _plane_alpha(alpha, form.plane_shifts(number))))
    patch = FramePatch(region, tuple(planes))
    return patch if earlier is None else _covering(patch, earlier, below)


def writable(support: NDArray[np.bool_], shifts: tuple[int, int]) -> NDArray[np.bool_]:
    """Which samples of a plane lie wholly inside ``support``, a mask of pixels (h, w).

    ``support`` starts on the plane's grid; a last sample that reaches over its end (the frame's edge) covers only the
    pixels that exist. Shape: the samples at subsampling ``shifts``.
    """
    return np.asarray(np.logical_and.reduce(_samples_of_cells(support, shifts, True)))


def _check_image(image: RenderedImage, bounds: Box, frame: int) -> None:
    window = image.window
    wanted = (window.height_px, window.width_px, 3)
    if image.rgb.shape != wanted:
        raise RenderFailedError(f"the effect's image of frame {frame} is {image.rgb.shape}, its window is {wanted}")
    if not window.contains(bounds):
        raise RenderFailedError(
            f"the effect rendered {window.as_tuple()} of frame {frame}, but the matte reaches {bounds.as_tuple()}"
        )


def _feathered(matte: MatteClip, frame: int, region: Box, bounds: Box, feather_px: float) -> NDArray[np.float32]:
    """Alpha of ``region``. The matte is seen with a margin, so that only the frame's border counts as no edge."""
    seen = bounds.united(region).grown(math.ceil(feather_px) + 1).clipped(matte.size) or region
    alpha = inward_feather(matte.image(frame, seen), feather_px)
    return alpha[region.shifted(-seen.x0, -seen.y0).slices]


def _plane_alpha(alpha: NDArray[np.float32], shifts: tuple[int, int]) -> NDArray[np.float32]:
    """Mean alpha of the pixels that a sample covers; 0 where one of them lies outside the support."""
    if shifts == (0, 0):
        return alpha
    total = sum(_samples_of_cells(alpha, shifts, 0))
    covered = sum(_samples_of_cells(np.ones_like(alpha), shifts, 0))
    return np.where(writable(alpha > 0, shifts), total / covered, 0).astype(np.float32)


def _samples_of_cells(values: NDArray, shifts: tuple[int, int], beyond: float) -> list[NDArray]:
    """The first pixel of every sample's cell, the second, ..., with ``beyond`` past the frame's edge: each as many as
    there are samples. Several times quicker than a sum over two short axes."""
    step_x, step_y = 1 << shifts[0], 1 << shifts[1]
    pad = ((0, -values.shape[0] % step_y), (0, -values.shape[1] % step_x))
    padded = np.pad(values, pad, constant_values=beyond) if any(after for _, after in pad) else values
    return [padded[row::step_y, column::step_x] for row in range(step_y) for column in range(step_x)]


def _blend(under: Plane, over: Plane, alpha: NDArray[np.float32]) -> Plane:
    """``under`` where alpha is 0 (bit for bit), ``over`` where it is 1, mixed in code values between them."""
    is_float = np.issubdtype(under.dtype, np.floating)
    whole = alpha >= 1
    if np.array_equal(whole, alpha > 0):  # without a feather
        return np.where(whole, over, under)
    with np.errstate(invalid="ignore"):  # EXR may hold inf and nan; they are dealt with below
        mixed = under + alpha * (over.astype(np.float64) - under)
    mixed = np.where(whole, over, mixed)
    if is_float:
        mixed = np.where(np.isfinite(mixed), mixed, over)
        return np.where(alpha > 0, mixed.astype(under.dtype), under)
    return np.where(alpha > 0, np.rint(mixed).astype(under.dtype), under)


def _covering(patch: FramePatch, earlier: FramePatch, below: Frame) -> FramePatch:
    """A patch over both boxes: what lies outside ``patch`` is ``below``, which holds ``earlier``."""
    box = patch.box.united(earlier.box)
    done = patch.apply(below)
    boxes = [below.format.plane_box(number, box) for number in range(len(patch.planes))]
    return FramePatch(box, tuple(done.planes[number][b.slices].copy() for number, b in enumerate(boxes)))

"""Which part of each frame of a scene the model works on: one window for all of it, or one that goes with the thing."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.ofx.parameters import ParameterSet
from engine.protocol import Advice, Remedy
from engine.vace.latent_geometry import RASTER_MULTIPLE_PX
from roi_tools.crop_path import CropPath, plan_crop, plan_following_crop
from roi_tools.geometry import Box, Size
from roi_tools.gliding_crop import plan_gliding_crop

MINIMUM_SIDE_PX = 256
"""Least side of the crop, where frame and pixel budget have as much: Wan's training began at 256 px (report
arXiv:2503.20314)."""

_WORTH_FOLLOWING = 2.0
"""A following crop is named where the model would see the shot at least so many times as large. It is no remedy that is
taken by itself: the still window also shows what lies behind the thing, see docs/removal-recipe.md."""


def planned_crop(marked: Mapping[int, Box], frame_size: Size, values: ParameterSet) -> CropPath:
    """The crop of a scene whose ``marked`` frames (rising) have something marked inside these boxes.

    Its working size is the same on all frames. Where the window has more pixels than the budget, it is scaled down to
    that, together with any shift by fractions of a pixel in one resampling.
    """
    return _planned(values.text("crop"), marked, frame_size, values)


def _planned(kind: str, marked: Mapping[int, Box], frame_size: Size, values: ParameterSet) -> CropPath:
    margin_px, budget_px = values.integer("context_margin_px"), values.integer("pixel_budget_px")
    least_px = min(MINIMUM_SIDE_PX, math.isqrt(budget_px) // RASTER_MULTIPLE_PX * RASTER_MULTIPLE_PX)
    sizes = frame_size, margin_px, RASTER_MULTIPLE_PX, budget_px, least_px
    if kind == "static":
        return plan_crop(marked.values(), *sizes)
    first = min(marked)
    boxes = [marked.get(frame) for frame in range(first, max(marked) + 1)]
    plan = plan_following_crop if kind == "following" else plan_gliding_crop
    return plan(boxes, *sizes, first_frame=first)


def scaled_down(crop: CropPath, marked: Mapping[int, Box], frame_size: Size, values: ParameterSet) -> Advice:
    """What to tell of a ``crop`` that is scaled, and what would keep more of its detail."""
    whole, working, smaller = crop.window.size, crop.working_size, _planned("following", marked, frame_size, values)
    message = (
        f"the crop of {whole} is scaled down to {working} for the model and loses detail; "
        "work at full size, if the memory allows"
    )
    if values.text("crop") == "static" and _scale(smaller) >= _WORTH_FOLLOWING * _scale(crop):
        message = (
            f"the crop of {whole} is scaled down to {working} for the model and loses detail; work at full size, "
            f"if the memory allows, or try one of {smaller.window.size} that follows the thing (crop following)"
        )
    label, budget_px = "Work at full size, if the memory allows", whole.width_px * whole.height_px
    return Advice(message=message, remedy=Remedy(label=label, parameters={"pixel_budget_px": budget_px}))


def _scale(crop: CropPath) -> float:
    return crop.working_size.width_px / crop.window.width_px

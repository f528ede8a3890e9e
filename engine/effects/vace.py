"""The ``vace`` effect: what is marked is generated anew by a Wan VACE model, from what surrounds it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from engine.errors import RenderFailedError
from engine.ofx.effect import SYNTHESISED, UNTOUCHED, ImageEffect, RenderedImage
from engine.ofx.parameters import COMPOSITE_PARAMETERS
from engine.protocol import ClipDescriptor, EffectDescriptor
from engine.vace.conditioning import box_mask, gray_box_conditioning
from engine.vace.context_windows import consecutive_windows
from engine.vace.latent_geometry import RASTER_MULTIPLE_PX, whole_frame_count
from engine.vace.model import DeviceName, VaceModel, warm_model
from engine.vace.parameters import PARAMETERS, sampler_settings
from engine.vace.sampler import inpaint
from engine.vace.transfer import from_model, to_model
from engine.vace.weights import find_model
from roi_tools.crop_path import CropPath, plan_crop
from roi_tools.geometry import Box

MINIMUM_SIDE_PX = 256
"""Least side of the crop, where the frame has as much: Wan's training began at 256 px (report arXiv:2503.20314)."""


@dataclass(frozen=True)
class _Result:
    """A sampled window, at the crop's working size: float32 (frames, H, W, 3) in [-1, 1]."""

    frames: range
    video: NDArray[np.float32]


class Vace(ImageEffect):
    """Fills the boxes with gray, crops around them, and lets Wan VACE paint what is gray, one window at a time."""

    identifier: ClassVar[str] = "vace"

    @classmethod
    def describe(cls) -> EffectDescriptor:
        """The descriptor; loads no model library."""
        return EffectDescriptor(
            identifier=cls.identifier,
            label="VACE inpaint",
            hint="Generates what the object hides with a Wan VACE model; for backgrounds that no frame ever shows.",
            version="1",
            needs_model=True,
            clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Matte"), ClipDescriptor(name="Output")),
            parameters=(*PARAMETERS, *COMPOSITE_PARAMETERS),
        )

    _model: VaceModel | None = None
    _result: _Result | None = None
    _pending: tuple[range, ...] = ()

    def get_regions_of_interest(self, frame: int) -> Box:
        """The crop around all boxes of the range."""
        return self._crop.inside_at(frame) if self._bounds else super().get_regions_of_interest(frame)

    def get_frames_needed(self, frame: int) -> range:
        """The context window of ``frame``; the frame alone where nothing is marked."""
        return self._window_of(frame) if frame in self._bounds else super().get_frames_needed(frame)

    def begin_sequence_render(self, frames: range) -> None:
        """Loads the model and plans crop and windows over the matte's whole range, so that a resume plans the same.

        Raises WeightsError and ParameterError before anything is computed.
        """
        self._pending = tuple(w for w in self._windows if any(frame in frames for frame in w if frame in self._bounds))
        if not self._pending:
            return
        folder = find_model(self.parameters.text("model"))
        self.host.progress("load", 0, 1, f"loading {folder.name}")
        self._model = warm_model(folder, cast(DeviceName, self.parameters.text("device")))
        self.host.progress("load", 1, 1)
        self._warn_of_limits()

    def render(self, frame: int) -> RenderedImage:
        """What the model made of ``frame``, inside the bounds of its matte."""
        window = self._window_of(frame)
        if self._result is None or self._result.frames != window:
            self._result = None
            self._result = _Result(window, self._sample(window))
        bounds, inside, crop = self._bounds[frame], *self._local_crop(frame)
        canvas = np.zeros((inside.height_px, inside.width_px, 3), np.float32)
        pasted = crop.paste(canvas, self._result.video[frame - window.start], frame)
        # Back at full size first, then out of the model's coding: resampling scene-linear highlights would ring.
        generated = pasted[bounds.shifted(-inside.x0, -inside.y0).slices]
        matte = self.clips.matte.image(frame, bounds)
        return RenderedImage(
            window=bounds,
            rgb=from_model(generated, self.clips.source.is_scene_linear),
            provenance=np.where(matte > 0, SYNTHESISED, UNTOUCHED).astype(np.int32),
        )

    def end_sequence_render(self) -> None:
        """Lets the pictures go; the model stays warm for the next job."""
        self._model = None
        self._result = None

    @cached_property
    def _bounds(self) -> Mapping[int, Box]:
        """Bounding box of the matte by frame, rising, only where something is marked."""
        matte = self.clips.matte
        return {frame: box for frame in matte.frames if (box := matte.bounds(frame)) is not None}

    @cached_property
    def _windows(self) -> list[range]:
        context_frames = whole_frame_count(self.parameters.integer("context_frames"))
        return consecutive_windows(self._bounds, context_frames)

    @cached_property
    def _crop(self) -> CropPath:
        return plan_crop(
            self._bounds.values(),
            self.clips.source.size,
            self.parameters.integer("context_margin_px"),
            RASTER_MULTIPLE_PX,
            self.parameters.integer("pixel_budget_px"),
            MINIMUM_SIDE_PX,
        )

    def _window_of(self, frame: int) -> range:
        return self._windows[bisect_right([window.start for window in self._windows], frame) - 1]

    def _local_crop(self, frame: int) -> tuple[Box, CropPath]:
        """The part of the frame that is needed, and the crop path in that part's own pixels.

        Reading that part only gives the same crop: the window leaves the frame on the right and at the bottom alone,
        where the part ends with the frame, so it mirrors the same pixels.
        """
        inside = self._crop.inside_at(frame)
        window = self._crop.window_at(frame).shifted(-inside.x0, -inside.y0)
        return inside, CropPath(inside.size, window, self._crop.working_size)

    def _warn_of_limits(self) -> None:
        if self._crop.is_scaled:
            self.host.warn(
                f"the crop of {self._crop.window.size} is scaled down to {self._crop.working_size} for the model and "
                "loses detail; raise pixel_budget_px or lower context_margin_px if the memory allows"
            )
        if len(self._windows) > 1:
            self.host.warn(
                f"{len(self._bounds)} marked frames are done in {len(self._windows)} windows of at most "
                f"{max(map(len, self._windows))} frames without overlap; a seam may show where two meet"
            )

    def _sample(self, window: range) -> NDArray[np.float32]:
        if self._model is None:
            raise RenderFailedError("vace: render was called without begin_sequence_render; render the range again")
        video, mask = self._read(window)
        # A resume or a request out of turn may ask for a window that was not announced.
        position = self._pending.index(window) if window in self._pending else 0

        def report(done: float, total: float) -> None:
            message = f"frames {window.start}-{window.stop - 1}, step {min(int(done) + 1, int(total))} of {int(total)}"
            self.host.progress("render", position * total + done, max(len(self._pending), 1) * total, message)

        return inpaint(self._model, gray_box_conditioning(video, mask), sampler_settings(self.parameters), report)

    def _read(self, window: range) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The window's pictures, (N, H, W, 3) in [-1, 1], and its inference mask, (N, H, W), at the working size."""
        size = self._crop.working_size
        video = np.empty((len(window), size.height_px, size.width_px, 3), np.float32)
        mask = np.zeros((len(window), size.height_px, size.width_px), bool)
        source, matte = self.clips.source, self.clips.matte
        for index, frame in enumerate(window):
            inside, crop = self._local_crop(frame)
            # Coded before it is scaled down: averaging scene-linear highlights would make the small picture too bright.
            video[index] = crop.crop(to_model(source.image(frame, inside), source.is_scene_linear), frame)
            if frame in self._bounds:
                mask[index] = box_mask(crop.crop(matte.image(frame, inside), frame))
        return video, mask

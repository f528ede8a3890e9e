"""The ``vace`` effect: what is marked is generated anew by a Wan VACE model, from what surrounds it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, cast

import numpy as np

from engine.errors import RenderFailedError, WeightsError
from engine.ofx.effect import GENERATED, UNTOUCHED, Clips, Host, ImageEffect, RenderedImage
from engine.ofx.parameters import COMPOSITE_PARAMETERS, ParameterSet
from engine.plate.scenes import find_cuts, split
from engine.protocol import Advice, ClipDescriptor, EffectDescriptor, FrameRange, PassPreflight, Remedy
from engine.vace.context_parameters import context_frames
from engine.vace.cost.forecast import RenderForecast, forecast, forecast_render
from engine.vace.cost.machine import this_machine
from engine.vace.cost.prediction import Workload
from engine.vace.files.weights import find_model
from engine.vace.latent_geometry import padded_frame_count
from engine.vace.model import DeviceName, VaceModel, configured_shape, warm_model
from engine.vace.model_parameters import ModelSettings
from engine.vace.native import fitted, native_settings
from engine.vace.parameters import PARAMETERS, mask_settings
from engine.vace.sampling.conditioning import Picture
from engine.vace.shot.crops import planned_crop, scaled_down
from engine.vace.shot.footage import CroppedFootage
from engine.vace.shot.preflight import ShotFacts, preflight
from engine.vace.shot.reference import reference_facts
from engine.vace.shot.scene_plan import Scene, plan_scenes, scene_of, searched_frames
from engine.vace.shot.stretch_render import StretchRender, forward_count
from engine.vace.shot.transfer import from_model
from engine.vace.shot.window_plan import planned_windows
from roi_tools.crop_path import CropPath
from roi_tools.geometry import Box, frame_box

_SAMPLED_MATTES = 4
"""Mattes that the preflight looks at, spread over the shot."""
PREFLIGHT_SEARCH_S = 4.0
"""A preflight is answered while a person waits: what it has not searched for cuts by then counts as one scene."""


class Vace(ImageEffect):
    """Fills the boxes with gray, crops around them, and lets Wan VACE paint what is gray, one stretch at a time.

    Between two cuts it does what it would if that scene were all there is: its own crop, no frame of another scene to
    go by, and the seed from its beginning.
    """

    identifier: ClassVar[str] = "vace"

    @classmethod
    def describe(cls) -> EffectDescriptor:
        """The descriptor; loads no model library."""
        return EffectDescriptor(
            identifier=cls.identifier,
            label="VACE inpaint",
            hint="Generates what the object hides with a Wan VACE model; for backgrounds that no frame ever shows.",
            version="4",
            needs_model=True,
            clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Matte"), ClipDescriptor(name="Output")),
            parameters=(*PARAMETERS, *COMPOSITE_PARAMETERS),
        )

    def __init__(self, parameters: ParameterSet, clips: Clips, host: Host, *, has_cuts: bool = True) -> None:
        """A model that names its own limits is not asked for more. Raises WeightsError where that file is damaged.

        Without ``has_cuts`` the clips are known to show one scene.
        """
        self._has_cuts = has_cuts
        self._native = native_settings(parameters.text("model"))
        super().__init__(fitted(parameters, self.describe(), self._native), clips, host)

    _model: VaceModel | None = None
    _generated: Iterator[tuple[int, Picture]] | None = None
    _stretch: range | None = None
    _next_frame: int = 0
    _search_limit_s: float = math.inf
    _pending: tuple[range, ...] = ()
    _footage: tuple[Scene, CroppedFootage] | None = None

    def get_regions_of_interest(self, frame: int) -> Box:
        """The crop: around all boxes of the scene, or what of it follows them on this frame."""
        if not self._bounds:
            return super().get_regions_of_interest(frame)
        return scene_of(self._scenes, frame).crop.inside_at(frame)

    def get_frames_needed(self, frame: int) -> range:
        """The stretch of marked frames around ``frame``; the frame alone where nothing is marked."""
        return self._stretch_of(frame) if frame in self._bounds else super().get_frames_needed(frame)

    def preflight(self, frames: range, worker_pid: int | None = None) -> PassPreflight:
        """What is known to fail, the forecast from the model's configuration, and the windows; loads no torch."""
        self._search_limit_s = PREFLIGHT_SEARCH_S
        self._pending = self._announced(frames)
        if not self._pending:
            return PassPreflight()
        advice, told = self._advice(), None
        try:
            found = self._forecast(worker_pid)
            advice += [found.concern] if found.concern else []
            told = found.message()
        except WeightsError as error:
            advice.append(Advice(message=str(error), about=error.about))
        windows = tuple(FrameRange(start=window.start, end_exclusive=window.stop) for window in self._windows())
        return PassPreflight(warnings=tuple(advice), forecast=told, windows=windows)

    def begin_sequence_render(self, frames: range) -> None:
        """Loads the model and plans crop and stretches over the matte's whole range, so that a resume plans the same.

        Raises WeightsError and ParameterError before anything is computed.
        """
        self._generated = None
        self._pending = self._announced(frames)
        if not self._pending:
            return
        model = find_model(self.parameters.text("model"))
        for advice in self._advice():
            self.host.warn(advice.message, advice.remedy)
        self.host.windows(self._windows())
        self.host.progress("load", 0, 1, f"loading {model.name}")
        device = cast(DeviceName, self.parameters.text("device"))
        self._model = warm_model(Path(model), device, ModelSettings.from_parameters(self.parameters))
        for note in self._model.notes:
            self.host.warn(note)
        expected = forecast_render(self._model, self._workload())
        if expected.concern:
            self.host.warn(expected.concern.message, expected.concern.remedy)
        self.host.progress("load", 1, 1, str(expected))

    def render(self, frame: int) -> RenderedImage:
        """What the model made of ``frame``, inside the bounds of its matte."""
        stretch = self._stretch_of(frame)
        if self._generated is None or self._stretch != stretch or frame < self._next_frame:
            self._generated = self._generate(stretch)
            self._stretch, self._next_frame = stretch, frame
        picture = next(picture for index, picture in self._generated if index == frame)
        self._next_frame = frame + 1
        return self._image(frame, picture)

    def end_sequence_render(self) -> None:
        """Lets the pictures go; the model stays warm for the next job."""
        self._model = None
        self._generated = None

    @cached_property
    def _bounds(self) -> Mapping[int, Box]:
        """Bounding box of the matte by frame, rising, only where something is marked."""
        matte = self.clips.matte
        return {frame: box for frame in matte.frames if (box := matte.bounds(frame)) is not None}

    @cached_property
    def _scenes(self) -> list[Scene]:
        known_frames = self.parameters.integer("known_frames")
        pieces = [self._available]
        if self._has_cuts:
            searched = searched_frames(list(self._bounds), known_frames, self._available)
            pieces = split(self._available, find_cuts(self.clips, searched, self._searching, self._search_limit_s))
        return plan_scenes(self._bounds, known_frames, pieces, self._planned_crop)

    def _searching(self, share: float) -> None:
        self.host.progress("analyse", share, 1.0, "looking for cuts")

    @property
    def _stretches(self) -> list[range]:
        return [stretch for scene in self._scenes for stretch in scene.stretches]

    @property
    def _available(self) -> range:
        # Beyond the rendered range lies another shot, or nobody has said where the thing is.
        source, matte = self.clips.source.frames, self.clips.matte.frames
        return range(max(source.start, matte.start), min(source.stop, matte.stop))

    def _planned_crop(self, marked: Mapping[int, Box]) -> CropPath:
        return planned_crop(marked, self.clips.source.size, self.parameters)

    @property
    def _largest_crop(self) -> CropPath:
        """Of all scenes: what takes the most memory."""
        return max((scene.crop for scene in self._scenes), key=lambda crop: frame_box(crop.working_size).area_px)

    def _footage_of(self, scene: Scene) -> CroppedFootage:
        if self._footage is None or self._footage[0] is not scene:
            footage = CroppedFootage(
                self.clips,
                scene.crop,
                scene.bounds.keys(),
                scene.frames,
                mask_settings(self.parameters),
                lambda share: self.host.progress("analyse", share, 1.0, "recovering the plate"),
            )
            self._footage = scene, footage
        return self._footage[1]

    def _facts(self) -> ShotFacts:
        marked = list(self._bounds)
        sampled = dict.fromkeys(marked[len(marked) * part // _SAMPLED_MATTES] for part in range(_SAMPLED_MATTES))
        path = self.parameters.text("reference_image").strip()
        return ShotFacts(
            frame_size=self.clips.source.size,
            working_size=self._largest_crop.working_size,
            boxes=self._bounds,
            stretches=self._stretches,
            scenes=[scene.frames for scene in self._scenes],
            mattes=[self._footage_of(scene_of(self._scenes, frame)).matte(frame) for frame in sampled],
            reference=reference_facts(path) if path else None,
        )

    def _workload(self) -> Workload:
        size, is_gray = self._largest_crop.working_size, self.parameters.text("fill") == "gray"
        lengths = [len(stretch) for stretch in self._pending]
        return Workload(
            width_px=size.width_px,
            height_px=size.height_px,
            window_frames=min(padded_frame_count(max(lengths)), context_frames(self.parameters)),
            frames=sum(lengths),
            forwards=sum(forward_count(length, self.parameters) for length in lengths),
            encodes=1 if is_gray and self.parameters.text("mask_mode") in ("box", "shape", "hull", "all") else 2,
        )

    def _announced(self, frames: range) -> tuple[range, ...]:
        return tuple(dict.fromkeys(self._stretch_of(frame) for frame in frames if frame in self._bounds))

    def _stretch_of(self, frame: int) -> range:
        return self._stretches[max(bisect_right([stretch.start for stretch in self._stretches], frame) - 1, 0)]

    def _generate(self, stretch: range) -> Iterator[tuple[int, Picture]]:
        if self._model is None:
            raise RenderFailedError("vace: render was called without begin_sequence_render; render the range again")
        # A request out of turn may ask for a stretch that was not announced.
        announced = self._pending if stretch in self._pending else (stretch,)
        before, total = sum(len(s) for s in announced if s.start < stretch.start), sum(map(len, announced))

        def progress(share: float, message: str) -> None:
            self.host.progress("render", before + share * len(stretch), total, message)

        footage = self._footage_of(scene_of(self._scenes, stretch.start))
        return StretchRender(self._model, footage, self.parameters, progress, self._show, self.host.warn).frames(
            stretch
        )

    def _show(self, frame: int, picture: Picture) -> None:
        # A sequential window begins with frames that are finished.
        if frame in self._bounds and frame >= self._next_frame:
            self.host.preview(frame, self._image(frame, picture))

    def _image(self, frame: int, picture: Picture) -> RenderedImage:
        bounds, (inside, crop) = self._bounds[frame], scene_of(self._scenes, frame).crop.local(frame)
        canvas = np.zeros((inside.height_px, inside.width_px, 3), np.float32)
        # Back at full size first, then out of the model's coding: resampling scene-linear highlights would ring.
        generated = crop.paste(canvas, picture, frame)[bounds.shifted(-inside.x0, -inside.y0).slices]
        matte = self.clips.matte.image(frame, bounds)
        return RenderedImage(
            window=bounds,
            rgb=from_model(generated, self.clips.source.is_scene_linear),
            provenance=np.where(matte > 0, GENERATED, UNTOUCHED).astype(np.int32),
        )

    def _windows(self) -> list[range]:
        return [window for stretch in self._pending for window in planned_windows(stretch, self.parameters)]

    def _advice(self) -> list[Advice]:
        """Everything that speaks against this render."""
        found = [concern.advice() for concern in preflight(self._facts(), self.parameters)]
        advice = [concern for concern in found if self._can_mend(concern.remedy)]
        if self._native.notice:
            advice.append(Advice(message=self._native.notice, about="models"))
        scaled = [scene for scene in self._scenes if scene.crop.is_scaled]
        if scaled:
            largest = max(scaled, key=lambda scene: scene.crop.window.area_px)
            told = scaled_down(largest.crop, largest.bounds, self.clips.source.size, self.parameters)
            advice += [told] if self._can_mend(told.remedy) else []
        return advice

    def _can_mend(self, remedy: Remedy | None) -> bool:
        """What a model's own limits say needs no remedy that goes beyond them."""
        return remedy is None or not set(remedy.parameters) <= self._native.limits.keys()

    def _forecast(self, worker_pid: int | None) -> RenderForecast:
        settings = ModelSettings.from_parameters(self.parameters)
        shape = configured_shape(Path(find_model(self.parameters.text("model"))), settings)
        machine = this_machine(self.parameters.text("device"), worker_pid)
        return forecast(shape, settings, self._workload(), machine)

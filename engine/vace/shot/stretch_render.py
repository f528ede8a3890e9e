"""One stretch of marked frames from its pixels to the generated ones, in windows, with previews on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import RenderFailedError
from engine.ofx.parameters import ParameterSet
from engine.vace.context_parameters import context_frames
from engine.vace.latent_geometry import TEMPORAL_COMPRESSION, latent_count, latent_groups, padded_frame_count
from engine.vace.memory import is_out_of_memory, within_memory
from engine.vace.model import VaceModel
from engine.vace.parameters import sampler_settings
from engine.vace.sampling.conditioning import Picture
from engine.vace.sampling.control import Control, FrameSource
from engine.vace.sampling.enhance import EnhanceSettings, enhancing
from engine.vace.sampling.preview import PreviewSender
from engine.vace.sampling.sampler import Observer, generate
from engine.vace.sampling.sequential import generate_sequentially, sequential_windows
from engine.vace.sampling.settings import SamplerSettings
from engine.vace.shot.footage import CroppedFootage
from engine.vace.shot.reference import load_reference

if TYPE_CHECKING:
    import torch

Report: TypeAlias = Callable[[float, str], None]
"""``report(share done, what is being done)``; cancels by raising."""

_SHORTEST_WINDOW_LATENTS = 5
_PRIMED_FRAMES = 2
"""Frames decoded before a clip counts as made: the first two come from both sizes of chunk that the VAE works in."""


def forward_count(frame_count: int, parameters: ParameterSet) -> int:
    """Forwards of the transformer that a stretch of so many frames takes."""
    settings = sampler_settings(parameters)
    per_window = 2 if settings.is_guided else 1
    if parameters.text("context_mode") == "sequential":
        length, overlap = context_frames(parameters), parameters.integer("context_overlap")
        return per_window * settings.step_count * len(sequential_windows(frame_count, length, overlap))
    latents = latent_count(padded_frame_count(frame_count))
    return per_window * sum(len(settings.context.windows(latents, step)) for step in range(settings.step_count))


def _shorter(settings: SamplerSettings, frame_count: int) -> SamplerSettings | None:
    """The same in windows of half the length; None where windows are too short for motion already."""
    length = min(settings.context.length, latent_count(padded_frame_count(frame_count))) // 2 + 1
    if length < _SHORTEST_WINDOW_LATENTS:
        return None
    overlap = min(settings.context.overlap, length // 2)
    return replace(settings, context=replace(settings.context, length=length, overlap=overlap))


def _window_frames(settings: SamplerSettings) -> int:
    return TEMPORAL_COMPRESSION * (settings.context.length - 1) + 1


class StretchRender:
    """Generates the frames of one stretch."""

    def __init__(
        self,
        model: VaceModel,
        footage: CroppedFootage,
        parameters: ParameterSet,
        report: Report,
        show: Callable[[int, Picture], None],
        warn: Callable[[str], None],
    ) -> None:
        """``show(frame, picture)`` is called from another thread, ``warn`` when memory has to be saved."""
        self._model, self._footage, self._parameters = model, footage, parameters
        self._report, self._show, self._warn = report, show, warn
        self._settings = sampler_settings(parameters)
        self._enhance = EnhanceSettings.from_parameters(parameters)
        model.prepare([self._settings.prompt, *([self._settings.negative_prompt] * self._settings.is_guided)])

    def frames(self, stretch: range) -> Iterator[tuple[int, Picture]]:
        """Each frame of the stretch with its picture, (H, W, 3) in [-1, 1], rising."""
        if self._parameters.text("context_mode") == "sequential":
            windows = sequential_windows(
                len(stretch), context_frames(self._parameters), self._parameters.integer("context_overlap")
            )
            pictures = generate_sequentially(partial(self._window, stretch, windows), self._source(stretch), windows)
        else:
            pictures = self._clip(self._source(stretch), stretch, self._settings, self._report)
        yield from zip(stretch, pictures, strict=True)

    def _source(self, stretch: range) -> FrameSource:
        return lambda index: self._footage.frame(stretch[index])

    def _window(self, stretch: range, windows: list[range], source: FrameSource, window: range) -> Iterator[Picture]:
        """One of the sequential windows; each has noise of its own, or what repeats would show."""
        number = windows.index(window)

        def report(share: float, message: str) -> None:
            self._report((number + share) / len(windows), message)

        settings = replace(self._settings, seed=(self._settings.seed + number) % 2**32)
        return self._clip(source, range(stretch.start + window.start, stretch.start + window.stop), settings, report)

    def _clip(self, source: FrameSource, frames: range, settings: SamplerSettings, report: Report) -> Iterator[Picture]:
        """A clip that is denoised as a whole, with less memory from then on where it did not suffice.

        First the model is made to need less, which changes nothing or little, then windows get shorter.
        """

        def progress(done: float, total: float) -> None:
            step = f"step {min(int(done) + 1, int(total))} of {int(total)}"
            report(done / total, f"frames {frames.start}-{frames.stop - 1}, {step}")

        def attempt() -> Iterator[Picture]:
            with ExitStack() as stack:
                observe = self._observer(frames, stack)
                stack.enter_context(enhancing(self._model, self._enhance, settings.flow_shift))
                pictures = generate(
                    self._model, source, len(frames), settings, progress, references=self._references, observe=observe
                )
                first = list(islice(pictures, _PRIMED_FRAMES))
            return chain(first, pictures)

        try:
            return within_memory(self._model, attempt, self._warn)
        except RenderFailedError as error:
            shorter = _shorter(settings, len(frames))
            if shorter is None or not is_out_of_memory(error):
                raise
        # Outside of the handler: while it is handled, the error holds on to every tensor of the failed attempt.
        self._settings = replace(self._settings, context=shorter.context)
        self._warn(
            f"out of GPU memory: from now on windows are {_window_frames(shorter)} frames long (context_frames); "
            "the render goes on"
        )
        return self._clip(source, frames, shorter, report)

    @property
    def _references(self) -> list[Picture]:
        path = self._parameters.text("reference_image").strip()
        if not path:
            return []
        is_cropped = self._parameters.flag("reference_crop")
        return [load_reference(path, self._footage.crop.working_size, is_cropped=is_cropped)]

    def _observer(self, frames: range, stack: ExitStack) -> Observer | None:
        """Hands each step's estimate to the previews, which end with ``stack``, before final frames come."""
        if not self._parameters.flag("preview"):
            return None
        sender = stack.enter_context(PreviewSender(self._show))
        groups = [
            [frames[index] for index in group if index < len(frames)]
            for group in latent_groups(padded_frame_count(len(frames)))
        ]

        def observe(estimate: torch.Tensor, control: Control) -> None:
            sender.offer(lambda: estimate[0].float().cpu().numpy(), control.colors, groups)

        return observe

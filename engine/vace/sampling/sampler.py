"""A clip through the model: encode, denoise in overlapping context windows, decode.

The same arithmetic as ``WanVACEPipeline.__call__`` in diffusers, bit by bit where one window holds the clip, from the
pipeline's own parts; but the video reaches the VAE as it is (the pipeline's pre-processing resizes, rounds and guesses
value ranges), the mask can be timed by group maximum, and a render can be stopped inside a model forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import ParameterError, RenderFailedError
from engine.vace.model import VaceModel
from engine.vace.sampling.context_windows import ContextWindow
from engine.vace.sampling.control import Control, FrameSource, encode_control
from engine.vace.sampling.meter import Meter, Progress, experts
from engine.vace.sampling.noise import free_noise, initial_noise
from engine.vace.sampling.settings import SamplerSettings
from engine.vace.sampling.solver import make_scheduler
from engine.vace.sampling.vae_stream import decoded

if TYPE_CHECKING:
    import torch

Observer: TypeAlias = Callable[["torch.Tensor", Control], None]
"""``observe(estimate, control)``: what the clip will be as far as the step knows, (1, 16, latents, h, w)."""


def generate(
    model: VaceModel,
    source: FrameSource,
    frame_count: int,
    settings: SamplerSettings,
    progress: Progress,
    *,
    references: Sequence[NDArray[np.float32]] = (),
    observe: Observer | None = None,
) -> Iterator[NDArray[np.float32]]:
    """The clip's frames, float32 (H, W, 3) in [-1, 1]; the first one comes once the whole clip is denoised.

    All of the picture has been through the VAE, what is not masked too; composite it. Memory holds latents for every
    frame, but pictures of a few only. Raises RenderFailedError where memory does not suffice or the model answers with
    not-a-numbers, and whatever ``progress`` raises.
    """
    meter = Meter(progress, settings.step_count)
    with _plain_errors(frame_count), meter.watching(model), _no_gradients():
        control = encode_control(model, source, frame_count, settings.mask_timing, references)
        latents = denoise(model, control, settings, meter, observe)
    meter.finish()
    with _plain_errors(frame_count):
        frames = _frames(model, latents, meter)
        for _ in range(frame_count):
            yield next(frames)


def denoise(
    model: VaceModel, control: Control, settings: SamplerSettings, meter: Meter, observe: Observer | None = None
) -> torch.Tensor:
    """From noise to the clip's latents, (1, 16, latents, h, w) float32.

    Each step mixes the guided predictions v of all windows W by their shares s, which sum to 1, and the solver takes
    one step on the whole: v(x) = sum over W of s_W v_W(x_W). So multistep solvers stay valid.
    """
    import torch

    scheduler = make_scheduler(
        model.pipeline.scheduler, settings.solver, settings.flow_shift, settings.steps, settings.sigmas, model.device
    )
    with torch.no_grad():
        latents = _starting_noise(model, control, settings).to(model.device)
        for step, timestep in enumerate(scheduler.timesteps):
            windows = settings.context.windows(control.latent_count, step)
            predictor = _Predictor(model, control, settings, timestep)
            meter.begin_step(step, len(windows) * (2 if settings.is_guided else 1), predictor.block_count)
            velocity = torch.zeros_like(latents)
            for window in windows:
                predicted = predictor.guided(latents, window)
                _mix(velocity, predicted, window, control.references, len(windows))
            if observe:
                observe((latents - scheduler.sigmas[step].item() * velocity)[:, :, control.references :], control)
            latents = scheduler.step(velocity.to(predicted.dtype), timestep, latents, return_dict=False)[0]
    return latents[:, :, control.references :]


def _mix(velocity: torch.Tensor, predicted: torch.Tensor, window: ContextWindow, references: int, count: int) -> None:
    """Adds a window's share; the references, which every window sees, are averaged over all ``count``."""
    import torch

    shares = torch.from_numpy(window.shares).to(velocity).view(1, 1, -1, 1, 1)
    clip = [references + latent for latent in window.latents]
    velocity[:, :, clip] += shares * predicted[:, :, predicted.shape[2] - len(clip) :]
    velocity[:, :, :references] += predicted[:, :, :references] / count


class _Predictor:
    """Predictions of one denoising step."""

    def __init__(self, model: VaceModel, control: Control, settings: SamplerSettings, timestep: torch.Tensor) -> None:
        self._model, self._control, self._settings, self._timestep = model, control, settings, timestep
        self._transformer: Any = _expert(model, timestep)
        self._scale = _layer_scales(self._transformer.config.vace_layers, settings, control.tensor, model.device)

    @property
    def block_count(self) -> int:
        return len(self._transformer.blocks) + len(self._transformer.vace_blocks)

    def guided(self, latents: torch.Tensor, window: ContextWindow) -> torch.Tensor:
        """The window's prediction, preceded by those of the references (and of the anchor, for nobody to use)."""
        seen = self._seen(window)
        part, control = latents[:, :, seen], self._control.tensor[:, :, seen].to(self._model.device)
        prediction = self._predict(part, control, self._settings.prompt)
        if self._settings.is_guided:
            unguided = self._predict(part, control, self._settings.negative_prompt)
            prediction = unguided + self._settings.guidance_scale * (prediction - unguided)
        return prediction

    def _seen(self, window: ContextWindow) -> list[int]:
        """The latents that the model looks at: references, an anchor, the window.

        The model takes the first latent of whatever it sees for the beginning of a shot. Where the window begins
        later, the latent before it takes that role.
        """
        first, references = window.latents[0], self._control.references
        anchor = [first - 1] if self._settings.anchor_latent and first > 0 and first - 1 not in window.latents else []
        return [*range(references), *(references + latent for latent in (*anchor, *window.latents))]

    def _predict(self, latents: torch.Tensor, control: torch.Tensor, prompt: str) -> torch.Tensor:
        prediction: torch.Tensor = self._transformer(
            hidden_states=latents.to(control.dtype),
            timestep=self._timestep.expand(1),
            encoder_hidden_states=self._model.embedding(prompt),
            control_hidden_states=control,
            control_hidden_states_scale=self._scale,
            return_dict=False,
        )[0]
        return prediction


def _layer_scales(layers: Sequence[int], settings: SamplerSettings, like: torch.Tensor, device: Any) -> torch.Tensor:
    """How strongly each VACE layer steers. Raises ParameterError where the list does not fit the model."""
    import torch

    given = settings.layer_scales or (1.0,) * len(layers)
    if len(given) != len(layers):
        raise ParameterError(
            f"parameter 'conditioning_layers' has {len(given)} values, this model has {len(layers)} VACE layers; "
            "give one number for each, or none"
        )
    return torch.tensor([settings.conditioning_scale * scale for scale in given]).to(device, like.dtype)


def _expert(model: VaceModel, timestep: torch.Tensor) -> Any:
    """The transformer of this noise level: Wan 2.2 has a second one, for timesteps below its boundary."""
    pipeline = model.pipeline
    boundary = pipeline.config.boundary_ratio
    if boundary is None or timestep >= boundary * pipeline.scheduler.config.num_train_timesteps:
        return experts(model)[0]
    return experts(model)[-1]


def _starting_noise(model: VaceModel, control: Control, settings: SamplerSettings) -> torch.Tensor:
    import torch

    channels = experts(model)[0].config.in_channels
    noise = initial_noise((1, channels, *control.tensor.shape[2:]), settings.seed)
    if not settings.free_noise:
        return noise
    lead, clip = noise[:, :, : control.references], noise[:, :, control.references :]
    plan = settings.context
    return torch.cat([lead, free_noise(clip, plan.length, plan.overlap, settings.seed)], dim=2)


def _frames(model: VaceModel, latents: torch.Tensor, meter: Meter) -> Iterator[NDArray[np.float32]]:
    """Decodes chunk by chunk, as the frames are asked for."""
    chunks = decoded(model.pipeline.vae, latents)
    while True:
        with meter.watching(model):
            chunk = next(chunks, None)
        if chunk is None:
            return
        video = np.ascontiguousarray(chunk[0].permute(1, 2, 3, 0).float().cpu().numpy())
        if not np.isfinite(video).all():
            raise RenderFailedError(
                f"the model in {model.folder} answered with not-a-numbers; its weights may be damaged: "
                "download it again"
            )
        yield from video


def _no_gradients() -> Any:
    import torch

    return torch.no_grad()


@contextmanager
def _plain_errors(frame_count: int) -> Iterator[None]:
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RenderFailedError(
            f"out of GPU memory with {frame_count} frames; "
            "lower pixel_budget_px or context_frames, turn on vae_tiling, or use the 1.3B model"
        ) from error

"""The parameters of the ``vace`` effect, and the sampler's settings that they stand for."""

from __future__ import annotations

from typing import cast

from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterDescriptor
from engine.vace.conditioning import MaskTiming
from engine.vace.latent_geometry import RASTER_MULTIPLE_PX
from engine.vace.sampler import SamplerSettings
from engine.vace.weights import MODEL_VARIABLE

_MODEL_PARAMETERS = (
    ParameterDescriptor(
        name="model",
        label="Model folder",
        hint="Folder of a Wan 2.1 VACE model in diffusers' layout (1.3B or 14B); "
        f"empty takes the environment variable {MODEL_VARIABLE}.",
        kind="path",
        default="",
        group="Model",
    ),
    ParameterDescriptor(
        name="device",
        label="Device",
        hint="What computes; auto takes a CUDA GPU, then Apple's, then the CPU (which takes hours).",
        kind="choice",
        default="auto",
        choices=("auto", "cuda", "mps", "cpu"),
        group="Model",
        advanced=True,
    ),
)
_SAMPLING_PARAMETERS = (
    ParameterDescriptor(
        name="steps",
        label="Steps",
        hint="Denoising steps: more are finer and slower in proportion.",
        kind="int",
        default=20,
        minimum=1,
        maximum=200,
        group="Sampling",
    ),
    ParameterDescriptor(
        name="seed",
        label="Seed",
        hint="Another seed invents another background; the same seed gives the same one again.",
        kind="int",
        default=0,
        minimum=0,
        maximum=2**32 - 1,
        group="Sampling",
    ),
    ParameterDescriptor(
        name="guidance_scale",
        label="Guidance",
        hint="How far the prompt pulls away from the negative prompt; 1 turns guidance off and halves the time. "
        "Has no effect, and costs nothing, while both prompts are empty.",
        kind="double",
        default=5.0,
        minimum=1.0,
        maximum=20.0,
        group="Sampling",
    ),
    ParameterDescriptor(
        name="flow_shift",
        label="Flow shift",
        hint="Spends more of the steps on large shapes: 3 suits rasters around 480p, 5 around 720p.",
        kind="double",
        default=3.0,
        minimum=0.1,
        maximum=20.0,
        group="Sampling",
        advanced=True,
    ),
    ParameterDescriptor(
        name="conditioning_scale",
        label="Conditioning scale",
        hint="How strongly the surroundings steer what is generated; below 1 it drifts from them.",
        kind="double",
        default=1.0,
        minimum=0.0,
        maximum=2.0,
        group="Sampling",
        advanced=True,
    ),
)
_PROMPT_PARAMETERS = (
    ParameterDescriptor(
        name="prompt",
        label="Prompt",
        hint="Best left empty, or a plain description of the background. "
        "Do not name what is removed: the model would paint it.",
        kind="string",
        default="",
        group="Prompt",
    ),
    ParameterDescriptor(
        name="negative_prompt",
        label="Negative prompt",
        hint="What to stay away from; counts where guidance is above 1.",
        kind="string",
        default="",
        group="Prompt",
    ),
)
_WINDOW_PARAMETERS = (
    ParameterDescriptor(
        name="context_margin_px",
        label="Context margin",
        hint="How much of the picture around the boxes the model sees; with too little it has to guess.",
        kind="int",
        default=64,
        minimum=0,
        maximum=2048,
        unit="px",
        group="Context",
    ),
    ParameterDescriptor(
        name="pixel_budget_px",
        label="Pixel budget",
        hint="Largest area the model works on, 480x832 unless changed; a larger crop is scaled down to it and loses "
        "detail, a smaller one keeps every pixel. Memory and time grow with it.",
        kind="int",
        default=480 * 832,
        minimum=RASTER_MULTIPLE_PX**2,
        maximum=4096 * 4096,
        unit="px",
        group="Context",
    ),
    ParameterDescriptor(
        name="context_frames",
        label="Context frames",
        hint="Most frames that are generated together; Wan was trained on 81. Counts as the next lower 4n + 1. "
        "Longer shots are done in pieces, where a seam may show.",
        kind="int",
        default=81,
        minimum=1,
        maximum=401,
        unit="frames",
        group="Context",
    ),
    ParameterDescriptor(
        name="mask_timing",
        label="Mask timing",
        hint="How the mask is told to the model, which thinks in groups of 4 frames: group_max marks a group where any "
        "of its frames is marked, nearest reads one frame of it and misreads fast boxes.",
        kind="choice",
        default="group_max",
        choices=("group_max", "nearest"),
        group="Context",
        advanced=True,
    ),
)

PARAMETERS = (*_MODEL_PARAMETERS, *_SAMPLING_PARAMETERS, *_PROMPT_PARAMETERS, *_WINDOW_PARAMETERS)


def sampler_settings(values: ParameterSet) -> SamplerSettings:
    """What the sampler reads of an instance's values."""
    return SamplerSettings(
        steps=values.integer("steps"),
        guidance_scale=values.double("guidance_scale"),
        seed=values.integer("seed"),
        prompt=values.text("prompt"),
        negative_prompt=values.text("negative_prompt"),
        flow_shift=values.double("flow_shift"),
        conditioning_scale=values.double("conditioning_scale"),
        mask_timing=cast(MaskTiming, values.text("mask_timing")),
    )

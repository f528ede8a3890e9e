"""The parameters of the ``vace`` effect, and the settings that they stand for."""

from __future__ import annotations

from typing import cast

from engine.errors import ParameterError
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterDescriptor
from engine.vace.context_parameters import CONTEXT_PARAMETERS, context_plan
from engine.vace.files.weights import MODEL_VARIABLE
from engine.vace.model_parameters import MODEL_PARAMETERS
from engine.vace.sampling.conditioning import FillMode, MaskMode, MaskSettings, MaskTiming
from engine.vace.sampling.enhance import ENHANCE_PARAMETERS
from engine.vace.sampling.settings import SamplerSettings
from engine.vace.sampling.solver import SolverName, parse_sigmas

_WHICH_MODEL = (
    ParameterDescriptor(
        name="model",
        label="Model",
        hint="Folder of a Wan VACE model in diffusers' layout, or a single file; "
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
        hint="How far the prompt pulls away from the negative prompt, 5 for a prompt that should be followed closely; "
        "1 turns guidance off and halves the time. Has no effect while both prompts are empty.",
        kind="double",
        default=1.0,
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
        name="scheduler",
        label="Scheduler",
        hint="How steps are taken: model takes the one that came with the model, unipc is exact in few steps, "
        "flow_match_euler and flow_match_lcm suit distilled LoRAs.",
        kind="choice",
        default="model",
        choices=("model", "unipc", "flow_match_euler", "flow_match_lcm"),
        group="Sampling",
        advanced=True,
    ),
    ParameterDescriptor(
        name="sigmas",
        label="Sigmas",
        hint="Noise levels before the flow shift, one per step: falling numbers such as 1, 0.75, 0.5, 0.25, or linear, "
        "which distilled LoRAs want; empty leaves it to the scheduler.",
        kind="string",
        default="",
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
_MASK_PARAMETERS = (
    ParameterDescriptor(
        name="mask_mode",
        label="Mask",
        hint="What the model repaints: a box around each part of the matte, its shape, or its convex hull. A shape "
        "says what stood there, and the model paints it again. For study: none gives no mask, all the whole frame, "
        "nothing an empty mask.",
        kind="choice",
        default="box",
        choices=("box", "shape", "hull", "none", "all", "nothing"),
        group="Conditioning",
    ),
    ParameterDescriptor(
        name="mask_dilate_px",
        label="Dilate mask",
        hint="Widens the mask that the model sees, in pixels of the crop; what is composited stays as it is. "
        "Shapes thinner than 16 px vanish.",
        kind="int",
        default=0,
        minimum=0,
        maximum=256,
        unit="px",
        group="Conditioning",
        advanced=True,
    ),
    ParameterDescriptor(
        name="fill",
        label="Fill",
        hint="What stands under the mask: gray removes; source leaves the thing in, which the model then paints again; "
        "plate gives it what other frames show there, as clean-plate recovers it.",
        kind="choice",
        default="gray",
        choices=("gray", "source", "plate"),
        group="Conditioning",
    ),
    ParameterDescriptor(
        name="mask_timing",
        label="Mask timing",
        hint="How the mask is told to the model, which thinks in groups of 4 frames: group_max marks a group where any "
        "of its frames is marked, nearest reads one frame of it and misreads fast boxes.",
        kind="choice",
        default="group_max",
        choices=("group_max", "nearest"),
        group="Conditioning",
        advanced=True,
    ),
    ParameterDescriptor(
        name="reference_image",
        label="Reference image",
        hint="An image of what should appear: a texture, or a plate painted by hand. Leave it empty to remove.",
        kind="path",
        default="",
        group="Conditioning",
        advanced=True,
    ),
    ParameterDescriptor(
        name="reference_crop",
        label="Crop reference",
        hint="Cuts the flat background off around the thing in the reference, and scales the thing up.",
        kind="bool",
        default=True,
        group="Conditioning",
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
        group="Conditioning",
        advanced=True,
    ),
    ParameterDescriptor(
        name="conditioning_layers",
        label="Scale per layer",
        hint="A factor for each VACE layer, 15 numbers for the 1.3B model and 8 for the 14B; empty is 1 for all.",
        kind="string",
        default="",
        group="Conditioning",
        advanced=True,
    ),
)
_PREVIEW_PARAMETERS = (
    ParameterDescriptor(
        name="preview",
        label="Preview",
        hint="Shows after each step what the frames are turning into, in rough colors.",
        kind="bool",
        default=True,
        group="Preview",
        advanced=True,
        evaluates=False,
    ),
)

PARAMETERS = (
    *_WHICH_MODEL,
    *MODEL_PARAMETERS,
    *_SAMPLING_PARAMETERS,
    *ENHANCE_PARAMETERS,
    *_PROMPT_PARAMETERS,
    *_MASK_PARAMETERS,
    *CONTEXT_PARAMETERS,
    *_PREVIEW_PARAMETERS,
)


def sampler_settings(values: ParameterSet) -> SamplerSettings:
    """What the sampler reads of an instance's values. Raises ParameterError for lists that are none."""
    steps = values.integer("steps")
    return SamplerSettings(
        steps=steps,
        guidance_scale=values.double("guidance_scale"),
        seed=values.integer("seed"),
        prompt=values.text("prompt"),
        negative_prompt=values.text("negative_prompt"),
        solver=cast(SolverName, values.text("scheduler")),
        sigmas=parse_sigmas(values.text("sigmas"), steps),
        flow_shift=values.double("flow_shift"),
        conditioning_scale=values.double("conditioning_scale"),
        layer_scales=_layer_scales(values.text("conditioning_layers")),
        mask_timing=cast(MaskTiming, values.text("mask_timing")),
        context=context_plan(values),
        free_noise=values.flag("free_noise"),
        anchor_latent=values.flag("anchor_latent"),
    )


def mask_settings(values: ParameterSet) -> MaskSettings:
    """How the matte becomes the model's mask."""
    return MaskSettings(
        cast(MaskMode, values.text("mask_mode")),
        values.integer("mask_dilate_px"),
        cast(FillMode, values.text("fill")),
    )


def _layer_scales(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise ParameterError(
            f"parameter 'conditioning_layers' is {text!r}; it takes numbers, one for each VACE layer, or nothing"
        ) from None

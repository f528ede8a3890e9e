"""The parameters of the ``vace`` effect, and the settings that they stand for."""

from __future__ import annotations

from typing import cast

from engine.errors import ParameterError
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterDescriptor
from engine.vace.files.weights import MODEL_VARIABLE
from engine.vace.latent_geometry import (
    RASTER_MULTIPLE_PX,
    TEMPORAL_COMPRESSION,
    latent_count,
    whole_frame_count,
)
from engine.vace.model_parameters import MODEL_PARAMETERS
from engine.vace.sampling.conditioning import FillMode, MaskMode, MaskSettings, MaskTiming
from engine.vace.sampling.context_windows import ContextPlan, Fuse, Schedule
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
_CONTEXT_PARAMETERS = (
    ParameterDescriptor(
        name="crop",
        label="Crop",
        hint="What the model sees of each frame: static shows it one window around all boxes; following a smaller one "
        "that goes with them by whole pixels, for a thing that crosses the picture; gliding goes with them smoothly, "
        "by fractions of a pixel, a little softer where it need not be scaled.",
        kind="choice",
        default="static",
        choices=("static", "following", "gliding"),
        group="Context",
        advanced=True,
    ),
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
        hint="Most frames that the model sees at once; Wan was trained on 81. Counts as the next lower 4n + 1.",
        kind="int",
        default=81,
        minimum=1,
        maximum=401,
        unit="frames",
        group="Context",
    ),
    ParameterDescriptor(
        name="context_overlap",
        label="Context overlap",
        hint="How many frames two windows share, in which one runs into the other: more hide the seam and cost time.",
        kind="int",
        default=16,
        minimum=0,
        maximum=400,
        unit="frames",
        group="Context",
    ),
    ParameterDescriptor(
        name="context_mode",
        label="Long shots",
        hint="blended mixes overlapping windows at every step, which hides where they meet; sequential goes on from "
        "the last frames of each window, in the memory of one, but colors may drift.",
        kind="choice",
        default="blended",
        choices=("blended", "sequential"),
        group="Context",
        advanced=True,
    ),
    ParameterDescriptor(
        name="context_schedule",
        label="Context schedule",
        hint="Where windows lie when they are blended: static_even takes the fewest, evenly spaced; static_standard "
        "pulls the last one back; uniform ones move with each step, looped for shots that end as they begin.",
        kind="choice",
        default="static_even",
        choices=("static_even", "static_standard", "uniform_standard", "uniform_looped"),
        group="Context",
        advanced=True,
    ),
    ParameterDescriptor(
        name="context_stride",
        label="Context stride",
        hint="Above 1, adds windows that see every 2nd, 4th, ... latent, so that far ends of a long shot agree.",
        kind="int",
        default=1,
        minimum=1,
        maximum=6,
        group="Context",
        advanced=True,
    ),
    ParameterDescriptor(
        name="context_fuse",
        label="Context fuse",
        hint="How blended windows are weighed: linear fades over what they share, pyramid trusts the middle of each.",
        kind="choice",
        default="linear",
        choices=("linear", "pyramid"),
        group="Context",
        advanced=True,
    ),
    ParameterDescriptor(
        name="free_noise",
        label="Shared noise",
        hint="Begins all windows of a long shot with the same noise, shuffled, so that they look alike (FreeNoise).",
        kind="bool",
        default=True,
        group="Context",
        advanced=True,
    ),
    ParameterDescriptor(
        name="anchor_latent",
        label="Anchor latent",
        hint="Shows each later window the moment before it, so that it does not start like a new shot.",
        kind="bool",
        default=True,
        group="Context",
        advanced=True,
    ),
    ParameterDescriptor(
        name="known_frames",
        label="Known frames",
        hint="How many unmarked frames before and after the marked ones the model sees, and continues from. "
        "For redoing a few frames of a finished shot; leave 0 where they still show the thing.",
        kind="int",
        default=0,
        minimum=0,
        maximum=200,
        unit="frames",
        group="Context",
        advanced=True,
    ),
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
    *_CONTEXT_PARAMETERS,
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
        context=_context_plan(values),
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


def context_frames(values: ParameterSet) -> int:
    """Frames of one window, 4n + 1."""
    return whole_frame_count(values.integer("context_frames"))


def _context_plan(values: ParameterSet) -> ContextPlan:
    return ContextPlan(
        schedule=cast(Schedule, values.text("context_schedule")),
        length=latent_count(context_frames(values)),
        overlap=values.integer("context_overlap") // TEMPORAL_COMPRESSION,
        stride=values.integer("context_stride"),
        fuse=cast(Fuse, values.text("context_fuse")),
    )


def _layer_scales(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise ParameterError(
            f"parameter 'conditioning_layers' is {text!r}; it takes numbers, one for each VACE layer, or nothing"
        ) from None

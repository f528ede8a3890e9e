"""The parameters of the ``vace`` effect that say what the model sees at once, in space and in time."""

from __future__ import annotations

from typing import cast

from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterDescriptor
from engine.vace.latent_geometry import RASTER_MULTIPLE_PX, TEMPORAL_COMPRESSION, latent_count, whole_frame_count
from engine.vace.sampling.context_windows import ContextPlan, Fuse, Schedule

CONTEXT_PARAMETERS = (
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
)


def context_frames(values: ParameterSet) -> int:
    """Frames of one window, 4n + 1."""
    return whole_frame_count(values.integer("context_frames"))


def context_plan(values: ParameterSet) -> ContextPlan:
    """Where context windows lie and how they are weighed."""
    return ContextPlan(
        schedule=cast(Schedule, values.text("context_schedule")),
        length=latent_count(context_frames(values)),
        overlap=values.integer("context_overlap") // TEMPORAL_COMPRESSION,
        stride=values.integer("context_stride"),
        fuse=cast(Fuse, values.text("context_fuse")),
    )

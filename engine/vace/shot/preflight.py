"""What is known to fail, told before a render takes its time: each with the reason and the change that mends it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.ofx.parameters import ParameterSet
from engine.protocol import Advice, ParameterValue, Remedy
from engine.vace.latent_geometry import padded_frame_count
from engine.vace.sampling.conditioning import (
    MASKED_MINIMUM_PX,
    MaskSettings,
    Picture,
    box_share,
    painted_region,
    thinnest_px,
)
from roi_tools.geometry import Box, Size

TRAINED_AREA_PX = range(256 * 256, 720 * 1280 + 1)
"""Wan 2.1 VACE was trained from 256 px squares to 720p (report arXiv:2503.20314)."""
TRAINED_FRAMES = 81
_MOST_FRAMES = 121
"""Half as many frames again as in training still hold together."""
_FEWEST_FRAMES = 9
_NAMED_THINGS = re.compile(
    r"\b(person|people|m[ae]n|wom[ae]n|boys?|girls?|child|children|kids?|players?|pedestrians?|walkers?|runners?|"
    r"cyclists?|crowd|actors?|actress|someone|dogs?|cats?|birds?|horses?|cars?|trucks?|bus|vans?|bikes?|bicycles?|"
    r"motorcycles?|boats?|drones?|logos?|watermarks?|cables?|rigs?|tripods?|microphones?)\b"
)


@dataclass(frozen=True)
class Concern:
    """``reason`` is a sentence without its end; ``remedy`` holds the parameters to change, and their values.

    ``label`` says what the remedy does, as a button says it.
    """

    reason: str
    label: str
    remedy: Mapping[str, ParameterValue]

    def __str__(self) -> str:
        return f"{self.reason}; {self.label[0].lower()}{self.label[1:]}"

    def advice(self) -> Advice:
        """As the protocol says it."""
        return Advice(message=str(self), remedy=Remedy(label=self.label, parameters=dict(self.remedy)))


@dataclass(frozen=True)
class ShotFacts:
    """What is known of a shot before it is rendered.

    ``boxes``: bounds of what is marked, by frame. ``mattes``: some of the cropped mattes, (H, W) coverage.
    ``stretches``: the clips that are sampled. ``scenes``: the frames between cuts, which clips cannot
    leave. ``reference``: the picture in
    the parameter ``reference_image``, and the bounds of the thing in it.
    """

    frame_size: Size
    working_size: Size
    boxes: Mapping[int, Box]
    stretches: Sequence[range]
    scenes: Sequence[range]
    mattes: Sequence[Picture] = ()
    reference: tuple[Size, Box] | None = field(default=None)


def preflight(facts: ShotFacts, values: ParameterSet) -> list[Concern]:
    """All that speaks against rendering this shot with these values."""
    return [concern for check in _CHECKS for concern in check(facts, values)]


def _silhouette(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    # Removal LoRAs are trained on outlines.
    if values.text("mask_mode") not in ("shape", "hull") or values.text("lora_1").strip():
        return
    if min(map(box_share, facts.mattes), default=1.0) < 0.8:
        yield Concern(
            "the mask follows the outline of what is removed, and an outline tells the model what to paint again",
            "Use the box as the mask",
            {"mask_mode": "box"},
        )


def _thin_mask(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    mode, dilate_px = values.text("mask_mode"), values.integer("mask_dilate_px")
    if mode not in ("shape", "hull"):
        return
    settings = MaskSettings("shape" if mode == "shape" else "hull", dilate_px)
    widths = [thinnest_px(painted_region(matte, settings)) for matte in facts.mattes]
    thinnest = min((width for width in widths if width), default=MASKED_MINIMUM_PX)
    if thinnest < MASKED_MINIMUM_PX:
        yield Concern(
            f"the mask is {thinnest} px wide at its thinnest part; the model's 8x8 compression does not see less than "
            f"{MASKED_MINIMUM_PX} px",
            "Widen the mask",
            {"mask_dilate_px": dilate_px + math.ceil((MASKED_MINIMUM_PX - thinnest) / 2)},
        )


def _left_in(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    del facts
    if values.text("fill") == "source":
        yield Concern(
            "the thing is left in under the mask, and the model will paint it again",
            "Fill the mask with gray",
            {"fill": "gray"},
        )
    mode = values.text("mask_mode")
    if mode in ("none", "nothing"):
        yield Concern(
            f"mask_mode {mode} has the model copy the gray patch instead of filling it",
            "Use the box as the mask",
            {"mask_mode": "box"},
        )
    if mode == "all" and not values.integer("known_frames"):
        yield Concern(
            "mask_mode all shows the model nothing of the shot to go by",
            "Show it 16 frames before and after",
            {"known_frames": 16},
        )


def _full_frame_reference(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    if facts.reference is None:
        return
    size, thing = facts.reference
    if thing.width_px * thing.height_px < 0.9 * size.width_px * size.height_px:
        if not values.flag("reference_crop"):
            yield Concern(
                "the reference shows its thing small in a full frame", "Crop the reference", {"reference_crop": True}
            )
        return
    if math.isclose(
        size.width_px / size.height_px, facts.frame_size.width_px / facts.frame_size.height_px, rel_tol=0.02
    ):
        yield Concern(
            "the reference is a full frame, whose details are lost on the model",
            "Leave the reference out",
            {"reference_image": ""},
        )


def _named_thing(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    del facts
    named = _NAMED_THINGS.search(values.text("prompt").lower())
    if named:
        yield Concern(
            f"the prompt names '{named[0]}', and what is named is painted, 'no' and 'without' or not",
            "Empty the prompt",
            {"prompt": ""},
        )


def _idle_guidance(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    del facts
    prompts = values.text("prompt").split(), values.text("negative_prompt").split()
    if values.double("guidance_scale") > 1.0 and not any(prompts):
        yield Concern(
            "guidance does nothing while both prompts are empty", "Turn guidance off", {"guidance_scale": 1.0}
        )


def _large_box(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    area = facts.frame_size.width_px * facts.frame_size.height_px
    largest = max((box.width_px * box.height_px for box in facts.boxes.values()), default=0)
    if 2 * largest > area and values.text("fill") != "plate":
        yield Concern(
            "more than half of the frame is to be removed, so that little is left for the model to go by",
            "Fill with what other frames show",
            {"fill": "plate"},
        )


def _short_window(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    """Within one window something stays hidden that the stretch as a whole shows."""
    length = values.integer("context_frames")
    for stretch in facts.stretches:
        boxes = [facts.boxes[frame] for frame in stretch if frame in facts.boxes]
        if len(stretch) <= length or _common(boxes) is not None:
            continue
        if any(
            _common(boxes[start : start + length]) for start in range(0, len(boxes) - length + 1, max(length // 2, 1))
        ):
            fits = padded_frame_count(len(stretch)) <= _MOST_FRAMES
            needed = padded_frame_count(len(stretch))
            label, remedy = (f"See {needed} frames at once", {"context_frames": needed}) if fits else _STRIDED
            yield Concern(
                f"what is removed takes more than the window of {length} frames to clear what it hides", label, remedy
            )
            return


_STRIDED: tuple[str, dict[str, ParameterValue]] = (
    "Add windows that see every second moment",
    {"context_mode": "blended", "context_stride": 2},
)


def _common(boxes: Sequence[Box]) -> Box | None:
    """What lies in all of the boxes; None where nothing does."""
    if not boxes:
        return None
    edges = np.array([box.as_tuple() for box in boxes])
    (x0, y0), (x1, y1) = edges[:, :2].max(axis=0), edges[:, 2:].min(axis=0)
    return Box(int(x0), int(y0), int(x1), int(y1)) if x0 < x1 and y0 < y1 else None


def _untrained(facts: ShotFacts, values: ParameterSet) -> Iterator[Concern]:
    size, budget_px = facts.working_size, values.integer("pixel_budget_px")
    area_px = size.width_px * size.height_px
    is_cut = area_px < TRAINED_AREA_PX.start and budget_px < TRAINED_AREA_PX.start
    if is_cut or area_px >= TRAINED_AREA_PX.stop:
        yield Concern(
            f"the model works at {size}, far from the sizes that it was trained on",
            "Work at the area of 480x832",
            {"pixel_budget_px": 480 * 832},
        )
    longest = min(max(map(len, facts.stretches)), values.integer("context_frames"))
    if longest > _MOST_FRAMES:
        yield Concern(
            f"windows of {longest} frames are far longer than the {TRAINED_FRAMES} that the model was trained on",
            f"See {TRAINED_FRAMES} frames at once",
            {"context_frames": TRAINED_FRAMES},
        )
    # A scene that is short itself has no more to show.
    roomy = [
        stretch
        for scene in facts.scenes
        if len(scene) >= _FEWEST_FRAMES
        for stretch in facts.stretches
        if stretch.start in scene
    ]
    shortest = min(roomy, key=len, default=None)
    if shortest is not None and len(shortest) < min(_FEWEST_FRAMES, values.integer("context_frames")):
        yield Concern(
            f"{len(shortest)} frames show the model hardly any motion, where it was trained on {TRAINED_FRAMES}",
            "Show it the frames before and after",
            {"known_frames": 2 * _FEWEST_FRAMES},
        )


_CHECKS: tuple[Callable[[ShotFacts, ParameterSet], Iterator[Concern]], ...] = (
    _silhouette,
    _thin_mask,
    _left_in,
    _full_frame_reference,
    _named_thing,
    _idle_guidance,
    _large_box,
    _short_window,
    _untrained,
)

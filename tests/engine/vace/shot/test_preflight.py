"""What is known to fail is told with a remedy, and the remedy mends it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.effects.vace import Vace
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterValue
from engine.vace.shot.preflight import Concern, ShotFacts, preflight
from roi_tools.geometry import Box, Size


def _values(**given: ParameterValue) -> ParameterSet:
    return ParameterSet(Vace.describe(), given)


def _box_matte() -> np.ndarray:
    matte = np.zeros((480, 640), np.float32)
    matte[100:300, 200:400] = 1.0
    return matte


def _person_matte() -> np.ndarray:
    matte = np.zeros((480, 640), np.float32)
    matte[100:140, 280:320] = matte[140:220, 250:350] = matte[220:300, 260:285] = matte[220:300, 315:340] = 1.0
    return matte


def _wire_matte() -> np.ndarray:
    matte = np.zeros((480, 640), np.float32)
    matte[100:103, 20:600] = 1.0
    return matte


FRAMES = range(100)
FACTS = ShotFacts(
    frame_size=Size(1920, 1080),
    working_size=Size(640, 480),
    boxes={frame: Box(10 * frame, 100, 10 * frame + 200, 300) for frame in range(60)},
    stretches=[range(60)],
    scenes=[FRAMES],
    mattes=[_box_matte()],
)
WALKING = {frame: Box(4 * frame, 100, 4 * frame + 200, 300) for frame in range(100)}
STANDING_THEN_GONE = {
    frame: Box(8 * max(frame - 200, 0), 100, 8 * max(frame - 200, 0) + 200, 300) for frame in range(300)
}


def _only(facts: ShotFacts, values: ParameterSet) -> Concern:
    (concern,) = preflight(facts, values)
    return concern


def test_the_recipe_raises_no_concern() -> None:
    assert preflight(FACTS, _values()) == []


@pytest.mark.parametrize(
    ("facts", "given", "reason", "remedy"),
    [
        (replace(FACTS, mattes=[_person_matte()]), {"mask_mode": "shape"}, "outline", {"mask_mode": "box"}),
        (replace(FACTS, mattes=[_wire_matte()]), {"mask_mode": "shape"}, "3 px wide", {"mask_dilate_px": 7}),
        (FACTS, {"fill": "source"}, "left in under the mask", {"fill": "gray"}),
        (FACTS, {"mask_mode": "none"}, "copy the gray patch", {"mask_mode": "box"}),
        (FACTS, {"mask_mode": "nothing"}, "copy the gray patch", {"mask_mode": "box"}),
        (FACTS, {"mask_mode": "all"}, "nothing of the shot", {"known_frames": 16}),
        (
            replace(FACTS, reference=(Size(1920, 1080), Box(0, 0, 1920, 1080))),
            {"reference_image": "plate.png"},
            "a full frame",
            {"reference_image": ""},
        ),
        (
            replace(FACTS, reference=(Size(1920, 1080), Box(0, 0, 200, 300))),
            {"reference_image": "plate.png", "reference_crop": False},
            "small in a full frame",
            {"reference_crop": True},
        ),
        (FACTS, {"prompt": "an empty street without people"}, "names 'people'", {"prompt": ""}),
        (FACTS, {"guidance_scale": 5.0}, "guidance does nothing", {"guidance_scale": 1.0}),
        (
            replace(FACTS, boxes={**FACTS.boxes, 3: Box(0, 0, 1920, 600)}),
            {},
            "more than half of the frame",
            {"fill": "plate"},
        ),
        (
            replace(FACTS, boxes=WALKING, stretches=[range(100)]),
            {"context_frames": 41},
            "more than the window of 41 frames",
            {"context_frames": 101},
        ),
        (
            replace(FACTS, boxes=STANDING_THEN_GONE, stretches=[range(300)], scenes=[range(300)]),
            {},
            "more than the window of 81 frames",
            {"context_mode": "blended", "context_stride": 2},
        ),
        (
            replace(FACTS, working_size=Size(1920, 1072)),
            {"pixel_budget_px": 4096 * 4096},
            "works at 1920x1072, far from",
            {"pixel_budget_px": 480 * 832},
        ),
        (
            replace(FACTS, working_size=Size(128, 96)),
            {"pixel_budget_px": 128 * 96},
            "works at 128x96, far from",
            {"pixel_budget_px": 480 * 832},
        ),
        (
            replace(FACTS, stretches=[range(300)], scenes=[range(300)]),
            {"context_frames": 201},
            "201 frames are far longer than the 81",
            {"context_frames": 81},
        ),
        (replace(FACTS, stretches=[range(3)]), {}, "hardly any motion", {"known_frames": 18}),
    ],
)
def test_each_concern_has_its_reason_and_a_remedy_that_the_effect_takes(
    facts: ShotFacts, given: dict[str, ParameterValue], reason: str, remedy: dict[str, ParameterValue]
) -> None:
    concern = _only(facts, _values(**given))
    assert reason in concern.reason
    assert concern.remedy == remedy
    for name, value in remedy.items():
        assert _values(**(given | remedy))[name] == value
    advice = concern.advice()
    assert advice.remedy is not None and advice.remedy.label == concern.label
    assert advice.message.lower().endswith(f"; {concern.label.lower()}") and "\n" not in advice.message


@pytest.mark.parametrize(
    ("facts", "given"),
    [
        (replace(FACTS, mattes=[_person_matte()]), {"mask_mode": "shape"}),
        (replace(FACTS, mattes=[_wire_matte()]), {"mask_mode": "hull"}),
        (replace(FACTS, boxes=WALKING, stretches=[range(100)]), {"context_frames": 41}),
        (FACTS, {"fill": "source"}),
        (FACTS, {"prompt": "a car"}),
    ],
)
def test_the_remedy_removes_the_concern(facts: ShotFacts, given: dict[str, ParameterValue]) -> None:
    concern = _only(facts, _values(**given))
    assert preflight(facts, _values(**(given | dict(concern.remedy)))) == []


def test_a_message_is_the_reason_and_what_to_do() -> None:
    assert str(_only(FACTS, _values(prompt="a red car"))) == (
        "the prompt names 'car', and what is named is painted, 'no' and 'without' or not; empty the prompt"
    )
    assert str(_only(FACTS, _values(guidance_scale=2.0))).endswith("both prompts are empty; turn guidance off")


def test_a_box_drawn_as_a_shape_is_no_silhouette() -> None:
    assert preflight(FACTS, _values(mask_mode="shape")) == []


def test_a_removal_lora_may_see_the_outline() -> None:
    facts = replace(FACTS, mattes=[_person_matte()])
    assert preflight(facts, _values(mask_mode="shape", lora_1="svor")) == []


def test_backgrounds_may_be_described() -> None:
    assert preflight(FACTS, _values(prompt="a brick wall in the evening sun, sharp, high quality, static camera")) == []

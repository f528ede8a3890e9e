"""Parameters with keyframes: sampled at each frame, refused where they make no sense, and seen in the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ParameterError
from engine.ofx import host
from engine.ofx.animation import Animation
from engine.ofx.effect import ImageEffect
from engine.ofx.parameters import ParameterSet
from engine.protocol import (
    FrameRange,
    MediaSource,
    Output,
    ParameterKey,
    RenderPass,
    RenderRequest,
)
from engine.render.job_link import JobLink
from engine.render.shot_render import render_shot
from roi_tools.geometry import Size
from tests.support.effects import Fill
from tests.support.media import noise_clip
from timeline.media.reader import open_media

DESCRIPTOR = Fill.describe()
RISING = (ParameterKey(frame=2, value=0), ParameterKey(frame=6, value=4))


def _animation(**keyframes: tuple[ParameterKey, ...]) -> Animation:
    return Animation(DESCRIPTOR, ParameterSet(DESCRIPTOR, {"grow_px": 9, "feather_px": 0}), keyframes)


def test_values_are_sampled_between_keyframes_and_kept_outside() -> None:
    found = [_animation(grow_px=RISING).number("grow_px", frame) for frame in range(9)]
    assert found == [0, 0, 0, 1, 2, 3, 4, 4, 4]


def test_a_held_value_jumps_at_the_next_keyframe() -> None:
    held = (RISING[0].model_copy(update={"interpolation": "hold"}), RISING[1])
    assert [_animation(grow_px=held).number("grow_px", frame) for frame in (2, 5, 6)] == [0, 0, 4]


def test_without_keyframes_the_value_is_the_parameters() -> None:
    assert _animation(feather_px=RISING).number("grow_px", 4) == 9
    assert _animation().number("nothing", 4, default=3) == 3


@pytest.mark.parametrize(
    ("keyframes", "message"),
    [
        ({"value": RISING}, "parameter 'value' of effect 'test-fill' takes no keyframes; those that do: grow"),
        ({"nothing": RISING}, "parameter 'nothing' of effect 'test-fill' takes no keyframes"),
        ({"grow_px": (ParameterKey(frame=0, value=999),)}, "parameter 'grow_px' is 999"),
        ({"grow_px": ()}, "the keyframes of parameter 'grow_px': an animation needs at least one keyframe"),
        ({"grow_px": (RISING[0], RISING[0])}, "one per frame; found frames"),
    ],
)  # fmt: skip
def test_keyframes_that_make_no_sense_are_refused(
    keyframes: Mapping[str, tuple[ParameterKey, ...]], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        _animation(**keyframes)


@pytest.fixture
def render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    found: Mapping[str, type[ImageEffect]] = {"test-fill": Fill}
    monkeypatch.setattr(host, "installed_effects", lambda: found)
    source = noise_clip(tmp_path / "source.mkv", 7, Size(64, 48))

    def changed(name: str, **keyframes: tuple[ParameterKey, ...]) -> list[np.ndarray]:
        """Where each delivered frame differs from the source."""
        output = tmp_path / f"{name}.mkv"
        given = RenderPass(
            effect="test-fill",
            parameters={"value": 1.0, "feather_px": 0},
            keyframes=keyframes,
            boxes=(((20, 16, 40, 32),),) * 7,
        )
        request = RenderRequest(
            source=MediaSource(path=str(source)),
            frames=FrameRange(start=0, end_exclusive=7),
            passes=(given,),
            output=Output(path=str(output)),
        )
        render_shot(request, JobLink(name, lambda _: None, lambda: False), tmp_path)
        with open_media(source) as before, open_media(output) as after:
            pairs = zip(before.frames(0, 7), after.frames(0, 7), strict=True)
            return [a.planes[0] != b.planes[0] for a, b in pairs]

    return changed


def test_a_growing_matte_grows_in_the_delivered_frames(render: object) -> None:
    widths = [int(np.ptp(np.nonzero(mask.any(axis=0))[0])) + 1 for mask in render("grown", grow_px=RISING)]  # type: ignore[operator]
    assert widths == [20, 20, 20, 22, 24, 26, 28]


def test_keyframes_are_no_result_of_other_keyframes(render: object) -> None:
    plain, grown = render("plain"), render("grown", grow_px=RISING)  # type: ignore[operator]
    assert [bool((a != b).any()) for a, b in zip(plain, grown, strict=True)] == [frame > 2 for frame in range(7)]
    softer = render("soft", feather_px=(ParameterKey(frame=3, value=0), ParameterKey(frame=4, value=6)))  # type: ignore[operator]
    assert [int(mask.sum()) for mask in softer[:4]] == [int(mask.sum()) for mask in plain[:4]]

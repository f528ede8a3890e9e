"""Finding effects: the default first, broken plug-ins left out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint

import pytest

from engine.errors import EffectNotFoundError, ParameterError
from engine.ofx import host
from engine.ofx.effect import Clips
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor, Remedy, Stage
from engine.render.clips import RenderMatte
from roi_tools.geometry import Box, Size, frame_box
from tests.support.effects import Fill


class Source:
    """A black source of ten frames."""

    frames = range(10)
    size = Size(8, 6)
    is_scene_linear = False

    def image(self, frame: int, window: Box | None = None):
        raise AssertionError("nobody should look")


class SilentHost:
    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """Nobody listens."""

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        """Nobody listens."""

    def windows(self, windows: Sequence[range]) -> None:
        """Nobody listens."""

    def preview(self, frame: int, image) -> None:
        """Nobody looks."""


def renamed(name: str) -> type[Fill]:
    def describe(cls: type[Fill]) -> EffectDescriptor:
        return Fill.describe().model_copy(update={"identifier": name})

    return type(name, (Fill,), {"identifier": name, "describe": classmethod(describe)})


class Broken(Fill):
    @classmethod
    def describe(cls) -> EffectDescriptor:
        raise RuntimeError("what am I?")


Zoom, CleanPlate, Blur = (renamed(name) for name in ("zoom", "clean-plate", "blur"))
NAMES = {"zoom": "Zoom", "clean-plate": "CleanPlate", "blur": "Blur"}
CLIPS = Clips(Source(), RenderMatte(range(3), Size(8, 6), [[Box(1, 1, 3, 3)], [], []], None, 0))


@pytest.fixture
def points(monkeypatch):
    """The entry points that are installed; the cache is empty before and after."""
    found: list[EntryPoint] = []
    monkeypatch.setattr(host, "entry_points", lambda group: [p for p in found if p.group == group])
    host.installed_effects.cache_clear()
    yield found
    host.installed_effects.cache_clear()


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, host.ENTRY_POINT_GROUP)


FILL = "tests.support.effects:Fill"


def test_clean_plate_comes_first_and_the_rest_by_name(points):
    points.extend(point(name, f"{__name__}:{effect}") for name, effect in NAMES.items())
    assert list(host.installed_effects()) == ["clean-plate", "blur", "zoom"]


def test_broken_plug_ins_are_logged_and_left_out(points, caplog):
    points.extend([point("gone", "no.such.module:Effect"), point("text", "os:sep"), point("alias", FILL)])
    points.extend([point("broken", f"{__name__}:Broken"), point("test-fill", FILL)])
    assert list(host.installed_effects()) == ["test-fill"]
    assert "effect 'gone' (no.such.module:Effect) cannot be loaded: No module named 'no'" in caplog.text
    assert "effect 'text' (os:sep) cannot be loaded: it is no ImageEffect; reinstall or remove it" in caplog.text
    assert "effect 'alias' (tests.support.effects:Fill) cannot be loaded: it calls itself 'test-fill'" in caplog.text
    assert "cannot be loaded: what am I?; reinstall or remove it" in caplog.text


def test_an_unknown_effect_is_told_with_those_that_there_are(points):
    points.extend([point("zoom", f"{__name__}:Zoom"), point("blur", f"{__name__}:Blur")])
    with pytest.raises(EffectNotFoundError, match=r"^no effect 'best'; installed are: blur, zoom$"):
        host.find_effect("best")


def test_descriptors_come_from_the_effects(points):
    points.append(point("test-fill", FILL))
    assert host.describe_all() == (Fill.describe(),)


def test_an_instance_has_checked_parameters_and_the_default_actions(points):
    points.append(point("test-fill", FILL))
    found = host.find_effect("test-fill")
    effect = found(ParameterSet(found.describe(), {"value": "0.25"}), CLIPS, SilentHost())
    assert isinstance(effect, Fill) and effect.parameters.double("value") == 0.25
    assert effect.get_region_of_definition() == Size(8, 6)
    assert effect.get_regions_of_interest(0) == frame_box(Size(8, 6))
    assert effect.get_frames_needed(4) == range(4, 5)
    assert [effect.is_identity(frame) for frame in range(3)] == [False, True, True]
    with pytest.raises(ParameterError):
        ParameterSet(found.describe(), {"value": "much"})

"""Presets are data that the effect takes."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from engine.effects.vace import Vace
from engine.errors import BadRequestError, EffectNotFoundError, ParameterError
from engine.ofx.host import describe_all
from engine.ofx.parameters import ParameterSet
from engine.paths import presets_folder
from engine.presets import all_presets, delete_preset, effect_presets, load_presets, save_preset
from engine.protocol import Preset
from engine.vace.parameters import mask_settings, sampler_settings

DESCRIPTOR = Vace.describe()


def test_the_presets_that_come_with_grayplate() -> None:
    presets = {preset.name: preset for preset in effect_presets(DESCRIPTOR)}
    assert set(presets) == {
        "Remove (gray box)",
        "Remove, 4 steps (distilled LoRA)",
        "Remove, SVOR LoRA",
        "Repaint with prompt",
        "Extend known frames",
    }
    for preset in presets.values():
        assert preset.hint.endswith(".")
        values = ParameterSet(DESCRIPTOR, preset.parameters)
        assert all(values[name] == value for name, value in preset.parameters.items())


def test_the_first_recipe_is_what_the_effect_does_by_itself() -> None:
    (recipe,) = (preset for preset in effect_presets(DESCRIPTOR) if preset.name == "Remove (gray box)")
    assert ParameterSet(DESCRIPTOR, recipe.parameters) == ParameterSet(DESCRIPTOR, {})


def test_the_distilled_preset_takes_the_four_sigmas_of_its_training() -> None:
    (distilled,) = (preset for preset in effect_presets(DESCRIPTOR) if "distilled" in preset.name)
    settings = sampler_settings(ParameterSet(DESCRIPTOR, distilled.parameters))
    shifted = [5 * sigma / (1 + 4 * sigma) for sigma in settings.sigmas]
    assert shifted == pytest.approx([1, 0.9375, 0.8333, 0.625], abs=1e-4)
    assert (settings.solver, settings.step_count, settings.is_guided) == ("flow_match_euler", 4, False)


def test_the_svor_preset_is_as_published() -> None:
    (svor,) = (preset for preset in effect_presets(DESCRIPTOR) if "SVOR" in preset.name)
    values = ParameterSet(DESCRIPTOR, svor.parameters)
    settings = sampler_settings(values)
    assert mask_settings(values).dilate_px == 6
    assert (settings.steps, settings.guidance_scale, settings.flow_shift) == (20, 6.0, 5.0)
    assert settings.prompt == "Remove the target and fill the content appropriately"
    assert settings.is_guided


def _write(folder: Path, **changes: object) -> None:
    content = {"name": "Mine", "effect": "vace", "hint": "A test.", "parameters": {"steps": 8}} | changes
    (folder / "mine.json").write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def test_presets_of_other_effects_are_left_to_them(tmp_path: Path) -> None:
    _write(tmp_path, effect="clean-plate", parameters={"reach_frames": 8})
    assert load_presets(DESCRIPTOR, tmp_path) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"stepps": 8}}, "sets 'stepps', which vace does not have"),
        ({"parameters": {"steps": 0}}, "mine.json: parameter 'steps' is 0"),
        ({"parameters": [8]}, "needs exactly the fields"),
        ({"hint": None}, "needs exactly the fields effect, hint, name, parameters"),
        ({"author": "me"}, "needs exactly the fields"),
    ],
)
def test_a_preset_that_does_not_fit_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    _write(tmp_path, **changes)
    with pytest.raises(ParameterError, match=message):
        load_presets(DESCRIPTOR, tmp_path)


def test_a_damaged_preset_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(ParameterError, match=r"mine\.json cannot be read .*; restore or delete it"):
        load_presets(DESCRIPTOR, tmp_path)


def test_every_preset_that_comes_with_us_belongs_to_an_installed_effect() -> None:
    count = len([file for file in (files("resources") / "presets").iterdir() if file.name.endswith(".json")])
    assert len(all_presets()) == count
    assert {preset.effect for preset in all_presets()} <= {descriptor.identifier for descriptor in describe_all()}
    assert not any(preset.is_own for preset in all_presets())


def _own(**changes: object) -> Preset:
    return Preset.model_validate({"name": "Night street", "effect": "vace", "parameters": {"steps": "8"}} | changes)


def test_an_own_preset_is_kept_replaced_and_deleted() -> None:
    kept = save_preset(_own(name="  Night street "))
    assert (kept.name, kept.is_own, kept.parameters) == ("Night street", True, {"steps": 8})
    assert effect_presets(DESCRIPTOR)[-1] == kept
    again = save_preset(_own(parameters={"steps": 9}))
    other = save_preset(_own(name="night-street"))
    assert [preset for preset in all_presets() if preset.is_own] == [again, other]
    delete_preset("vace", "Night street")
    assert [preset for preset in all_presets() if preset.is_own] == [other]
    with pytest.raises(BadRequestError, match="'vace' has no preset 'Night street' of your own"):
        delete_preset("vace", "Night street")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"parameters": {"stepps": 8}}, ParameterError, "this preset sets 'stepps', which vace does not have"),
        ({"parameters": {"steps": 0}}, ParameterError, "this preset: parameter 'steps' is 0"),
        ({"name": "Remove (gray box)"}, BadRequestError, "comes with Grayplate; choose another name"),
        ({"name": "   "}, BadRequestError, "a preset needs a name"),
        ({"effect": "paint"}, EffectNotFoundError, "no effect 'paint'"),
    ],
)
def test_an_own_preset_that_makes_no_sense_is_refused(
    changes: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        save_preset(_own(**changes))
    assert not any(preset.is_own for preset in all_presets())


def test_a_damaged_own_preset_is_left_out_and_the_others_stay(caplog: pytest.LogCaptureFixture) -> None:
    kept = save_preset(_own())
    (presets_folder() / "aaa.json").write_text("{")
    assert [preset for preset in all_presets() if preset.is_own] == [kept]
    assert "aaa.json cannot be read" in caplog.text

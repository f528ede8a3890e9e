"""Presets, warnings with their remedies, and forecasts in the inspector; doing a range again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from PySide6.QtWidgets import QDoubleSpinBox, QInputDialog
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.editing.parameter_commands import apply_parameters, chosen_preset, preset_values
from desktop.editing.redo import redo_frames
from desktop.main_window import MainWindow
from desktop.panels.advice_view import forecast_text
from engine.errors import BadRequestError
from engine.protocol import Advice, Forecast, FrameRange, ParameterValue, PassPreflight, Preset, Remedy
from roi_tools.shapes import RectF
from tests.desktop.conftest import EngineDoor
from tests.support.fake_engine import FAKE_EFFECT
from timeline.removal import Removal

FORECAST = Forecast(device="cpu", peak_bytes=7.1e9, available_bytes=24e9, flop=1e15, seconds=240.0)
QUALITY = Advice(
    message="fast looks rough; take the good one",
    remedy=Remedy(label="Take the good one", parameters={"quality": "good", "grain": False}),
)
NO_REMEDY = Advice(message="no model is there: get one")
NEAR = Preset(name="Near", effect="clean-plate", hint="Looks near.", parameters={"reach_frames": 9, "grain": True})
MINE = Preset(name="Mine", effect="clean-plate", parameters={"quality": "fast"}, is_own=True)


@pytest.fixture
def marked(editor: MainWindow, door: EngineDoor, qtbot: QtBot) -> MainWindow:
    """The editor with one box, looked at by the engine."""
    commands.add_removal(editor.session, RectF(8, 8, 24, 24))
    qtbot.waitUntil(lambda: bool(door.engine.looked_at))
    return editor


def _values(window: MainWindow) -> dict[str, ParameterValue]:
    assert window.session.removal is not None
    return dict(window.session.removal.parameters)


def _set(window: MainWindow, name: str, value: ParameterValue) -> None:
    (descriptor,) = (parameter for parameter in FAKE_EFFECT.parameters if parameter.name == name)
    commands.set_parameter(window.session, descriptor, value)


# --- warnings and forecasts ---------------------------------------------------------------------------------------


def test_what_the_engine_says_is_shown_and_a_remedy_is_one_edit(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    advice = marked.inspector.advice
    assert advice.isHidden()
    door.engine.advice = PassPreflight(warnings=(QUALITY, NO_REMEDY), forecast=FORECAST)
    _set(marked, "quality", "fast")
    qtbot.waitUntil(advice.isVisible)
    assert advice.forecast_text == "About 4 min · 7.1 of 24.0 GB of memory"
    assert advice.warning_texts == ["Fast looks rough", "No model is there: get one"]
    (button,) = advice.buttons
    assert button.text() == "Take the good one" and "quality = good, grain = off" in button.toolTip()
    door.engine.advice = PassPreflight()
    button.click()
    assert _values(marked) == {"grain": False}
    qtbot.waitUntil(advice.isHidden)
    assert marked.session.undo_label == "Take the good one"
    marked.session.undo()
    assert _values(marked) == {"quality": "fast"}


def test_a_drag_asks_once_and_nothing_is_asked_twice(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    before = len(door.engine.looked_at)
    for reach in range(50, 60):
        _set(marked, "reach_frames", reach)
    qtbot.waitUntil(lambda: len(door.engine.looked_at) == before + 1)
    assert door.engine.looked_at[-1].passes[0].parameters == {"reach_frames": 59}
    commands.rename_removal(marked.session, marked.session.removal.id, "Pole")  # type: ignore[union-attr]
    qtbot.wait(600)
    assert len(door.engine.looked_at) == before + 1


def test_only_the_selected_removal_is_asked_about(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    _set(marked, "reach_frames", 50)
    commands.add_removal(marked.session, RectF(30, 8, 50, 24))
    qtbot.waitUntil(lambda: door.engine.looked_at[-1].passes[0].boxes[0] == ((30, 8, 50, 24),))  # type: ignore[index]
    assert [looked.parameters for looked in door.engine.looked_at[-1].passes] == [{}]


def test_a_removal_that_is_off_has_no_advice(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    door.engine.advice = PassPreflight(forecast=FORECAST)
    _set(marked, "reach_frames", 50)
    qtbot.waitUntil(marked.inspector.advice.isVisible)
    assert marked.session.removal is not None
    commands.set_enabled(marked.session, marked.session.removal.id, False)
    qtbot.waitUntil(marked.inspector.advice.isHidden)


def test_a_question_that_is_refused_shows_nothing_and_does_not_end_a_render(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    door.engine.refusal = BadRequestError("no")
    before = len(door.engine.looked_at)
    _set(marked, "reach_frames", 50)
    qtbot.waitUntil(lambda: len(door.engine.looked_at) > before)
    qtbot.wait(50)
    assert marked.renders.active is not None and marked.inspector.advice.isHidden()
    door.engine.refusal = None
    door.engine.finish()
    qtbot.waitUntil(lambda: marked.renders.active is None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "Time known after the first render"), (0.2, "About 1 s"), (89, "About 89 s"), (7000, "About 1.9 h")],
)
def test_forecasts_are_as_precise_as_they_can_be(seconds: float | None, expected: str) -> None:
    text = forecast_text(FORECAST.model_copy(update={"seconds": seconds}))
    assert text == f"{expected} · 7.1 of 24.0 GB of memory"


# --- presets ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_presets(door: EngineDoor, editor: MainWindow, qtbot: QtBot) -> MainWindow:
    door.engine.kept_presets = (NEAR, MINE)
    with qtbot.waitSignal(editor.bridge.connected):
        editor.bridge.start()
    commands.add_removal(editor.session, RectF(8, 8, 24, 24))
    qtbot.waitUntil(lambda: editor.inspector.preset_row.list.count() > 0)
    return editor


def _choose(window: MainWindow, preset: Preset) -> None:
    row = window.inspector.preset_row.list
    index = next(index for index in range(row.count()) if row.itemData(index) == preset)
    row.activated.emit(index)


def test_a_preset_is_one_undoable_edit_and_is_shown_while_it_holds(with_presets: MainWindow) -> None:
    window, row = with_presets, with_presets.inspector.preset_row
    assert row.list.currentIndex() == -1
    _choose(window, NEAR)
    assert _values(window) == {"reach_frames": 9}  # defaults are not kept
    assert row.list.currentText() == "Near" and not row.delete.isEnabled()
    assert window.session.undo_label == "Preset 'Near'"
    _set(window, "reach_frames", 10)
    assert row.list.currentIndex() == -1
    window.session.undo()
    window.session.undo()
    assert _values(window) == {}


def test_the_values_are_kept_under_a_name(
    with_presets: MainWindow, door: EngineDoor, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    _set(with_presets, "reach_frames", 33)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("  Night ", True))
    with_presets.inspector.preset_row.keep.click()
    qtbot.waitUntil(lambda: with_presets.inspector.preset_row.list.currentText() == "Night")
    kept = door.engine.kept_presets[-1]
    assert (kept.name, kept.effect, kept.parameters["reach_frames"]) == ("Night", "clean-plate", 33)
    assert kept.parameters["quality"] == "good"  # what is default today is kept too


def test_a_name_that_is_not_agreed_to_keeps_nothing(
    with_presets: MainWindow, door: EngineDoor, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("Night", False))
    with_presets.inspector.preset_row.keep.click()
    qtbot.wait(50)
    assert door.engine.kept_presets == (NEAR, MINE)


def test_a_preset_that_the_engine_refuses_is_a_message(
    with_presets: MainWindow, door: EngineDoor, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    told: list[str] = []
    monkeypatch.setattr(with_presets.notices, "problem", lambda _, line: told.append(line))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("Near", True))
    door.engine.refusal = BadRequestError("'Near' comes with Grayplate")
    with_presets.inspector.preset_row.keep.click()
    qtbot.waitUntil(lambda: told == ["'Near' comes with Grayplate"])


def test_an_own_preset_is_deleted_after_a_question(
    with_presets: MainWindow, door: EngineDoor, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    asked: list[str] = []

    def delete(title: str, _: object, answers: Mapping[str, Callable[[], object]]) -> None:
        asked.append(title)
        answers["Delete"]()

    monkeypatch.setattr(with_presets.notices, "ask", delete)
    _choose(with_presets, MINE)
    row = with_presets.inspector.preset_row
    assert row.list.currentText() == "Mine" and row.delete.isEnabled()
    row.delete.click()
    qtbot.waitUntil(lambda: door.engine.kept_presets == (NEAR,))
    assert asked == ["Delete the preset 'Mine'?"]
    qtbot.waitUntil(lambda: row.list.currentIndex() == -1)
    assert _values(with_presets) == {"quality": "fast"}


def test_what_belongs_to_the_machine_is_in_no_preset() -> None:
    model = FAKE_EFFECT.parameters[0].model_copy(update={"name": "model", "group": "Model"})
    effect = FAKE_EFFECT.model_copy(update={"parameters": (*FAKE_EFFECT.parameters, model)})
    removal = Removal("a", "A", None, parameters={"model": 3, "grain": False})  # type: ignore[arg-type]
    assert preset_values(effect, removal) == {
        "reach_frames": 40, "grain": False, "quality": "good", "feather_px": 2.0, "note": "", "seed": 0,
    }  # fmt: skip


def test_the_fullest_preset_that_fits_is_the_chosen_one() -> None:
    wide = NEAR.model_copy(update={"name": "Wide", "parameters": {}})
    removal = Removal("a", "A", None, parameters={"reach_frames": 9})  # type: ignore[arg-type]
    assert chosen_preset([wide, NEAR], FAKE_EFFECT, removal) == NEAR
    assert chosen_preset([NEAR], FAKE_EFFECT, Removal("a", "A", None)) is None  # type: ignore[arg-type]


# --- doing a range again ------------------------------------------------------------------------------------------


def test_a_range_is_done_again_above_the_first_result(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    action = marked.window_actions["redo_range"]
    assert not action.isEnabled()
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    door.engine.finish()
    qtbot.waitUntil(lambda: not marked.renders.is_busy)
    marked.session.go_to(4)
    marked.window_actions["mark_in"].trigger()
    marked.session.go_to(6)
    marked.window_actions["mark_out"].trigger()
    assert action.isEnabled()
    action.trigger()
    qtbot.waitUntil(lambda: len(door.engine.requests) == 2)
    before, again = door.engine.requests
    assert again.frames == FrameRange(start=0, end_exclusive=12) and again.passes[0] == before.passes[0]
    assert again.passes[1].parameters == {"seed": 1}
    assert again.passes[1].boxes is not None
    assert [bool(boxes) for boxes in again.passes[1].boxes] == [4 <= frame <= 6 for frame in range(12)]
    assert marked.session.removal is not None
    assert marked.session.removal.label == "Removal 1, frames 4-6 again"
    door.engine.finish()
    qtbot.waitUntil(lambda: not marked.renders.is_busy)
    marked.session.undo()
    assert len(marked.session.shot.removals) == 1  # type: ignore[union-attr]


def test_without_marks_the_window_under_the_playhead_is_done_again(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    windows = tuple(FrameRange(start=a, end_exclusive=b) for a, b in ((0, 7), (4, 12)))
    door.engine.advice = PassPreflight(windows=windows)
    _set(marked, "reach_frames", 50)
    action = marked.window_actions["redo_range"]
    qtbot.waitUntil(action.isEnabled)
    marked.session.go_to(6)
    action.trigger()
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    boxes = door.engine.requests[0].passes[1].boxes
    assert boxes is not None and [frame for frame in range(12) if boxes[frame]] == list(range(4, 12))
    door.engine.finish()
    qtbot.waitUntil(lambda: not marked.renders.is_busy)


def test_an_effect_that_would_do_the_same_again_waits_for_another_setting(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    seedless = tuple(parameter for parameter in FAKE_EFFECT.parameters if parameter.name != "seed")
    marked.bridge.connected.emit((FAKE_EFFECT.model_copy(update={"parameters": seedless}),))
    marked.session.go_to(4)
    for action in ("mark_in", "mark_out", "redo_range"):
        marked.window_actions[action].trigger()
    assert "would do the same again" in marked.statusBar().currentMessage()
    removal = marked.session.removal
    assert removal is not None and (removal.shape.first_frame, removal.shape.last_frame) == (4, 4)
    qtbot.wait(20)
    assert door.engine.requests == [] and not marked.renders.is_busy


def test_frames_on_which_the_removal_is_not_there_are_not_redone(marked: MainWindow) -> None:
    commands.set_active_range(marked.session, 2, 5)
    assert redo_frames(marked.session, FAKE_EFFECT, range(6, 9)) is None
    again = redo_frames(marked.session, FAKE_EFFECT, range(4, 9))
    assert again is not None and (again.shape.first_frame, again.shape.last_frame) == (4, 5)


# --- keyframes of parameters --------------------------------------------------------------------------------------


def _spin(window: MainWindow) -> QDoubleSpinBox:
    editor = window.inspector.editor("feather_px")
    spin = editor.findChild(QDoubleSpinBox) if editor else None
    assert spin is not None
    return spin


def test_only_parameters_that_animate_have_a_diamond(marked: MainWindow) -> None:
    keyed = [parameter.name for parameter in FAKE_EFFECT.parameters if marked.inspector.key_button(parameter.name)]
    assert keyed == ["feather_px"]


def test_a_parameter_is_keyed_changes_over_time_and_is_unkeyed(marked: MainWindow) -> None:
    button = marked.inspector.key_button("feather_px")
    assert button is not None and button.toolTip() == "Key Feather inward on this frame"
    button.click()
    marked.session.go_to(8)
    _spin(marked).setValue(10.0)
    assert marked.session.removal is not None
    track = marked.session.removal.parameter_tracks["feather_px"]
    assert [(key.frame, key.value) for key in track.keys] == [(0, (2.0,)), (8, (10.0,))]
    assert _values(marked) == {} and button.toolTip() == "Delete the key of Feather inward on this frame"
    marked.session.go_to(4)
    assert _spin(marked).value() == 6.0 and button.toolTip() == "Key Feather inward on this frame"
    marked.session.go_to(0)
    button.click()
    marked.session.go_to(8)
    button.click()
    assert marked.session.removal.parameter_tracks == {} and _values(marked) == {"feather_px": 10.0}
    marked.session.undo()
    assert list(marked.session.removal.parameter_tracks) == ["feather_px"]


def test_a_reset_takes_the_keyframes_away(marked: MainWindow) -> None:
    button, back = marked.inspector.key_button("feather_px"), marked.inspector.reset_button("feather_px")
    assert button is not None and back is not None
    button.click()
    assert back.isVisibleTo(marked.inspector)
    back.click()
    assert marked.session.removal is not None
    assert marked.session.removal.parameter_tracks == {} and _values(marked) == {}
    assert marked.session.undo_label == "Reset Feather inward"


def test_a_preset_replaces_keyframes_by_its_value(marked: MainWindow) -> None:
    button = marked.inspector.key_button("feather_px")
    assert button is not None
    button.click()
    apply_parameters(marked.session, "Preset", FAKE_EFFECT, {"feather_px": 7.0})
    assert marked.session.removal is not None
    assert marked.session.removal.parameter_tracks == {} and _values(marked) == {"feather_px": 7.0}

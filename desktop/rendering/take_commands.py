"""Choosing between the takes of the shot under the playhead. Without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.rendering.results import ResultStore, Take
from engine.protocol import EffectDescriptor, ParameterDescriptor


def choose_take(session: Session, results: ResultStore, number: int) -> None:
    """Show a take and bring back the removals that it was rendered with, so that an export gives the same.

    The removals are one undo step; where nothing else differs there is none.
    """
    shot = session.shot
    take = next((take for take in results.takes(shot.id) if take.number == number), None) if shot else None
    if shot is None or take is None:
        return
    results.choose(shot.id, number)
    shots = tuple(replace(other, removals=take.removals) if other is shot else other for other in session.project.shots)
    session.apply(tr("Use {name}").format(name=take.label), replace(session.project, shots=shots))


def choose_next_take(session: Session, results: ResultStore) -> None:
    """The take after the chosen one; after the last one the first."""
    shot = session.shot
    takes = results.takes(shot.id) if shot else ()
    if shot is None or len(takes) < 2:
        return
    chosen = results.chosen(shot.id)
    place = takes.index(chosen) if chosen in takes else -1
    choose_take(session, results, takes[(place + 1) % len(takes)].number)


def compare_takes(session: Session, results: ResultStore, on: bool) -> None:
    """Compare the chosen take with the one before it (of the first: the second), or with the source again."""
    shot = session.shot
    takes = results.takes(shot.id) if shot else ()
    if shot is None:
        return
    chosen = results.chosen(shot.id)
    if not on or len(takes) < 2 or chosen not in takes:
        results.compare_with(shot.id, None)
        return
    place = takes.index(chosen)
    results.compare_with(shot.id, takes[place - 1 if place else 1].number)


def settings_text(take: Take, effects: Mapping[str, EffectDescriptor]) -> str:
    """What was set for it other than the defaults: ``Walker: Seed 3``; else what the effect is called."""
    parts = []
    for removal in take.removals:
        if removal.enabled:
            effect = effects.get(removal.effect)
            named = {parameter.name: parameter for parameter in effect.parameters} if effect else {}
            values = ", ".join(_setting(name, value, named.get(name)) for name, value in removal.parameters.items())
            parts.append(f"{removal.label}: {values or (tr(effect.label) if effect else removal.effect)}")
    return "; ".join(parts)


def _setting(name: str, value: object, descriptor: ParameterDescriptor | None) -> str:
    """A parameter as the inspector has it."""
    if descriptor is None:
        return f"{name} {value}"
    if isinstance(value, bool):
        value = tr("on") if value else tr("off")
    elif descriptor.kind == "choice":
        value = tr(str(value).replace("_", " ").capitalize())
    return f"{tr(descriptor.label)} {value} {tr(descriptor.unit)}".strip()

"""Parameters of the selected removal: several at once (presets, remedies), and their keyframes. Without Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from desktop.base.language import tr
from desktop.editing import commands
from desktop.editing.session import Session
from engine.protocol import EffectDescriptor, ParameterDescriptor, ParameterValue, Preset
from roi_tools.keyframes import Keyframe, Track
from timeline import edits
from timeline.removal import Removal

_OF_THE_MACHINE = frozenset({"Model", "Memory"})
"""Groups of parameters that say where and how fast, not what: a preset for other machines leaves them out."""


def apply_parameters(
    session: Session, label: str, effect: EffectDescriptor, values: Mapping[str, ParameterValue]
) -> None:
    """Give the selected removal these values; a default is not kept, so that a better one later takes effect."""
    shot, removal = session.shot, session.removal
    if not (shot and removal) or removal.effect != effect.identifier:
        return
    defaults = {parameter.name: parameter.default for parameter in effect.parameters}
    merged = {**removal.parameters, **values}
    kept = {name: value for name, value in merged.items() if name not in defaults or value != defaults[name]}
    tracks = {name: track for name, track in removal.parameter_tracks.items() if name not in values}
    changed = replace(removal, parameters=kept, parameter_tracks=tracks)
    session.end_gesture()
    session.apply(label, edits.update_removal(session.project, shot.id, changed))
    session.end_gesture()


# --- keyframes ----------------------------------------------------------------------------------------------------


def value_now(session: Session, descriptor: ParameterDescriptor) -> ParameterValue:
    """The selected removal's value on the frame under the playhead."""
    removal, place = session.removal, session.place
    if removal is None:
        return descriptor.default
    track = removal.parameter_tracks.get(descriptor.name)
    if track is None or place is None:
        return removal.parameters.get(descriptor.name, descriptor.default)
    number = track.value_at(place.media_frame)[0]
    return round(number) if descriptor.kind == "int" else number


def set_value(session: Session, descriptor: ParameterDescriptor, value: ParameterValue) -> None:
    """Set a parameter of the selected removal; of an animated one, the keyframe under the playhead."""
    removal, place = session.removal, session.place
    track = removal.parameter_tracks.get(descriptor.name) if removal else None
    if removal is None or place is None or track is None:
        commands.set_parameter(session, descriptor, value)
        return
    old = track.key_at(place.media_frame)
    key = Keyframe(place.media_frame, (float(value),), old.interpolation if old else "linear")
    label = tr("Change {name}").format(name=tr(descriptor.label))
    merge_key = f"keyframe {removal.id} {descriptor.name} {place.media_frame}"
    _set_track(session, label, descriptor.name, track.with_key(key), merge_key)


def toggle_key(session: Session, descriptor: ParameterDescriptor) -> None:
    """Key the parameter on this frame, with the value that it has here; or delete the key that is there.

    The last key leaves its value behind as the parameter's one value.
    """
    removal, place = session.removal, session.place
    if removal is None or place is None or not descriptor.animates:
        return
    session.end_gesture()
    track, frame, name = removal.parameter_tracks.get(descriptor.name), place.media_frame, tr(descriptor.label)
    if track is None or track.key_at(frame) is None:
        key = Keyframe(frame, (float(value_now(session, descriptor)),))
        keyed = Track((key,)) if track is None else track.with_key(key)
        _set_track(session, tr("Key {name}").format(name=name), descriptor.name, keyed)
    elif len(track.keys) > 1:
        _set_track(session, tr("Delete Key of {name}").format(name=name), descriptor.name, track.without_key(frame))
    else:
        _drop_track(session, tr("Delete Key of {name}").format(name=name), descriptor, value_now(session, descriptor))
    session.end_gesture()


def is_keyed(session: Session, descriptor: ParameterDescriptor) -> bool:
    """Whether the parameter has a keyframe on the frame under the playhead."""
    removal, place = session.removal, session.place
    track = removal.parameter_tracks.get(descriptor.name) if removal else None
    return track is not None and place is not None and track.key_at(place.media_frame) is not None


def reset(session: Session, descriptor: ParameterDescriptor) -> None:
    """Put a parameter back to its default, without keyframes."""
    session.end_gesture()
    label = tr("Reset {name}").format(name=tr(descriptor.label))
    _drop_track(session, label, descriptor, descriptor.default)
    session.end_gesture()


def _set_track(session: Session, label: str, name: str, track: Track, merge_key: str = "") -> None:
    shot, removal = session.shot, session.removal
    if shot and removal:
        changed = replace(removal, parameter_tracks={**removal.parameter_tracks, name: track})
        session.apply(label, edits.update_removal(session.project, shot.id, changed), merge_key)


def _drop_track(session: Session, label: str, descriptor: ParameterDescriptor, value: ParameterValue) -> None:
    shot, removal = session.shot, session.removal
    if shot is None or removal is None:
        return
    parameters = {name: kept for name, kept in removal.parameters.items() if name != descriptor.name}
    if value != descriptor.default:
        parameters[descriptor.name] = value
    tracks = {name: track for name, track in removal.parameter_tracks.items() if name != descriptor.name}
    changed = replace(removal, parameters=parameters, parameter_tracks=tracks)
    session.apply(label, edits.update_removal(session.project, shot.id, changed))


# --- presets ------------------------------------------------------------------------------------------------------


def values_of(effect: EffectDescriptor, removal: Removal) -> dict[str, ParameterValue]:
    """All values of a removal, defaults included."""
    return {
        parameter.name: removal.parameters.get(parameter.name, parameter.default) for parameter in effect.parameters
    }


def preset_values(effect: EffectDescriptor, removal: Removal) -> dict[str, ParameterValue]:
    """What a preset made from a removal sets: all but what belongs to this machine."""
    portable = {parameter.name for parameter in effect.parameters if parameter.group not in _OF_THE_MACHINE}
    return {name: value for name, value in values_of(effect, removal).items() if name in portable}


def chosen_preset(presets: Sequence[Preset], effect: EffectDescriptor, removal: Removal) -> Preset | None:
    """The preset whose values the removal has, the fullest where several fit; None where it has values of its own."""
    values = values_of(effect, removal)
    fitting = [
        preset
        for preset in presets
        if preset.effect == effect.identifier
        and all(values.get(name) == value for name, value in preset.parameters.items())
    ]
    return max(fitting, key=lambda preset: len(preset.parameters), default=None)

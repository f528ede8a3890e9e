"""Presets: named sets of an effect's parameters; some come with Grayplate, others are a person's own."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from engine.errors import BadRequestError, EngineUnavailableError, ParameterError
from engine.ofx.host import describe_all, find_effect
from engine.ofx.parameters import parse_value
from engine.paths import presets_folder
from engine.protocol import EffectDescriptor, Preset

_FIELDS = {"name", "effect", "hint", "parameters"}
_log = logging.getLogger(__name__)


def all_presets() -> tuple[Preset, ...]:
    """The presets of all installed effects: those that come with Grayplate, then a person's own."""
    return tuple(preset for descriptor in describe_all() for preset in effect_presets(descriptor))


def effect_presets(descriptor: EffectDescriptor) -> tuple[Preset, ...]:
    """The presets of one effect."""
    return (*load_presets(descriptor, files("resources") / "presets"), *_own_presets(descriptor))


def load_presets(descriptor: EffectDescriptor, folder: Traversable) -> tuple[Preset, ...]:
    """The presets of an effect in a folder, by file name.

    Raises ParameterError, which names the file, for one that the effect would not take.
    """
    presets = [_read(file, descriptor) for file in _files_in(folder)]
    return tuple(preset for preset in presets if preset.effect == descriptor.identifier)


def save_preset(preset: Preset) -> Preset:
    """Keeps a person's preset, in the place of an own one of the same name; returns it as it is kept.

    Raises EffectNotFoundError or ParameterError for what its effect would not take, BadRequestError for the name of a
    preset that comes with Grayplate, and EngineUnavailableError where it cannot be written.
    """
    descriptor = find_effect(preset.effect).describe()
    kept = _checked(preset.model_copy(update={"name": preset.name.strip(), "is_own": True}), descriptor, "this preset")
    if not kept.name:
        raise BadRequestError("a preset needs a name; type one")
    if any(known.name == kept.name for known in load_presets(descriptor, files("resources") / "presets")):
        raise BadRequestError(f"'{kept.name}' is the name of a preset that comes with Grayplate; choose another name")
    path = _own_file(kept.effect, kept.name)
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        temporary.write_text(kept.model_dump_json(include=_FIELDS, indent=2) + "\n", "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise EngineUnavailableError(
            f"the preset {path} cannot be written ({error.strerror}); free space there"
        ) from error
    return kept


def delete_preset(effect: str, name: str) -> None:
    """Forgets a person's own preset; raises BadRequestError where there is none of this name."""
    path = _own_file(effect, name)
    try:
        path.unlink()
    except FileNotFoundError:
        raise BadRequestError(
            f"'{effect}' has no preset '{name}' of your own; `grayplate effects` lists them"
        ) from None
    except OSError as error:
        raise EngineUnavailableError(f"the preset {path} cannot be deleted ({error.strerror})") from error


def _own_presets(descriptor: EffectDescriptor) -> tuple[Preset, ...]:
    """A person's own; one that is damaged, or of another version, is logged and left out."""
    found = []
    for file in _files_in(presets_folder()):
        try:
            preset = _read(file, descriptor)
        except ParameterError as error:
            _log.warning("%s", error)
            continue
        if preset.effect == descriptor.identifier:
            found.append(preset.model_copy(update={"is_own": True}))
    return tuple(sorted(found, key=lambda preset: preset.name.casefold()))


def _own_file(effect: str, name: str) -> Path:
    # The name in plain letters for people who look; the digest keeps names apart that look alike in them.
    plain = re.sub(r"[^a-z0-9]+", "_", f"{effect} {name}".lower()).strip("_")[:60]
    return presets_folder() / f"{plain}-{hashlib.sha256(f'{effect}/{name}'.encode()).hexdigest()[:8]}.json"


def _files_in(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)


def _read(file: Traversable, descriptor: EffectDescriptor) -> Preset:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(f"the preset {file} cannot be read ({error}); restore or delete it") from error
    if not isinstance(content, dict) or set(content) != _FIELDS or not isinstance(content["parameters"], dict):
        raise ParameterError(
            f"the preset {file} needs exactly the fields {', '.join(sorted(_FIELDS))}; add or rename them"
        )
    if content["effect"] != descriptor.identifier:
        return Preset(name="another effect's", effect=str(content["effect"]), parameters={})
    return _checked(Preset(**content), descriptor, f"the preset {file}")


def _checked(preset: Preset, descriptor: EffectDescriptor, what: str) -> Preset:
    """With each value as its parameter's own type; raises ParameterError, which begins with ``what``."""
    known = {parameter.name: parameter for parameter in descriptor.parameters}
    unknown = sorted(set(preset.parameters) - set(known))
    if unknown:
        raise ParameterError(f"{what} sets '{unknown[0]}', which {preset.effect} does not have; remove it")
    try:
        values = {name: parse_value(known[name], value) for name, value in preset.parameters.items()}
    except ParameterError as error:
        raise ParameterError(f"{what}: {error}") from error
    return preset.model_copy(update={"parameters": values})

"""The models and LoRAs that this person has: names for paths, kept beside the downloaded ones."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

import resources.models
from engine.errors import EngineUnavailableError
from engine.paths import HOME_VARIABLE
from engine.protocol import ModelKind

MODELS_VARIABLE = "GRAYPLATE_MODELS"
"""A folder on a disk that has room for models."""


@dataclass(frozen=True)
class InstalledModel:
    """One entry: ``path`` is a folder in diffusers' layout or a weight file."""

    name: str
    kind: ModelKind
    path: str
    size_bytes: int


STARTER_NAME = "starter-vace"
"""The small model that comes with Grayplate: what ``vace`` takes where none is named."""


def starter_model() -> Path | None:
    """The folder of the model that comes with Grayplate; None where the package was installed without it."""
    folder = Path(resources.models.__path__[0]) / STARTER_NAME
    return folder if (folder / "model_index.json").is_file() else None


def models_folder() -> Path:
    """Where downloads go: a folder of a person's data, not of caches, since gigabytes should survive a cleaning."""
    if chosen := os.environ.get(MODELS_VARIABLE):
        return Path(chosen).absolute()
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home).absolute() / "models"
    return Path(platformdirs.user_data_dir("grayplate", appauthor=False)) / "models"


def installed_models() -> Mapping[str, InstalledModel]:
    """All entries whose files are still there, by name: first the one that comes with Grayplate."""
    return {entry.name: entry for entry in (*_bundled(), *_registered()) if Path(entry.path).exists()}


def _registered() -> list[InstalledModel]:
    try:
        known = json.loads(_file().read_text("utf-8"))
        return [InstalledModel(**entry) for entry in known]
    except (OSError, ValueError, TypeError):
        return []


def _bundled() -> list[InstalledModel]:
    folder = starter_model()
    if folder is None:
        return []
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    return [InstalledModel(STARTER_NAME, "model", str(folder), size_bytes)]


def find_installed(name: str) -> Path | None:
    """The path of the entry of this name."""
    entry = installed_models().get(name.strip())
    return Path(entry.path) if entry else None


def register(entry: InstalledModel) -> None:
    """Keeps an entry; one of the same name is replaced. Raises EngineUnavailableError where it cannot be written."""
    entries = {known.name: known for known in (*_registered(), entry) if Path(known.path).exists() or known == entry}
    _write(list(entries.values()))


def forget(name: str) -> None:
    """Drops the entry of this name; its files stay. Raises EngineUnavailableError where it cannot be written."""
    _write([known for known in _registered() if known.name != name])


def _write(entries: list[InstalledModel]) -> None:
    path = _file()
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps([asdict(known) for known in entries], indent=2), "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise EngineUnavailableError(
            f"{path} cannot be written ({error.strerror}); set {HOME_VARIABLE} to a folder that you may write"
        ) from error


def _file() -> Path:
    return models_folder() / "installed.json"

"""The models that are known, as ``GET /v1/models`` lists them, and taking one away."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from engine.errors import BadRequestError, OutputError
from engine.model_catalog import CatalogueEntry, all_entries
from engine.model_registry import STARTER_NAME, InstalledModel, forget, installed_models, models_folder
from engine.protocol import ModelInfo, ModelList

STARTER_TITLE = "Starter model"
STARTER_PURPOSE = "Comes with Grayplate, so that VACE works at once. For study: what it paints is soft."
STARTER_LICENCE = "Apache-2.0"
_PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "huggingface_hub")
_GB = 1e9


def list_models() -> ModelList:
    """The one that comes with Grayplate, those of the catalogue, then a person's own."""
    installed, entries = installed_models(), {entry.name: entry for entry in all_entries()}
    names = dict.fromkeys((*(n for n in installed if n == STARTER_NAME), *entries, *installed))
    folder = models_folder()
    return ModelList(
        models=tuple(_info(name, entries.get(name), installed.get(name)) for name in names),
        folder=str(folder),
        free_bytes=free_bytes(folder),
        missing_packages=tuple(name for name in _PACKAGES if find_spec(name) is None),
    )


def remove_model(name: str) -> None:
    """Forgets a model, and deletes what was downloaded of it; files that a person added stay where they are.

    Raises BadRequestError for a name that is not there or came with Grayplate, OutputError where a file stays.
    """
    if name == STARTER_NAME:
        raise BadRequestError("the starter model comes with Grayplate and stays; it takes little room")
    folder = _download_folder(name)
    if name not in installed_models() and folder is None:
        raise BadRequestError(f"no model '{name}' is installed; it may have been removed already")
    forget(name)
    if folder is None:
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be deleted ({error.strerror}); close what uses it and try again") from error


def free_bytes(folder: Path) -> int:
    """Room on the disk of ``folder``, which need not exist yet; 0 where nothing can be said."""
    existing = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    try:
        return shutil.disk_usage(existing).free if existing else 0
    except OSError:
        return 0


def _info(name: str, entry: CatalogueEntry | None, here: InstalledModel | None) -> ModelInfo:
    size = here.size_bytes if here else round((entry.size_gb if entry else 0.0) * _GB)
    kind = here.kind if here else entry.kind if entry else "model"
    is_downloaded = here is not None and _download_folder(name) in (Path(here.path), *Path(here.path).parents)
    told = {
        "name": name,
        "kind": kind,
        "size_bytes": size,
        "path": here.path if here else "",
        "is_bundled": name == STARTER_NAME,
        "is_downloaded": is_downloaded,
        "fetched_bytes": 0 if here else _fetched_bytes(name),
    }
    if entry is None:
        starter = {"title": STARTER_TITLE, "purpose": STARTER_PURPOSE, "licence": STARTER_LICENCE}
        return ModelInfo.model_validate(told | (starter if name == STARTER_NAME else {"title": name}))
    return ModelInfo.model_validate(
        told
        | {
            "title": entry.title or entry.name,
            "purpose": entry.label,
            "licence": entry.licence,
            "repository": entry.repository,
            "unconfirmed": () if here else entry.unconfirmed,
            "memory_gb": entry.memory_gb,
            "least_memory_gb": entry.least_memory_gb,
        }
    )


def _download_folder(name: str) -> Path | None:
    """Where the download of this name lies, whole or not; of other names nothing was downloaded."""
    folder = models_folder() / name
    return folder if any(entry.name == name for entry in all_entries()) and folder.is_dir() else None


def _fetched_bytes(name: str) -> int:
    folder = _download_folder(name)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder else 0

"""The folders that a person last chose files in, per purpose, from one start of Grayplate to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from desktop.base.settings import open_settings

Purpose: TypeAlias = Literal["media", "projects", "exports", "shapes", "models"]


def last_folder(purpose: Purpose, otherwise: str | Path = "") -> str:
    """Where files were last chosen for this; before, or where that is gone, ``otherwise``, or the home."""
    known = open_settings().value(f"folders/{purpose}")
    if isinstance(known, str) and known and Path(known).is_dir():
        return known
    return str(otherwise or Path.home())


def remember_folder(purpose: Purpose, chosen: str | Path) -> None:
    """Begin there next time: in the folder of the file that was chosen, or in the folder itself."""
    path = Path(chosen)
    open_settings().setValue(f"folders/{purpose}", str(path if path.is_dir() else path.parent))

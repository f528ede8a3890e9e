"""Project files: valid OpenTimelineIO, written atomically, upgraded when they are older than this version."""

from __future__ import annotations

import json
import os
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import opentimelineio as otio

from timeline.atomic_file import write_text_atomically
from timeline.errors import ProjectFileError
from timeline.otio_document import PROJECT_VERSION, project_of_timeline, require_timeline, timeline_of_project
from timeline.otio_json import NAMESPACE, from_library, to_library
from timeline.project import Project

Json: TypeAlias = dict[str, Any]

UPGRADES: dict[int, Callable[[Json], Json]] = {}
"""For each older version the function that makes the next version of a file's JSON; version 1 is the first."""


def load_project(path: str | os.PathLike[str]) -> Project:
    """Load a project, or a timeline of another program, whose clips become shots.

    Media that is missing is no error here: shots keep what the file says of it. Raises ProjectFileError, one line with
    the file, what is wrong and the remedy, for anything else that cannot be used.
    """
    source = Path(path)
    text = _read(source)
    try:
        data = to_library(_upgraded(_object(text)))
        timeline = require_timeline(otio.core.deserialize_json_from_string(json.dumps(data)))
        return project_of_timeline(timeline, source.parent)
    except ProjectFileError as error:
        raise ProjectFileError(f"{source}: {error}") from error
    except (otio.exceptions.OTIOError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ProjectFileError(
            f"{source}: not a timeline that OpenTimelineIO can read ({_one_line(error)}); export it again"
        ) from error


def save_project(project: Project, path: str | os.PathLike[str]) -> None:
    """Save atomically: a failure leaves the old file as it was.

    Raises ProjectFileError where the file cannot be written.
    """
    target = Path(path)
    _write(project, target)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ProjectFileError(f"{path}: there is no such project; check the path") from error
    except OSError as error:
        raise ProjectFileError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError as error:
        raise ProjectFileError(f"{path}: not a text file, so no project; give an .otio file") from error


def _object(text: str) -> Json:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ProjectFileError(
            f"not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}); restore it from a backup"
        ) from error
    except RecursionError as error:
        raise ProjectFileError("its JSON is nested too deeply for a project; restore it from a backup") from error
    if not isinstance(data, dict) or not isinstance(data.get("OTIO_SCHEMA"), str):
        raise ProjectFileError("JSON, but no OpenTimelineIO timeline ('OTIO_SCHEMA' is missing); give an .otio file")
    return data


def _upgraded(data: Json) -> Json:
    """The JSON at the current version. A file without a version of ours comes from another program."""
    own = data["metadata"].get(NAMESPACE) if isinstance(data.get("metadata"), dict) else None
    version = own.get("version", PROJECT_VERSION) if isinstance(own, dict) else PROJECT_VERSION
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ProjectFileError(
            f"its Grayplate version is {reprlib.repr(version)}, not a number from 1; restore it from a backup"
        )
    if version > PROJECT_VERSION:
        raise ProjectFileError(
            f"written by a newer Grayplate (project version {version}, this one reads up to {PROJECT_VERSION}); "
            "update Grayplate to open it"
        )
    for older in range(version, PROJECT_VERSION):
        data = UPGRADES[older](data)
    return data


def _write(project: Project, path: Path) -> None:
    timeline = timeline_of_project(project, path.parent)
    data = from_library(json.loads(timeline.to_json_string(indent=-1)))
    text = json.dumps(data, indent=4, ensure_ascii=False)
    try:
        write_text_atomically(path, text + "\n")
    except OSError as error:
        raise ProjectFileError(
            f"{path}: cannot be saved ({error.strerror}); free some space or save to another folder"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__

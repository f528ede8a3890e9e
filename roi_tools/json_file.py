"""Reading JSON and writing text files whole or not at all, with messages that a person can act on."""

from __future__ import annotations

import json
import os
from pathlib import Path

from roi_tools.errors import RoiFileError


def read_text(path: Path, kind: str = "text") -> str:
    """A text file (UTF-8, a byte order mark is skipped); ``kind`` names it in messages. Raises RoiFileError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise RoiFileError(f"{path}: there is no such file; check the path of the boxes") from error
    except OSError as error:
        raise RoiFileError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except ValueError as error:
        raise RoiFileError(f"{path}: not a {kind} file ({type(error).__name__}); give a file of boxes") from error


def load_json(path: Path) -> object:
    """The content of a JSON file. Raises RoiFileError."""
    text = read_text(path, "JSON text")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RoiFileError(
            f"{path}: not valid JSON at line {error.lineno}, column {error.colno} ({error.msg}); re-export it"
        ) from error
    except (ValueError, RecursionError) as error:  # absurdly long numbers, absurd nesting
        raise RoiFileError(f"{path}: not a JSON text file ({type(error).__name__}); give a file of boxes") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole: beside it first, then in its place. Raises RoiFileError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RoiFileError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error

"""Edits of other programs: Final Cut Pro 7 XML (.xml, also Premiere's and Resolve's), Final Cut Pro X, CMX 3600 lists.

The XML say which frames of which file a clip shows; of lists (.edl) see ``timeline.cmx_list``.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import ParseError

import opentimelineio as otio

from timeline.cmx_list import read_cmx
from timeline.errors import ProjectFileError
from timeline.otio_document import project_of_timeline, require_timeline
from timeline.project import Project

_ADAPTERS = {".xml": "fcp_xml", ".fcpxml": "fcpx_xml"}
LIST_ENDING = ".edl"
"""Names reels and timecode, no files: its media are to be searched for."""
EDIT_ENDINGS = (*_ADAPTERS, LIST_ENDING)


def load_edit(path: Path) -> Project:
    """The first timeline of a file with one of :data:`EDIT_ENDINGS`.

    Media that is missing is no error here. Raises ProjectFileError, one line with the file, what is wrong and
    the remedy.
    """
    if not path.is_file():
        raise ProjectFileError(f"{path}: there is no such file; check the path")
    try:
        project = project_of_timeline(require_timeline(_first_timeline(_read(path))), path.parent)
    except ProjectFileError as error:
        raise ProjectFileError(f"{path}: {error}") from error
    except (otio.exceptions.OTIOError, ParseError, OSError, ArithmeticError) as error:
        raise _unreadable(path, error) from error
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        # What the adapters run into where a file lacks what they look for.
        raise _unreadable(path, error) from error
    if not project.shots:
        raise ProjectFileError(f"{path}: no clip in it shows media; export the sequence with its clips")
    return project


def _read(path: Path) -> object:
    if path.suffix.lower() == LIST_ENDING:
        return read_cmx(path)
    return otio.adapters.read_from_file(str(path), adapter_name=_ADAPTERS[path.suffix.lower()])


def _first_timeline(found: object) -> object:
    if isinstance(found, otio.schema.SerializableCollection):
        return next((item for item in found if isinstance(item, otio.schema.Timeline)), found)
    return found


def _unreadable(path: Path, error: Exception) -> ProjectFileError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ProjectFileError(f"{path}: not an edit that can be read ({reason}); export it again, or as .otio")

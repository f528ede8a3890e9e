"""Edits of other programs: Final Cut Pro 7 XML (.xml, also Premiere's and Resolve's) and Final Cut Pro X (.fcpxml).

Both say which frames of which file a clip shows. CMX 3600 edit lists say neither, only reels and timecode.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import ParseError

import opentimelineio as otio

from timeline.errors import ProjectFileError
from timeline.otio_document import project_of_timeline, require_timeline
from timeline.project import Project

_ADAPTERS = {".xml": "fcp_xml", ".fcpxml": "fcpx_xml"}
EDIT_ENDINGS = tuple(_ADAPTERS)


def load_edit(path: Path) -> Project:
    """The first timeline of a file with one of :data:`EDIT_ENDINGS`.

    Media that is missing is no error here. Raises ProjectFileError, one line with the file, what is wrong and
    the remedy.
    """
    if not path.is_file():
        raise ProjectFileError(f"{path}: there is no such file; check the path")
    try:
        found = otio.adapters.read_from_file(str(path), adapter_name=_ADAPTERS[path.suffix.lower()])
        project = project_of_timeline(require_timeline(_first_timeline(found)), path.parent)
    except ProjectFileError as error:
        raise ProjectFileError(f"{path}: {error}") from error
    except (otio.exceptions.OTIOError, ParseError, OSError, ArithmeticError) as error:
        raise _unreadable(path, error) from error
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        # What the adapters run into where the XML lacks what they look for.
        raise _unreadable(path, error) from error
    if not project.shots:
        raise ProjectFileError(f"{path}: no clip in it shows media; export the sequence with its clips")
    return project


def _first_timeline(found: object) -> object:
    if isinstance(found, otio.schema.SerializableCollection):
        return next((item for item in found if isinstance(item, otio.schema.Timeline)), found)
    return found


def _unreadable(path: Path, error: Exception) -> ProjectFileError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ProjectFileError(f"{path}: not an edit that can be read ({reason}); export it as .otio, .xml or .fcpxml")

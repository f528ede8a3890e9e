"""Shapes and boxes of a shot to and from files of other programs. Without Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desktop import commands
from desktop.language import tr
from desktop.roto_convert import layer_of
from desktop.session import Session
from roi_tools.errors import ShapeError
from roi_tools.roto.model import RotoLayer
from timeline import edits
from timeline.marking import Marking, RotoMarking
from timeline.media.info import MediaInfo
from timeline.removal import Removal, new_id

IMPORTED = (".json", ".nk", ".xml", ".txt", ".csv")
FIRST_NUMBER = 1
"""The number of a shot's first frame in files of other programs, as Nuke counts a movie's."""
EXPORTED = (".nk", ".fxs", ".py", ".json")


def import_marks(session: Session, path: Path, info: MediaInfo, effect: str) -> int:
    """A removal for each layer and each box of a file, as one undo step; returns how many.

    Raises UsageError, RoiError or MediaError.
    """
    from desktop.roi_files import RoiOptions, read_marks_of  # loads OpenCV
    from roi_tools.simplify import boxes_to_rectangles

    shot = session.shot
    if shot is None:
        return 0
    document = read_marks_of(path, info, RoiOptions(FIRST_NUMBER))
    marks: list[tuple[str, Marking]] = [(layer.name, RotoMarking(layer)) for layer in document.layers if layer.shapes]
    shaped = {shape.label for layer in document.layers for shape in layer.shapes}
    for label, boxes in document.boxes.items():
        if label not in shaped and any(boxes):
            marks += [(label, rectangle) for rectangle in boxes_to_rectangles(boxes)]
    project = session.project
    for label, marking in marks:
        added = Removal(new_id(), label or commands.free_label(shot), marking, effect)
        project = edits.add_removal(project, shot.id, added)
        last = added.id
    if marks:
        session.apply(tr("Import Shapes"), project)
        session.select_removal(last)
    return len(marks)


def export_marks(session: Session, path: Path, info: MediaInfo) -> tuple[str, ...]:
    """Write the selected removal by the file's ending; returns the shapes that the format cannot hold.

    Raises ShapeError where none is selected, UsageError, RoiError or MediaError.
    """
    from desktop.roi_files import RoiOptions, write_marks
    from roi_tools.roi_document import RoiDocument

    removal = session.removal
    if removal is None:
        raise ShapeError(tr("no removal is selected; select the one to export"))
    layer: RotoLayer = replace(layer_of(removal.shape), name=removal.label)
    document = RoiDocument(info.size, info.rate, info.frame_count, {}, (layer,))
    return write_marks(path, document, RoiOptions(FIRST_NUMBER), overwrite=True)

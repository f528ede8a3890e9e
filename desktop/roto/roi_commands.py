"""Shapes and boxes of a shot to and from files of other programs. Without Qt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.base.errors import UsageError
from desktop.base.language import tr
from desktop.editing import commands
from desktop.editing.session import Session
from desktop.roto.convert import layer_of
from desktop.roto.shot_document import document_of_shot
from roi_tools.errors import ShapeError
from roi_tools.roto.model import RotoLayer
from timeline import edits
from timeline.marking import Marking, RotoMarking
from timeline.media.info import MediaInfo
from timeline.media.sequence_files import is_pattern, parse_pattern
from timeline.removal import Removal, new_id

if TYPE_CHECKING:
    from roi_tools.roi_document import RoiDocument  # loads OpenCV

IMPORTED = (".json", ".nk", ".xml", ".txt", ".csv")
FIRST_NUMBER = 1
"""The number of a shot's first frame in files of other programs, as Nuke counts a movie's."""
EXPORTED = (".nk", ".fxs", ".py", ".json")
BOXES = "boxes.json"
"""Files whose name ends so hold plain boxes."""
MATTE_MOVIES = (".mov", ".mkv", ".mp4")
MATTE_IMAGES = (".png", ".tif", ".tiff", ".exr")
"""One image stands for the sequence that it is of."""
_NUMBER = re.compile(r"\d+(?=\D*$)")
_DIGITS = 4


def is_matte(path: Path) -> bool:
    """Whether a file is a matte, which takes long to read and write."""
    return path.suffix.lower() in (*MATTE_MOVIES, *MATTE_IMAGES)


def sequence_of(path: Path) -> Path:
    """The pattern of the sequence that an image is of: its last number as ``#``. One without a number stays alone."""
    if path.suffix.lower() not in MATTE_IMAGES or is_pattern(path.name):
        return path
    return path.with_name(_NUMBER.sub(lambda found: "#" * len(found[0]), path.stem) + path.suffix)


def export_path(chosen: Path) -> Path:
    """Where a chosen name leads: a known ending is put behind others, and images get a ``####`` for their number."""
    kind = chosen.suffix.lower()
    if kind not in (*EXPORTED, *MATTE_MOVIES, *MATTE_IMAGES):
        return chosen.with_name(chosen.name + EXPORTED[0])
    if kind in MATTE_IMAGES and not is_pattern(sequence_of(chosen).name):
        return chosen.with_name(f"{chosen.stem}.{'#' * _DIGITS}{chosen.suffix}")
    return sequence_of(chosen)


def images_at(path: Path) -> int:
    """How many images of a sequence are there."""
    is_sequence = path.suffix.lower() in MATTE_IMAGES and is_pattern(path.name)
    return len(parse_pattern(path).existing_numbers()) if is_sequence and path.parent.is_dir() else 0


def read_document(path: Path, info: MediaInfo, progress: Callable[[int, int], object]) -> RoiDocument:
    """What a file marks; ``progress(done, total)`` is told of a matte's frames.

    Raises UsageError, also where a matte has another size than the shot's media; RoiError or MediaError.
    """
    from desktop.roto.roi_files import RoiOptions, read_marks_of  # loads OpenCV

    label = path.stem.rstrip("0123456789#@._- ") or path.stem
    document = read_marks_of(sequence_of(path), info, RoiOptions(FIRST_NUMBER, label=label), progress)
    if is_matte(path) and document.size != info.size:
        raise UsageError(
            tr("{path} is {matte}, the shot's media {media}: a matte has to be of the same size").format(
                path=path, matte=document.size, media=info.size
            )
        )
    return document


def add_document(session: Session, document: RoiDocument, effect: str) -> int:
    """A removal for each layer and each box of a document, as one undo step; returns how many."""
    from roi_tools.simplify import boxes_to_rectangles

    shot = session.shot
    if shot is None:
        return 0
    marks: list[tuple[str, Marking]] = [(layer.name, RotoMarking(layer)) for layer in document.layers if layer.shapes]
    shaped = {shape.label for layer in document.layers for shape in layer.shapes}
    for label, boxes in document.boxes.items():
        if label not in shaped and any(boxes):
            marks += [(label, rectangle) for rectangle in boxes_to_rectangles(boxes)]
    project = session.project
    ids: dict[str, list[str]] = {}
    for label, marking in marks:
        added = Removal(new_id(), label or commands.free_label(shot), marking, effect)
        project = edits.add_removal(project, shot.id, added)
        ids.setdefault(label, []).append(added.id)
        last = added.id
    for companion, leader in document.links.items():
        # Boxes with a gap are several removals: the first of each go along, and so on.
        for one, other in zip(ids.get(companion, ()), ids.get(leader, ()), strict=False):
            project = edits.link_removal(project, shot.id, one, other)
    if marks:
        session.apply(tr("Import Shapes"), project)
        session.select_removal(last)
    return len(marks)


def document_to_write(session: Session, info: MediaInfo, path: Path) -> RoiDocument:
    """What goes into the file: all removals of the shot into an ROI file, the selected one into others.

    Raises ShapeError where none is selected.
    """
    from roi_tools.roi_document import RoiDocument

    shot, removal = session.shot, session.removal
    if shot is None or removal is None:
        raise ShapeError(tr("no removal is selected; select the one to export"))
    if holds_shot(path):
        return document_of_shot(shot, info)
    layer: RotoLayer = replace(layer_of(removal.shape), name=removal.label)
    return RoiDocument(info.size, info.rate, info.frame_count, {}, (layer,))


def holds_shot(path: Path) -> bool:
    """Whether all that marks a shot goes into the file, not the selected removal alone."""
    return path.suffix.lower() == ".json" and not path.name.lower().endswith(BOXES)


def write_document(path: Path, document: RoiDocument, progress: Callable[[int, int], object]) -> tuple[str, ...]:
    """Write by the file's ending; returns the shapes that the format cannot hold.

    ``progress(done, total)`` is told of a matte's frames. Raises UsageError, RoiError or MediaError.
    """
    from desktop.roto.roi_files import RoiOptions, write_marks

    return write_marks(path, document, RoiOptions(FIRST_NUMBER), overwrite=True, progress=progress)

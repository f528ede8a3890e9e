"""What marks a shot, in the files of this program and of others: read into one document, written by a file's ending.

.json            ROI file, boxes.json, COCO in; ROI file out, and plain boxes where the name ends in boxes.json
.nk              Nuke's Roto node, in and out
.fxs, .py        Silhouette's shapes, a script for Blender: out
.xml, .txt, .csv CVAT and MOT: in
media            a matte movie or sequence, in (as shapes) and out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.base.errors import UsageError
from roi_tools.box_import import import_boxes
from roi_tools.contours import outlines_of
from roi_tools.geometry import Box
from roi_tools.interchange.blender import write_blender
from roi_tools.interchange.nuke import read_nuke, write_nuke
from roi_tools.interchange.silhouette import write_silhouette
from roi_tools.json_file import load_json
from roi_tools.matte import bounds
from roi_tools.matte_operations import AS_IT_IS, MatteFinish, finished
from roi_tools.roi_document import RoiDocument, is_roi_data, read_roi, write_roi
from roi_tools.roi_file import box_file, read_boxes, write_boxes
from roi_tools.roi_marks import box_shape
from roi_tools.roto.from_outlines import shapes_from_outlines
from roi_tools.roto.model import RotoLayer
from roi_tools.roto.outlines import Polygon
from roi_tools.roto.raster import layer_matte
from timeline.media.info import MediaInfo
from timeline.media.mattes import frame_coverage, write_mattes
from timeline.media.reader import open_media

_OUTLINE_PX = 0.5
"""Of the error of shapes, for the outline of each frame: what cuts the pixels' steps. The rest makes points fewer."""
_SCRIPTS = {".nk": write_nuke, ".fxs": write_silhouette, ".py": write_blender}


@dataclass(frozen=True)
class RoiOptions:
    """How a document is read and written. Frame n of the shot is number n + ``first_number`` in .nk, .fxs and .py.

    ``error_px``: how far shapes may lie from the edge of a matte that they are made of. ``layer``: the one to write
    where a file holds only one. ``finish``: what is done to mattes that are written.
    """

    first_number: int = 0
    error_px: float = 1.0
    label: str = "matte"
    layer: str = ""
    finish: MatteFinish = AS_IT_IS


Progress = Callable[[int, int], object]
"""``progress(done, total)``, in frames; what it raises ends the work."""


def _silent(done: int, total: int) -> None:
    """Nobody waits."""


def read_marks_of(path: Path, clip: MediaInfo | None, options: RoiOptions, progress: Progress = _silent) -> RoiDocument:
    """The document in a file of any kind above; ``clip`` is what it marks, needed where the file does not say its size.

    Raises UsageError, RoiError or MediaError.
    """
    kind = path.suffix.lower()
    data = load_json(path) if kind == ".json" else None
    if is_roi_data(data):
        return read_roi(path)
    if kind == ".nk":
        clip = _known(clip, path)
        layer = read_nuke(path, clip.size, options.first_number)
        return RoiDocument(clip.size, clip.rate, clip.frame_count, {}, (layer,))
    if kind in (".xml", ".txt", ".csv") or (isinstance(data, dict) and "annotations" in data):
        clip = _known(clip, path)
        tracks = import_boxes(path, clip.size, clip.frame_count, clip.rate).tracks
        return RoiDocument(clip.size, clip.rate, clip.frame_count, {track.label: track.boxes for track in tracks})
    if kind == ".json":
        found = read_boxes(path)
        boxes = {track.label or options.label: track.boxes for track in found.tracks}
        return RoiDocument(found.size, found.rate, found.frames, boxes)
    return _from_matte(path, options, progress)


def write_marks(
    path: Path, document: RoiDocument, options: RoiOptions, *, overwrite: bool = False, progress: Progress = _silent
) -> tuple[str, ...]:
    """Write the document by the file's ending. Returns the labels of the shapes that the format cannot hold.

    Where it holds boxes and shapes, the formats of shapes get both: boxes as rectangles. Raises UsageError where the
    file is there already, or holds one layer and the document has several; RoiError, MediaError.
    """
    kind = path.suffix.lower()
    if kind in (".json", *_SCRIPTS) and path.exists() and not overwrite:
        raise UsageError(f"{path} exists; choose another name or add --overwrite")
    if kind in (".json", *_SCRIPTS) and options.finish != AS_IT_IS:
        raise UsageError(f"{path} holds shapes; a matte only is grown, feathered, filled or joined over time")
    if path.name.lower().endswith("boxes.json"):
        write_boxes(path, box_file(document))
        return ()
    if kind == ".json":
        write_roi(path, document)
        return ()
    if kind in _SCRIPTS:
        layer = _one_layer(document, options.layer)
        return _SCRIPTS[kind](path, layer, document.size, range(document.frames), options.first_number)
    mattes = finished(mattes_of(document, progress), options.finish)
    write_mattes(path, mattes, _clip_of(document), overwrite=overwrite)
    return ()


def document_of_outlines(
    outlines: Mapping[int, Sequence[Polygon]], boxes: Mapping[int, Box], clip: MediaInfo, options: RoiOptions
) -> RoiDocument:
    """Outlines and boxes by frame as shapes that can be edited, with their boxes."""
    shapes = shapes_from_outlines(outlines, options.label, options.error_px)
    column = tuple(boxes.get(frame) for frame in range(clip.frame_count))
    layers = (RotoLayer(options.label, shapes),) if shapes else ()
    return RoiDocument(clip.size, clip.rate, clip.frame_count, {options.label: column}, layers)


def mattes_of(document: RoiDocument, progress: Progress = _silent) -> Iterator[NDArray[np.float32]]:
    """The matte of each frame: the largest of all layers' and boxes' own."""
    layers = layers_of(document)
    empty = np.zeros((document.size.height_px, document.size.width_px), np.float32)
    for frame in range(document.frames):
        progress(frame, document.frames)
        yield np.maximum.reduce([empty, *(layer_matte(layer, frame, document.size) for layer in layers)])


def layers_of(document: RoiDocument) -> tuple[RotoLayer, ...]:
    """The layers, and one of rectangles for the boxes whose label no shape has."""
    shaped = {shape.label for layer in document.layers for shape in layer.shapes}
    alone = tuple(box_shape(label, boxes) for label, boxes in document.boxes.items() if label not in shaped)
    return (*document.layers, RotoLayer("boxes", alone)) if alone else document.layers


def _one_layer(document: RoiDocument, name: str) -> RotoLayer:
    layers = layers_of(document)
    found = [layer for layer in layers if name in ("", layer.name)]
    if len(found) != 1:
        there = ", ".join(f"'{layer.name}'" for layer in layers) or "none"
        raise UsageError(f"the file holds one layer; choose one of {there} with --layer")
    return found[0]


def _from_matte(path: Path, options: RoiOptions, progress: Progress) -> RoiDocument:
    outlines: dict[int, Sequence[Polygon]] = {}
    boxes: dict[int, Box] = {}
    outline_px = min(options.error_px / 2, _OUTLINE_PX)
    with open_media(path) as reader:
        clip = reader.info
        for frame in range(clip.frame_count):
            progress(frame, clip.frame_count)
            coverage = frame_coverage(reader.read(frame))
            box = bounds(np.where(coverage >= 0.5, coverage, 0))
            if box is not None:
                outlines[frame], boxes[frame] = outlines_of(coverage, outline_px), box
    return document_of_outlines(outlines, boxes, clip, replace(options, error_px=options.error_px - outline_px))


def _known(clip: MediaInfo | None, path: Path) -> MediaInfo:
    if clip is None:
        raise UsageError(f"{path} does not say how large and long its clip is; name the clip with --media")
    return clip


def _clip_of(document: RoiDocument) -> MediaInfo:
    """What a writer needs to know of the clip that the document marks."""
    from timeline.media.frame import ColorTags, pixel_format

    form = pixel_format("gray16le")
    return MediaInfo(
        "", "movie", document.frames, document.size, document.rate, form, form.name, ColorTags(None, None, None, True),
        None, "", "", False, None,
    )  # fmt: skip

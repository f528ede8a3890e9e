"""What a .nk file keeps of a layer beside its curves, so that it reads back as it was.

Nuke's curves hold closed Bezier shapes with a value on every frame. The layer itself, with its kinds of shape, its
keyframes and their interpolation, lies in a text knob of the node, which Nuke carries along.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, replace

from roi_tools.errors import ShapeError
from roi_tools.geometry import Size
from roi_tools.keyframes import Track
from roi_tools.roto.layer_json import layer_from_dict, layer_to_dict
from roi_tools.roto.model import RotoLayer, Shape

KNOB = "grayplate_roto"
_LARGEST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class NukeRecord:
    """A layer, and how it was written: frame n as Nuke's frame n + ``first_number``, curves on ``span``."""

    layer: RotoLayer
    size: Size
    span: range
    first_number: int

    def numbered_from(self, first_number: int) -> RotoLayer:
        """The layer with Nuke's frame ``first_number`` as frame 0."""
        later = self.first_number - first_number
        return (
            self.layer if later == 0 else replace(self.layer, shapes=tuple(_later(s, later) for s in self.layer.shapes))
        )


def encoded(record: NukeRecord) -> str:
    """As one word of ASCII letters."""
    data = {
        "layer": layer_to_dict(record.layer),
        "size": [record.size.width_px, record.size.height_px],
        "span": [record.span.start, record.span.stop],
        "first_number": record.first_number,
    }
    return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode("ascii")


def decoded(word: str) -> NukeRecord | None:
    """The inverse of :func:`encoded`; None for anything else, from a later version, say: then the curves count."""
    try:
        unpacker = zlib.decompressobj()
        data = json.loads(unpacker.decompress(base64.b64decode(word, validate=True), _LARGEST_BYTES))
        return NukeRecord(
            layer_from_dict(data["layer"]), Size(*data["size"]), range(*data["span"]), int(data["first_number"])
        )
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError, RecursionError, ShapeError):
        return None


def _later(shape: Shape, frames: int) -> Shape:
    def moved(track: Track) -> Track:
        return Track(tuple(replace(key, frame=key.frame + frames) for key in track.keys))

    def moved_end(frame: int | None) -> int | None:
        return None if frame is None else frame + frames

    named: dict[str, Track] = {name: moved(getattr(shape, name)) for name in Shape.LENGTHS}
    tracks = tuple(map(moved, shape.tracks))
    return replace(
        shape,
        tracks=tracks,
        first_frame=moved_end(shape.first_frame),
        last_frame=moved_end(shape.last_frame),
        opacity=named["opacity"],
        feather_px=named["feather_px"],
        width_px=named["width_px"],
        transform=named["transform"],
    )

"""Looks at a render before it begins: no model is loaded, no frame rendered, nothing written."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadRequestError
from engine.ofx.clips import MatteClip
from engine.ofx.effect import Clips, RenderedImage
from engine.protocol import PassPreflight, Preflight, Remedy, RenderRequest, Stage
from engine.render.clips import MediaPlate
from engine.render.frame_cache import media_identity
from engine.render.pass_render import pass_matte
from engine.render.validation import CheckedPass, checked
from roi_tools.geometry import Box, Size, union_box
from timeline.errors import MediaError

MOST_DRAWN_MATTES = 64
"""Mattes of a movie or of shapes that are looked at, spread over the shot; boxes are all looked at."""
_PLATE_BUDGET_BYTES = 64 * 2**20


def preflight(request: RenderRequest, worker_pid: int | None = None) -> Preflight:
    """What each pass's effect has to say of ``request``; outputs are not looked at.

    What the process ``worker_pid`` holds counts as free memory. Raises BadRequestError or a subclass for a request
    that cannot be rendered at all.
    """
    bare = request.model_copy(update={"output": None, "report_path": None, "preview_folder": None, "maps_folder": None})
    try:
        with checked(bare) as render:
            plate = MediaPlate(render.source, _PLATE_BUDGET_BYTES)
            media = str(media_identity(request.source.path))
            return Preflight(
                passes=tuple(_pass_preflight(item, plate, media, render.frames, worker_pid) for item in render.passes)
            )
    except MediaError as error:
        raise BadRequestError(str(error)) from error


def _pass_preflight(
    item: CheckedPass, plate: MediaPlate, media: Hashable, frames: range, worker_pid: int | None
) -> PassPreflight:
    matte = _quick(item, pass_matte(item, frames, plate.size))
    effect = item.effect(item.parameters, Clips(plate, matte, media), _QuietHost())
    return effect.preflight(frames, worker_pid).model_copy(update={"pass_index": item.number})


def _quick(item: CheckedPass, matte: MatteClip) -> MatteClip:
    """The matte of a pass, without drawing every frame of it."""
    is_drawn = item.boxes is None or item.matte is not None or bool(item.roto)
    return _SampledMatte(matte, MOST_DRAWN_MATTES) if is_drawn else _BoxedMatte(matte, item)


class _Wrapped:
    """A matte of which some things are answered quicker. A MatteClip but for ``bounds``."""

    def __init__(self, matte: MatteClip) -> None:
        self._matte = matte

    @property
    def frames(self) -> range:
        """See MatteClip."""
        return self._matte.frames

    @property
    def known_frames(self) -> range:
        """See MatteClip."""
        return self._matte.known_frames

    @property
    def size(self) -> Size:
        """See MatteClip."""
        return self._matte.size

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See MatteClip."""
        return self._matte.image(frame, window)


class _BoxedMatte(_Wrapped):
    """Of boxes alone the bounds are known without drawing them. A MatteClip."""

    def __init__(self, matte: MatteClip, item: CheckedPass) -> None:
        super().__init__(matte)
        self._item = item

    def bounds(self, frame: int) -> Box | None:
        """See MatteClip."""
        item = self._item
        marked = (item.boxes or ())[frame - item.known_frames.start] if frame in item.known_frames else ()
        around = union_box([box for box in (one.clipped(self.size) for one in marked) if box])
        return around and around.grown(round(item.animation.number("grow_px", frame))).clipped(self.size)


class _SampledMatte(_Wrapped):
    """A matte of which some frames stand for those around them. A MatteClip."""

    def __init__(self, matte: MatteClip, count: int) -> None:
        super().__init__(matte)
        self._step = -(-len(matte.frames) // count)

    def bounds(self, frame: int) -> Box | None:
        """See MatteClip."""
        return self._matte.bounds(self._nearest(frame))

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See MatteClip."""
        return super().image(self._nearest(frame), window)

    def _nearest(self, frame: int) -> int:
        if frame not in self.frames:
            return frame
        return frame - (frame - self.frames.start) % self._step


class _QuietHost:
    """An effect that only looks has nothing to tell on the way. A Host."""

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """See Host."""

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        """See Host."""

    def windows(self, windows: Sequence[range]) -> None:
        """See Host."""

    def preview(self, frame: int, image: RenderedImage) -> None:
        """See Host."""

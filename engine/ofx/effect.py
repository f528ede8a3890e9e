"""The image effect: OpenFX's actions as methods.

The host creates one instance per removal of a shot and calls, in order: ``begin_sequence_render``, then for each
frame of the range, rising, ``is_identity`` and (where that is False) ``render``, then ``end_sequence_render`` (also
after an error). OpenFX 1.5 reference, chapter "Image Effect Actions".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.ofx.clips import MatteClip, SourceClip
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor, PassPreflight, Remedy, Stage
from roi_tools.geometry import Box, Size, frame_box
from timeline.media import frame_maps

SYNTHESISED = frame_maps.SYNTHESISED
"""Provenance of a pixel that was invented from what is around it."""
GENERATED = frame_maps.GENERATED
"""Provenance of a pixel that a model invented."""
UNTOUCHED = frame_maps.UNTOUCHED
"""Provenance of a pixel outside the matte."""


class Host(Protocol):
    """What an effect may ask of the program that runs it."""

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """Report how far a stage is, in frames or steps; raises CancelledError once the job is cancelled.

        Call it at least once a second in long work: it is also the only place where a cancel takes effect.
        """

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        """Tell the person something that does not stop the render, and which parameters of the effect would mend it.

        The same message is told once.
        """

    def windows(self, windows: Sequence[range]) -> None:
        """Tell in which context windows (source frames, in order; they may overlap) the frames are made.

        Call it in ``begin_sequence_render``, once they are planned; a later call replaces an earlier one.
        """

    def preview(self, frame: int, image: RenderedImage) -> None:
        """Show a provisional result of ``frame`` while the final one is still being made.

        May be called from a thread of the effect's own, one at a time, between ``begin_sequence_render`` and
        ``end_sequence_render``; raises CancelledError there once the job is cancelled. A frame that was returned from
        ``render`` must not be previewed again.
        """


@dataclass(frozen=True)
class RenderedImage:
    """What an effect makes of one frame; the host composites it through the matte.

    ``rgb`` is float32 (h, w, 3) in the source clip's own encoding, for exactly ``window``. ``provenance`` is int32
    (h, w): the source frame that a pixel came from (``frame`` itself where it was kept), SYNTHESISED, GENERATED or
    UNTOUCHED; None where the effect cannot say. ``confidence`` is float32 (h, w) in [0, 1]: 1 for the plate's own
    pixels, 0 for invented ones; None as above. ``never_visible`` is bool (h, w): what no frame within reach shows;
    None where the effect did not look.
    """

    window: Box
    rgb: NDArray[np.float32]
    provenance: NDArray[np.int32] | None = None
    confidence: NDArray[np.float32] | None = None
    never_visible: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Clips:
    """The input clips of one instance; Source is a clip like any other, so passes can be chained."""

    source: SourceClip
    matte: MatteClip
    media: Hashable | None = None
    """Says what Source is, where what was measured of it may serve another instance too."""


class ImageEffect(ABC):
    """Base of every effect; subclasses are found through the entry-point group ``grayplate.effects``."""

    identifier: ClassVar[str]
    """Same as the entry point's name and the descriptor's identifier."""

    def __init__(self, parameters: ParameterSet, clips: Clips, host: Host) -> None:
        self.parameters = parameters
        self.clips = clips
        self.host = host

    @classmethod
    @abstractmethod
    def describe(cls) -> EffectDescriptor:
        """Label, hint, clips and parameters. Must be cheap: it loads no model library."""

    def get_region_of_definition(self) -> Size:
        """Size of Output; a removal never changes it."""
        return self.clips.source.size

    def get_regions_of_interest(self, frame: int) -> Box:
        """The part of Source that ``render(frame)`` looks at; whole frame unless the effect knows better."""
        del frame
        return frame_box(self.clips.source.size)

    def get_frames_needed(self, frame: int) -> range:
        """Source frames that ``render(frame)`` looks at; the host may drop all others from its cache."""
        return range(frame, frame + 1)

    def is_identity(self, frame: int) -> bool:
        """True where Output equals Source: nothing is marked on this frame."""
        return self.clips.matte.bounds(frame) is None

    def preflight(self, frames: range, worker_pid: int | None = None) -> PassPreflight:
        """What speaks against rendering ``frames``, and what that takes. Must be cheap: it loads no model.

        Called on an instance of its own that renders nothing. Memory that the process ``worker_pid`` holds counts as
        available: the render would run there.
        """
        del frames, worker_pid
        return PassPreflight()

    def begin_sequence_render(self, frames: range) -> None:
        """Load models and plan windows for ``frames``, the frames that will be asked for (rising, may have gaps).

        After a resume it holds only what is still missing.
        """

    @abstractmethod
    def render(self, frame: int) -> RenderedImage:
        """The cleaned image of ``frame``, for a window that covers at least the matte's bounds."""

    def end_sequence_render(self) -> None:
        """Free what begin_sequence_render took; also called after an error or a cancel."""

"""What a tool needs of the viewer that it works in."""

from __future__ import annotations

from typing import Protocol

from desktop.roto.selection import RotoSelection
from desktop.viewer.outline_cache import OutlineCache
from desktop.viewer.overlays import BoxOverlay
from desktop.viewer.roto_painter import RotoOverlay
from desktop.viewer.tools.gestures import Gestures
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.view_transform import ViewTransform
from roi_tools.geometry import Size


class Stage(Protocol):
    """The picture with what is marked on it."""

    selection: RotoSelection
    gestures: Gestures
    outlines: OutlineCache

    @property
    def view(self) -> ViewTransform:
        """Where the picture lies."""

    @property
    def image_size(self) -> Size | None:
        """The frame's size; None without one."""

    @property
    def frame_number(self) -> int:
        """The media frame that boxes and shapes are shown, drawn and keyed on."""

    @property
    def boxes(self) -> tuple[BoxOverlay, ...]:
        """The boxes on this frame, the topmost last."""

    @property
    def rotos(self) -> tuple[RotoOverlay, ...]:
        """The roto on this frame, the topmost last."""

    @property
    def shows_overlays(self) -> bool:
        """Whether boxes and shapes are seen, and can be taken hold of."""

    @property
    def hover(self) -> Pointer | None:
        """Where the mouse was last; None outside."""

    def is_tracked(self, removal_id: str) -> bool:
        """Whether a running track moves a removal just now."""

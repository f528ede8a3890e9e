"""Where the picture lies in the viewer: zoom and pan, without Qt.

Widget coordinates are device-independent pixels from the viewer's top left corner; image coordinates are pixels of
the frame. ``zoom`` is widget px per image px.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from roi_tools.geometry import Size
from roi_tools.shapes import RectF

MINIMUM_ZOOM = 0.02
MAXIMUM_ZOOM = 64.0


@dataclass(frozen=True)
class ViewTransform:
    """``widget = image * zoom + (left, top)``."""

    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """An image point in the widget."""
        return x * self.zoom + self.left, y * self.zoom + self.top

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """A widget point in the image."""
        return (x - self.left) / self.zoom, (y - self.top) / self.zoom

    def rect_to_widget(self, rect: RectF) -> RectF:
        """An image rectangle in the widget."""
        return RectF(*self.to_widget(rect.x0, rect.y0), *self.to_widget(rect.x1, rect.y1))

    def panned(self, dx: float, dy: float) -> ViewTransform:
        """Moved by widget px."""
        return replace(self, left=self.left + dx, top=self.top + dy)

    def zoomed_at(self, x: float, y: float, factor: float) -> ViewTransform:
        """Zoomed by ``factor`` while the image point under widget point (x, y) stays there."""
        zoom = min(max(self.zoom * factor, MINIMUM_ZOOM), MAXIMUM_ZOOM)
        image_x, image_y = self.to_image(x, y)
        return ViewTransform(zoom, x - image_x * zoom, y - image_y * zoom)


def fitted(image: Size, widget_width: float, widget_height: float, margin_px: float = 0.0) -> ViewTransform:
    """The whole image, as large as it fits, in the middle."""
    free_width = max(widget_width - 2 * margin_px, 1.0)
    free_height = max(widget_height - 2 * margin_px, 1.0)
    zoom = min(free_width / image.width_px, free_height / image.height_px)
    return centred(image, widget_width, widget_height, min(zoom, MAXIMUM_ZOOM))


def centred(image: Size, widget_width: float, widget_height: float, zoom: float) -> ViewTransform:
    """The image at ``zoom``, its middle in the widget's middle, its corner on a whole pixel."""
    left = (widget_width - image.width_px * zoom) / 2
    top = (widget_height - image.height_px * zoom) / 2
    return ViewTransform(zoom, float(round(left)), float(round(top)))

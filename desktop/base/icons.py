"""Icons from ``resources/icons``: SVG in one colour, drawn for the theme and sharp at any scale."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop.base import theme

_SIZES_PX = (14, 16, 18, 20, 24, 27, 30, 32, 36, 40, 48)
"""Every size that a 16 to 24 px icon has at 100, 150 and 200 %, so that none is scaled."""


@cache
def icon(name: str, color: str = theme.TEXT, checked_color: str = "#ffffff") -> QIcon:
    """``resources/icons/<name>.svg`` in ``color``; grayed where its action is disabled."""
    result = QIcon()
    for mode, state, tint in (
        (QIcon.Mode.Normal, QIcon.State.Off, color),
        (QIcon.Mode.Normal, QIcon.State.On, checked_color),
        (QIcon.Mode.Disabled, QIcon.State.Off, theme.TEXT_OFF),
        (QIcon.Mode.Disabled, QIcon.State.On, theme.TEXT_OFF),
    ):
        for size_px in _SIZES_PX:
            result.addPixmap(pixmap(name, size_px, tint), mode, state)
    return result


@cache
def pixmap(name: str, size_px: int, color: str, device_pixel_ratio: float = 1.0) -> QPixmap:
    """One drawing of an icon; ``size_px`` is device-independent."""
    side_px = round(size_px * device_pixel_ratio)
    image = QPixmap(side_px, side_px)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(_tinted(name, color))).render(painter, QRectF(0, 0, side_px, side_px))
    painter.end()
    image.setDevicePixelRatio(device_pixel_ratio)
    return image


def _tinted(name: str, color: str) -> bytes:
    text = files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")
    return text.replace("currentColor", color).encode()

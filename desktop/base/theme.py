"""How Grayplate looks: neutral grays that do not tint a person's judgement of colour, and few signal colours."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

CANVAS = "#171717"
WINDOW = "#1f1f1f"
PANEL = "#262626"
RAISED = "#343434"
HOVER = "#3e3e3e"
FIELD = "#1b1b1b"
EDGE = "#121212"
LINE = "#3a3a3a"
TEXT = "#dcdcdc"
TEXT_DIM = "#9c9c9c"
TEXT_OFF = "#626262"
ACCENT = "#4c8df0"
ACCENT_HOVER = "#649df4"
ACCENT_DEEP = "#2c4f86"
READY = "#3db487"
STALE = "#d7a03c"
FAILED = "#e2635c"
PLAYHEAD = "#ff7d4d"
KEYFRAME = "#f4c65a"

REMOVAL_COLORS = ("#5aa9ff", "#ff8fb1", "#b58cff", "#6fd6c3", "#ffb15c", "#a6d75b", "#ff7a6b", "#8fb0d0")
"""One per removal of a shot, in order, then again from the first."""

_JAPANESE_FONTS = ["Hiragino Sans", "Yu Gothic UI", "Meiryo", "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic"]
"""Named, because a system's own choice for kanji may be a Chinese font, which draws some of them otherwise."""
_FONTS = ["Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Cantarell", "DejaVu Sans", *_JAPANESE_FONTS]
_MONO_FONTS = ["JetBrains Mono", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono", *_JAPANESE_FONTS]


def removal_color(index: int) -> QColor:
    """The colour of a shot's removal number ``index``."""
    return QColor(REMOVAL_COLORS[index % len(REMOVAL_COLORS)])


def ui_font(size_px: int = 13, *, bold: bool = False) -> QFont:
    """The interface's font, in device-independent pixels."""
    font = QFont()
    font.setFamilies(_FONTS)
    font.setPixelSize(size_px)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def mono_font(size_px: int = 12) -> QFont:
    """A fixed-pitch font for numbers that change while one looks at them."""
    font = QFont()
    font.setFamilies(_MONO_FONTS)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(size_px)
    return font


def apply_theme(application: QApplication) -> None:
    """Fusion, our palette, our style sheet."""
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setFont(ui_font())
    application.setStyleSheet(_style_sheet())


def _palette() -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for target, color in (
        (role.Window, PANEL),
        (role.WindowText, TEXT),
        (role.Base, FIELD),
        (role.AlternateBase, PANEL),
        (role.Text, TEXT),
        (role.PlaceholderText, TEXT_OFF),
        (role.Button, RAISED),
        (role.ButtonText, TEXT),
        (role.BrightText, "#ffffff"),
        (role.Highlight, ACCENT),
        (role.HighlightedText, "#ffffff"),
        (role.ToolTipBase, RAISED),
        (role.ToolTipText, TEXT),
        (role.Link, ACCENT),
        (role.Light, HOVER),
        (role.Mid, LINE),
        (role.Dark, EDGE),
        (role.Shadow, "#000000"),
    ):
        palette.setColor(target, QColor(color))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(TEXT_OFF))
    return palette


def _style_sheet() -> str:
    resources = files("resources")
    text = resources.joinpath("themes", "dark.qss").read_text(encoding="utf-8")
    colors = {name.lower(): value for name, value in globals().items() if name.isupper() and isinstance(value, str)}
    icons = Path(str(resources.joinpath("icons"))).as_posix()
    return Template(text).substitute(colors, icons=icons)

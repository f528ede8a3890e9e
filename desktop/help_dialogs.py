"""The page behind F1 and the about box."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from itertools import groupby

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from desktop import theme
from desktop.actions import ACTIONS, menu_path, plain_text
from desktop.diagnostics import installed
from desktop.language import tr

_STEPS = (
    ("Open a clip", "Drop a movie, a folder of frames or a project on the window."),
    ("Draw a box", "Around what should go. Move to other frames and drag the box along: keyframes follow."),
    ("Render", "Frames appear as they are cleaned. Compare with Return, W, S and D."),
    ("Try again", "Change settings, render as a new take, compare both, use the better one."),
    ("Export", "The shot goes to comp; outside the boxes nothing changes."),
)


_ABOUT = "Removes things from shots: draw a box on a timeline, watch the plate come back, deliver to comp."


class TextDialog(QDialog):
    """A page of text to read and to copy from."""

    def __init__(self, title: str, html: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(620, 640)
        self.page = QTextBrowser()
        self.page.setOpenExternalLinks(True)
        self.page.setHtml(html)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 14)
        layout.setSpacing(12)
        layout.addWidget(self.page)
        layout.addWidget(buttons)


def help_html(actions: Mapping[str, QAction]) -> str:
    """How to work, and every action with the keys that it has now."""
    steps = "".join(f"<p><b>{tr(title)}</b>: {tr(text)}</p>" for title, text in _STEPS)
    tables = []
    for menu, specs in groupby(ACTIONS, key=lambda spec: menu_path(spec, "/").split("/")[0]):
        rows = []
        for spec in specs:
            keys = (key.toString(QKeySequence.SequenceFormat.NativeText) for key in actions[spec.name].shortcuts())
            tip = tr(spec.tip)
            rows.append(
                f"<tr><td width='130'><b>{escape(', '.join(keys)) or '–'}</b></td>"
                f"<td width='190'>{escape(plain_text(tr(spec.text)))}</td>"
                f"<td style='color:{theme.TEXT_DIM}'>{escape(tip)}</td></tr>"
            )
        tables.append(f"<br><h4>{escape(menu)}</h4><table cellpadding='2'>{''.join(rows)}</table>")
    return f"<h3>{tr('How to work')}</h3>{steps}<h3>{tr('Keys')}</h3>{''.join(tables)}"


def about_html() -> str:
    """Version, licence, and what Grayplate stands on."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(number)}</td><td>{escape(licence)}</td></tr>"
        for name, number, licence in installed()
    )
    return (
        f"<h3>Grayplate {version('grayplate')}</h3><p>{tr(_ABOUT)}</p><p>{tr('Apache License 2.0. Made with:')}</p>"
        f"<table cellpadding='3'>{rows}</table>"
    )

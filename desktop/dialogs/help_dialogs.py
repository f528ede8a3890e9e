"""The help behind F1 and the about box."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from itertools import groupby

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QAction,
    QColor,
    QKeySequence,
    QShortcut,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextTable,
)
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from desktop.actions import ACTIONS, menu_path, plain_text
from desktop.base import theme
from desktop.base.diagnostics import installed
from desktop.base.language import tr
from desktop.dialogs.help_topics import KEYS, TOPICS, page, title, topic_of

_ABOUT = "Removes things from shots: draw a box on a timeline, watch the plate come back, deliver to comp."
_TOPIC = Qt.ItemDataRole.UserRole
_TOPIC_PX = 28
_HEADING_PX, _PARAGRAPH_PX, _LINE_PERCENT = 16, 9, 125


class TextDialog(QDialog):
    """A page of text to read and to copy from."""

    def __init__(self, title: str, html: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(620, 640)
        self.page = _text_page(title)
        self.page.setHtml(html)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 14)
        layout.setSpacing(12)
        layout.addWidget(self.page)
        layout.addWidget(_close_button(self))


class HelpDialog(QDialog):
    """Topics on the left, the page on the right."""

    def __init__(self, actions: Mapping[str, QAction], topic: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Grayplate Help"))
        self.resize(880, 680)
        self._actions = actions
        self.topics = QListWidget()
        self.topics.setAccessibleName(tr("Topics"))
        self.topics.setFixedWidth(220)
        self.page = _text_page(tr("Page"))
        for name in (*TOPICS, KEYS):
            item = QListWidgetItem(tr("Keys") if name == KEYS else title(name))
            item.setData(_TOPIC, name)
            item.setSizeHint(QSize(0, _TOPIC_PX))
            self.topics.addItem(item)
        self.topics.currentItemChanged.connect(lambda *_: self._show_page())
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.topics)
        row.addWidget(self.page, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 14)
        layout.setSpacing(12)
        layout.addLayout(row, 1)
        layout.addWidget(_close_button(self))
        self.show_topic(topic)
        self.topics.setFocus()

    @property
    def topic(self) -> str:
        """What is shown."""
        item = self.topics.currentItem()
        return str(item.data(_TOPIC)) if item else TOPICS[0]

    def show_topic(self, topic: str) -> None:
        """Turn to a page."""
        self.topics.setCurrentRow((*TOPICS, KEYS).index(topic))

    def _show_page(self) -> None:
        if self.topic == KEYS:
            self.page.setHtml(keys_html(self._actions))
        else:
            self.page.setMarkdown(page(self.topic))
            _space_out(self.page.document())
        self.page.moveCursor(QTextCursor.MoveOperation.Start)


def add_context_help(dialog: QDialog, actions: Mapping[str, QAction]) -> None:
    """F1 in a dialog, which the window's own action does not reach."""
    keys = QShortcut(QKeySequence(Qt.Key.Key_F1), dialog)
    keys.activated.connect(lambda: open_help(actions, topic_of(dialog), dialog))


def open_help(actions: Mapping[str, QAction], topic: str, parent: QWidget) -> HelpDialog:
    """The help at a topic; the one that is open already turns to it."""
    found = next((dialog for dialog in parent.findChildren(HelpDialog) if dialog.isVisible()), None)
    if found is not None:
        found.show_topic(topic)
        found.raise_()
        return found
    dialog = HelpDialog(actions, topic, parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.show()
    return dialog


def keys_html(actions: Mapping[str, QAction]) -> str:
    """Every action with the keys that it has now."""
    tables = []
    for menu, specs in groupby(ACTIONS, key=lambda spec: menu_path(spec, "/").split("/")[0]):
        rows = []
        for spec in specs:
            keys = (key.toString(QKeySequence.SequenceFormat.NativeText) for key in actions[spec.name].shortcuts())
            rows.append(
                f"<tr><td width='130'><b>{escape(', '.join(keys)) or '–'}</b></td>"
                f"<td width='190'>{escape(plain_text(tr(spec.text)))}</td>"
                f"<td style='color:{theme.TEXT_DIM}'>{escape(tr(spec.tip))}</td></tr>"
            )
        tables.append(f"<br><h4>{escape(menu)}</h4><table cellpadding='2'>{''.join(rows)}</table>")
    return f"<h3>{tr('Keys')}</h3>{''.join(tables)}"


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


def _text_page(name: str) -> QTextBrowser:
    browser = QTextBrowser()
    browser.setAccessibleName(name)
    browser.setOpenExternalLinks(True)
    browser.setSource(QUrl())
    browser.document().setDocumentMargin(14)
    return browser


def _space_out(document: QTextDocument) -> None:
    """Air between paragraphs and quiet lines in tables, which Markdown has no say in."""
    block = document.begin()
    while block.isValid():
        cursor = QTextCursor(block)
        if cursor.currentTable() is None:
            form = block.blockFormat()
            form.setTopMargin(_HEADING_PX if form.headingLevel() else 3 if block.textList() else _PARAGRAPH_PX)
            form.setLineHeight(_LINE_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            cursor.setBlockFormat(form)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            table = frame.format().toTableFormat()
            table.setBorderBrush(QColor(theme.LINE))
            table.setCellPadding(5)
            table.setTopMargin(_PARAGRAPH_PX)
            frame.setFormat(table)


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    return buttons

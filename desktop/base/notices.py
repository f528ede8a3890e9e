"""Messages to the person: one line of what is wrong and what to do. They never block the UI thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.base import theme
from desktop.base.icons import pixmap
from desktop.base.messages import told

LINES = 6
"""Messages that one notice shows; of more, the newest."""

_WARNING = ("warning", theme.STALE)
_QUESTION = ("question", theme.ACCENT)


def sentence(message: str) -> str:
    """A message of any floor with a capital letter, unless it begins with a name or a path."""
    first = message.split(" ", 1)[0]
    return message[:1].upper() + message[1:] if first.isalpha() else message


class Notices(QObject):
    """At most one open notice per title: it gets a line for each different message."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._open: dict[str, QMessageBox] = {}

    @property
    def texts(self) -> dict[str, str]:
        """Title -> message of what is open now."""
        return {title: box.informativeText() for title, box in self._open.items()}

    def problem(
        self,
        title: str,
        message: str,
        retry: Callable[[], object] | None = None,
        answers: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        """Something went wrong; ``retry`` adds a button that tries it again, ``answers`` others that help."""
        box = self._box(title, sentence(told(message)), _WARNING)
        present = {button.text() for button in box.buttons()}
        for text, action in (answers or {}).items():
            if text not in present:
                button = box.addButton(text, QMessageBox.ButtonRole.AcceptRole)
                button.clicked.connect(lambda _=False, action=action: action())
                box.setDefaultButton(button)
        if retry is not None and box.button(QMessageBox.StandardButton.Retry) is None:
            again = box.addButton(QMessageBox.StandardButton.Retry)
            again.clicked.connect(lambda: retry())
            box.setDefaultButton(again)
        box.setModal(False)
        box.show()

    def ask(self, title: str, message: str, answers: dict[str, Callable[[], object]]) -> None:
        """A question that the window waits for; ``answers``: button texts and what they do, the default first."""
        box = self._box(title, message, _QUESTION)
        for button in box.buttons():
            box.removeButton(button)
        for number, (text, action) in enumerate(answers.items()):
            role = QMessageBox.ButtonRole.AcceptRole if number == 0 else QMessageBox.ButtonRole.ActionRole
            button = box.addButton(text, role)
            button.clicked.connect(lambda _=False, action=action: action())
            if number == 0:
                box.setDefaultButton(button)
        box.open()

    def click(self, title: str, button_text: str) -> None:
        """Press a button of an open notice, as a person would."""
        box = self._open[title]
        next(b for b in box.buttons() if b.text().replace("&", "") == button_text).click()

    def dismiss(self, title: str) -> None:
        """Close a notice that no longer holds."""
        if title in self._open:
            self._open[title].close()

    def _box(self, title: str, message: str, icon: tuple[str, str]) -> QMessageBox:
        if title in self._open:
            self._open[title].setInformativeText(_joined(self._open[title].informativeText(), message))
            return self._open[title]
        box = QMessageBox(QMessageBox.Icon.NoIcon, "Grayplate", title, QMessageBox.StandardButton.Close, self._window)
        box.setIconPixmap(pixmap(icon[0], 36, icon[1], self._window.devicePixelRatioF()))
        box.setInformativeText(message)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._open[title] = box
        box.finished.connect(lambda _: self._open.pop(title, None))
        return box


def _joined(before: str, message: str) -> str:
    lines = before.split("\n")
    return "\n".join([*(line for line in lines if line != message), message][-LINES:])

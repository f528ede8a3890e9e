"""The takes of the shot under the playhead: choose one, compare two, name them, delete them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QToolButton, QVBoxLayout, QWidget

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.panels.panel import dim_label, takes_what_is_left
from desktop.rendering import take_commands
from desktop.rendering.results import ResultStore, Take
from engine.protocol import EffectDescriptor


class TakesView(QWidget):
    """Keeps itself in step with the session and the results."""

    def __init__(self, session: Session, results: ResultStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._results = session, results
        self._effects: Mapping[str, EffectDescriptor] = {}
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Takes"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setIconSize(QSize(16, 16))
        takes_what_is_left(self.list)
        self.new = QPushButton(tr("New Take"))
        self.new.setToolTip(tr("Render with the settings of now and keep the result so far"))
        self.choose, self.compare = QPushButton(tr("Use")), QPushButton(tr("Compare"))
        self.choose.setToolTip(tr("Show this take, with the settings that it was rendered with"))
        self.compare.setToolTip(tr("Let this take stand in for the source in wipe, side by side and difference"))
        self.compare.setCheckable(True)
        self.rename = _tool("rename", tr("Name this take"))
        self.delete = _tool("delete", tr("Delete this take"))
        self._hint = dim_label(tr("Render with other settings as a new take to compare."), wraps=True)
        self._lay_out()
        self.choose.clicked.connect(self._on_choose)
        self.compare.clicked.connect(self._on_compare)
        self.list.currentRowChanged.connect(self._enable)
        self.list.itemDoubleClicked.connect(lambda _: self._on_choose())
        session.project_changed.connect(self.refresh)
        session.playhead_changed.connect(self._on_playhead)
        results.changed.connect(self._on_result)
        self._shot_id: str | None = None
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        for button in (self.new, self.choose, self.compare, self.rename, self.delete):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._hint)
        layout.addWidget(self.list, 1)
        layout.addLayout(buttons)

    def set_effects(self, effects: Sequence[EffectDescriptor]) -> None:
        """What effects and their parameters are called."""
        self._effects = {effect.identifier: effect for effect in effects}
        self.refresh()

    def _on_playhead(self) -> None:
        shot = self._session.shot
        if (shot.id if shot else None) != self._shot_id:
            self.refresh()

    def _on_result(self, shot_id: str) -> None:
        if shot_id == self._shot_id:
            self.refresh()

    def _takes(self) -> tuple[Take, ...]:
        shot = self._session.shot
        return self._results.takes(shot.id) if shot else ()

    def selected(self) -> Take | None:
        """The take that the buttons act on."""
        row, takes = self.list.currentRow(), self._takes()
        return takes[row] if 0 <= row < len(takes) else None

    def refresh(self) -> None:
        """Show the takes as they are now."""
        shot = self._session.shot
        self._shot_id = shot.id if shot else None
        takes = self._takes()
        while self.list.count() > len(takes):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(takes):
            self.list.addItem(QListWidgetItem())
        for row, take in enumerate(takes):
            self._fill(self.list.item(row), take)
        self._hint.setVisible(len(takes) < 2)
        self._enable()

    def _fill(self, item: QListWidgetItem, take: Take) -> None:
        assert self._shot_id is not None
        is_chosen = take is self._results.chosen(self._shot_id)
        compared = take is self._results.versus(self._shot_id)
        name, color = ("done", theme.READY) if is_chosen else ("compare" if compared else "film", theme.TEXT_DIM)
        item.setIcon(icon(name, color, color))
        role = tr(", used") if is_chosen else tr(", compared with") if compared else ""
        settings = take_commands.settings_text(take, self._effects)
        item.setText(f"{take.label}{role}   {_frames_text(take)}   {settings}")
        item.setForeground(QColor(theme.TEXT if is_chosen else theme.TEXT_DIM))
        item.setToolTip(settings or tr("Default settings"))
        item.setData(Qt.ItemDataRole.UserRole, take.number)

    def _enable(self) -> None:
        take, shot = self.selected(), self._session.shot
        others = take is not None and shot is not None and take is not self._results.chosen(shot.id)
        self.new.setEnabled(shot is not None)
        for button in (self.rename, self.delete):
            button.setEnabled(take is not None)
        self.choose.setEnabled(others)
        self.compare.setEnabled(others)
        self.compare.setChecked(others and shot is not None and take is self._results.versus(shot.id))

    def _on_choose(self) -> None:
        take = self.selected()
        if take:
            take_commands.choose_take(self._session, self._results, take.number)

    def _on_compare(self) -> None:
        take, shot = self.selected(), self._session.shot
        if take and shot:
            self._results.compare_with(shot.id, take.number if self.compare.isChecked() else None)


def _tool(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button


def _frames_text(take: Take) -> str:
    if take.is_awaited:
        return tr("frames are looked up")
    if not take.frames:
        return tr("frames gone: render again")
    return tr("1 frame") if len(take.frames) == 1 else tr("{count} frames").format(count=len(take.frames))

"""The render queue: what runs, what waits, what came of the rest."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.base.notices import sentence
from desktop.panels.panel import dim_label, takes_what_is_left, tool_button
from desktop.panels.times import duration_text
from desktop.rendering.controller import RenderController
from desktop.rendering.queue import QueuedRender, RenderState

_ICONS = {
    RenderState.WAITING: ("film", theme.TEXT_DIM),
    RenderState.RUNNING: ("render", theme.ACCENT),
    RenderState.DONE: ("done", theme.READY),
    RenderState.FAILED: ("error", theme.FAILED),
    RenderState.CANCELLED: ("cancel", theme.TEXT_DIM),
}


class QueueView(QWidget):
    """Keeps itself in step with the queue; its buttons act on the selected render."""

    count_changed = Signal(int)
    """Renders that run or wait."""

    def __init__(self, renders: RenderController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._renders = renders
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Render queue"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setIconSize(QSize(16, 16))
        takes_what_is_left(self.list)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.earlier = tool_button("chevron_up", tr("Render earlier"))
        self.later = tool_button("chevron_down", tr("Render later"))
        self.cancel = tool_button("cancel", tr("Cancel this render"))
        self.retry = tool_button("reset", tr("Render this again"))
        self.clear = tool_button("delete", tr("Clear renders that are over"))
        self._time_left = dim_label()
        self._lay_out()
        self.list.currentRowChanged.connect(self._enable)
        self.earlier.clicked.connect(lambda: self._act(lambda entry: renders.move(entry, -1)))
        self.later.clicked.connect(lambda: self._act(lambda entry: renders.move(entry, 1)))
        self.cancel.clicked.connect(lambda: self._act(renders.cancel))
        self.retry.clicked.connect(lambda: self._act(renders.retry))
        self.clear.clicked.connect(renders.clear_finished)
        renders.queue_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for button in (self.earlier, self.later, self.cancel, self.retry, self.clear):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self._time_left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.list, 1)
        layout.addLayout(buttons)

    @property
    def time_left_text(self) -> str:
        """Until the whole queue is done, as far as that is known."""
        return self._time_left.text()

    def selected(self) -> QueuedRender | None:
        """The render that the buttons act on."""
        row, entries = self.list.currentRow(), self._renders.queue.entries
        return entries[row] if 0 <= row < len(entries) else None

    def refresh(self) -> None:
        """Show the queue as it is now; the same render stays selected."""
        item = self.list.currentItem()
        kept = item.data(Qt.ItemDataRole.UserRole) if item else None
        entries = self._renders.queue.entries
        while self.list.count() > len(entries):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(entries):
            self.list.addItem(QListWidgetItem())
        for row, entry in enumerate(entries):
            _fill(self.list.item(row), entry)
        if kept in entries:
            self.list.setCurrentRow(entries.index(kept))
        pending = [entry for entry in entries if entry.state in (RenderState.WAITING, RenderState.RUNNING)]
        left = self._renders.queue.time_left_s() if len(pending) > 1 else None
        paused = tr("Paused") if self._renders.is_paused else ""
        self._time_left.setText(
            tr("All in {time}").format(time=duration_text(left)) if left is not None and not paused else paused
        )
        self.count_changed.emit(len(pending))
        self._enable()

    def _enable(self) -> None:
        entry, waiting = self.selected(), self._renders.queue.waiting
        state = entry.state if entry else None
        self.earlier.setEnabled(entry in waiting[1:])
        self.later.setEnabled(entry in waiting[:-1])
        self.cancel.setEnabled(state in (RenderState.WAITING, RenderState.RUNNING))
        self.retry.setEnabled(state in (RenderState.DONE, RenderState.FAILED, RenderState.CANCELLED))
        self.clear.setEnabled(any(_is_over(entry) for entry in self._renders.queue.entries))

    def _act(self, action: Callable[[QueuedRender], object]) -> None:
        entry = self.selected()
        if entry is not None:
            action(entry)


def _is_over(entry: QueuedRender) -> bool:
    return entry.state not in (RenderState.WAITING, RenderState.RUNNING)


def _fill(item: QListWidgetItem, entry: QueuedRender) -> None:
    name, color = _ICONS[entry.state]
    item.setIcon(icon(name, color, color))
    item.setText(f"{entry.shot.name}   {_frames(entry)}   {_how_far(entry)}")
    item.setForeground(QColor(theme.TEXT if not _is_over(entry) else theme.TEXT_DIM))
    item.setToolTip(sentence(told(entry.message)) or item.text())
    item.setData(Qt.ItemDataRole.UserRole, entry)


def _frames(entry: QueuedRender) -> str:
    frames = entry.request.frames
    return f"{frames.start}–{frames.end_exclusive - 1}"


def _how_far(entry: QueuedRender) -> str:
    progress = entry.progress
    if entry.state is RenderState.RUNNING and progress and progress.total:
        return f"{progress.done / progress.total:.0%}"
    if entry.state is RenderState.DONE and entry.request.output:
        return tr("Exported")
    return tr(entry.state.value)

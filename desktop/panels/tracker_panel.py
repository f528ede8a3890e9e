"""Tracking: what is followed and how, its buttons, progress, and how sure it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.panels.confidence_graph import ConfidenceGraph
from desktop.panels.panel import dim_label
from desktop.tracking.controller import Live, TrackingController
from desktop.tracking.store import TrackingStore, TrackRecord
from desktop.tracking.task import TrackOptions
from timeline.marking import RotoMarking

if TYPE_CHECKING:
    from roi_tools.tracking.region import MotionModel
    from roi_tools.tracking.surface import Followed

_FOLLOWED: tuple[tuple[Followed, str, str], ...] = (
    ("object", "The object", "What is inside the box or shape carries it"),
    ("background", "The background around it", "What lies around it carries it: for marks that stay on the scene"),
)
_MODELS: tuple[tuple[MotionModel, str], ...] = (
    ("translation", "Position"),
    ("similarity", "Position, scale, rotation"),
    ("affine", "With shear"),
    ("perspective", "With perspective"),
)
_BUTTONS = ("track_backward", "track_one_backward", "track_one_forward", "track_forward", "track_both")


class TrackerPanel(QWidget):
    """Shows the track of the selected removal, and one that runs."""

    def __init__(
        self,
        session: Session,
        store: TrackingStore,
        controller: TrackingController,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._store, self._controller = session, store, controller
        self.follow, self.model = QComboBox(), QComboBox()
        self._fill_choices()
        self.progress, self.left = QProgressBar(), dim_label()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName(tr("Progress of the track"))
        self.said = dim_label(tr("Select a box or a shape, then track it from this frame"), wraps=True)
        self.graph = ConfidenceGraph()
        self.graph.frame_clicked.connect(self._go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(self._form())
        layout.addLayout(_buttons(actions, _BUTTONS, actions["stop_tracking"]))
        layout.addWidget(self.progress)
        layout.addWidget(self.said)
        layout.addWidget(self.graph, 1)
        layout.addLayout(_words(actions, ("propose_motion", "propose_shadow", "clear_track")))
        controller.started.connect(self._on_started)
        controller.progressed.connect(self._on_progress)
        controller.ended.connect(self._on_ended)
        store.changed.connect(self._on_record)
        for signal in (session.project_changed, session.selection_changed, session.playhead_changed):
            signal.connect(self.refresh)
        self._show_running(False)
        self.refresh()

    def _fill_choices(self) -> None:
        for followed, text, tip in _FOLLOWED:
            self.follow.addItem(tr(text), followed)
            self.follow.setItemData(self.follow.count() - 1, tr(tip), Qt.ItemDataRole.ToolTipRole)
        for model, text in _MODELS:
            self.model.addItem(tr(text), model)
        self.model.setCurrentIndex(1)
        self.follow.setAccessibleName(tr("What is followed"))
        self.model.setAccessibleName(tr("Motion"))
        self.follow.currentIndexChanged.connect(self._on_options)
        self.model.currentIndexChanged.connect(self._on_options)

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setVerticalSpacing(6)
        form.addRow(tr("Follow"), self.follow)
        self._model_label = QLabel(tr("Motion"))
        form.addRow(self._model_label, self.model)
        return form

    # --- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the selected removal's track on this frame; one that runs shows itself."""
        if self._controller.is_running:
            return
        place, removal = self._session.place, self._session.removal
        # A box around its object takes its size from the object; no model says how it may move.
        models = removal is not None and (
            isinstance(removal.shape, RotoMarking) or self.follow.currentData() == "background"
        )
        self.model.setEnabled(models)
        self._model_label.setEnabled(models)
        if place is None:
            return
        frames = range(place.shot.source_start, place.shot.source_end_exclusive)
        record = self._store.record(removal.id if removal else "")
        self.graph.show_record(record, frames, place.media_frame)

    def _on_record(self, removal_id: str) -> None:
        self.refresh()

    def _on_options(self) -> None:
        self._controller.options = TrackOptions(self.follow.currentData(), self.model.currentData())
        self.refresh()

    def _on_started(self) -> None:
        self.progress.setValue(0)
        self._show_running(True)
        self.said.setText(tr("Tracking …"))

    def _on_progress(self, live: Live) -> None:
        self.progress.setValue(round(live.share * 1000))
        frame = live.last.frame if live.last else 0
        shot = self._session.shot
        if shot is not None:
            frames = range(shot.source_start, shot.source_end_exclusive)
            self.graph.show_record(TrackRecord(live.confidence), frames, frame)
        if live.seconds_left is None:
            self.said.setText(tr("Frame {frame}").format(frame=frame))
        else:
            left = math.ceil(live.seconds_left)
            self.said.setText(tr("Frame {frame}, {seconds} s left").format(frame=frame, seconds=left))

    def _on_ended(self, said: str) -> None:
        self._show_running(False)
        self.said.setText(said)
        self.refresh()

    def _show_running(self, running: bool) -> None:
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.setVisible(running)
        self.follow.setEnabled(not running)

    def _go(self, frame: int) -> None:
        shot = self._session.shot
        if shot is not None:
            self._session.go_to_media_frame(shot.id, frame)


def _buttons(actions: Mapping[str, QAction], names: tuple[str, ...], stop: QAction) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(2)
    for action in (*(actions[name] for name in names), stop):
        button = QToolButton()
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        row.addWidget(button)
    row.addStretch(1)
    return row


def _words(actions: Mapping[str, QAction], names: tuple[str, ...]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    for name in names:
        row.addWidget(_ActionButton(actions[name]))
    row.addStretch(1)
    return row


class _ActionButton(QPushButton):
    """An action as a button with words."""

    def __init__(self, action: QAction) -> None:
        super().__init__(action.iconText())
        self._action = action
        self.setToolTip(action.toolTip())
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())

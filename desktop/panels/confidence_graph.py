"""How sure a track was, frame by frame: bars; hatched and named where it was lost."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.tracking.store import UNSURE, TrackRecord

_MARGIN_PX = 6.0
_TEXT_PX = 15.0


class ConfidenceGraph(QWidget):
    """Shows one record over a shot's frames; a click goes to a frame."""

    frame_clicked = Signal(int)
    """A media frame."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record, self._frames, self._playhead = TrackRecord(), range(1), 0
        self.setMinimumHeight(84)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self.setAccessibleName(tr("Confidence of the track"))
        self.setToolTip(tr("Confidence by frame, 0 to 100 %; click to go there"))

    @override
    def sizeHint(self) -> QSize:
        return QSize(240, 96)

    def show_record(self, record: TrackRecord, frames: range, playhead: int) -> None:
        """Show a record over media ``frames``; ``playhead`` is the one that is shown."""
        self._record, self._frames, self._playhead = record, frames, playhead
        self.setAccessibleDescription(summary(record))
        self.update()

    def _x(self, frame: float) -> float:
        width = self.width() - 2 * _MARGIN_PX
        return _MARGIN_PX + (frame - self._frames.start) / max(len(self._frames), 1) * width

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        plot = QRectF(_MARGIN_PX, _TEXT_PX, self.width() - 2 * _MARGIN_PX, self.height() - _TEXT_PX - _MARGIN_PX)
        painter.fillRect(plot, QColor(theme.FIELD))
        for frame in self._frames:
            left, width = self._x(frame), max(self._x(frame + 1) - self._x(frame), 1.0)
            if frame in self._record.lost:
                self._draw_lost(painter, QRectF(left, plot.top(), width, plot.height()))
            elif (value := self._record.confidence.get(frame)) is not None:
                top = plot.bottom() - max(value, 0.02) * plot.height()
                color = QColor(theme.READY if value >= UNSURE else theme.STALE)
                painter.fillRect(QRectF(left, top, width, plot.bottom() - top), color)
        self._draw_frame(painter, plot)

    def _draw_lost(self, painter: QPainter, rect: QRectF) -> None:
        tint = QColor(theme.FAILED)
        tint.setAlpha(70)
        painter.fillRect(rect, tint)
        painter.fillRect(rect, QBrush(QColor(theme.FAILED), Qt.BrushStyle.BDiagPattern))

    def _draw_frame(self, painter: QPainter, plot: QRectF) -> None:
        y = plot.bottom() - UNSURE * plot.height()
        painter.setPen(QPen(QColor(255, 255, 255, 70), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(QPen(QColor(theme.PLAYHEAD), 1.5))
        x = self._x(self._playhead + 0.5)
        painter.drawLine(QPointF(x, plot.top() - 2), QPointF(x, plot.bottom()))
        painter.setFont(theme.ui_font(11))
        painter.setPen(QColor(theme.TEXT_DIM))
        text = summary(self._record) or tr("Nothing tracked yet")
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(plot.width()))
        painter.drawText(QRectF(plot.left(), 0, plot.width(), _TEXT_PX), Qt.AlignmentFlag.AlignLeft, elided)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        width = max(self.width() - 2 * _MARGIN_PX, 1.0)
        frame = self._frames.start + int((event.position().x() - _MARGIN_PX) / width * len(self._frames))
        self.frame_clicked.emit(min(max(frame, self._frames.start), self._frames.stop - 1))


def summary(record: TrackRecord) -> str:
    """Where it was lost and where it is unsure, in words."""
    parts = []
    if record.lost:
        parts.append(tr("Lost: {frames}").format(frames=runs_text(record.lost)))
    if record.unsure():
        parts.append(tr("Unsure: {frames}").format(frames=runs_text(record.unsure())))
    if record.confidence and not parts:
        mean = sum(record.confidence.values()) / len(record.confidence)
        parts.append(tr("Sure throughout, {mean} on average").format(mean=f"{mean:.0%}"))
    return "   ".join(parts)


def runs_text(frames: Iterable[int]) -> str:
    """Frames as runs: 3–7, 9."""
    runs: list[list[int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in runs)

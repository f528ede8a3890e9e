"""What the engine says of a removal before it is rendered: how long, how much memory, and what to change."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.base import theme
from desktop.base.icons import pixmap
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.panels.panel import dim_label
from desktop.panels.times import about_duration_text
from engine.protocol import Advice, Forecast, PassPreflight, Remedy

_ICON_PX = 16
_GB = 1e9


class AdviceView(QWidget):
    """Hidden while there is nothing to say."""

    remedy_chosen = Signal(object)
    """The Remedy whose button was pressed."""
    models_asked = Signal()
    """A model would help."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._forecast = dim_label(wraps=True)
        self._forecast.setToolTip(
            tr("What this render takes on this machine, from the model's size and what was measured in earlier renders")
        )
        self._layout.addWidget(self._forecast)
        self._warnings: list[QWidget] = []
        self.hide()

    @property
    def forecast_text(self) -> str:
        """The line about time and memory; empty where there is none."""
        return self._forecast.text()

    @property
    def warning_texts(self) -> list[str]:
        """The warnings as they are shown."""
        return [label.text() for row in self._warnings for label in row.findChildren(QLabel, "advice")]

    @property
    def buttons(self) -> list[QPushButton]:
        """The remedies' buttons, in order."""
        return [button for row in self._warnings for button in row.findChildren(QPushButton)]

    def show_advice(self, advice: PassPreflight | None) -> None:
        """Show what is known now; None is nothing."""
        for row in self._warnings:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        forecast = advice.forecast if advice else None
        self._forecast.setText(forecast_text(forecast) if forecast else "")
        self._forecast.setVisible(forecast is not None)
        self._warnings = [self._row(warning) for warning in advice.warnings] if advice else []
        for row in self._warnings:
            self._layout.addWidget(row)
        self.setVisible(forecast is not None or bool(self._warnings))

    def _row(self, advice: Advice) -> QWidget:
        row = QWidget()
        grid = QGridLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        mark = QLabel()
        mark.setPixmap(pixmap("warning", _ICON_PX, theme.STALE, self.devicePixelRatioF()))
        mark.setFixedSize(QSize(_ICON_PX, _ICON_PX + 2))
        text = QLabel(_capital(told(_reason(advice))))
        text.setObjectName("advice")
        text.setWordWrap(True)
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        grid.addWidget(mark, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(text, 0, 1)
        if advice.remedy is not None:
            grid.addWidget(self._button(advice.remedy), 1, 1, Qt.AlignmentFlag.AlignLeft)
        elif advice.about == "models":
            models = QPushButton(tr("Models …"))
            models.setToolTip(tr("Get and choose what VACE and click to matte run"))
            models.clicked.connect(self.models_asked)
            grid.addWidget(models, 1, 1, Qt.AlignmentFlag.AlignLeft)
        return row

    def _button(self, remedy: Remedy) -> QPushButton:
        button = QPushButton(told(remedy.label))
        changes = ", ".join(f"{name} = {_shown(value)}" for name, value in remedy.parameters.items())
        button.setToolTip(tr("Sets {changes}").format(changes=changes))
        button.clicked.connect(lambda: self.remedy_chosen.emit(remedy))
        return button


def forecast_text(forecast: Forecast) -> str:
    """``About 4 min · 7.1 of 24.0 GB of memory``."""
    time = tr("Time known after the first render")
    if forecast.seconds is not None:
        time = about_duration_text(forecast.seconds)
    needed, available = (f"{size / _GB:.1f}" for size in (forecast.peak_bytes, forecast.available_bytes))
    memory = tr("{needed} of {available} GB of memory").format(needed=needed, available=available)
    return f"{time} · {memory}"


def _reason(advice: Advice) -> str:
    """The message without what to do about it, where a button says that."""
    if advice.remedy is None:
        return advice.message
    label = advice.remedy.label
    return advice.message.removesuffix(f"; {label[:1].lower()}{label[1:]}")


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    return tr("empty") if value == "" else str(value)

"""Above the picture: how it is looked at. Changes no result."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.media.look import Channel, Look
from desktop.panels.panel import dim_label, tool_button
from desktop.viewer.map_overlay import MapKind

EXPOSURE_STOPS = 6
"""The slider goes this far both ways."""
PROXY_STEPS = (1, 2, 4)
GAINS = (1, 4, 16, 64)
_TENTHS = 10


class LookBar(QWidget):
    """Its sliders and choices are one :class:`Look`."""

    changed = Signal()
    """:attr:`look` is another one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lookBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(36)
        self.channel = _choices([(tr(channel.value), channel) for channel in Channel], tr("Channel"))
        self.exposure = _slider(-EXPOSURE_STOPS * _TENTHS, EXPOSURE_STOPS * _TENTHS, 0, tr("Exposure in stops"))
        self.gamma = _slider(2, 40, _TENTHS, tr("Gamma of the view"))
        self.scale = _choices([(tr("Full") if n == 1 else f"1/{n}", n) for n in PROXY_STEPS], tr("Proxy scale"))
        self.gain = _choices([(f"× {gain}", gain) for gain in GAINS], tr("How much the difference is amplified"))
        self.gain.setCurrentIndex(GAINS.index(4))
        self.maps = _choices([(tr(kind.value), kind) for kind in MapKind], tr("Map over the result"))
        self._exposure_text, self._gamma_text, self._gain_text = QLabel(), QLabel(), dim_label(tr("Difference"))
        self._reset = tool_button("reset", tr("Neutral view: no exposure, gamma 1, RGB"))
        self._reset.clicked.connect(self.reset)
        self._differs = False
        self._words: list[QLabel] = []
        """What names the controls."""
        self._lay_out()
        for combo in (self.channel, self.scale, self.gain):
            combo.currentIndexChanged.connect(self._on_changed)
        for slider in (self.exposure, self.gamma):
            slider.valueChanged.connect(self._on_changed)
        self.set_difference(False)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(self.channel)
        row.addSpacing(8)
        for name, slider, text in (
            (tr("Exposure"), self.exposure, self._exposure_text),
            (tr("Gamma"), self.gamma, self._gamma_text),
        ):
            text.setFont(theme.mono_font(12))
            text.setFixedWidth(40)
            self._words.append(dim_label(name))
            row.addWidget(self._words[-1])
            row.addWidget(slider)
            row.addWidget(text)
        row.addWidget(self._reset)
        row.addWidget(self.maps)
        row.addStretch(1)
        self._words.append(dim_label(tr("Scale")))
        for widget in (self._gain_text, self.gain, self._words[-1], self.scale):
            row.addWidget(widget)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make_room()

    def _make_room(self) -> None:
        """Leave words beside the controls out where they do not fit, the last first; the controls have tool tips."""
        row = self.layout()
        assert row is not None
        widths = {word: word.sizeHint().width() + row.spacing() for word in self._words}
        used = self.sizeHint().width() - sum(width for word, width in widths.items() if not word.isHidden())
        for word, width in widths.items():
            used += width
            word.setVisible(used <= self.width())

    def add_widget(self, widget: QWidget) -> None:
        """Put another choice of how the picture is looked at after the sliders."""
        row = self.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(row.indexOf(self._reset) + 1, widget)

    @property
    def map_kind(self) -> MapKind:
        """Which map is drawn over the result."""
        kind: MapKind = self.maps.currentData()
        return kind

    @property
    def look(self) -> Look:
        """What is chosen."""
        return Look(
            exposure_stops=self.exposure.value() / _TENTHS,
            gamma=self.gamma.value() / _TENTHS,
            channel=self.channel.currentData(),
            proxy_step=self.scale.currentData(),
            difference_gain=float(self.gain.currentData()) if self._differs else 0.0,
        )

    def set_channel(self, channel: Channel) -> None:
        """Show a channel; again: all of them."""
        chosen = Channel.RGB if self.channel.currentData() is channel else channel
        self.channel.setCurrentIndex(list(Channel).index(chosen))

    def set_scale(self, step: int) -> None:
        """Show every ``step``-th pixel."""
        self.scale.setCurrentIndex(PROXY_STEPS.index(step))

    def add_exposure(self, tenths: int) -> None:
        """Lighter or darker by tenths of a stop."""
        self.exposure.setValue(self.exposure.value() + tenths)

    def set_difference(self, visible: bool) -> None:
        """Whether the difference is shown, which can be amplified."""
        self._differs = visible
        self._gain_text.setVisible(visible)
        self.gain.setVisible(visible)
        self._make_room()
        self._on_changed()

    def reset(self) -> None:
        """The neutral view; the scale stays."""
        self.exposure.setValue(0)
        self.gamma.setValue(_TENTHS)
        self.channel.setCurrentIndex(0)

    def _on_changed(self) -> None:
        look = self.look
        self._exposure_text.setText(f"{look.exposure_stops:+.1f}")
        self._gamma_text.setText(f"{look.gamma:.1f}")
        self._reset.setEnabled(look.is_graded or look.channel is not Channel.RGB)
        self.changed.emit()


def _choices(entries: list[tuple[str, object]], name: str) -> QComboBox:
    combo = QComboBox()
    for text, data in entries:
        combo.addItem(text, data)
    combo.setAccessibleName(name)
    combo.setToolTip(name)
    combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return combo


def _slider(minimum: int, maximum: int, value: int, name: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(minimum, maximum)
    slider.setValue(value)
    slider.setMinimumWidth(44)
    slider.setMaximumWidth(110)
    slider.setAccessibleName(name)
    slider.setToolTip(name)
    slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return slider

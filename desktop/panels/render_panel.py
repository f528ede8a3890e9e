"""Render and Cancel, how far it is, how long it will take, and what the engine had to say."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTime
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.base.notices import sentence
from desktop.panels.log_list import LogList
from desktop.panels.panel import ElidedLabel, dim_label, takes_what_is_left
from desktop.panels.times import duration_text
from engine.protocol import Job, ProgressEvent, Stage

LOG_LINES = 300

_STAGES: dict[Stage, str] = {
    "load": "Loading",
    "analyse": "Analysing the shot",
    "render": "Cleaning",
    "deliver": "Writing the file",
    "verify": "Checking the file",
}
_LEVELS = {
    "info": ("info", theme.TEXT_DIM),
    "done": ("done", theme.READY),
    "warning": ("warning", theme.STALE),
    "error": ("error", theme.FAILED),
}


class RenderPanel(QWidget):
    """Only shows; the main window connects its buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.render_button = QPushButton(icon("render", "#ffffff"), "  " + tr("Render Shot"))
        self.render_button.setObjectName("primary")
        self.render_button.setToolTip(tr("Clean the shot under the playhead (Ctrl+R)"))
        self.cancel_button = QPushButton(icon("cancel", "#ffffff"), "  " + tr("Cancel"))
        self.cancel_button.setObjectName("cancel")
        self.cancel_button.setToolTip(tr("Stop; the frames that are ready stay (Ctrl+.)"))
        self._buttons = QStackedWidget()
        for button in (self.render_button, self.cancel_button):
            button.setMinimumHeight(34)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._buttons.addWidget(button)
        self._buttons.setFixedHeight(36)
        self.follow = QCheckBox(tr("Follow frames"))
        self.follow.setToolTip(tr("Show frames as they arrive: the playhead follows the render until you move it"))
        self.follow.setChecked(True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._stage, self._eta = ElidedLabel(tr("Nothing rendered yet")), dim_label()
        self._log = LogList(tr("What renders report appears here"))
        self._log.setWordWrap(True)
        self._log.setSpacing(2)
        takes_what_is_left(self._log)
        self._log.setAccessibleName(tr("Log"))
        self._log.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._tabs = QTabWidget()
        self._tabs.setAccessibleName(tr("Log, queue and takes"))
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.addTab(self._log, tr("Log"))
        self._tabs.setCornerWidget(_raised(self.follow), Qt.Corner.TopRightCorner)
        self._tabs.currentChanged.connect(self._make_room)
        self._lay_out()

    def add_tab(self, title: str, content: QWidget) -> None:
        """Show something more of renders beside the log."""
        self._tabs.addTab(content, title)
        self._make_room(self._tabs.currentIndex())

    def _make_room(self, shown: int) -> None:
        """Let only the page that is shown say how high the panel has to be."""
        for index in range(self._tabs.count()):
            policy = QSizePolicy.Policy.Preferred if index == shown else QSizePolicy.Policy.Ignored
            page = self._tabs.widget(index)
            if page is not self._log and page is not None:
                page.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self._tabs.updateGeometry()

    def set_tab_title(self, content: QWidget, title: str) -> None:
        """Rename a tab that :meth:`add_tab` made."""
        self._tabs.setTabText(self._tabs.indexOf(content), title)

    @property
    def log_list(self) -> LogList:
        """The log as it is shown."""
        return self._log

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(8)
        status = QHBoxLayout()
        status.addWidget(self._stage, 1)
        status.addWidget(self._eta)
        layout.addWidget(self._buttons)
        layout.addWidget(self._bar)
        layout.addLayout(status)
        layout.addWidget(self._tabs, 1)
        QWidget.setTabOrder(self._tabs.tabBar(), self.follow)

    @property
    def status_text(self) -> str:
        """The line under the progress bar."""
        return self._stage.text()

    @property
    def log_lines(self) -> list[str]:
        """The log, oldest first."""
        return [self._log.item(row).text() for row in range(self._log.count())]

    def show_started(self) -> None:
        """A render was asked for."""
        self._buttons.setCurrentWidget(self.cancel_button)
        self.cancel_button.setEnabled(True)
        self._bar.setRange(0, 0)
        self._stage.setText(tr("Waiting for the engine"))
        self._eta.clear()

    def show_progress(self, event: ProgressEvent) -> None:
        """How far the render is."""
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(1000 * event.done / event.total) if event.total else 0)
        count = (
            tr("{number} of {count}").format(number=f"{event.done:.0f}", count=f"{event.total:.0f}")
            if event.total
            else ""
        )
        self._stage.setText(f"{sentence(told(event.message)) or tr(_STAGES[event.stage])}  {count}".strip())
        self._eta.setText(tr("{time} left").format(time=duration_text(event.eta_s)) if event.eta_s is not None else "")

    def show_cancelling(self) -> None:
        """A cancel was asked for; it takes effect at the engine's next step."""
        self.cancel_button.setEnabled(False)
        self._stage.setText(tr("Cancelling …"))

    def show_finished(self, job: Job) -> None:
        """The render is done."""
        report = job.report
        cleaned = tr("{count} frames cleaned").format(count=report.frames_cleaned) if report else tr("Done")
        took = (
            tr(" in {time}").format(time=duration_text(sum(report.seconds.values())))
            if report and report.seconds
            else ""
        )
        self._stop(f"{cleaned}{took}", 1000)
        self.log("done", f"{cleaned}{took}")
        for line in _shares(job):
            self.log("info", line)

    def show_cancelled(self) -> None:
        """The render was cancelled."""
        self._stop(tr("Cancelled; the frames that are ready stay"), self._bar.value())
        self.log("info", tr("Render cancelled"))

    def show_failed(self, message: str) -> None:
        """The render broke off."""
        self._stop(tr("The render failed"), 0)
        self.log("error", message)

    def show_idle(self, message: str) -> None:
        """No render runs, for a reason that is told elsewhere."""
        self._stop(message, 0)

    def log(self, level: str, message: str) -> None:
        """Add a line; ``level`` is info, done, warning or error."""
        name, color = _LEVELS[level]
        message = sentence(told(message))
        item = QListWidgetItem(icon(name, color, color), message)
        item.setToolTip(f"{QTime.currentTime().toString('HH:mm:ss')}  {message}")
        self._log.addItem(item)
        while self._log.count() > LOG_LINES:
            self._log.takeItem(0)
        self._log.scrollToBottom()

    def _stop(self, message: str, value: int) -> None:
        self._buttons.setCurrentWidget(self.render_button)
        self._bar.setRange(0, 1000)
        self._bar.setValue(max(value, 0))
        self._stage.setText(message)
        self._eta.clear()


def _raised(widget: QWidget) -> QWidget:
    """On one line with the texts of the tabs, which leave room for a line below them."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(8, 0, 0, 7)
    row.addWidget(widget)
    return holder


def _shares(job: Job) -> list[str]:
    """What the passes say of where their pixels came from."""
    lines = []
    for number, report in enumerate(job.report.passes if job.report else ()):
        if report.share_recovered is not None and report.share_synthesised is not None:
            prefix = (
                tr("Pass {number}: ").format(number=number + 1) if job.report and len(job.report.passes) > 1 else ""
            )
            lines.append(
                prefix
                + tr("{recovered} of the pixels from other frames, {kept} kept, {synthesised} invented").format(
                    recovered=f"{report.share_recovered:.0%}",
                    kept=f"{report.share_kept or 0:.0%}",
                    synthesised=f"{report.share_synthesised:.0%}",
                )
            )
    return lines

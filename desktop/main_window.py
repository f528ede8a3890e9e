"""The main window: makes the parts and puts them side by side. What they do together is in ``window_wiring``."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QIcon, QKeyEvent
from PySide6.QtWidgets import QLabel, QMainWindow, QScrollArea, QSizePolicy, QTabWidget, QToolBar, QToolButton, QWidget
from typing_extensions import override

from desktop.actions import keeps_key, make_actions
from desktop.base import paths
from desktop.base.language import tr
from desktop.base.notices import Notices
from desktop.base.settings import open_settings
from desktop.editing.clipboard import RemovalClipboard
from desktop.editing.in_out import InOut
from desktop.editing.session import Session
from desktop.media.media_service import MediaService
from desktop.media.playback import Playback
from desktop.panels.inspector_panel import InspectorPanel
from desktop.panels.panel import Panel, dim_label
from desktop.panels.queue_view import QueueView
from desktop.panels.removals_panel import RemovalsPanel
from desktop.panels.render_panel import RenderPanel
from desktop.panels.shapes_panel import ShapesPanel
from desktop.panels.takes_view import TakesView
from desktop.panels.tracker_panel import TrackerPanel
from desktop.project.documents import Documents
from desktop.project.relink import Relinker
from desktop.rendering.controller import RenderController
from desktop.rendering.engine_bridge import Engine, EngineBridge, connect_engine
from desktop.rendering.results import ResultStore
from desktop.roto.selection import RotoSelection
from desktop.timeline_view.strip import TimelineStrip
from desktop.tracking.controller import TrackingController
from desktop.tracking.store import TrackingStore
from desktop.viewer.viewer_controller import ViewerController
from desktop.viewer.viewer_panel import ViewerPanel
from timeline.project import Project

DEFAULT_SIZE = QSize(1500, 940)
_SIDE_PX = 380
_LAYOUT_VERSION = 2


class MainWindow(QMainWindow):
    """Parts are public attributes: tests and scripts drive the window through them."""

    closing = Signal()
    """The window closes for good; threads and files end now."""

    def __init__(self, connect: Callable[[], Engine] = connect_engine) -> None:
        super().__init__()
        self.session = Session(Project())
        self.results = ResultStore()
        self.media = MediaService(self)
        self.bridge = EngineBridge(connect, self)
        self.renders = RenderController(self.bridge, self.results, self)
        self.in_out = InOut(self.session)
        self.clipboard = RemovalClipboard(self.session)
        self.relinker = Relinker(self.session, self.media, self)
        self.playback = Playback(self.session, self.in_out, self)
        self.notices = Notices(self)
        self.documents = Documents(self.session, self.media, self.notices, self)
        self.window_actions = make_actions(self)
        self.roto_selection = RotoSelection(self.session)
        self.track_store = TrackingStore()
        self.tracking = TrackingController(self.session, self.roto_selection, self.track_store, self)
        self.viewer = ViewerPanel(self.window_actions, self.roto_selection)
        self.canvas = self.viewer.canvas
        self.picture = ViewerController(self.session, self.results, self.media, self.playback, self.canvas, self)
        self.strip = TimelineStrip(self.session, self.results, self.media, self.in_out)
        self.removals = RemovalsPanel(self.session)
        self.inspector = InspectorPanel(self.session)
        self.shapes = ShapesPanel(self.session, self.roto_selection, self.window_actions)
        self.tracker = TrackerPanel(self.session, self.track_store, self.tracking, self.window_actions)
        self.render_panel = RenderPanel()
        self.queue = QueueView(self.renders)
        self.takes = TakesView(self.session, self.results)
        self.probe_label, self.media_label, self.engine_label = QLabel(), QLabel(), QLabel()
        self.hint_label = dim_label()
        self._may_close = False
        self._renders_go_on = True
        self._hidden_parts: list[QWidget] = []
        self._was_maximized = False
        self._lay_out()
        self._first_layout = self.saveState(_LAYOUT_VERSION)
        self._restore_layout()
        self.documents.quit_agreed.connect(self._close_for_good)

    # --- layout -------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.setWindowIcon(QIcon(paths.icon_file("grayplate")))
        self.setCentralWidget(self.viewer)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        side, bottom = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
        self._removals_dock = Panel("removals", tr("Removals"), self.removals, self)
        self._inspector_dock = Panel("inspector", tr("Effect"), self.inspector, self)
        self._render_dock = Panel("render", tr("Render"), _scrolling(self.render_panel), self)
        self._timeline_dock = Panel("timeline", tr("Timeline"), self.strip, self)
        self._shapes_dock = Panel("shapes", tr("Shapes"), _scrolling(self.shapes), self)
        self._tracker_dock = Panel("tracker", tr("Tracker"), _scrolling(self.tracker), self)
        for dock in (self._removals_dock, self._inspector_dock, self._render_dock):
            self.addDockWidget(side, dock)
        for dock in (self._shapes_dock, self._tracker_dock):
            self.tabifyDockWidget(self._inspector_dock, dock)
        for dock in (self._inspector_dock, self._shapes_dock, self._tracker_dock):
            dock.setTitleBarWidget(QWidget(dock))  # its tab says its name
        self.setTabPosition(side, QTabWidget.TabPosition.North)
        self._inspector_dock.raise_()
        self.addDockWidget(bottom, self._timeline_dock)
        self.render_panel.add_tab(tr("Queue"), self.queue)
        self.render_panel.add_tab(tr("Takes"), self.takes)
        self.queue.count_changed.connect(self._show_queue_count)
        self._add_panel_tools()
        self._add_tool_bar()
        self._add_status_bar()

    def show_shapes(self) -> None:
        """Bring the shapes to the front."""
        self._shapes_dock.raise_()

    def show_tracker(self) -> None:
        """Bring the tracker to the front."""
        self._tracker_dock.raise_()

    def _show_queue_count(self, count: int) -> None:
        self.render_panel.set_tab_title(
            self.queue, tr("Queue ({count})").format(count=count) if count > 1 else tr("Queue")
        )

    def _add_panel_tools(self) -> None:
        for name in ("add_removal", "duplicate_removal", "delete_removal"):
            self._removals_dock.add_title_action(self.window_actions[name])
        for name in ("split_shot", "toggle_key"):
            self._timeline_dock.add_title_action(self.window_actions[name])

    def _add_tool_bar(self) -> None:
        bar = QToolBar(tr("Tools"), self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        groups = (
            ("open_project", "open_media", "save"),
            ("undo", "redo"),
            ("select_tool", "box_tool"),
            ("bezier_tool", "bspline_tool", "ellipse_tool", "rectangle_tool", "stroke_tool", "brush_tool"),
            ("click_tool",),
        )
        for number, group in enumerate(groups):
            if number:
                bar.addSeparator()
            for name in group:
                bar.addAction(self.window_actions[name])
        spring = QWidget()
        spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(spring)
        bar.addAction(self.window_actions["export"])
        for name in ("select_tool", "box_tool", "export"):
            button = bar.widgetForAction(self.window_actions[name])
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.addToolBar(bar)

    def _add_status_bar(self) -> None:
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self.probe_label)
        self.statusBar().addWidget(self.hint_label, 1)
        self.statusBar().addPermanentWidget(self.media_label)
        self.statusBar().addPermanentWidget(self.engine_label)

    def _restore_layout(self) -> None:
        settings = open_settings()
        geometry, state = settings.value("geometry"), settings.value("layout")
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            self.restoreGeometry(geometry)
            if self.restoreState(state, _LAYOUT_VERSION):
                return
        self.resize(DEFAULT_SIZE)
        self._first_sizes()

    def reset_layout(self) -> None:
        """All panels where they were at first; the window keeps its size."""
        self.restoreState(self._first_layout, _LAYOUT_VERSION)
        self._first_sizes()
        self._inspector_dock.raise_()

    def _first_sizes(self) -> None:
        side = [self._removals_dock, self._inspector_dock, self._render_dock]
        self.resizeDocks(side, [_SIDE_PX] * 3, Qt.Orientation.Horizontal)
        self.resizeDocks(side, [126, 420, 290], Qt.Orientation.Vertical)
        self.resizeDocks([self._timeline_dock], [220], Qt.Orientation.Vertical)

    def _keep_layout(self) -> None:
        settings = open_settings()
        settings.setValue("geometry", self.saveGeometry())
        settings.setValue("layout", self.saveState(_LAYOUT_VERSION))

    @override
    def event(self, event: QEvent) -> bool:
        # Every key press asks upwards first whether it is meant for the widget or is a shortcut.
        is_question = event.type() == QEvent.Type.ShortcutOverride
        if is_question and isinstance(event, QKeyEvent) and keeps_key(self.focusWidget(), event):
            event.accept()
            return True
        return super().event(event)

    # --- full screen --------------------------------------------------------------------------------------------

    @property
    def is_viewer_only(self) -> bool:
        """Whether the viewer fills the screen."""
        return bool(self._hidden_parts)

    def set_viewer_only(self, alone: bool) -> None:
        """Let the viewer fill the screen, or bring the panels back as they were."""
        if alone == self.is_viewer_only:
            return
        if alone:
            parts = (self.menuBar(), self.statusBar(), *self.findChildren(QToolBar), *self.findChildren(Panel))
            self._hidden_parts = [part for part in parts if part.isVisible()]
            self._was_maximized = self.isMaximized()
            self.showFullScreen()
        for part in self._hidden_parts:
            part.setVisible(not alone)
        if not alone:
            self._hidden_parts = []
            self.showMaximized() if self._was_maximized else self.showNormal()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.is_viewer_only:
            self.window_actions["full_screen"].trigger()
        else:
            super().keyPressEvent(event)

    # --- drop and close -----------------------------------------------------------------------------------------

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self.viewer.empty.set_drop_hint(True)

    @override
    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.viewer.empty.set_drop_hint(False)

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        self.viewer.empty.set_drop_hint(False)
        self.documents.open_paths([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._may_close:
            self._ask_about_renders()  # where nothing is to be asked it agrees before it returns
        if not self._may_close:
            event.ignore()
            return
        self.set_viewer_only(False)
        self._keep_layout()
        self.closing.emit()
        self.playback.stop()
        self.media.close()
        active = self.renders.active
        waiting = [entry.request for entry in self.renders.queue.waiting]
        job_ids = [active.job_id] if active and active.job_id else []
        self.bridge.close(cancel=[] if self._renders_go_on else job_ids, submit=waiting if self._renders_go_on else [])
        event.accept()

    def _ask_about_renders(self) -> None:
        """What becomes of the queue, then of unsaved changes; then the window closes."""
        if not self.renders.is_busy:
            self.documents.ask_to_quit()
            return
        self.notices.ask(
            tr("A render is not finished"),
            tr("The engine can finish it without this window. Open the project again to see the frames."),
            {
                tr("Finish in Background"): self._close_later,
                tr("Stop Rendering"): self._stop_and_close,
                tr("Keep Open"): _stay,
            },
        )

    def _close_later(self) -> None:
        self._renders_go_on = True
        self.documents.ask_to_quit()

    def _stop_and_close(self) -> None:
        self._renders_go_on = False
        self.documents.ask_to_quit()

    def _close_for_good(self) -> None:
        self._may_close = True
        self.close()


def _scrolling(content: QWidget) -> QScrollArea:
    """The panel's content, which may be higher than the panel."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(content.minimumSizeHint().width())
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def _stay() -> None:
    """The window stays open, and nothing changes."""

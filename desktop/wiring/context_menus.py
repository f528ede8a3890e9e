"""What a right click offers in the panels: actions of the menus that are about the thing under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QMenu, QWidget

from desktop.base.language import tr
from desktop.main_window import MainWindow
from desktop.rendering.queue import RenderState

Group = Sequence[str]
_KEYS = ("toggle_key", "delete_key", "hold_key", "linear_key", "smooth_key", "bezier_key")
REMOVAL: Sequence[Group] = (
    ("rename_removal", "toggle_removal", "duplicate_removal", "copy", "paste", "delete_removal"),
    ("toggle_key", "start_here", "end_here", "convert_to_roto"),
    ("track_both", "link_companion", "unlink_companion"),
    ("render", "render_take"),
)
KEY: Sequence[Group] = (_KEYS, ("previous_key", "next_key"))
SHOT: Sequence[Group] = (
    ("split_shot", "detect_cuts", "trim_start", "trim_end"),
    ("mark_in", "mark_out", "clear_marks", "add_marker", "edit_marker", "delete_marker"),
    ("render", "render_range", "export"),
    ("make_proxy", "relink", "rename_shot", "remove_shot"),
    ("timeline_fit", "snap"),
)
SHAPE: Sequence[Group] = (
    ("duplicate_shape", "raise_shape", "lower_shape", "delete_points"),
    ("mode_add", "mode_subtract", "mode_intersect", "invert_shape", "lock_shape", "hide_shape"),
    ("to_bezier", "smooth_points", "corner_points", "clear_feather"),
)


class ContextMenus(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._on(window.removals.list, lambda _: REMOVAL)
        self._on(window.shapes.tree, lambda _: SHAPE)
        self._on(window.strip, self._of_timeline)
        window.queue.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        window.queue.list.customContextMenuRequested.connect(self._show_queue_menu)
        log = window.render_panel.log_list
        log.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        log.customContextMenuRequested.connect(lambda at: self._popup(self.log_menu(), log, at))

    def _on(self, widget: QWidget, groups: Callable[[QPoint], Sequence[Group]]) -> None:
        widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        widget.customContextMenuRequested.connect(lambda at: self._popup(self.menu(groups(at)), widget, at))

    def menu(self, groups: Sequence[Group]) -> QMenu:
        """The actions of these names that can be done now."""
        menu = self._empty_menu()
        for group in groups:
            for name in group:
                if self._window.window_actions[name].isEnabled():
                    menu.addAction(self._window.window_actions[name])
            menu.addSeparator()
        return menu

    def _of_timeline(self, at: QPoint) -> Sequence[Group]:
        held = self._window.strip.take_hold(at)
        return KEY if held == "key" else REMOVAL if held == "removal" else SHOT

    def queue_menu(self) -> QMenu:
        """What can be done with the selected render."""
        queue, menu = self._window.queue, self._empty_menu()
        entry = queue.selected()
        output = entry.request.output if entry and entry.state is RenderState.DONE else None
        if output is not None:
            menu.addAction(tr("Show in Folder")).triggered.connect(partial(show_in_folder, Path(output.path)))
        for button in (queue.retry, queue.cancel, queue.earlier, queue.later, queue.clear):
            if button.isEnabled():
                menu.addAction(button.icon(), button.toolTip()).triggered.connect(button.click)
        return menu

    def log_menu(self) -> QMenu:
        """Copying messages, and the log with all of them."""
        log, menu = self._window.render_panel.log_list, self._empty_menu()
        copy = menu.addAction(tr("Copy"))
        copy.setEnabled(bool(log.selectedItems()))
        copy.triggered.connect(log.copy)
        menu.addAction(tr("Select All")).triggered.connect(log.selectAll)
        menu.addSeparator()
        menu.addAction(self._window.window_actions["show_log"])
        return menu

    def _show_queue_menu(self, at: QPoint) -> None:
        _select_under(self._window.queue.list, at)
        self._popup(self.queue_menu(), self._window.queue.list, at)

    def _empty_menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _popup(self, menu: QMenu, widget: QWidget, at: QPoint) -> None:
        shown = widget.viewport() if isinstance(widget, QAbstractItemView) else widget
        if menu.isEmpty():
            menu.deleteLater()
        else:
            menu.popup(shown.mapToGlobal(at))


def show_in_folder(path: Path) -> None:
    """Open the folder of a file in the system's own file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def _select_under(items: QListWidget, at: QPoint) -> None:
    item = items.itemAt(at)
    if item is not None:
        items.setCurrentItem(item)

"""Actions of roto: tools, what is done to points and shapes, interpolation, the viewer's menu, hints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from desktop.base.language import tr
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.brush_go import BrushGo
from desktop.roto.edit import as_bezier, has_handles, made_corners, made_smooth, without_feather, without_points
from desktop.viewer.tools.base import Tool
from roi_tools.keyframes import Interpolation
from roi_tools.roto.model import Mode, Shape
from roi_tools.shapes import AnimatedRectangle

TOOLS = {
    "select_tool": Tool.SELECT,
    "box_tool": Tool.BOX,
    "bezier_tool": Tool.BEZIER,
    "bspline_tool": Tool.BSPLINE,
    "ellipse_tool": Tool.ELLIPSE,
    "rectangle_tool": Tool.RECTANGLE,
    "stroke_tool": Tool.STROKE,
    "brush_tool": Tool.BRUSH,
    "click_tool": Tool.CLICK,
}
_MODES: dict[str, Mode] = {"mode_add": "add", "mode_subtract": "subtract", "mode_intersect": "intersect"}
_INTERPOLATIONS: dict[str, Interpolation] = {"linear_key": "linear", "smooth_key": "smooth", "bezier_key": "bezier"}
_NEED_SHAPE = (
    *("delete_points", "duplicate_shape", "raise_shape", "lower_shape"),
    *("invert_shape", "lock_shape", "hide_shape", *_MODES),
)
_NEED_POINTS = ("smooth_points", "corner_points", "clear_feather")


class RotoWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(
        self,
        window: MainWindow,
        run: Callable[[str, Callable[[], object]], None],
        default_effect: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._actions, self._selection = window.window_actions, window.roto_selection
        self._default_effect = default_effect
        self._brush = BrushGo(window.session, window.roto_selection)
        self._connect_tools(run)
        self._connect_shapes(run)
        for name, wanted in _INTERPOLATIONS.items():
            run(name, partial(commands.set_interpolation, self._session, wanted))
        canvas = window.canvas
        canvas.gestures.shape_drawn.connect(self._on_drawn)
        canvas.gestures.points_deleted.connect(self._delete_points)
        canvas.context_requested.connect(self._show_menu)
        canvas.hinted.connect(window.hint_label.setText)
        for signal in (self._session.project_changed, self._session.selection_changed):
            signal.connect(self.refresh)
        self._session.playhead_changed.connect(self.refresh)
        self._selection.changed.connect(self.refresh)
        self.refresh()

    def _connect_tools(self, run: Callable[[str, Callable[[], object]], None]) -> None:
        self._tools = QActionGroup(self)
        for name, tool in TOOLS.items():
            self._tools.addAction(self._actions[name])
            run(name, partial(self.choose_tool, tool))
        self._actions["select_tool"].setChecked(True)

    def _connect_shapes(self, run: Callable[[str, Callable[[], object]], None]) -> None:
        run("convert_to_roto", partial(roto_commands.convert_to_roto, self._session))
        run("to_bezier", partial(self._change, tr("Make Bezier Points"), as_bezier))
        run("smooth_points", partial(self._change_points, tr("Smooth Points"), made_smooth))
        run("corner_points", partial(self._change_points, tr("Corner Points"), made_corners))
        run("clear_feather", partial(self._change_points, tr("Remove Feather"), self._without_feather))
        run("delete_points", self._delete_points)
        run("duplicate_shape", self._duplicate)
        run("raise_shape", partial(self._move, 1))
        run("lower_shape", partial(self._move, -1))
        modes = QActionGroup(self)
        for name, mode in _MODES.items():
            modes.addAction(self._actions[name])
            run(name, partial(self._change, tr("Shape Mode"), partial(_with_mode, mode=mode)))
        run("invert_shape", partial(self._change, tr("Invert Shape"), _inverted))
        run("lock_shape", partial(self._change, tr("Lock Shape"), _lock_toggled))
        run("hide_shape", partial(self._change, tr("Hide Shape"), _visibility_toggled))

    # --- tools --------------------------------------------------------------------------------------------------

    def choose_tool(self, tool: Tool) -> None:
        """Let the left mouse button do this."""
        name = next(name for name, known in TOOLS.items() if known is tool)
        self._actions[name].setChecked(True)
        self._brush.end()
        self._window.canvas.set_tool(tool)

    def _on_drawn(self, shape: Shape) -> None:
        if shape.kind == "brush":
            self._brush.paint(shape, self._default_effect())
            self._window.show_shapes()
            return
        label = roto_commands.add_shape(self._session, shape, self._default_effect())
        self._selection.select(label)
        self._window.show_shapes()
        if shape.kind != "stroke":  # of wires one draws several
            self.choose_tool(Tool.SELECT)

    # --- shapes -------------------------------------------------------------------------------------------------

    def _change(self, step: str, change: Callable[[Shape], Shape]) -> None:
        removal, label = self._session.removal, self._selection.label
        if removal and label:
            roto_commands.change_shape(self._session, removal.id, label, change, step)

    def _change_points(self, step: str, change: Callable[[Shape, frozenset[int]], Shape]) -> None:
        shape, points = self._selection.shape, self._selection.points
        if shape is not None and not shape.has_parameters:
            chosen = points or frozenset(range(len(shape.tracks)))
            self._change(step, lambda shape: change(shape, chosen))

    def _without_feather(self, shape: Shape, points: frozenset[int]) -> Shape:
        place = self._session.place
        return without_feather(shape, place.media_frame, points) if place else shape

    def _delete_points(self) -> None:
        removal, shape, points = self._session.removal, self._selection.shape, self._selection.points
        if removal is None or shape is None:
            return
        left = without_points(shape, points) if points else None
        if left is None:
            roto_commands.delete_shapes(self._session, removal.id, [shape.label])
        else:
            self._selection.select(shape.label)
            self._change(tr("Delete Points"), lambda _: left)

    def _duplicate(self) -> None:
        removal, label = self._session.removal, self._selection.label
        if removal and label:
            self._selection.select(roto_commands.duplicate_shape(self._session, removal.id, label))

    def _move(self, by: int) -> None:
        removal, label = self._session.removal, self._selection.label
        marking = roto_commands.roto_of(removal)
        if removal and marking and label:
            labels = [shape.label for shape in marking.layer.shapes]
            roto_commands.move_shape(self._session, removal.id, label, labels.index(label) + by)

    # --- what is shown ------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Which actions make sense now."""
        shape, removal = self._selection.shape, self._session.removal
        has_points = shape is not None and not shape.has_parameters
        for name in _NEED_SHAPE:
            self._actions[name].setEnabled(shape is not None)
        for name in _NEED_POINTS:
            self._actions[name].setEnabled(has_points)
        handles = shape is not None and has_handles(shape)
        self._actions["smooth_points"].setEnabled(handles)
        self._actions["corner_points"].setEnabled(handles)
        bendable = shape is not None and shape.kind in ("rectangle", "ellipse", "bspline")
        self._actions["to_bezier"].setEnabled(bendable)
        self._actions["convert_to_roto"].setEnabled(
            removal is not None and isinstance(removal.shape, AnimatedRectangle)
        )
        for name, mode in _MODES.items():
            self._actions[name].setChecked(shape is not None and shape.mode == mode)
        self._actions["invert_shape"].setChecked(shape is not None and shape.is_inverted)
        self._actions["lock_shape"].setChecked(shape is not None and shape.is_locked)
        self._actions["hide_shape"].setChecked(shape is not None and not shape.is_visible)
        now = commands.interpolation(self._session)
        for name, interpolation in _INTERPOLATIONS.items():
            self._actions[name].setEnabled(now is not None)
            self._actions[name].setChecked(now == interpolation)

    def _show_menu(self, place: QPoint) -> None:
        menu = self.context_menu()
        menu.popup(place)

    def context_menu(self) -> QMenu:
        """What can be done with what is selected."""
        menu = QMenu(self._window)
        menu.aboutToHide.connect(menu.deleteLater)
        shape = self._selection.shape
        groups: list[tuple[str, ...]] = []
        if shape is not None:
            groups += [("smooth_points", "corner_points", "clear_feather", "delete_points", "to_bezier")]
            groups += [(*_MODES, "invert_shape"), ("duplicate_shape", "raise_shape", "lower_shape")]
            groups += [("lock_shape", "hide_shape")]
        elif self._session.removal is not None:
            groups += [("convert_to_roto", "duplicate_removal", "delete_removal")]
        if self._session.removal is not None:
            groups += [("toggle_key", "hold_key", *_INTERPOLATIONS), ("start_here", "end_here")]
            groups += [("propose_shadow", "link_companion", "unlink_companion")]
        else:
            groups += [("box_tool", "bezier_tool", "ellipse_tool", "stroke_tool", "brush_tool")]
        for group in groups:
            for name in group:
                if self._actions[name].isEnabled():
                    menu.addAction(self._actions[name])
            menu.addSeparator()
        return menu


def _with_mode(shape: Shape, mode: Mode) -> Shape:
    return replace(shape, mode=mode)


def _inverted(shape: Shape) -> Shape:
    return replace(shape, is_inverted=not shape.is_inverted)


def _lock_toggled(shape: Shape) -> Shape:
    return replace(shape, is_locked=not shape.is_locked)


def _visibility_toggled(shape: Shape) -> Shape:
    return replace(shape, is_visible=not shape.is_visible)

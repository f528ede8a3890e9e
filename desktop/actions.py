"""Every action of the window, once: its text, shortcut, icon and menu."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QMainWindow, QMenu, QWidget

from desktop.base.icons import icon
from desktop.base.language import tr


@dataclass(frozen=True)
class ActionSpec:
    """``menu`` is the menu's title, with a submenu's after a slash; ``separated`` draws a line above it there."""

    name: str
    menu: str
    text: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    separated: bool = False


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("new", "&File", "&New Project", ("Ctrl+N",)),
    ActionSpec("open_project", "&File", "&Open Project …", ("Ctrl+O",), "open"),
    ActionSpec("open_media", "&File", "Add &Media …", ("Ctrl+I",), "add_media", "Add footage to the timeline"),
    ActionSpec("open_sequence", "&File", "Add &Image Sequence …", ("Ctrl+Shift+I",), "", "Add a folder of frames"),
    ActionSpec("save", "&File", "&Save", ("Ctrl+S",), "save", separated=True),
    ActionSpec("save_as", "&File", "Save &As …", ("Ctrl+Shift+S",)),
    ActionSpec("export", "&File", "&Export Shot …", ("Ctrl+E",), "export", "Write the cleaned shot", separated=True),
    ActionSpec("quit", "&File", "&Quit", ("Ctrl+Q",), separated=True),
    ActionSpec("undo", "&Edit", "&Undo", ("Ctrl+Z",), "undo"),
    ActionSpec("redo", "&Edit", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    ActionSpec("copy", "&Edit", "&Copy Removal", ("Ctrl+C",), "", "Copy the selected removal", separated=True),
    ActionSpec("paste", "&Edit", "&Paste Removal", ("Ctrl+V",), "", "Add the copied removal to this shot"),
    ActionSpec("preferences", "&Edit", "Pre&ferences …", ("Ctrl+,",), "", "Models, memory, shortcuts", separated=True),
    ActionSpec(
        "models", "&Edit", "M&odels …", ("Ctrl+Shift+,",), "model", "Get and choose what VACE and click to matte run"
    ),
    ActionSpec("fit", "&View", "&Fit", ("F",), "fit", "Whole picture in the viewer"),
    ActionSpec("actual_size", "&View", "&100 %", ("1",), "actual_size", "One image pixel on one pixel of the screen"),
    ActionSpec("zoom_in", "&View", "Zoom &In", ("Ctrl++", "=", "+")),
    ActionSpec("zoom_out", "&View", "Zoom &Out", ("Ctrl+-", "-")),
    ActionSpec(
        "compare",
        "&View",
        "Show &Source",
        ("Return", "Enter"),
        "compare",
        "A/B: source or result",
        checkable=True,
        separated=True,
    ),
    ActionSpec("wipe", "&View", "&Wipe", ("W",), "wipe", "Source left of the line, result right of it", True),
    ActionSpec("side_by_side", "&View", "Side b&y Side", ("S",), "side_by_side", "Source left, result right", True),
    ActionSpec("difference", "&View", "&Difference", ("D",), "", "What the result changed, amplified", True),
    ActionSpec(
        "onion", "&View", "O&nion Skin", ("Shift+D", "N"), "", "The source over the result, half transparent", True
    ),
    ActionSpec("overlays", "&View", "&Boxes", ("Q",), "overlay", "Show boxes", checkable=True),
    ActionSpec("matte", "&View", "&Matte", ("M",), "matte", "Tint what is removed", checkable=True),
    ActionSpec("safe_areas", "&View", "Safe &Areas", ("Shift+S",), "", "Action and title safe", True),
    ActionSpec("show_rgb", "&View/&Channel", "&RGB", ("Shift+C",), checkable=True),
    ActionSpec("show_red", "&View/&Channel", "R&ed", ("Shift+R",), checkable=True),
    ActionSpec("show_green", "&View/&Channel", "&Green", ("Shift+G",), checkable=True),
    ActionSpec("show_blue", "&View/&Channel", "&Blue", ("Shift+B",), checkable=True),
    ActionSpec("show_alpha", "&View/&Channel", "&Alpha", ("Shift+A",), checkable=True),
    ActionSpec("show_luma", "&View/&Channel", "&Luma", ("Shift+Y",), checkable=True),
    ActionSpec("scale_full", "&View/P&roxy Scale", "&Full", ("Alt+1",), checkable=True),
    ActionSpec("scale_half", "&View/P&roxy Scale", "&Half", ("Alt+2",), checkable=True),
    ActionSpec("scale_quarter", "&View/P&roxy Scale", "&Quarter", ("Alt+4",), checkable=True),
    ActionSpec(
        "use_proxies", "&View/P&roxy Scale", "&Use Proxies", ("Alt+P", "Ctrl+P"), "", "Where there are any", True, True
    ),
    ActionSpec("exposure_up", "&View/&Exposure", "&Lighter", ("Alt+Up",)),
    ActionSpec("exposure_down", "&View/&Exposure", "&Darker", ("Alt+Down",)),
    ActionSpec("reset_look", "&View/&Exposure", "&Neutral", ("Alt+0",), "", "No exposure, gamma 1, RGB"),
    ActionSpec("full_screen", "&View", "F&ull Screen", ("F11",), "", "The viewer alone", True, True),
    ActionSpec("timeline_fit", "&View", "Fit &Timeline", ("Shift+F",), separated=True),
    ActionSpec("reset_layout", "&View", "Reset &Layout", (), "", "All panels where they were at first"),
    ActionSpec("play", "&Playback", "&Play", ("Space",), "play"),
    ActionSpec("play_backward", "&Playback", "Play &Backward, Faster", ("J",)),
    ActionSpec("stop", "&Playback", "&Stop", ("K",)),
    ActionSpec("play_forward", "&Playback", "Play &Forward, Faster", ("L",)),
    ActionSpec("step_back", "&Playback", "Previous Frame", ("Left",), "step_back", separated=True),
    ActionSpec("step_forward", "&Playback", "Next Frame", ("Right",), "step_forward"),
    ActionSpec("back_10", "&Playback", "10 Frames Back", ("Shift+Left",)),
    ActionSpec("forward_10", "&Playback", "10 Frames Forward", ("Shift+Right",)),
    ActionSpec("previous_key", "&Playback", "Previous Keyframe", ("Ctrl+Left",), "previous_key"),
    ActionSpec("next_key", "&Playback", "Next Keyframe", ("Ctrl+Right",), "next_key"),
    ActionSpec("previous_shot", "&Playback", "Previous Shot", ("Up",)),
    ActionSpec("next_shot", "&Playback", "Next Shot", ("Down",)),
    ActionSpec("to_start", "&Playback", "First Frame", ("Home",), "to_start"),
    ActionSpec("to_end", "&Playback", "Last Frame", ("End",), "to_end"),
    ActionSpec("go_to_frame", "&Playback", "&Go to Frame", ("Ctrl+G",), "", "Type a frame or a time"),
    ActionSpec("mark_in", "&Playback", "Mark &In", ("I",), "", "The range starts here", separated=True),
    ActionSpec("mark_out", "&Playback", "Mark &Out", ("O",), "", "The range ends here"),
    ActionSpec("clear_marks", "&Playback", "&Clear Range", ("Alt+X",)),
    ActionSpec("add_marker", "&Shot/&Markers", "&Add Marker", ("Ctrl+M",), "marker", "Mark this frame to find it"),
    ActionSpec("edit_marker", "&Shot/&Markers", "&Edit Marker …", ("Ctrl+Shift+M",), "", "Name, colour and note"),
    ActionSpec("delete_marker", "&Shot/&Markers", "&Delete Marker", ("Ctrl+Alt+M",)),
    ActionSpec("previous_marker", "&Shot/&Markers", "&Previous Marker", ("Shift+Up",), separated=True),
    ActionSpec("next_marker", "&Shot/&Markers", "&Next Marker", ("Shift+Down",)),
    ActionSpec("split_shot", "&Shot", "&Split at Playhead", ("Ctrl+B",), "split"),
    ActionSpec("detect_cuts", "&Shot", "&Detect Cuts", ("Ctrl+Shift+B",)),
    ActionSpec("next_track", "&Shot", "&Work on Next Track", ("Ctrl+Down",), "", "The shot below at the same time"),
    ActionSpec("snap", "&Shot", "S&nap", ("Shift+N",), "", "What is dragged stops at markers and keyframes", True),
    ActionSpec("make_proxy", "&Shot", "Make Pro&xy", (), "", "A small copy that is quick to scrub", separated=True),
    ActionSpec("cancel_proxy", "&Shot", "&Cancel Proxy"),
    ActionSpec("delete_proxies", "&Shot", "Delete Proxies …", (), "", "Free the disk of the proxies of all media"),
    ActionSpec("trim_start", "&Shot", "Trim St&art to Playhead", ("[",), separated=True),
    ActionSpec("trim_end", "&Shot", "Trim &End to Playhead", ("]",)),
    ActionSpec("relink", "&Shot", "Re&link Media …", (), "", "Let this shot show another file", separated=True),
    ActionSpec("find_media", "&Shot", "&Find Missing Media …", (), "", "Search a folder for all missing media"),
    ActionSpec("rename_shot", "&Shot", "&Rename …", ("Shift+F2",)),
    ActionSpec("remove_shot", "&Shot", "Remove from &Timeline", ("Ctrl+Backspace",)),
    ActionSpec("select_tool", "&Removal", "Se&lect Tool", ("V",), "select", "Select, move and resize boxes", True),
    ActionSpec("box_tool", "&Removal", "&Box Tool", ("R",), "box", "Draw a box around what should go", True),
    ActionSpec("bezier_tool", "R&oto", "&Bezier Tool", ("B",), "bezier", "Draw a curve point by point", True),
    ActionSpec("bspline_tool", "R&oto", "B-&Spline Tool", ("Alt+B",), "bspline", "Draw a smooth curve", True),
    ActionSpec("ellipse_tool", "R&oto", "&Ellipse Tool", ("C",), "ellipse", "Draw an ellipse", True),
    ActionSpec("rectangle_tool", "R&oto", "&Rectangle Tool", (), "rectangle", "A rectangle that turns", True),
    ActionSpec("stroke_tool", "R&oto", "S&troke Tool", ("T",), "stroke", "Draw a line with a width: a wire", True),
    ActionSpec("brush_tool", "R&oto", "Br&ush Tool", ("P",), "brush", "Paint over what should go", True),
    ActionSpec("click_tool", "R&oto", "Click M&atte Tool", ("A",), "click_matte", "Click on it; needs SAM 2", True),
    ActionSpec("import_shapes", "R&oto", "Import Shapes …", (), "", "From Nuke, ROI, CVAT, mattes", separated=True),
    ActionSpec("export_shapes", "R&oto", "Export Shapes …", (), "", "To Nuke, Silhouette, Blender, ROI, a matte"),
    ActionSpec("convert_to_roto", "R&oto", "Convert Box to R&oto", ("Ctrl+Shift+O",), separated=True),
    ActionSpec("to_bezier", "R&oto", "Make Be&zier Points", (), "", "An ellipse or B-spline becomes a Bezier curve"),
    ActionSpec("smooth_points", "R&oto", "S&mooth Points", ("Z",), "", "Handles along the curve", separated=True),
    ActionSpec("corner_points", "R&oto", "&Corner Points", ("Shift+Z",), "", "No handles"),
    ActionSpec("clear_feather", "R&oto", "Remove Points' &Feather"),
    ActionSpec("delete_points", "R&oto", "&Delete Points or Shape", (), "delete"),
    ActionSpec("duplicate_shape", "R&oto", "Duplicate Shape", ("Ctrl+Alt+D",), "duplicate", separated=True),
    ActionSpec("raise_shape", "R&oto", "Move Shape U&p", ("Ctrl+Shift+Up",), "raise_shape"),
    ActionSpec("lower_shape", "R&oto", "Move Shape Do&wn", ("Ctrl+Shift+Down",), "lower_shape"),
    ActionSpec("mode_add", "R&oto/Shape &Mode", "&Add", checkable=True),
    ActionSpec("mode_subtract", "R&oto/Shape &Mode", "&Subtract", checkable=True),
    ActionSpec("mode_intersect", "R&oto/Shape &Mode", "&Intersect", checkable=True),
    ActionSpec("invert_shape", "R&oto", "&Invert Shape", checkable=True),
    ActionSpec("lock_shape", "R&oto", "&Lock Shape", checkable=True),
    ActionSpec("hide_shape", "R&oto", "&Hide Shape", checkable=True),
    ActionSpec("track_backward", "&Track", "Track &Backward", ("Ctrl+[",), "track_backward", "Follow it to the start"),
    ActionSpec("track_one_backward", "&Track", "One Frame Ba&ck", ("Ctrl+Alt+[",), "track_one_backward"),
    ActionSpec("track_one_forward", "&Track", "One Frame F&orward", ("Ctrl+Alt+]",), "track_one_forward"),
    ActionSpec("track_forward", "&Track", "Track &Forward", ("Ctrl+]",), "track_forward", "Follow it to the end"),
    ActionSpec("track_both", "&Track", "Track Both &Ways", ("Ctrl+\\",), "track_both", "Follow it through the shot"),
    ActionSpec("stop_tracking", "&Track", "&Stop Tracking", ("Ctrl+Shift+.",), "cancel", "Keep what was found"),
    ActionSpec("propose_motion", "&Track", "&Motion Proposals", ("Ctrl+Alt+P",), "", "Box what moves", False, True),
    ActionSpec("propose_shadow", "&Track", "S&hadow Proposal", ("Ctrl+Alt+H",), "", "A box around its shadow"),
    ActionSpec("link_companion", "&Track", "&Go Along with …", (), "", "Move whenever that one moves", False, True),
    ActionSpec("unlink_companion", "&Track", "&Unlink", (), "", "Go along with nothing any more"),
    ActionSpec("clear_track", "&Track", "C&lear Track", (), "", "Shapes follow nothing any more", separated=True),
    ActionSpec("add_removal", "&Removal", "&Add in the Middle", ("Ctrl+Shift+N",), "add", separated=True),
    ActionSpec("duplicate_removal", "&Removal", "D&uplicate", ("Ctrl+D",), "duplicate"),
    ActionSpec("rename_removal", "&Removal", "&Rename", ("F2",)),
    ActionSpec("toggle_removal", "&Removal", "&Enabled", ("E",), "", "Switch the selected removal on or off", True),
    ActionSpec("delete_removal", "&Removal", "&Delete", ("Del",), "delete"),
    ActionSpec("toggle_key", "&Removal", "Add or Delete &Keyframe", ("Ctrl+K",), "key", separated=True),
    ActionSpec("delete_key", "&Removal", "Delete Keyframe", ("Shift+Del",)),
    ActionSpec("hold_key", "&Removal", "Hold until Next Keyframe", ("Ctrl+Shift+K",), checkable=True),
    ActionSpec("linear_key", "&Removal/&Interpolation", "&Linear", ("Shift+F9",), checkable=True),
    ActionSpec("smooth_key", "&Removal/&Interpolation", "&Smooth", ("F9",), "", "Slow in, slow out", checkable=True),
    ActionSpec("bezier_key", "&Removal/&Interpolation", "&Bezier", ("Ctrl+F9",), "", "A curve through it", True),
    ActionSpec("start_here", "&Removal", "Starts &Here", ("Alt+[",)),
    ActionSpec("end_here", "&Removal", "E&nds Here", ("Alt+]",)),
    ActionSpec("render", "Re&nder", "&Render Shot", ("Ctrl+R",), "render", "Render, or queue behind what runs"),
    ActionSpec("render_range", "Re&nder", "Render R&ange", ("Ctrl+Shift+R",), "", "Render from in to out only"),
    ActionSpec(
        "render_take", "Re&nder", "Render as New &Take", ("Ctrl+Alt+R",), "", "Keep the result so far beside it"
    ),
    ActionSpec(
        "redo_range",
        "Re&nder",
        "&Do Range Again",
        ("Ctrl+Shift+D",),
        "",
        "Frames from in to out, else the context window here, with another seed",
    ),
    ActionSpec("cancel", "Re&nder", "&Cancel", ("Ctrl+.",), "cancel"),
    ActionSpec("next_take", "Re&nder", "Use &Next Take", ("Ctrl+T",), separated=True),
    ActionSpec("compare_take", "Re&nder", "Compare with &Other Take", ("Shift+T",), checkable=True),
    ActionSpec("pause_queue", "Re&nder", "&Pause Queue", (), "", "Begin no further render", True, True),
    ActionSpec("clear_queue", "Re&nder", "C&lear Finished"),
    ActionSpec("reconnect", "Re&nder", "Restart Connection to &Engine", separated=True),
    ActionSpec("help", "&Help", "Grayplate &Help", ("F1",), "", "How to work, and all keys"),
    ActionSpec("tour", "&Help", "Take the &Tour", (), "", "The first steps, on a sample shot"),
    ActionSpec("show_log", "&Help", "Show &Log", separated=True),
    ActionSpec("copy_report", "&Help", "Copy &Diagnostic Report", (), "", "To send along with a question"),
    ActionSpec("about", "&Help", "&About Grayplate"),
)


def make_actions(window: QMainWindow) -> dict[str, QAction]:
    """All actions by name, in the window's menus."""
    menus: dict[str, QMenu] = {}
    actions = {}
    for spec in ACTIONS:
        menu = _menu(spec.menu, menus, window)
        if spec.separated:
            menu.addSeparator()
        actions[spec.name] = _make(spec, window)
        menu.addAction(actions[spec.name])
        window.addAction(actions[spec.name])  # its shortcut works while the menu bar is hidden
    return actions


def _menu(title: str, menus: dict[str, QMenu], window: QMainWindow) -> QMenu:
    if title not in menus:
        parent, _, last = title.rpartition("/")
        menus[title] = _menu(parent, menus, window).addMenu(tr(last)) if parent else window.menuBar().addMenu(tr(last))
    return menus[title]


def _make(spec: ActionSpec, window: QMainWindow) -> QAction:
    action = QAction(tr(spec.text), window)
    action.setShortcuts([QKeySequence(shortcut) for shortcut in spec.shortcuts])
    action.setCheckable(spec.checkable)
    if spec.icon:
        action.setIcon(icon(spec.icon))
    action.setIconText(plain_text(tr(spec.text)).removesuffix(" Tool").removesuffix(" Shot"))
    action.setToolTip(tool_tip(spec, action))
    return action


def tool_tip(spec: ActionSpec, action: QAction) -> str:
    """What it does, with its first key."""
    words, key = plain_text(tr(spec.tip or spec.text)), action.shortcut().toString()
    return f"{words} ({key})" if key else words


def menu_path(spec: ActionSpec, between: str) -> str:
    """The names of the menus that lead to an action."""
    return between.join(plain_text(tr(part)) for part in spec.menu.split("/"))


def plain_text(text: str) -> str:
    """A menu's or an action's text without the marks that menus need, in any language: "&Open …", "開く(&O) …"."""
    return re.sub(r"\(&.\)|&", "", text).replace(" …", "")


_TYPING_KEYS = frozenset(
    {
        Qt.Key.Key_Return,
        Qt.Key.Key_Enter,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
    }
)


def keeps_key(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Whether the focused field or list needs this key itself, although the window has a shortcut on it."""
    plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
    return plain and widget is not None and event.key() in _keys_of(widget)


def _keys_of(widget: QWidget) -> Collection[int]:
    if isinstance(widget, (QLineEdit, QAbstractSpinBox)):
        return _TYPING_KEYS
    if isinstance(widget, (QAbstractItemView, QComboBox)):
        return (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)
    return ()

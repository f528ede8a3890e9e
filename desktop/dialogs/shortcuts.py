"""Which keys do what: the defaults, sets for people who come from other programs, and conflicts."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction, QKeySequence

from desktop.actions import ACTIONS, ActionSpec, tool_tip

Keys = tuple[str, ...]

DEFAULT = "Grayplate"
PRESETS: Mapping[str, Mapping[str, Keys]] = {
    DEFAULT: {},
    "Like Nuke": {
        "show_red": ("R",),
        "show_green": ("G",),
        "show_blue": ("B",),
        "show_alpha": ("A",),
        "show_luma": ("Y",),
        "box_tool": ("X",),
        "bezier_tool": ("N",),
        "onion": ("Shift+D",),
        "click_tool": ("Shift+X",),
        "play": ("Space",),
    },
    "Like DaVinci Resolve": {
        "full_screen": ("Ctrl+F",),
        "trim_start": ("Shift+[",),
        "trim_end": ("Shift+]",),
        "timeline_fit": ("Shift+Z",),
        "actual_size": ("Alt+Z",),
        "fit": ("Z",),
        "smooth_points": ("X",),
        "corner_points": ("Shift+X",),
    },
    "Like After Effects": {
        "zoom_in": (".", "Ctrl+="),
        "zoom_out": (",", "Ctrl+-"),
        "fit": ("Shift+/",),
        "actual_size": ("/",),
        "step_back": ("PgUp",),
        "step_forward": ("PgDown",),
        "back_10": ("Shift+PgUp",),
        "forward_10": ("Shift+PgDown",),
        "previous_key": ("J",),
        "next_key": ("K",),
        "play_backward": (),
        "stop": (),
        "play_forward": (),
        "trim_start": ("Alt+[",),
        "trim_end": ("Alt+]",),
        "start_here": ("[",),
        "end_here": ("]",),
        "mark_in": ("B",),
        "bezier_tool": ("G",),
        "mark_out": ("N",),
        "onion": ("Shift+D",),
    },
}


def keys_of(spec: ActionSpec, overrides: Mapping[str, Keys]) -> Keys:
    """An action's key sequences, in portable text."""
    return overrides.get(spec.name, spec.shortcuts)


def conflicts(overrides: Mapping[str, Keys]) -> dict[str, list[str]]:
    """Key sequence -> the names of the actions that share it, where there are several."""
    users: dict[str, list[str]] = {}
    for spec in ACTIONS:
        for key in keys_of(spec, overrides):
            users.setdefault(normal(key), []).append(spec.name)
    return {key: names for key, names in users.items() if len(names) > 1}


def normal(key: str) -> str:
    """One text for equal key sequences."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def differing(overrides: Mapping[str, Keys]) -> dict[str, Keys]:
    """Only what is no default."""
    defaults = {spec.name: spec.shortcuts for spec in ACTIONS}
    return {name: keys for name, keys in overrides.items() if name in defaults and keys != defaults[name]}


def apply_shortcuts(actions: Mapping[str, QAction], overrides: Mapping[str, Keys]) -> None:
    """Give every action its keys, and its tool tip their names."""
    for spec in ACTIONS:
        action = actions[spec.name]
        action.setShortcuts([QKeySequence(key) for key in keys_of(spec, overrides)])
        action.setToolTip(tool_tip(spec, action))

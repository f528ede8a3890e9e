"""The choice of what the viewer shows colours through, and of the colour space that each medium is in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from desktop.base.errors import ColorConfigError
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.base.preferences import load_preferences
from desktop.base.settings import open_settings
from desktop.main_window import MainWindow
from desktop.media.color_view import ColorView, auto_space, config_name, displays, input_spaces

_VIEW_KEY, _INPUTS_KEY = "color/view", "color/inputs"
_PLAIN = "sRGB / BT.709"
_COMMON_SPACES = 12
"""So many spaces fit in one list; more are sorted into submenus by their first word."""


class ColorMenus(QObject):
    """View > Display Transform, its button above the picture, and Shot > Input Colour Space; filled when opened."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._config = ""
        self._display, self._view = _pair(open_settings().value(_VIEW_KEY))
        self._inputs = _inputs(open_settings().value(_INPUTS_KEY))
        self.views = self._menu(tr("Dis&play Transform"), self._fill_views)
        self.inputs = self._menu(tr("Input Color S&pace"), self._fill_inputs)
        _insert_before(window.window_actions["full_screen"], self.views)
        _insert_before(window.window_actions["rename_shot"], self.inputs)
        self.button = QToolButton()
        self.button.setMenu(self.views)
        self.button.setIcon(icon("chevron_down"))
        self.button.setIconSize(QSize(12, 12))
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow right of the text
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setAccessibleName(tr("Display transform"))
        self.button.setToolTip(tr("What colors are shown through; the result stays as it is"))
        window.viewer.look.add_widget(self.button)
        window.picture.color_of = self.view_of
        self.use_config(load_preferences().ocio_config)

    def use_config(self, chosen: str) -> None:
        """Show colours through this config of the preferences; "" is $OCIO or the built-in one."""
        self._config = config_name(chosen)
        self._show()

    def view_of(self, path: str) -> ColorView | None:
        """How a medium is shown; None: the plain way."""
        if not self._view:
            return None
        return ColorView(self._config, self._display, self._view, self._inputs.get(path, ""))

    def choose_view(self, display: str, view: str) -> None:
        """Show colours through a view of a display; "" is the plain way."""
        self._display, self._view = display, view
        open_settings().setValue(_VIEW_KEY, [display, view])
        self._show()

    def choose_input(self, space: str) -> None:
        """Say which colour space the shot's medium is in; "" goes by its tags."""
        shot = self._window.session.shot
        if shot is None:
            return
        self._inputs.pop(shot.media_path, None)
        if space:
            self._inputs[shot.media_path] = space
        open_settings().setValue(_INPUTS_KEY, json.dumps(self._inputs))
        self._show()

    def _show(self) -> None:
        self.button.setText(_short(self._view) if self._view else _PLAIN)
        self._window.picture.refresh()

    # --- menus --------------------------------------------------------------------------------------------------

    def _menu(self, title: str, fill: Callable[[], None]) -> QMenu:
        menu = QMenu(title, self._window)
        menu.aboutToShow.connect(lambda: self._refill(menu, fill))
        return menu

    def _refill(self, menu: QMenu, fill: Callable[[], None]) -> None:
        menu.clear()
        try:
            fill()
        except ColorConfigError as error:
            menu.addAction(tr("The color config cannot be used")).setEnabled(False)
            self._window.notices.problem(tr("The color config cannot be used"), str(error))

    def _fill_views(self) -> None:
        group = QActionGroup(self.views)
        plain = _entry(self.views, group, tr("{name}, without OpenColorIO").format(name=_PLAIN), not self._view)
        plain.triggered.connect(lambda: self.choose_view("", ""))
        self.views.addSeparator()
        for display, views in displays(self._config).items():
            submenu = self.views.addMenu(display)
            for view in views:
                checked = (display, view) == (self._display, self._view)
                action = _entry(submenu, group, view, checked)
                action.triggered.connect(lambda _=False, d=display, v=view: self.choose_view(d, v))

    def _fill_inputs(self) -> None:
        shot = self._window.session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if shot is None or info is None:
            self.inputs.addAction(tr("No shot")).setEnabled(False)
            return
        from timeline.media.color import resolved_color

        chosen = self._inputs.get(shot.media_path, "")
        found = auto_space(self._config, resolved_color(info.color, info.format, info.size))
        group = QActionGroup(self.inputs)
        by_tags = tr("By its tags: {name}").format(name=found or tr("none fits"))
        _entry(self.inputs, group, by_tags, not chosen).triggered.connect(lambda: self.choose_input(""))
        self.inputs.addSeparator()
        for title, spaces in _families(input_spaces(self._config)):
            menu = self.inputs.addMenu(title) if title else self.inputs
            for space in spaces:
                action = _entry(menu, group, space, space == chosen)
                action.triggered.connect(lambda _=False, s=space: self.choose_input(s))


def _entry(menu: QMenu, group: QActionGroup, text: str, checked: bool) -> QAction:
    action = menu.addAction(text)
    action.setCheckable(True)
    action.setChecked(checked)
    group.addAction(action)
    return action


def _families(spaces: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Spaces by what they are: linear, encoded for a display, of a camera."""
    found = list(spaces)
    if len(found) <= _COMMON_SPACES:
        return [("", found)]
    linear = [space for space in found if space.startswith(("Linear", "ACES2065", "ACEScg"))]
    encoded = [space for space in found if "ncoded" in space or space.startswith(("Camera Rec", "sRGB", "Raw"))]
    cameras = [space for space in found if space not in linear and space not in encoded]
    titles = (tr("Encoded for a Display"), tr("Linear"), tr("Log and Cameras"))
    return [(title, group) for title, group in zip(titles, (encoded, linear, cameras), strict=True) if group]


def _short(view: str) -> str:
    return view.split(" (")[0]


def _pair(value: object) -> tuple[str, str]:
    """A display and a view as they were kept."""
    return (str(value[0]), str(value[1])) if isinstance(value, list) and len(value) == 2 else ("", "")


def _inputs(value: object) -> dict[str, str]:
    """Path -> colour space as they were kept."""
    try:
        data = json.loads(value) if isinstance(value, str) else {}
    except ValueError:
        return {}
    return {str(path): str(space) for path, space in data.items()} if isinstance(data, dict) else {}


def _insert_before(action: QAction, menu: QMenu) -> None:
    """Put a submenu above an action, and above the line that is drawn above it."""
    for place in action.associatedObjects():
        if isinstance(place, QMenu):
            entries = place.actions()
            index = entries.index(action)
            before = entries[index - 1] if index and entries[index - 1].isSeparator() else action
            place.insertMenu(before, menu)

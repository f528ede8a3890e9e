"""Actions of the view: what is compared, how it is looked at, full screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup

from desktop.main_window import MainWindow
from desktop.media.look import Channel
from desktop.viewer.comparison import Compare

COMPARISONS = {
    "compare": Compare.SOURCE,
    "wipe": Compare.WIPE,
    "side_by_side": Compare.SIDE_BY_SIDE,
    "difference": Compare.DIFFERENCE,
    "onion": Compare.ONION,
}
_CHANNELS = {
    "show_rgb": Channel.RGB,
    "show_red": Channel.RED,
    "show_green": Channel.GREEN,
    "show_blue": Channel.BLUE,
    "show_alpha": Channel.ALPHA,
    "show_luma": Channel.LUMA,
}
_SCALES = {"scale_full": 1, "scale_half": 2, "scale_quarter": 4}
_EXPOSURE_STEP_TENTHS = 5


class ViewWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window, self._actions = window, window.window_actions
        look = window.viewer.look
        self._comparisons = QActionGroup(self)
        self._comparisons.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
        for name in COMPARISONS:
            self._comparisons.addAction(self._actions[name])
            self._actions[name].toggled.connect(self._show_comparison)
        self._channels, self._scales = QActionGroup(self), QActionGroup(self)
        for name, channel in _CHANNELS.items():
            self._channels.addAction(self._actions[name])
            run(name, partial(look.set_channel, channel))
        for name, step in _SCALES.items():
            self._scales.addAction(self._actions[name])
            run(name, partial(look.set_scale, step))
        run("exposure_up", partial(look.add_exposure, _EXPOSURE_STEP_TENTHS))
        run("exposure_down", partial(look.add_exposure, -_EXPOSURE_STEP_TENTHS))
        run("reset_look", look.reset)
        run("full_screen", self._toggle_full_screen)
        self._actions["safe_areas"].toggled.connect(window.canvas.set_safe_areas)
        look.changed.connect(self._on_look)
        look.maps.currentIndexChanged.connect(lambda _: window.canvas.set_map_kind(look.map_kind))
        self._on_look()

    def _show_comparison(self) -> None:
        chosen = self._comparisons.checkedAction()
        name = next((name for name in COMPARISONS if self._actions[name] is chosen), None)
        compare = COMPARISONS[name] if name else Compare.RESULT
        if compare is not self._window.canvas.compare:
            self._window.canvas.set_compare(compare)
            self._window.viewer.look.set_difference(compare is Compare.DIFFERENCE)
            self._window.picture.show_badge()

    def _on_look(self) -> None:
        look = self._window.viewer.look.look
        self._window.picture.set_look(look)
        for name, channel in _CHANNELS.items():
            self._actions[name].setChecked(channel is look.channel)
        for name, step in _SCALES.items():
            self._actions[name].setChecked(step == look.proxy_step)

    def _toggle_full_screen(self) -> None:
        self._window.set_viewer_only(not self._window.is_viewer_only)
        self._actions["full_screen"].setChecked(self._window.is_viewer_only)

"""Actions of the timeline strip: markers, tracks, snapping."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from desktop.dialogs.marker_dialog import MarkerDialog
from desktop.editing import markers
from desktop.main_window import MainWindow


class StripWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        session, strip = window.session, window.strip
        run("add_marker", partial(markers.add_marker, session))
        run("edit_marker", self._edit_marker)
        run("delete_marker", partial(markers.delete_marker, session))
        run("previous_marker", partial(self._go_to_marker, -1))
        run("next_marker", partial(self._go_to_marker, 1))
        run("next_track", session.work_on_next_track)
        snap = window.window_actions["snap"]
        snap.setChecked(strip.snaps)
        snap.toggled.connect(self._set_snapping)
        strip.marker_opened.connect(self._edit_marker)
        strip.name_opened.connect(window.window_actions["rename_shot"].trigger)

    def _set_snapping(self, on: bool) -> None:
        self._window.strip.snaps = on

    def _go_to_marker(self, direction: int) -> None:
        self._window.playback.stop()
        markers.go_to_neighbour_marker(self._session, direction)

    def _edit_marker(self) -> None:
        here = markers.marker_here(self._session)
        if here is None:
            return
        dialog = MarkerDialog(here.marker, self._window)
        dialog.accepted.connect(
            lambda: markers.change_marker(
                self._session,
                here.marker,
                dialog.name.text(),
                dialog.color.currentData(),
                dialog.note.toPlainText(),
            )
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

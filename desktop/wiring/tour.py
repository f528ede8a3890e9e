"""A tour of the first shot: callouts beside the real widgets, from opening the sample to exporting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop.base.language import tr
from desktop.dialogs.callout import Callout
from desktop.main_window import MainWindow
from desktop.viewer.comparison import Compare

SAMPLE = "walkby"


@dataclass(frozen=True)
class TourStep:
    """``target`` is what the callout points at, ``act`` does the step for a person, ``is_done`` sees that it was done.

    ``text`` and the names are English; they are translated where they are shown.
    """

    title: str
    text: str
    act_text: str
    target: Callable[[MainWindow], QWidget]
    act: Callable[[MainWindow], object]
    is_done: Callable[[MainWindow], bool]


def _has_shot(window: MainWindow) -> bool:
    return window.session.shot is not None


def _has_removal(window: MainWindow) -> bool:
    return window.session.removal is not None


def _has_result(window: MainWindow) -> bool:
    shot = window.session.shot
    return shot is not None and not window.renders.is_busy and bool(window.results.chosen(shot.id).frames)


def _open_sample(window: MainWindow) -> None:
    window.documents.add_media([str(_sample("mp4"))])


def _mark_walker(window: MainWindow) -> None:
    """The removal of the sample's own project; in other footage a box in the middle."""
    shot = window.session.shot
    if shot is None or Path(shot.media_path).name != f"{SAMPLE}.mp4":
        window.window_actions["add_removal"].trigger()
        return
    from timeline import edits
    from timeline.project_file import load_project

    removal = load_project(_sample("otio")).shots[0].removals[0]
    window.session.apply(tr("Add Removal"), edits.add_removal(window.session.project, shot.id, removal))
    window.session.select_removal(removal.id)


def _sample(ending: str) -> Path:
    return Path(str(files("resources").joinpath("sample", f"{SAMPLE}.{ending}")))


def _action(name: str) -> Callable[[MainWindow], object]:
    return lambda window: window.window_actions[name].trigger()


STEPS: tuple[TourStep, ...] = (
    TourStep(
        "Open a clip",
        "Drop footage on the window, or open the sample shot: somebody walks past a house.",
        "Open the Sample",
        lambda window: window.viewer,
        _open_sample,
        _has_shot,
    ),
    TourStep(
        "Draw a box",
        "Press R and drag a box around what should go. On other frames drag it along; keyframes are set by themselves.",
        "Mark the Walker",
        lambda window: window.canvas,
        _mark_walker,
        _has_removal,
    ),
    TourStep(
        "Render",
        "Cleaned frames appear in place while the rest still renders. You can go on working.",
        "Render",
        lambda window: window.render_panel.render_button,
        _action("render"),
        _has_result,
    ),
    TourStep(
        "Compare",
        "Drag the line of the wipe (W) over the picture. Side by side is S, the difference D, the source Return.",
        "Show the Wipe",
        lambda window: window.canvas,
        _action("wipe"),
        lambda window: window.canvas.compare is not Compare.RESULT,
    ),
    TourStep(
        "Export",
        "The shot goes to comp in the format of your choice. Outside the boxes nothing changes. F1 has help on "
        "whatever you are at.",
        "Export …",
        lambda window: window.strip,
        _action("export"),
        lambda window: False,
    ),
)


class Tour(QObject):
    """One run through :data:`STEPS`. A step that a person does goes on to the next one by itself."""

    ended = Signal()
    """It was finished or left."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._index = -1
        self._was_done = False
        self.callout = Callout(window)
        self.callout.acted.connect(self._act)
        self.callout.went_on.connect(self.go_on)
        self.callout.left.connect(self.end)
        window.session.project_changed.connect(self._look)
        window.session.selection_changed.connect(self._look)
        window.renders.ended.connect(self._look)
        for name in ("wipe", "side_by_side", "difference", "onion", "compare"):
            window.window_actions[name].toggled.connect(self._look)

    @property
    def step(self) -> int | None:
        """Which step is shown; None where no tour runs."""
        return self._index if self._index >= 0 else None

    def start(self) -> None:
        """Begin with the first step that is not done yet; once all is done, with the first."""
        todo = [index for index, step in enumerate(STEPS[:-1]) if not step.is_done(self._window)]
        self._show(todo[0] if todo else 0, take_focus=True)

    def go_on(self) -> None:
        """The next step; after the last one the tour ends."""
        if self._index + 1 < len(STEPS):
            self._show(self._index + 1, take_focus=True)
        else:
            self.end()

    def end(self) -> None:
        """Leave the tour."""
        if self.step is not None:
            self._index = -1
            self.callout.hide()
            self._window.canvas.setFocus()
            self.ended.emit()

    def _show(self, index: int, *, take_focus: bool) -> None:
        self._index = index
        step = STEPS[index]
        self._was_done = step.is_done(self._window)
        is_last = index == len(STEPS) - 1
        self.callout.point_at(
            step.target(self._window),
            tr("{number} of {count}").format(number=index + 1, count=len(STEPS)) + f"   {tr(step.title)}",
            tr(step.text),
            tr(step.act_text),
            tr("Finish") if is_last else tr("Next"),
        )
        if take_focus:
            self.callout.take_focus()

    def _act(self) -> None:
        STEPS[self._index].act(self._window)

    def _look(self) -> None:
        """Go on where a person did what the step shows; the keyboard stays where they are at work."""
        if self.step is None or self._was_done or not STEPS[self._index].is_done(self._window):
            return
        self._show(self._index + 1, take_focus=self.callout.has_focus)

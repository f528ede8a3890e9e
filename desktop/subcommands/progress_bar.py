"""Engine events as progress bars in the terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from desktop.subcommands.preflight import remedy_options
from engine.protocol import Event, ProgressEvent, Stage, WarningEvent

_LABELS: dict[Stage, str] = {
    "load": "Preparing",
    "analyse": "Analysing the shot",
    "render": "Cleaning",
    "deliver": "Writing",
    "verify": "Checking the output",
}


class ProgressBars:
    """One bar per stage on stderr, so that stdout stays free for results. ``quiet`` shows warnings only."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        self._tasks: dict[Stage, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=40),
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            disable=quiet,
        )

    def __enter__(self) -> ProgressBars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Bring the bars up to date with one event."""
        if isinstance(event, WarningEvent):
            text = f"warning: {event.message}"
            if event.remedy is not None:
                text = f"{text} (add {remedy_options(event.remedy)})"
            self._progress.console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
        elif isinstance(event, ProgressEvent):
            if event.stage not in self._tasks:
                self._complete_all()
                self._tasks[event.stage] = self._progress.add_task(_LABELS[event.stage], total=event.total, note="")
            self._progress.update(self._tasks[event.stage], completed=event.done, total=event.total, note=event.message)

    def _complete_all(self) -> None:
        """A stage that gives way to the next is done, even where its last progress event was superseded."""
        for task in self._progress.tasks:
            self._progress.update(task.id, completed=task.total, note="")

"""What the engine has cleaned so far, by shot and media frame, and whether it still fits the removals. Without Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from psygnal import Signal

from desktop.base.language import tr
from engine.protocol import EffectDescriptor, FrameEvent, ParameterValue, WindowsEvent
from roi_tools.keyframes import Track
from timeline.marking import Marking, rendered_marking
from timeline.removal import Removal
from timeline.shot import Shot
from timeline.take import ShotTakes, TakeRecord

Marks = tuple[tuple[str, Mapping[str, ParameterValue], Mapping[str, Track], Marking], ...]
"""All that a result depends on: effect, parameters, their keyframes and shape of each enabled removal."""


JOBS_KEPT = 50
"""Of more renders into one take, the frames of the oldest ones are not found again in a later session."""


class ResultState(Enum):
    """What there is to show of one frame."""

    UNTOUCHED = "nothing is marked on this frame"
    MISSING = "not rendered yet"
    PROVISIONAL = "preview"
    READY = "rendered"
    STALE = "rendered before the last change"
    FAILED = "the render failed before this frame"


@dataclass(frozen=True)
class Measure:
    """How far one frame's result can be trusted, 0 to 1; None where the effect does not say."""

    confidence: float | None = None
    """The mean over what was marked; of several passes the least sure one's."""
    share_synthesised: float | None = None
    """How much of what was marked was invented; of several passes the largest."""


NO_MEASURE = Measure()


@dataclass(frozen=True)
class _FrameResult:
    marks: Marks
    patches: Mapping[int, str]
    """Patch file by pass; they are applied in the order of the passes."""
    provisional: bool
    measures: Mapping[int, Measure] = field(default_factory=dict)
    """By pass."""
    maps: str | None = None
    """Maps file of the newest pass, which has those of the passes before in it."""


@dataclass(eq=False)
class Take:
    """One result of a shot, kept beside others. ``removals`` are those that it was rendered with last."""

    number: int
    removals: tuple[Removal, ...] = ()
    name: str = ""
    """What a person called it."""
    job_ids: tuple[str, ...] = ()
    """The engine's jobs that its frames come from, in order."""
    is_restored: bool = False
    """It comes from a project file; its frames are there only as far as the engine's cache has kept them."""
    is_awaited: bool = False
    """The engine has not yet said which of its frames it has kept."""
    marks: Marks = ()
    frames: dict[int, _FrameResult] = field(default_factory=dict)
    windows: dict[int, tuple[range, ...]] = field(default_factory=dict)
    """By pass: the context windows that it was rendered in, as media frames, in order."""

    failed: range = range(0)
    """Media frames of the last render, if it failed."""

    @property
    def label(self) -> str:
        """Its name, or its number."""
        return self.name or tr("Take {number}").format(number=self.number)

    @property
    def is_listed(self) -> bool:
        """Whether it is one for a person to see: it holds frames, or did when the project was saved."""
        return bool(self.frames) or self.is_restored


@dataclass
class _ShotResults:
    """At least one take."""

    takes: list[Take] = field(default_factory=lambda: [Take(1)])
    chosen: int = 1
    versus: int | None = None

    def find(self, number: int | None) -> Take | None:
        wanted = self.chosen if number is None else number
        return next((take for take in self.takes if take.number == wanted), None)

    def take(self, number: int | None) -> Take:
        found = self.find(number)
        assert found is not None, f"there is no take {number}"
        return found


def marks_of(shot: Shot) -> Marks:
    """What a render of this shot depends on."""
    return _marks(shot.removals)


def _marks(removals: Iterable[Removal]) -> Marks:
    return tuple(
        (r.effect, dict(r.parameters), dict(r.parameter_tracks), rendered_marking(r.shape))
        for r in removals
        if r.enabled
    )


def is_marked(shot: Shot, frame: int) -> bool:
    """Whether any enabled removal is there on a media frame."""
    return any(removal.enabled and removal.shape.is_present(frame) for removal in shot.removals)


class ResultStore:
    """Results stay until newer ones replace them; those that no longer fit are stale, not gone.

    A shot may keep several takes: results of other settings, to compare and choose from.
    """

    changed = Signal(str)
    """A shot's results changed; carries the shot's id."""

    def __init__(self) -> None:
        self._shots: dict[str, _ShotResults] = {}
        self._idle: dict[str, frozenset[str]] = {}
        """By effect: the parameters that change no picture."""

    def set_effects(self, effects: Iterable[EffectDescriptor]) -> None:
        """What the engine says of its effects: parameters that change no picture make no result stale."""
        self._idle = {e.identifier: frozenset(p.name for p in e.parameters if not p.evaluates) for e in effects}
        for shot_id in self._shots:
            self.changed.emit(shot_id)

    def keep_only(self, shot_ids: Iterable[str]) -> None:
        """Forget the results of all other shots; their frames stay in the engine's cache, their takes in projects."""
        kept = set(shot_ids)
        self._shots = {shot_id: results for shot_id, results in self._shots.items() if shot_id in kept}

    def begin(self, shot: Shot, *, new_take: bool = False) -> int:
        """A render of ``shot`` as it is now starts; returns the number of the take that :meth:`add` is to fill.

        A new take is chosen at once; else the chosen one is rendered over, frame by frame.
        """
        results = self._of(shot.id)
        if new_take and results.take(None).is_listed:
            results.takes.append(Take(results.takes[-1].number + 1))
            results.chosen = results.takes[-1].number
        take = results.take(None)
        marks = marks_of(shot)
        if not self._is_same(marks, take.marks):  # what earlier jobs rendered is not what this take is now
            take.job_ids, take.marks = (), marks
        take.removals, take.failed = shot.removals, range(0)
        self.changed.emit(shot.id)
        return take.number

    def note_failure(self, shot_id: str, take_number: int | None, frames: range) -> None:
        """The render of these frames of a take failed; those that arrived stay."""
        take = self._of(shot_id).find(take_number)
        if take is not None:
            take.failed = frames
            self.changed.emit(shot_id)

    def note_job(self, shot_id: str, take_number: int | None, job_id: str) -> None:
        """A job of the engine fills a take: a project file needs that to find its frames again."""
        for take in self._of(shot_id).takes:
            if take.number == take_number and job_id not in take.job_ids:
                take.job_ids = (*take.job_ids, job_id)[-JOBS_KEPT:]
                self.changed.emit(shot_id)

    def take_of_job(self, shot_id: str, job_id: str) -> int | None:
        """The number of the take that a job fills."""
        return next((take.number for take in self._of(shot_id).takes if job_id in take.job_ids), None)

    def add(self, shot_id: str, event: FrameEvent, take_number: int | None = None) -> None:
        """A frame of a take (None: the chosen one) arrived. A final one is not replaced by a preview of its render.

        Frames of a take that was deleted are dropped.
        """
        take = self._of(shot_id).find(take_number)
        if take is not None:
            _put(take, event)
            self.changed.emit(shot_id)

    def add_windows(self, shot_id: str, event: WindowsEvent, take_number: int | None = None) -> None:
        """The windows of a pass of a take (None: the chosen one). Earlier ones stay where the new ones do not reach."""
        take = self._of(shot_id).find(take_number)
        if take is not None:
            _put_windows(take, event)
            self.changed.emit(shot_id)

    def takes(self, shot_id: str) -> tuple[Take, ...]:
        """A shot's takes that hold anything, oldest first."""
        return tuple(take for take in self._of(shot_id).takes if take.is_listed)

    def rename(self, shot_id: str, number: int, name: str) -> None:
        """Give a take a name of its own; an empty one brings its number back."""
        take = self._of(shot_id).find(number)
        if take is not None:
            take.name = name.strip()
            self.changed.emit(shot_id)

    def delete(self, shot_id: str, number: int) -> None:
        """Forget a take; of the chosen one the newest other takes the place."""
        results = self._of(shot_id)
        results.takes = [take for take in results.takes if take.number != number] or [Take(number + 1)]
        if results.chosen == number:
            results.chosen = results.takes[-1].number
        if results.versus in (number, results.chosen):
            results.versus = None
        self.changed.emit(shot_id)

    # --- project files --------------------------------------------------------------------------------------------

    def record(self, shot_id: str) -> ShotTakes | None:
        """A shot's takes as a project file keeps them; None where there are none."""
        takes = self.takes(shot_id)
        if not takes:
            return None
        records = tuple(TakeRecord(take.number, take.removals, take.job_ids, take.name) for take in takes)
        chosen = self.chosen(shot_id)
        return ShotTakes(records, (chosen if chosen in takes else takes[-1]).number)

    def restore(self, shot_id: str, takes: ShotTakes) -> bool:
        """Bring back the takes of a project file, without frames yet; False where the shot has takes already."""
        if self.takes(shot_id):
            return False
        restored = [
            Take(take.number, take.removals, take.label, take.job_ids, True, bool(take.job_ids), _marks(take.removals))
            for take in takes.takes
        ]
        self._shots[shot_id] = _ShotResults(restored, takes.chosen)
        self.changed.emit(shot_id)
        return True

    def restore_frames(
        self, shot_id: str, number: int, events: Iterable[FrameEvent | WindowsEvent], *, is_all: bool
    ) -> None:
        """The engine still has these frames of a take; ``is_all``: and no others."""
        take = self._of(shot_id).find(number)
        if take is None:
            return
        for event in events:
            if isinstance(event, FrameEvent):
                _put(take, event)
            else:
                _put_windows(take, event)
        take.is_awaited = take.is_awaited and not is_all
        self.changed.emit(shot_id)

    def chosen(self, shot_id: str) -> Take:
        """The take that is shown."""
        return self._of(shot_id).take(None)

    def choose(self, shot_id: str, number: int) -> None:
        """Show another take; a comparison with itself ends."""
        results = self._of(shot_id)
        results.chosen = number
        if results.versus == number:
            results.versus = None
        self.changed.emit(shot_id)

    def versus(self, shot_id: str) -> Take | None:
        """The take that stands in for the source in comparisons."""
        results = self._of(shot_id)
        return None if results.versus is None else results.take(results.versus)

    def compare_with(self, shot_id: str, number: int | None) -> None:
        """Compare the chosen take with another one, or (None) with the source again."""
        results = self._of(shot_id)
        results.versus = None if number == results.chosen else number
        self.changed.emit(shot_id)

    def _of(self, shot_id: str) -> _ShotResults:
        return self._shots.setdefault(shot_id, _ShotResults())

    def patches(self, shot: Shot, frame: int) -> tuple[str, ...]:
        """Patch files to apply to a media frame, in order; none where nothing is marked or rendered."""
        return _patches(self.chosen(shot.id).frames.get(frame)) if is_marked(shot, frame) else ()

    def maps(self, shot: Shot, frame: int) -> str | None:
        """Maps file of a media frame's result: where its pixels came from; None where that is not known."""
        result = self._result(shot, frame)
        return result.maps if result is not None and is_marked(shot, frame) else None

    def versus_patches(self, shot: Shot, frame: int) -> tuple[str, ...]:
        """The same of the take that is compared with."""
        take = self.versus(shot.id)
        return _patches(take.frames.get(frame)) if take else ()

    def measures(self, shot: Shot, frames: range) -> list[Measure]:
        """How far the chosen take can be trusted on each of these media frames, where it is marked and rendered."""
        results = self.chosen(shot.id).frames
        if not results:
            return [NO_MEASURE] * len(frames)
        return [_measure(results.get(frame)) if is_marked(shot, frame) else NO_MEASURE for frame in frames]

    def windows(self, shot: Shot) -> tuple[range, ...]:
        """The context windows of the chosen take's last pass that has any, as media frames, in order."""
        windows = self.chosen(shot.id).windows
        return windows[max(windows)] if windows else ()

    def state(self, shot: Shot, frame: int) -> ResultState:
        """What there is to show of a media frame."""
        return self.states(shot, range(frame, frame + 1))[0]

    def states(self, shot: Shot, frames: range) -> list[ResultState]:
        """:meth:`state` of many frames, comparing the removals once."""
        marks = marks_of(shot)
        fits: dict[int, bool] = {}
        return [self._state(shot, frame, marks, fits) for frame in frames]

    def _state(self, shot: Shot, frame: int, marks: Marks, fits: dict[int, bool]) -> ResultState:
        if not is_marked(shot, frame):
            return ResultState.UNTOUCHED
        result = self._result(shot, frame)
        if result is None:
            return ResultState.FAILED if frame in self.chosen(shot.id).failed else ResultState.MISSING
        # All frames of one render share one Marks object, so its identity saves comparing it again for each frame.
        key = id(result.marks)
        if key not in fits:
            fits[key] = self._is_same(result.marks, marks)
        if not fits[key]:
            return ResultState.STALE
        return ResultState.PROVISIONAL if result.provisional else ResultState.READY

    def _is_same(self, marks: Marks, others: Marks) -> bool:
        """Whether two renders give the same pictures."""
        return marks == others or self._counted(marks) == self._counted(others)

    def _counted(self, marks: Marks) -> Marks:
        """``marks`` without the parameters that change no picture."""
        return tuple(
            (effect, {name: value for name, value in parameters.items() if name not in idle}, tracks, marking)
            for effect, parameters, tracks, marking in marks
            for idle in [self._idle.get(effect, frozenset())]
        )

    def _result(self, shot: Shot, frame: int) -> _FrameResult | None:
        return self.chosen(shot.id).frames.get(frame)


def _patches(result: _FrameResult | None) -> tuple[str, ...]:
    return tuple(path for _, path in sorted(result.patches.items())) if result else ()


def _measure(result: _FrameResult | None) -> Measure:
    values = result.measures.values() if result else ()
    if len(values) == 1:
        return next(iter(values))
    sure = [value.confidence for value in values if value.confidence is not None]
    invented = [value.share_synthesised for value in values if value.share_synthesised is not None]
    return Measure(min(sure, default=None), max(invented, default=None))


def _put(take: Take, event: FrameEvent) -> None:
    before = take.frames.get(event.frame)
    patches: dict[int, str] = {}
    measures: dict[int, Measure] = {}
    if before is not None and before.marks == take.marks:
        if event.provisional and not before.provisional and event.pass_index in before.patches:
            return
        patches = {number: path for number, path in before.patches.items() if number < event.pass_index}
        measures = {number: value for number, value in before.measures.items() if number < event.pass_index}
    patches[event.pass_index] = event.patch_path
    measures[event.pass_index] = Measure(event.confidence, event.share_synthesised)
    take.frames[event.frame] = _FrameResult(take.marks, patches, event.provisional, measures, event.maps_path)


def _put_windows(take: Take, event: WindowsEvent) -> None:
    new = [window.as_range() for window in event.windows]
    if not new:
        return
    first, end = min(window.start for window in new), max(window.stop for window in new)
    kept = [old for old in take.windows.get(event.pass_index, ()) if old.stop <= first or end <= old.start]
    take.windows[event.pass_index] = tuple(sorted((*kept, *new), key=lambda window: window.start))

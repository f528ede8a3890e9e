"""What the engine has cleaned so far, by shot and media frame, and whether it still fits the removals. Without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from psygnal import Signal

from engine.protocol import FrameEvent, ParameterValue
from roi_tools.shapes import AnimatedRectangle
from timeline.shot import Shot

Marks = tuple[tuple[str, Mapping[str, ParameterValue], AnimatedRectangle], ...]
"""All that a result depends on: effect, parameters and shape of each enabled removal."""


class ResultState(Enum):
    """What there is to show of one frame."""

    UNTOUCHED = "nothing is marked on this frame"
    MISSING = "not rendered yet"
    PROVISIONAL = "preview"
    READY = "rendered"
    STALE = "rendered before the last change"


@dataclass(frozen=True)
class _FrameResult:
    marks: Marks
    patches: Mapping[int, str]
    """Patch file by pass; they are applied in the order of the passes."""
    provisional: bool


@dataclass
class _ShotResults:
    marks: Marks = ()
    frames: dict[int, _FrameResult] = field(default_factory=dict)


def marks_of(shot: Shot) -> Marks:
    """What a render of this shot depends on."""
    return tuple((r.effect, dict(r.parameters), r.shape) for r in shot.removals if r.enabled)


def is_marked(shot: Shot, frame: int) -> bool:
    """Whether any enabled removal is there on a media frame."""
    return any(removal.enabled and removal.shape.is_present(frame) for removal in shot.removals)


class ResultStore:
    """Results stay until newer ones replace them; those that no longer fit are stale, not gone."""

    changed = Signal(str)
    """A shot's results changed; carries the shot's id."""

    def __init__(self) -> None:
        self._shots: dict[str, _ShotResults] = {}

    def begin(self, shot: Shot) -> None:
        """A render of ``shot`` as it is now starts: what :meth:`add` brings belongs to it."""
        self._shots.setdefault(shot.id, _ShotResults()).marks = marks_of(shot)

    def add(self, shot_id: str, event: FrameEvent) -> None:
        """A frame arrived. A final one is not replaced by a preview of the same render."""
        results = self._shots.setdefault(shot_id, _ShotResults())
        before = results.frames.get(event.frame)
        patches: dict[int, str] = {}
        if before is not None and before.marks == results.marks:
            if event.provisional and not before.provisional and event.pass_index in before.patches:
                return
            patches = {number: path for number, path in before.patches.items() if number < event.pass_index}
        patches[event.pass_index] = event.patch_path
        results.frames[event.frame] = _FrameResult(results.marks, patches, event.provisional)
        self.changed.emit(shot_id)

    def clear(self) -> None:
        """Another document is open."""
        self._shots.clear()

    def patches(self, shot: Shot, frame: int) -> tuple[str, ...]:
        """Patch files to apply to a media frame, in order; none where nothing is marked or rendered."""
        result = self._result(shot, frame)
        if result is None or not is_marked(shot, frame):
            return ()
        return tuple(path for _, path in sorted(result.patches.items()))

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
            return ResultState.MISSING
        # All frames of one render share one Marks object, so its identity saves comparing it again for each frame.
        key = id(result.marks)
        if key not in fits:
            fits[key] = result.marks == marks
        if not fits[key]:
            return ResultState.STALE
        return ResultState.PROVISIONAL if result.provisional else ResultState.READY

    def _result(self, shot: Shot, frame: int) -> _FrameResult | None:
        results = self._shots.get(shot.id)
        return results.frames.get(frame) if results else None

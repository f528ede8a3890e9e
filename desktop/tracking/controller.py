"""Runs tracking on a thread of its own, with its own reader; what is found shows as it comes."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from desktop.editing.session import Session
from desktop.roto.selection import RotoSelection
from desktop.tracking.companions import shape_leader
from desktop.tracking.store import TrackingStore
from desktop.tracking.task import (
    Cancelled,
    Direction,
    Found,
    TrackOptions,
    TrackOutcome,
    TrackTask,
    applied,
    make_task,
    run_task,
    tracked_keys,
    without_track,
)
from roi_tools.errors import RoiError
from roi_tools.shapes import RectF
from timeline import edits
from timeline.errors import EditError, MediaError
from timeline.marking import RotoMarking
from timeline.media.media_reader import MediaReader
from timeline.removal import Removal
from timeline.shot import Shot

_log = logging.getLogger(__name__)
_TELL_EVERY_S = 0.08
_KEPT_BYTES = 96 * 2**20
_BACKWARD_FRAMES = 16
_MOTION_FRAMES = 30
"""How far around a frame its background is looked for."""

_STEPS: dict[Direction, str] = {
    "forward": "Track Forward",
    "backward": "Track Backward",
    "both": "Track Both Ways",
    "one_forward": "Track One Frame Forward",
    "one_backward": "Track One Frame Backward",
}


@dataclass(frozen=True)
class Live:
    """What a running track has found last."""

    removal_id: str
    labels: frozenset[str]
    share: float
    seconds_left: float | None
    last: Found | None
    confidence: Mapping[int, float]
    """Of all frames so far."""


class TrackingController(QObject):
    """One track at a time."""

    started = Signal()
    progressed = Signal(object)
    """Live."""
    ended = Signal(str)
    """What came of it, in one line; also after a failure."""
    failed = Signal(str)
    """One line for a person."""
    proposed = Signal(object, str)
    """Boxes (tuple of RectF) that a person may accept, and the name of what they are around."""

    def __init__(
        self, session: Session, selection: RotoSelection, store: TrackingStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._selection, self._store = session, selection, store
        self.options = TrackOptions()
        self._ui = UiThread(self)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether anything is tracked or searched."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End it; what was found so far is kept."""
        self._stop.set()

    def close(self) -> None:
        """The window closes: end it, and wait until the thread is gone."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    # --- tracking -----------------------------------------------------------------------------------------------

    def track(self, direction: Direction) -> None:
        """Follow the selected removal from the frame under the playhead. Raises TrackingError where it cannot be."""
        place, removal = self._session.place, self._session.removal
        if place is None or removal is None or self.is_running:
            return
        labels = self._labels(removal)
        tracked, frame = removal.tracked_keys, place.media_frame
        task = make_task(place.shot, removal.shape, labels, frame, direction, self.options, tracked)
        self._run(partial(self._track, place.shot, removal.id, task, direction))

    def _labels(self, removal: Removal) -> frozenset[str]:
        """The selected shape, or all that are not locked."""
        if not isinstance(removal.shape, RotoMarking):
            return frozenset()
        if self._selection.label is not None:
            return frozenset({self._selection.label})
        layer = removal.shape.layer
        # Companions go along with their leaders by themselves.
        alone = [shape for shape in layer.shapes if shape_leader(layer, shape) is None]
        return frozenset(shape.label for shape in alone if not shape.is_locked)

    def clear_track(self) -> None:
        """Let the selected removal's shapes follow nothing any more."""
        shot, removal = self._session.shot, self._session.removal
        if shot is None or removal is None:
            return
        changed = replace(removal, shape=without_track(removal.shape, self._labels(removal)), tracked_keys={})
        self._session.apply(tr("Clear Track"), edits.update_removal(self._session.project, shot.id, changed))
        self._store.forget(removal.id)

    def _track(self, shot: Shot, removal_id: str, task: TrackTask, direction: Direction) -> None:
        teller = _Teller(
            removal_id, task.labels, self._stop, lambda live: self._ui.post(partial(self.progressed.emit, live))
        )
        with open_reader(shot) as reader:
            outcome = run_task(task, Pictures(reader), teller)
        self._ui.post(partial(self._apply, shot.id, removal_id, outcome, direction))

    def _apply(self, shot_id: str, removal_id: str, outcome: TrackOutcome, direction: Direction) -> None:
        try:
            removal = self._session.project.shot(shot_id).removal(removal_id)
            if isinstance(removal.shape, RotoMarking) is not isinstance(outcome.task.marking, RotoMarking):
                raise EditError(tr("the removal was changed from a box to roto meanwhile; track it again"))
            shape = applied(removal.shape, outcome)
        except (RoiError, EditError) as error:
            self._end(failure=str(error))
            return
        keys = tracked_keys(removal.tracked_keys, outcome, shape)
        tracked = replace(removal, shape=shape, tracked_keys=keys)
        changed = edits.update_removal(self._session.project, shot_id, tracked)
        self._session.apply(tr(_STEPS[direction]), changed)
        kept = self._session.project.shot(shot_id).removal(removal_id).shape
        self._store.add(removal_id, outcome, removal.shape, kept)
        if outcome.lost and direction in ("forward", "backward"):
            # Where it was seen last an artist looks why, and corrects it.
            last = max(outcome.found, key=lambda frame: abs(frame - outcome.task.start))
            self._session.go_to_media_frame(shot_id, last)
        self._end(said=said_of(outcome))

    # --- proposals ----------------------------------------------------------------------------------------------

    def propose_motion(self) -> None:
        """Look for what moves against the camera on the frame under the playhead; :attr:`proposed` follows."""
        place = self._session.place
        if place is not None and not self.is_running:
            self._run(partial(self._find_motion, place.shot, place.media_frame))

    def propose_shadow(self) -> None:
        """Look for the shadow of the selected removal's object; :attr:`proposed` follows."""
        place, removal = self._session.place, self._session.removal
        rect = removal.shape.rect_at(place.media_frame) if place and removal else None
        if place is not None and removal is not None and rect is not None and not self.is_running:
            self._run(partial(self._find_shadow, place.shot, place.media_frame, removal, rect))

    def _find_motion(self, shot: Shot, frame: int) -> None:
        from roi_tools.tracking.motion import moving_boxes

        with open_reader(shot) as reader:
            found = moving_boxes(Pictures(reader, self._stop), _around(shot, frame), frame)
        self._ui.post(partial(self._on_proposed, found, ""))

    def _find_shadow(self, shot: Shot, frame: int, removal: Removal, rect: RectF) -> None:
        from roi_tools.tracking.shadow import propose_shadow

        with open_reader(shot) as reader:
            found = propose_shadow(Pictures(reader, self._stop), _around(shot, frame), frame, rect)
        name = tr("Shadow of {name}").format(name=removal.label)
        self._ui.post(partial(self._on_proposed, () if found is None else (found,), name))

    def _on_proposed(self, found: tuple[RectF, ...], name: str) -> None:
        if found:
            self.proposed.emit(found, name)
            said = tr("{count} proposed: click one to accept it, Esc dismisses").format(count=len(found))
        elif name:
            said = tr("No shadow was found beside it on this frame")
        else:
            said = tr("Nothing moves against the camera on this frame")
        self._end(said=said)

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self, work: Callable[[], None]) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._guarded, args=(work,), name="tracking", daemon=True)
        self._thread.start()
        self.started.emit()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Cancelled:
            self._ui.post(partial(self._end, said=tr("Stopped")))
        except (RoiError, MediaError) as error:
            self._ui.post(partial(self._end, failure=str(error)))
        except Exception as error:
            # A thread's last line of defence: a person sees one line, the log has the rest.
            _log.exception("tracking")
            self._ui.post(partial(self._end, failure=f"the tracking broke off: {error}"))

    def _end(self, said: str = "", failure: str = "") -> None:
        self._thread = None
        self.ended.emit(said or failure)
        if failure:
            self.failed.emit(failure)


def said_of(outcome: TrackOutcome) -> str:
    """What came of a track, in one line."""
    found, lost = sorted(outcome.found), outcome.lost
    if not lost:
        return tr("Tracked frames {first} to {last}").format(first=found[0], last=found[-1])
    if outcome.task.start in (outcome.task.span[0], outcome.task.span[-1]):
        return tr("Tracked frames {first} to {last}, then lost").format(first=found[0], last=found[-1])
    return tr("Tracked frames {first} to {last}, lost beyond").format(first=found[0], last=found[-1])


class _Teller:
    """Passes progress on, not too often, and ends the work when a person wants it."""

    def __init__(
        self, removal_id: str, labels: frozenset[str], stop: threading.Event, tell: Callable[[Live], None]
    ) -> None:
        self._removal_id, self._labels, self._stop, self._tell = removal_id, labels, stop, tell
        self._begun = self._told = time.monotonic()
        self._share = 0.0
        self._confidence: dict[int, float] = {}

    def __call__(self, share: float, found: Found | None) -> None:
        """After every frame."""
        if self._stop.is_set():
            raise Cancelled
        self._share = max(self._share, share)
        if found is not None:
            self._confidence[found.frame] = found.confidence
        now = time.monotonic()
        if found is None or now - self._told < _TELL_EVERY_S:
            return
        self._told = now
        left = (now - self._begun) / self._share * (1 - self._share) if self._share > 0.02 else None
        self._tell(Live(self._removal_id, self._labels, self._share, left, found, dict(self._confidence)))


class Pictures:
    """A shot's frames as trackers want them. Going backwards it decodes a few frames at once, not each from its key."""

    def __init__(self, reader: MediaReader, stop: threading.Event | None = None) -> None:
        self._reader, self._stop = reader, stop
        self._kept: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._last = -1

    def __call__(self, frame: int) -> NDArray[np.uint8]:
        """8-bit R'G'B' (h, w, 3)."""
        if self._stop is not None and self._stop.is_set():
            raise Cancelled
        if frame not in self._kept:
            backwards = frame < self._last
            for number in range(max(0, frame - _BACKWARD_FRAMES + 1) if backwards else frame, frame + 1):
                self._keep(number)
        self._last = frame
        return self._kept[frame]

    def _keep(self, frame: int) -> None:
        from timeline.media.display import frame_to_display8

        if frame not in self._kept:
            self._kept[frame] = frame_to_display8(self._reader.read(frame))
        self._kept.move_to_end(frame)
        room = max(2, _KEPT_BYTES // max(self._kept[frame].nbytes, 1))
        while len(self._kept) > room:
            self._kept.popitem(last=False)


def open_reader(shot: Shot) -> MediaReader:
    """A reader of a shot's media, for one thread."""
    from timeline.media.reader import open_media

    return open_media(Path(shot.media_path), rate=shot.media_rate)


def _around(shot: Shot, frame: int) -> range:
    first, end = shot.source_start, shot.source_end_exclusive
    return range(max(first, frame - _MOTION_FRAMES), min(end, frame + _MOTION_FRAMES + 1))

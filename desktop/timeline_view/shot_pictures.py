"""What the strip shows of each shot: which frames are rendered, how far they can be trusted, thumbnails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from desktop.editing.timeline_map import ShotSpan
from desktop.media.media_service import MediaService
from desktop.rendering.results import ResultState, ResultStore
from desktop.timeline_view.timeline_layout import TimelineLayout, runs
from timeline.shot import Shot

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Of each frame of a shot, 0 to 1 or NaN where nothing is known: how sure its result is, how much was invented."""

    confidence: Floats
    share_synthesised: Floats

    @cached_property
    def is_known(self) -> bool:
        """Whether there is anything to draw."""
        return bool(np.isfinite(self.confidence).any() or np.isfinite(self.share_synthesised).any())


@dataclass(frozen=True)
class ShotPicture:
    """All that is drawn of one shot."""

    span: ShotSpan
    states: list[tuple[int, int, ResultState]] = field(default_factory=list)
    """Runs of timeline frames."""
    windows: list[tuple[int, int]] = field(default_factory=list)
    """Context windows, as timeline frames, half-open."""
    in_memory: list[tuple[int, int]] = field(default_factory=list)
    """Runs of timeline frames whose picture is decoded."""
    thumbnails: list[tuple[int, QImage]] = field(default_factory=list)
    """Timeline frame of the left edge, picture."""
    is_current: bool = False
    offline: bool = False


class ShotPictures:
    """Looks each shot's results up once, until they or the shot change."""

    def __init__(self, results: ResultStore, media: MediaService) -> None:
        self._results, self._media = results, media
        self._states: dict[str, tuple[Shot, list[tuple[int, int, ResultState]]]] = {}
        self._traces: dict[str, tuple[Shot, Trace]] = {}

    def forget(self, shot_id: str) -> None:
        """The results of a shot changed."""
        self._states.pop(shot_id, None)
        self._traces.pop(shot_id, None)

    def keep_only(self, shots: Sequence[Shot]) -> None:
        """Other shots are gone."""
        ids = {shot.id for shot in shots}
        for gone in (self._states.keys() | self._traces.keys()) - ids:
            self.forget(gone)

    def picture(
        self, span: ShotSpan, layout: TimelineLayout, size_px: tuple[float, float], *, is_current: bool
    ) -> ShotPicture:
        """What is drawn of a shot; ``size_px``: width of the strip, height of a shot."""
        shot = span.shot
        return ShotPicture(
            span,
            [(span.start + start, span.start + end, state) for start, end, state in self._runs(shot)],
            [(span.timeline_frame(w.start), span.timeline_frame(w.stop)) for w in self._results.windows(shot)],
            self._in_memory(span),
            self._thumbnails(span, layout, *size_px),
            is_current=is_current,
            offline=self._media.failure(shot.media_path) is not None,
        )

    def trace(self, shot: Shot) -> Trace:
        """How far a shot's result can be trusted."""
        known = self._traces.get(shot.id)
        if known is None or known[0] is not shot:
            measures = self._results.measures(shot, shot.frames)
            # None becomes NaN.
            confidence = np.array([measure.confidence for measure in measures], np.float64)
            share = np.array([measure.share_synthesised for measure in measures], np.float64)
            known = self._traces[shot.id] = shot, Trace(confidence, share)
        return known[1]

    def _runs(self, shot: Shot) -> list[tuple[int, int, ResultState]]:
        known = self._states.get(shot.id)
        if known is None or known[0] is not shot:
            known = self._states[shot.id] = shot, runs(self._results.states(shot, shot.frames))
        return known[1]

    def _in_memory(self, span: ShotSpan) -> list[tuple[int, int]]:
        frames = sorted(self._media.cached_frames(span.shot.media_path) & set(span.shot.frames))
        steps = [frame - index for index, frame in enumerate(frames)]  # equal where frames follow each other
        return [(span.timeline_frame(frames[a]), span.timeline_frame(frames[b - 1]) + 1) for a, b, _ in runs(steps)]

    def _thumbnails(
        self, span: ShotSpan, layout: TimelineLayout, strip_px: float, shot_px: float
    ) -> list[tuple[int, QImage]]:
        info = self._media.info(span.shot.media_path)
        if info is None:
            return []
        shot = span.shot
        width_px = shot_px * info.size.width_px / info.size.height_px
        step = max(math.floor(width_px / layout.px_per_frame), 1)
        pictures = []
        for offset in range(0, shot.duration_frames, step):
            x = layout.x_of(span.start + offset)
            if x + width_px < 0 or x > strip_px:
                continue
            image = self._media.thumbnail(shot.media_path, shot.media_rate, shot.source_start + offset)
            if image is not None:
                pictures.append((span.start + offset, image))
        return pictures

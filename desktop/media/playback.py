"""Moves the playhead in real time; J and L pressed again go faster, K stops."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from desktop.editing.in_out import InOut
from desktop.editing.session import Session

SPEEDS = (1, 2, 4, 8)


class Playback(QObject):
    """Plays the whole timeline, or the marked range that the playhead is in, around and around.

    Late frames are skipped, so that motion keeps its pace.
    """

    changed = Signal()
    """It started, stopped or changed speed."""

    def __init__(self, session: Session, in_out: InOut, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._in_out = session, in_out
        self._loop = range(0)
        self._speed = 0
        self._rate = Fraction(24)
        self._from_frame = 0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def speed(self) -> int:
        """Times real time, negative backwards, 0 stopped."""
        return self._speed

    @property
    def is_playing(self) -> bool:
        """Whether the playhead moves by itself."""
        return self._speed != 0

    def set_rate(self, rate: Fraction) -> None:
        """Frames per second of what is under the playhead."""
        if rate != self._rate and rate > 0:
            self._rate = rate
            if self.is_playing:
                self._restart()

    def toggle(self) -> None:
        """Space: play or stop."""
        self._set_speed(0 if self.is_playing else 1)

    def forward(self) -> None:
        """L: play, then faster."""
        self._set_speed(_faster(self._speed, 1))

    def backward(self) -> None:
        """J: play backwards, then faster."""
        self._set_speed(_faster(self._speed, -1))

    def stop(self) -> None:
        """K."""
        self._set_speed(0)

    def _set_speed(self, speed: int) -> None:
        if self._session.length_frames < 2:
            speed = 0
        if speed == self._speed:
            return
        self._speed = speed
        if speed:
            self._restart()
        else:
            self._timer.stop()
        self.changed.emit()

    def _restart(self) -> None:
        self._from_frame = self._session.playhead
        self._loop = self._frames_to_play()
        self._clock.start()
        # Twice the rate: a tick that comes late by half a frame still shows each frame.
        self._timer.start(max(int(500 / float(self._rate)), 4))

    def _tick(self) -> None:
        loop = self._frames_to_play()
        if len(loop) < 2:
            self.stop()
            return
        if loop != self._loop:
            self._restart()
        passed = int(self._clock.elapsed() * float(self._rate) * abs(self._speed) / 1000)
        step = passed if self._speed > 0 else -passed
        self._session.go_to(loop[(self._from_frame - loop.start + step) % len(loop)])

    def _frames_to_play(self) -> range:
        """Timeline frames."""
        span = self._session.span
        marked = self._in_out.range_of(span.shot) if span else None
        if span and marked and len(marked) > 1:
            loop = range(span.timeline_frame(marked.start), span.timeline_frame(marked.stop))
            if self._session.playhead in loop:
                return loop
        return range(self._session.length_frames)


def _faster(speed: int, direction: int) -> int:
    if speed * direction <= 0:
        return direction
    return direction * SPEEDS[min(SPEEDS.index(abs(speed)) + 1, len(SPEEDS) - 1)]

"""Decodes ahead what a person may look at next, small, on a thread of low priority; and the strip's thumbnails.

Right after media are opened all frames that the shots use are passed over once, and a small picture of each is kept
(:mod:`desktop.media.small_pictures`): first keyframes about the playhead, which come without a way to them, so that
something is near wherever one goes; then, from the playhead's group of pictures on, all frames. Media whose pictures
stand alone need none of this.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from desktop.media.display import frame_image
from timeline.errors import MediaError, ReadGivenUpError

if TYPE_CHECKING:
    from desktop.media.small_pictures import Media, SmallPictures
    from timeline.media.frame import Frame
    from timeline.media.reader import MediaReader

THUMBNAIL_HEIGHT_PX = 96
RUN_FRAMES = 240
"""After so many frames it is asked again where the playhead is."""
SHORT_GROUP_FRAMES = 4
"""Groups of pictures up to this long are decoded quickly enough without."""
KEYS_APART_FRAMES = 24
"""Keyframes that lie closer are left out at first."""
KEYS_AROUND_FRAMES = 1500
"""So far from the playhead, to both sides, keyframes come before all other frames: a minute."""
_NICENESS = 10
_REST_S = 10.0
"""A file that nothing is read from for so long is closed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MediaRange:
    """Frames ``start <= n < stop`` of a file, read at ``rate``."""

    path: str
    rate: Fraction | None
    start: int
    stop: int

    @property
    def media(self) -> Media:
        """Which media they are of."""
        return self.path, self.rate


class QuickLook:
    """One thread with a reader of its own."""

    def __init__(self, store: SmallPictures, thumbnail_decoded: Callable[[str, int, QImage], None]) -> None:
        self._store, self._thumbnail_decoded = store, thumbnail_decoded
        self._condition = threading.Condition()
        self._plan: tuple[MediaRange, ...] = ()
        self._focus: tuple[str, int] = ("", 0)
        self._run_left: deque[tuple[Media, int]] = deque()
        self._unusable: set[Media] = set()
        self._keyframes: dict[Media, tuple[int, ...]] = {}
        """Of media that are worth it: where their groups of pictures start, rising."""
        self._thumbnails: deque[tuple[Media, int]] = deque()
        self._paused, self._stopped, self._is_idle = False, False, True
        self._reader: tuple[Media, MediaReader] | None = None
        self._replaced: set[str] = set()
        """Files that the reader may have open as they were."""
        self._thread = threading.Thread(target=self._run, name="quick look", daemon=True)
        self._thread.start()

    # --- wishes, from any thread ----------------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Whether all of the plan is in memory, as far as it is to be."""
        with self._condition:
            return self._is_idle and not self._thumbnails

    def set_plan(self, plan: Sequence[MediaRange]) -> None:
        """The frames that the shots use."""
        with self._condition:
            if tuple(plan) == self._plan:
                return
            if {part.media for part in plan} != {part.media for part in self._plan}:
                self._store.keep_only({part.media for part in plan})
                self._unusable &= {part.media for part in plan}
                self._keyframes = {part.media: keys for part in plan if (keys := self._keyframes.get(part.media))}
            self._plan = tuple(plan)
            self._wake()

    def set_focus(self, path: str, frame: int) -> None:
        """Where the playhead is: what follows there is passed over next."""
        with self._condition:
            self._focus = (path, frame)

    def set_limit(self, limit_bytes: int) -> None:
        """Memory for the pictures."""
        with self._condition:
            self._store.set_limit(limit_bytes)
            self._wake()

    def pause(self, on: bool) -> None:
        """Leave the processors to something else; thumbnails are still made."""
        with self._condition:
            self._paused = on
            self._wake()

    def retry(self, path: str) -> None:
        """A file may be readable now."""
        with self._condition:
            self._unusable = {media for media in self._unusable if media[0] != path}
            self._keyframes = {media: keys for media, keys in self._keyframes.items() if media[0] != path}
            self._wake()

    def forget(self, path: str) -> None:
        """A file is another one now: its pictures are made anew."""
        with self._condition:
            self._store.forget(path)
            self._replaced.add(path)
        self.retry(path)

    def thumbnail(self, path: str, rate: Fraction | None, frame: int) -> None:
        """Decode a small picture and report it."""
        with self._condition:
            self._thumbnails.append(((path, rate), frame))
            self._condition.notify()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread after the picture that it is at."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        self._thread.join(timeout_s)

    def _wake(self) -> None:
        self._run_left.clear()
        self._is_idle = False
        self._condition.notify()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        _be_modest()
        while True:
            task = self._next_task()
            if task is None:
                break
            try:
                self._do(*task)
            except ReadGivenUpError:
                continue
            except MediaError as error:
                _log.info("no small pictures: %s", error)
                self._give_up(task)
            except Exception:
                # The thread must outlive a defect in a decoder; the frame says what is wrong once it is shown.
                _log.exception("quick look")
                self._give_up(task)
        self._close_reader()

    def _next_task(self) -> tuple[Media, int, bool] | None:
        """Media, frame, whether it is a thumbnail; None: the end."""
        with self._condition:
            while not self._stopped:
                if self._thumbnails:
                    return *self._next_thumbnail(), True
                if not self._paused and self._next_run():
                    return *self._run_left.popleft(), False
                if not self._condition.wait(_REST_S if self._reader else None):
                    self._close_reader()
        return None

    def _next_thumbnail(self) -> tuple[Media, int]:
        """One of the file that is open, if there is one: others are opened less often."""
        at_hand = self._reader[0] if self._reader else None
        chosen = next((wish for wish in self._thumbnails if wish[0] == at_hand), self._thumbnails[0])
        self._thumbnails.remove(chosen)
        return chosen

    def _next_run(self) -> bool:
        """Whether a frame is left to be passed over; those behind the playhead come first."""
        while self._run_left and self._run_left[0][1] % self._store.step_frames:
            self._run_left.popleft()  # fewer are kept since the run was planned
        if not self._run_left and not self._is_idle:
            run = next(self._runs(), None)
            self._is_idle = run is None
            self._run_left.extend(run or ())
        return bool(self._run_left)

    def _runs(self) -> Iterator[list[tuple[Media, int]]]:
        if not self._store.is_open:
            return
        path, frame = self._focus
        for part in sorted(self._plan, key=lambda part: part.path != path):
            if part.media in self._unusable:
                continue
            here = min(max(frame, part.start), part.stop - 1) if part.path == path else part.start
            runs = [self._missing_keys(part, here)]
            here = max(self._group_start(part.media, here), part.start)
            for start, stop in ((here, part.stop), (part.start, here)):
                runs.append(self._store.missing(part.media, range(start, stop), RUN_FRAMES))
            yield from ([(part.media, number) for number in run] for run in runs if run)

    def _missing_keys(self, part: MediaRange, here: int) -> list[int]:
        """Keyframes about ``here`` that are not there yet, the nearest first."""
        chosen: list[int] = []
        for key in self._keyframes.get(part.media, ()):
            is_about = part.start <= key < part.stop and abs(key - here) <= KEYS_AROUND_FRAMES
            if is_about and (not chosen or key - chosen[-1] >= KEYS_APART_FRAMES):
                chosen.append(key)
        missing = (key for key in chosen if self._store.missing(part.media, range(key, key + 1), 1))
        return sorted(missing, key=lambda key: abs(key - here))

    def _group_start(self, media: Media, frame: int) -> int:
        """What is decoded on the way to a frame is kept, rather than decoded again."""
        keyframes = self._keyframes.get(media, ())
        return keyframes[bisect_right(keyframes, frame) - 1] if keyframes else frame

    def _do(self, media: Media, frame: int, is_thumbnail: bool) -> None:
        if is_thumbnail:
            self._thumbnail(media, frame)
        elif media in self._keyframes:
            self._keep(media, frame)
        elif not self._is_worth_it(media):  # where it is, the runs are planned anew
            self._give_up((media, frame, False))

    def _is_worth_it(self, media: Media) -> bool:
        if media in self._keyframes:
            return True
        reader = self._open(media)
        starts = [reader.group_start(number) for number in range(reader.info.frame_count)]
        if reader.info.format.is_float or all(n - start < SHORT_GROUP_FRAMES for n, start in enumerate(starts)):
            return False
        with self._condition:
            self._keyframes[media] = tuple(dict.fromkeys(starts))
            self._run_left.clear()  # planned anew: the keyframes first
        return True

    def _keep(self, media: Media, frame: int) -> Frame:
        from desktop.media.small_pictures import SmallPicture

        whole = self._read(media, frame)
        picture = SmallPicture.of(whole)
        with self._condition:
            # The plan may have changed meanwhile: pictures of media that are gone are not kept.
            if any(part.media == media for part in self._plan):
                self._store.put(media, frame, picture)
        return whole

    def _thumbnail(self, media: Media, frame: int) -> None:
        image = frame_image(self._small(media, frame))
        small = image.scaledToHeight(THUMBNAIL_HEIGHT_PX, Qt.TransformationMode.SmoothTransformation)
        self._thumbnail_decoded(media[0], frame, small)

    def _small(self, media: Media, frame: int) -> Frame:
        """The frame; on the way to it, what is decoded anyway is kept."""
        known = self._store.get(media, frame)
        if known is not None:
            return known.frame()
        reader = self._open(media)
        start = reader.group_start(frame) if 0 <= frame < reader.info.frame_count else frame
        with self._condition:
            is_planned = any(part.media == media and part.start <= frame < part.stop for part in self._plan)
            wanted = is_planned and self._store.is_open and self._store.step_frames == 1 and not self._paused
        if wanted and SHORT_GROUP_FRAMES <= frame - start <= RUN_FRAMES and self._is_worth_it(media):
            for number in self._store.missing(media, range(start, frame), RUN_FRAMES):
                self._keep(media, number)
            return self._keep(media, frame)
        return self._read(media, frame)

    def _read(self, media: Media, frame: int) -> Frame:
        return self._open(media).read_while(frame, lambda: not self._stopped)

    def _open(self, media: Media) -> MediaReader:
        from timeline.media.reader import open_media  # loads FFmpeg; not before the first file

        with self._condition:
            was_replaced = media[0] in self._replaced
            self._replaced.discard(media[0])
        if self._reader is None or self._reader[0] != media or was_replaced:
            self._close_reader()
            self._reader = media, open_media(media[0], rate=media[1])
        return self._reader[1]

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def _give_up(self, task: tuple[Media, int, bool]) -> None:
        """Media whose frames cannot be read are passed over no further; a thumbnail may be missing."""
        media, _, is_thumbnail = task
        if not is_thumbnail:
            with self._condition:
                self._unusable.add(media)
                self._wake()


def _be_modest() -> None:
    """Let every other thread go first, where a system can say that of one thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

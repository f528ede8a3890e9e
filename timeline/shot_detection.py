"""Where a clip cuts: PySceneDetect's adaptive detector, fed frame by frame, without what only looks like a cut.

The detector compares how much a frame differs from the one before with the frames around it, so camera movement is no
cut. A flash is one to it; here a cut that goes back to the picture before it within five frames is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from timeline.media.color import frame_to_rgb, rgb_to_display8
from timeline.media.reader import MediaReader

Picture: TypeAlias = NDArray[np.uint8]
"""R'G'B', (H, W, 3)."""

FLASH_FRAMES = 5
"""A picture that comes back after so many frames or fewer was interrupted by a flash, not by a cut."""
_RETURN_RATIO = 0.5
"""How alike a returning picture is: its difference, as a share of the difference across the cut."""
_WINDOW_FRAMES = 2
"""Frames on either side that the detector compares with; its own default."""
_PICTURE_WIDTH_PX = 320
"""Cuts show at any size; this keeps detection faster than decoding."""
_THUMBNAIL_PX = (32, 18)
_REMEMBERED_FRAMES = 2 * FLASH_FRAMES + 2 * _WINDOW_FRAMES + 2
"""A cut is judged by the frames up to FLASH_FRAMES on either side, once the detector reports it."""


def detect_cuts(
    reader: MediaReader,
    start: int = 0,
    end_exclusive: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[int]:
    """The media frames in ``start < n < end_exclusive`` (default: all) that start a new shot, rising.

    ``progress(done, total)`` is called after each frame; what it raises ends the search. Raises MediaError.
    """
    end = reader.info.frame_count if end_exclusive is None else end_exclusive
    return [start + cut for cut in find_cuts(_pictures(reader, start, end, progress))]


def find_cuts(pictures: Iterable[Picture]) -> list[int]:
    """The same for pictures of one size, counted from 0. Memory does not grow with their number."""
    flashes = _FlashFilter()
    candidates = _adaptive_cuts(flashes.watched(pictures))
    return [cut for cut in candidates if not flashes.is_flash(cut)]


def _pictures(
    reader: MediaReader, start: int, end: int, progress: Callable[[int, int], None] | None
) -> Iterator[Picture]:
    for done, frame in enumerate(reader.frames(start, end), 1):
        rgb = frame_to_rgb(frame)
        height, width = rgb.shape[:2]
        if width > _PICTURE_WIDTH_PX:
            size = (_PICTURE_WIDTH_PX, max(1, round(height * _PICTURE_WIDTH_PX / width)))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
        yield rgb_to_display8(rgb, reader.info.format.is_float)
        if progress is not None:
            progress(done, end - start)


def _adaptive_cuts(pictures: Iterable[Picture]) -> Iterator[int]:
    """Candidates, each as soon as FLASH_FRAMES pictures after it have been taken, or at the end."""
    from scenedetect import FrameTimecode  # takes a third of a second to import; few sessions need it
    from scenedetect.detectors import AdaptiveDetector

    detector: Any = AdaptiveDetector(min_scene_len=1, window_width=_WINDOW_FRAMES)
    waiting: deque[int] = deque()
    for number, picture in enumerate(_held_at_both_ends(pictures)):
        # Only frame numbers are read from the time, so any rate will do.
        cuts: list[Any] = detector.process_frame(
            FrameTimecode(number, fps=24.0), np.ascontiguousarray(picture[..., ::-1])
        )
        waiting.extend(int(cut.frame_num) - _WINDOW_FRAMES for cut in cuts)
        while waiting and number - _WINDOW_FRAMES >= waiting[0] + FLASH_FRAMES:
            yield waiting.popleft()
    yield from waiting


def _held_at_both_ends(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """The first and the last picture repeated, so that the detector's window reaches cuts right beside them."""
    last: Picture | None = None
    for picture in pictures:
        for _ in range(_WINDOW_FRAMES if last is None else 0):
            yield picture
        yield picture
        last = picture
    for _ in range(_WINDOW_FRAMES if last is not None else 0):
        assert last is not None
        yield last


class _FlashFilter:
    """Remembers the last pictures as thumbnails, to tell a flash from a cut."""

    def __init__(self) -> None:
        self._thumbnails: dict[int, NDArray[np.float32]] = {}

    def watched(self, pictures: Iterable[Picture]) -> Iterator[Picture]:
        """The same pictures, each remembered as it passes."""
        for number, picture in enumerate(pictures):
            thumbnail = cv2.resize(picture, _THUMBNAIL_PX, interpolation=cv2.INTER_AREA)
            self._thumbnails[number] = np.asarray(thumbnail, np.float32)
            self._thumbnails.pop(number - _REMEMBERED_FRAMES, None)
            yield picture

    def is_flash(self, cut: int) -> bool:
        """Whether the picture before the cut comes back soon after it, or the one after it was there just before."""
        before, after = self._thumbnails[cut - 1], self._thumbnails[cut]
        limit = _RETURN_RATIO * _difference(before, after)
        return any(
            _difference(before, later) < limit for later in self._within(cut + 1, cut + FLASH_FRAMES + 1)
        ) or any(_difference(after, earlier) < limit for earlier in self._within(cut - 1 - FLASH_FRAMES, cut - 1))

    def _within(self, start: int, end_exclusive: int) -> Iterator[NDArray[np.float32]]:
        return (self._thumbnails[number] for number in range(start, end_exclusive) if number in self._thumbnails)


def _difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.mean(np.abs(a - b)))

"""Decoded frames in memory, bounded in bytes. Not thread-safe by itself."""

from __future__ import annotations

from collections import OrderedDict

from desktop.media.display import DisplayFrame, FrameRequest


class FrameCache:
    """Decoded frames, the least recently used ones dropped beyond ``limit_bytes``."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._frames: OrderedDict[FrameRequest, DisplayFrame] = OrderedDict()
        self.byte_count = 0

    def __contains__(self, request: FrameRequest) -> bool:
        return request in self._frames

    def __len__(self) -> int:
        return len(self._frames)

    def get(self, request: FrameRequest) -> DisplayFrame | None:
        """The frame, now the most recently used one."""
        if request in self._frames:
            self._frames.move_to_end(request)
        return self._frames.get(request)

    def nearest(self, request: FrameRequest) -> DisplayFrame | None:
        """The same frame of the same media with other patches or another look, if possible with the same patches."""
        media = (request.path, request.rate, request.frame)
        same = [frame for key, frame in self._frames.items() if (key.path, key.rate, key.frame) == media]
        return max(same, key=lambda frame: frame.request.patches == request.patches, default=None)

    def frames_of(self, path: str) -> set[int]:
        """Which frames of a file are kept."""
        return {request.frame for request in self._frames if request.path == path}

    def put(self, frame: DisplayFrame) -> None:
        """Keep a frame; the newest one stays even if it alone is over the limit."""
        before = self._frames.pop(frame.request, None)
        self.byte_count += frame.byte_count - (before.byte_count if before else 0)
        self._frames[frame.request] = frame
        self._shrink()

    def forget(self, path: str) -> None:
        """Drop the frames of a file."""
        for request in [request for request in self._frames if request.path == path]:
            self.byte_count -= self._frames.pop(request).byte_count

    def set_limit(self, limit_bytes: int) -> None:
        """Another bound, from now on."""
        self._limit_bytes = limit_bytes
        self._shrink()

    def _shrink(self) -> None:
        while self.byte_count > self._limit_bytes and len(self._frames) > 1:
            self.byte_count -= self._frames.popitem(last=False)[1].byte_count

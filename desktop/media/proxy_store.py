"""Proxies on disk: small intra-coded copies of movies, for scrubbing and playback. Without Qt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from desktop.base import paths
from roi_tools.geometry import Size
from timeline.media.frame import Frame, PixelFormat, Plane

LIMIT_BYTES = 20 << 30
"""All proxies together; of more, those that were not used for longest go."""
HALF_UP_TO_PX = 2100
"""Media wider than this is quartered, else halved: either way about 1000 px wide."""
ENDING = ".mov"
"""ProRes: every picture stands alone and is quick to decode."""


class ProxyStore:
    """One file per media file; another version of the media has another proxy."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    @property
    def folder(self) -> Path:
        """Where they lie; deleting it loses nothing but time."""
        return self._folder or paths.proxy_folder()

    def path_of(self, media_path: str) -> Path:
        """Where the proxy of a media file lies, or would. Raises OSError where the media is not there."""
        status = Path(media_path).stat()
        identity = f"{media_path}|{status.st_size}|{status.st_mtime_ns}"
        return self.folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}{ENDING}"

    def find(self, media_path: str) -> Path | None:
        """The proxy of a media file, now the most recently used one; None where there is none."""
        with suppress(OSError):
            proxy = self.path_of(media_path)
            if proxy.exists():
                os.utime(proxy)
                return proxy
        return None

    def clear(self) -> int:
        """Delete all; a file in use stays where the system wants that. Returns how many bytes that freed."""
        freed_bytes = 0
        for file in self.folder.glob(f"*{ENDING}"):
            with suppress(OSError):
                size_bytes = file.stat().st_size
                file.unlink()
                freed_bytes += size_bytes
        return freed_bytes

    def shrink(self, keep: Path) -> None:
        """Delete the least recently used proxies beyond the limit, but not ``keep``."""
        files = sorted(self.folder.glob(f"*{ENDING}"), key=lambda file: file.stat().st_mtime)
        total = sum(file.stat().st_size for file in files)
        for file in files:
            if total <= self._limit_bytes:
                return
            if file != keep:
                total -= file.stat().st_size
                file.unlink(missing_ok=True)


def make_proxy(media_path: str, target: Path, progress: Callable[[int, int], bool]) -> bool:
    """Write the proxy of a movie; ``progress(done, total)`` says False to break off, and then nothing is left behind.

    Returns whether it was finished. Raises MediaError where the media cannot be read or its proxy not be written.
    """
    from timeline.media.reader import open_media
    from timeline.media.writer import open_writer

    with open_media(media_path) as reader:
        info, factor = reader.info, shrink_factor(reader.info.size)
        writer = open_writer(target, replace(info, size=proxy_size(info.size, info.format, factor)), overwrite=True)
        try:
            for number in range(info.frame_count):
                if not progress(number, info.frame_count):
                    writer.abort()
                    return False
                writer.write(shrunk(reader.read(number), factor))
        except BaseException:
            writer.abort()
            raise
        writer.close()
    return True


def shrink_factor(size: Size) -> int:
    """2 or 4."""
    return 2 if size.width_px <= HALF_UP_TO_PX else 4


def proxy_size(size: Size, pixels: PixelFormat, factor: int) -> Size:
    """The proxy's size; it covers the picture and a few px beyond, so that chroma is shrunk evenly."""
    step_x, step_y = factor << pixels.chroma_shift_x, factor << pixels.chroma_shift_y
    width_px, height_px = -(-size.width_px // step_x) * step_x, -(-size.height_px // step_y) * step_y
    return Size(width_px // factor, height_px // factor)


def shrunk(frame: Frame, factor: int) -> Frame:
    """A frame at 1/``factor`` of its size, each sample the mean of ``factor`` x ``factor``."""
    size = proxy_size(frame.size, frame.format, factor)
    planes = tuple(
        _shrunk_plane(plane, frame.format.plane_size(index, size), factor) for index, plane in enumerate(frame.planes)
    )
    return Frame(planes, frame.format, frame.color)


def _shrunk_plane(plane: Plane, size: Size, factor: int) -> Plane:
    rest_y, rest_x = size.height_px * factor - plane.shape[0], size.width_px * factor - plane.shape[1]
    padded = np.pad(plane, ((0, rest_y), (0, rest_x)), "edge") if rest_x or rest_y else plane
    is_float = plane.dtype.kind == "f"
    total = np.zeros((size.height_px, size.width_px), np.float32 if is_float else np.uint32)
    for y in range(factor):
        for x in range(factor):
            total += padded[y::factor, x::factor]
    count = factor * factor
    mean = total / np.float32(count) if is_float else (total + count // 2) // count
    return mean.astype(plane.dtype)

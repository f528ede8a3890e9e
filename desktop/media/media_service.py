"""The decode thread's results as Qt signals on the UI thread, and what is known of each media file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from desktop.base.ui_thread import UiThread
from desktop.media.decode_worker import DecodeWorker
from desktop.media.display import DisplayFrame, FrameRequest
from desktop.media.proxy_store import ProxyStore
from desktop.media.quick_look import MediaRange, QuickLook
from desktop.media.small_pictures import SmallPicture, SmallPictures

if TYPE_CHECKING:
    from timeline.media.info import MediaInfo

CACHE_BYTES = 1 << 30
"""Memory for decoded frames: about 80 frames of 1080p, or all of a 480p shot."""
SMALL_SHARE = 8
"""One part in so many of that memory is for small pictures: about five minutes' worth, beyond that fewer of each."""
THUMBNAILS_KEPT = 400


class MediaService(QObject):
    """Asks the decode thread for frames; every answer arrives as a signal."""

    frame_ready = Signal(object)
    """A DisplayFrame that was asked for with :meth:`show`."""
    frame_failed = Signal(object, str)
    """FrameRequest, one line for a person."""
    probed = Signal(str, object)
    """Path, MediaInfo."""
    probe_failed = Signal(str, str)
    """Path, one line for a person."""
    thumbnail_ready = Signal(str, int)
    """Path, frame: :meth:`thumbnail` has it now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._infos: dict[str, MediaInfo] = {}
        self._failures: dict[str, str] = {}
        self._thumbnails: OrderedDict[tuple[str, int], QImage | None] = OrderedDict()
        self._ui = UiThread(self)
        self.proxies = ProxyStore()
        small_bytes = CACHE_BYTES // SMALL_SHARE
        self._small = SmallPictures(small_bytes)
        self._quick = QuickLook(self._small, self.thumbnail_decoded)
        self._worker = DecodeWorker(self, CACHE_BYTES - small_bytes, self.proxies.find, self._find_small)

    def info(self, path: str) -> MediaInfo | None:
        """What a probed file holds; None until :attr:`probed` named it."""
        return self._infos.get(path)

    def failure(self, path: str) -> str | None:
        """Why a file could not be opened, if it could not."""
        return self._failures.get(path)

    def probe(self, path: str, rate: Fraction | None = None) -> None:
        """Open a file; :attr:`probed` or :attr:`probe_failed` follows."""
        self._failures.pop(path, None)
        self._quick.retry(path)
        self._worker.probe(path, rate)

    def show(self, request: FrameRequest) -> None:
        """Ask for a frame; the newest wish wins. From the cache the answer comes at once.

        Something that stands in for the frame may come before it.
        """
        self._quick.set_focus(request.path, request.frame)
        ready = self._worker.cached(request)
        if ready is not None:
            self.frame_ready.emit(ready)
        else:
            self._worker.show(request)

    def cached_frames(self, path: str) -> set[int]:
        """The frames of a file that are in memory."""
        return self._worker.cached_frames(path)

    def look_ahead(self, requests: Sequence[FrameRequest]) -> None:
        """Decode these while there is time; replaces the list before."""
        self._worker.look_ahead(requests)

    def thumbnail(self, path: str, rate: Fraction | None, frame: int) -> QImage | None:
        """A small picture; None until :attr:`thumbnail_ready` named it."""
        key = (path, frame)
        if key not in self._thumbnails and path in self._infos:
            self._thumbnails[key] = None
            self._quick.thumbnail(path, rate, frame)
        return self._thumbnails.get(key)

    def set_cache_mb(self, size_mb: int) -> None:
        """Memory for decoded frames and small pictures together, in MiB."""
        small_bytes = (size_mb << 20) // SMALL_SHARE
        self._quick.set_limit(small_bytes)
        self._worker.set_cache_bytes((size_mb << 20) - small_bytes)

    def look_over(self, ranges: Sequence[MediaRange]) -> None:
        """Keep a small picture of each of these frames, to have something to show at once, and of no other media."""
        self._quick.set_plan(ranges)

    def pause_looking_over(self, on: bool) -> None:
        """Leave the processors to something else."""
        self._quick.pause(on)

    @property
    def has_looked_over(self) -> bool:
        """Whether all small pictures are there, as far as memory goes."""
        return self._quick.is_done

    def use_proxies(self, on: bool) -> None:
        """Show proxies, where there are any, while one scrubs and plays."""
        self._worker.use_proxies(on)

    def proxy_made(self, path: str) -> None:
        """A media file has a proxy now."""
        self._worker.forget_proxy(path)

    def delete_proxies(self) -> int:
        """Delete the proxies of all media; returns how many bytes that freed."""
        freed_bytes = self.proxies.clear()
        self._worker.forget_proxies()
        return freed_bytes

    def close(self) -> None:
        """Stop decoding and close all files."""
        self._worker.stop()
        self._quick.stop()

    def _find_small(
        self, path: str, rate: Fraction | None, frame: int, within_frames: int
    ) -> tuple[int, SmallPicture] | None:
        return self._small.nearest((path, rate), frame, within_frames)

    # --- reports of the decode thread, on the decode thread -----------------------------------------------------

    def frame_decoded(self, frame: DisplayFrame) -> None:
        """A wished-for frame."""
        self._ui.post(partial(self.frame_ready.emit, frame))

    def decoding_failed(self, request: FrameRequest, message: str) -> None:
        """A wished-for frame that cannot be decoded."""
        self._ui.post(partial(self.frame_failed.emit, request, message))

    def media_probed(self, path: str, info: MediaInfo) -> None:
        """What a file holds."""
        self._ui.post(partial(self._keep_info, path, info))

    def probing_failed(self, path: str, message: str) -> None:
        """A file that cannot be opened."""
        self._ui.post(partial(self._keep_failure, path, message))

    def media_changed(self, path: str) -> None:
        """A file that is another one now."""
        self._quick.forget(path)
        self._ui.post(partial(self._forget_thumbnails, path))

    def thumbnail_decoded(self, path: str, frame: int, image: QImage) -> None:
        """A small picture."""
        self._ui.post(partial(self._keep_thumbnail, path, frame, image))

    # --- on the UI thread again ---------------------------------------------------------------------------------

    def _keep_info(self, path: str, info: MediaInfo) -> None:
        self._infos[path] = info
        self.probed.emit(path, info)

    def _keep_failure(self, path: str, message: str) -> None:
        self._failures[path] = message
        self.probe_failed.emit(path, message)

    def _forget_thumbnails(self, path: str) -> None:
        for key in [key for key in self._thumbnails if key[0] == path]:
            del self._thumbnails[key]

    def _keep_thumbnail(self, path: str, frame: int, image: QImage) -> None:
        self._thumbnails[path, frame] = image
        while len(self._thumbnails) > THUMBNAILS_KEPT:
            self._thumbnails.popitem(last=False)
        self.thumbnail_ready.emit(path, frame)

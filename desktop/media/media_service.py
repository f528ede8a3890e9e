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

if TYPE_CHECKING:
    from timeline.media.info import MediaInfo

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
        self._worker = DecodeWorker(self, find_proxy=self.proxies.find)

    def info(self, path: str) -> MediaInfo | None:
        """What a probed file holds; None until :attr:`probed` named it."""
        return self._infos.get(path)

    def failure(self, path: str) -> str | None:
        """Why a file could not be opened, if it could not."""
        return self._failures.get(path)

    def probe(self, path: str, rate: Fraction | None = None) -> None:
        """Open a file; :attr:`probed` or :attr:`probe_failed` follows."""
        self._failures.pop(path, None)
        self._worker.probe(path, rate)

    def show(self, request: FrameRequest) -> None:
        """Ask for a frame; the newest wish wins. From the cache the answer comes at once."""
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
            self._worker.thumbnail(path, rate, frame)
        return self._thumbnails.get(key)

    def set_cache_mb(self, size_mb: int) -> None:
        """Memory for decoded frames, in MiB."""
        self._worker.set_cache_bytes(size_mb << 20)

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

    def _keep_thumbnail(self, path: str, frame: int, image: QImage) -> None:
        self._thumbnails[path, frame] = image
        while len(self._thumbnails) > THUMBNAILS_KEPT:
            self._thumbnails.popitem(last=False)
        self.thumbnail_ready.emit(path, frame)

"""The decode thread: probes media and decodes frames so that the UI never waits for either.

The frame to show now comes first and only the newest such wish counts; then probes, then frames that will be needed
soon. A frame that takes long has something to stand in for it: a small picture of the same frame, its proxy, or else a
small picture of a frame nearby. Without Qt objects of its own: it reports through callbacks, on its own thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from desktop.base.language import tr
from desktop.media.display import (
    DisplayFrame,
    FrameRequest,
    difference_image,
    frame_image,
    proxy_frame,
    small_frame,
)
from desktop.media.frame_cache import FrameCache
from timeline.errors import MediaError, ReadGivenUpError

if TYPE_CHECKING:
    from desktop.media.small_pictures import SmallPicture
    from timeline.media.frame import Frame
    from timeline.media.info import MediaInfo
    from timeline.media.reader import MediaReader

OPEN_READERS = 4
AT_HAND_PICTURES = 8
"""A frame that so many pictures must be decoded for comes soon: nothing need stand in for it."""
PATIENCE_S = 0.1
"""After this time something stands in for the frame in any case."""
NEARBY_FRAMES = 125
"""A picture so far away may stand in: half of the longest group of pictures that x264 makes unless told otherwise."""
STARVED_S = 0.3
"""A frame that takes long gives way to a newer one, unless a person has seen no new picture for so long."""

_log = logging.getLogger(__name__)


class Reports(Protocol):
    """Where the thread's results go; called on the decode thread."""

    def frame_decoded(self, frame: DisplayFrame) -> None:
        """A wished-for frame."""

    def decoding_failed(self, request: FrameRequest, message: str) -> None:
        """A wished-for frame that cannot be decoded."""

    def media_probed(self, path: str, info: MediaInfo) -> None:
        """What a file holds."""

    def probing_failed(self, path: str, message: str) -> None:
        """A file that cannot be opened."""

    def media_changed(self, path: str) -> None:
        """A file that was probed before is another one now: what is kept of it is of no use."""


def _no_proxy(path: str) -> Path | None:
    del path
    return None


def _no_small_picture(
    path: str, rate: Fraction | None, frame: int, within_frames: int
) -> tuple[int, SmallPicture] | None:
    del path, rate, frame, within_frames
    return None


FindSmall: TypeAlias = Callable[[str, Fraction | None, int, int], "tuple[int, SmallPicture] | None"]
"""Path, rate, frame, how many frames away it may be: the number and small picture of the nearest."""


@dataclass(frozen=True)
class _Task:
    run: Callable[[], None]
    fail: Callable[[str], None]


class DecodeWorker:
    """One thread, its wishes and its bounded cache."""

    def __init__(
        self,
        reports: Reports,
        cache_bytes: int,
        find_proxy: Callable[[str], Path | None] = _no_proxy,
        find_small: FindSmall = _no_small_picture,
    ) -> None:
        self._reports = reports
        self._find_proxy, self._find_small = find_proxy, find_small
        self._reported_s = 0.0
        self._proxies: dict[str, Path | None] = {}
        self._uses_proxies = True
        self._cache = FrameCache(cache_bytes)
        self._readers: OrderedDict[tuple[str, str], MediaReader] = OrderedDict()
        self._stamps: dict[str, tuple[int, ...]] = {}
        """What tells a file that was probed from another one in its place."""
        self._condition = threading.Condition()
        self._wish: FrameRequest | None = None
        self._probes: deque[tuple[str, Fraction | None]] = deque()
        self._ahead: deque[FrameRequest] = deque()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    # --- wishes, from any thread ----------------------------------------------------------------------------------

    def show(self, request: FrameRequest) -> None:
        """Decode this frame next and report it; an older wish that was not begun is dropped."""
        with self._condition:
            self._wish = request
            self._condition.notify()

    def cached(self, request: FrameRequest) -> DisplayFrame | None:
        """The frame, if it is in memory already."""
        with self._condition:
            ready = self._cache.get(_exact(request))
        return _for(request, ready) if ready else None

    def cached_frames(self, path: str) -> set[int]:
        """The frames of a file that are in memory, however they are looked at."""
        with self._condition:
            return self._cache.frames_of(path)

    def look_ahead(self, requests: Sequence[FrameRequest]) -> None:
        """Decode these into the cache when there is nothing better to do; replaces the list before."""
        with self._condition:
            self._ahead = deque(request for request in requests if _exact(request) not in self._cache)
            self._condition.notify()

    def probe(self, path: str, rate: Fraction | None) -> None:
        """Open a file and report what it holds."""
        with self._condition:
            self._probes.append((path, rate))
            self._condition.notify()

    def set_cache_bytes(self, limit_bytes: int) -> None:
        """Keep no more decoded frames than this."""
        with self._condition:
            self._cache.set_limit(limit_bytes)

    def use_proxies(self, on: bool) -> None:
        """Show proxies, where there are any, until the frame itself is decoded."""
        with self._condition:
            self._uses_proxies = on

    def forget_proxy(self, path: str) -> None:
        """Look again whether a file has a proxy."""
        with self._condition:
            self._proxies.pop(path, None)

    def forget_proxies(self) -> None:
        """Look again which files have a proxy."""
        with self._condition:
            self._proxies.clear()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread after the frame that it is at, and close all files."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        self._thread.join(timeout_s)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            task = self._next_task()
            if task is None:
                break
            try:
                task.run()
            except ReadGivenUpError:
                continue  # a newer wish waits
            except MediaError as error:
                task.fail(str(error))
            except Exception as error:
                # The thread must outlive a defect in a decoder: the person sees one line, the log has the rest.
                _log.exception("decode thread")
                task.fail(
                    tr("this frame cannot be shown: {error} (details are in the log: Help > Show Log)").format(
                        error=error
                    )
                )
        for reader in self._readers.values():
            reader.close()

    def _next_task(self) -> _Task | None:
        with self._condition:
            while not (self._stopped or self._wish or self._probes or self._ahead):
                self._condition.wait()
            if self._stopped:
                return None
            return self._pop_task()

    def _pop_task(self) -> _Task:
        if self._wish:
            request, self._wish = self._wish, None
            return _Task(lambda: self._show(request), lambda line: self._reports.decoding_failed(request, line))
        if self._probes:
            path, rate = self._probes.popleft()
            return _Task(lambda: self._probe(path, rate), lambda line: self._reports.probing_failed(path, line))
        ahead = self._ahead.popleft()
        return _Task(lambda: self._prepare(ahead), _ignore)

    def _show(self, request: FrameRequest) -> None:
        exact = _exact(request)
        if self._is_in_memory(exact):
            self._report(_for(request, self._decoded(exact)))
        elif request.proxy == "only":
            # Playback: each frame in its turn, whatever is wished for meanwhile.
            self._report(_for(request, self._preview(exact) or self._decoded(exact)))
        else:
            self._show_in_steps(request, exact)

    def _show_in_steps(self, request: FrameRequest, exact: FrameRequest) -> None:
        """What can be shown at once, then the frame itself."""
        began_s = time.monotonic()
        is_far = self._reader(exact.path, exact.rate, "show").pictures_to(exact.frame) > AT_HAND_PICTURES
        off_by = self._show_small(request, exact, 0) if is_far else None
        preview = self._preview(exact) if request.proxy == "first" and self._is_newest() else None
        if preview is not None:
            self._report(_for(request, preview))
            off_by = 0
        elif is_far and off_by is None:
            off_by = self._show_small(request, exact, NEARBY_FRAMES)

        def is_wanted() -> bool:
            nonlocal off_by
            if off_by != 0 and time.monotonic() - began_s > PATIENCE_S:
                off_by = self._show_nearer(request, exact, off_by)
            return self._is_newest() or not (off_by is not None or self._saw_something())

        self._report(_for(request, self._decoded(exact, is_wanted)))

    def _show_nearer(self, request: FrameRequest, exact: FrameRequest, off_by: int | None) -> int | None:
        """A picture of the frame itself as soon as there is one; nearer ones of others now and then."""
        shown = self._show_small(request, exact, 0)
        if shown is None and not self._saw_something():
            shown = self._show_small(request, exact, NEARBY_FRAMES if off_by is None else off_by - 1)
        return off_by if shown is None else shown

    def _saw_something(self) -> bool:
        return self._stopped or time.monotonic() - self._reported_s < STARVED_S

    def _is_in_memory(self, exact: FrameRequest) -> bool:
        with self._condition:
            return self._cache.nearest(exact) is not None

    def _show_small(self, request: FrameRequest, exact: FrameRequest, within_frames: int) -> int | None:
        """Show the nearest small picture, if it is near enough, and tell how many frames away it is.

        A result fits over its own frame only.
        """
        found = self._find_small(exact.path, exact.rate, exact.frame, within_frames)
        if found is None:
            return None
        number, small = found
        info = self._reader(exact.path, exact.rate, "show").info
        if not (exact.patches or exact.versus):
            shown = small_frame(exact, small.frame(), info, number - exact.frame)
        elif number == exact.frame:
            shown = replace(_shown(exact, small.enlarged(info), None), is_proxy=True)
        else:
            return None
        self._report(_for(request, shown))
        return abs(number - exact.frame)

    def _report(self, frame: DisplayFrame) -> None:
        self._reports.frame_decoded(frame)
        self._reported_s = time.monotonic()

    def _is_newest(self) -> bool:
        return self._wish is None and not self._stopped

    def _preview(self, request: FrameRequest) -> DisplayFrame | None:
        """The frame of the proxy; None where there is none, where patches lie over it, and where it is not needed."""
        with self._condition:
            if not self._uses_proxies or request.patches or request.versus or request in self._cache:
                return None
            if self._cache.nearest(request) is not None:
                return None
        proxy = self._proxy_of(request.path)
        if proxy is None:
            return None
        info = self._reader(request.path, request.rate, "show").info
        try:
            small = self._reader(str(proxy), None, "proxy").read(request.frame)
        except MediaError as error:
            _log.warning("the proxy of %s is of no use: %s", request.path, error)
            with self._condition:
                self._proxies[request.path] = None
            return None
        return proxy_frame(request, small, info)

    def _proxy_of(self, path: str) -> Path | None:
        with self._condition:
            if path not in self._proxies:
                self._proxies[path] = self._find_proxy(path)
            return self._proxies[path]

    def _prepare(self, request: FrameRequest) -> None:
        if not (request.proxy == "only" and self._uses_proxies and self._proxy_of(request.path)):
            self._decoded(_exact(request), self._is_newest)

    def _probe(self, path: str, rate: Fraction | None) -> None:
        self._forget_if_changed(path)
        self._reports.media_probed(path, self._reader(path, rate, "show").info)

    def _forget_if_changed(self, path: str) -> None:
        """Media that were written anew, or went away, are read anew: a file that is open would go on as it was."""
        before, self._stamps[path] = self._stamps.get(path), _stamp(path)
        if before in (None, self._stamps[path]):
            return
        for key in [key for key in self._readers if key[0] == path]:
            self._readers.pop(key).close()
        with self._condition:
            self._cache.forget(path)
            self._proxies.pop(path, None)
        self._reports.media_changed(path)

    def _decoded(self, request: FrameRequest, is_wanted: Callable[[], bool] | None = None) -> DisplayFrame:
        with self._condition:
            ready = self._cache.get(request)
            near = self._cache.nearest(request)
        if ready:
            return ready
        native = near.native if near else self._read(request, is_wanted)
        decoded = _shown(request, native, near)
        with self._condition:
            self._cache.put(decoded)
        return decoded

    def _read(self, request: FrameRequest, is_wanted: Callable[[], bool] | None) -> Frame:
        reader = self._reader(request.path, request.rate, "show")
        return reader.read_while(request.frame, is_wanted) if is_wanted else reader.read(request.frame)

    def _reader(self, path: str, rate: Fraction | None, purpose: str) -> MediaReader:
        from timeline.media.reader import open_media  # loads FFmpeg; not before the first file

        key = (path, purpose)
        if key not in self._readers:
            self._readers[key] = open_media(path, rate=rate)
            while len(self._readers) > OPEN_READERS:
                self._readers.popitem(last=False)[1].close()
        self._readers.move_to_end(key)
        return self._readers[key]


def _shown(request: FrameRequest, native: Frame, near: DisplayFrame | None) -> DisplayFrame:
    """``near`` is the same frame as it was shown before: what still fits of it is used again."""
    same_source = near is not None and (near.request.look, near.request.versus) == (request.look, request.versus)
    compared = _patched(native, request.versus)
    source = near.source if near and same_source else frame_image(compared, request.look)
    if not request.patches:
        return DisplayFrame(request, native, source)
    if near and near.native_result and near.request.patches == request.patches:
        cleaned = near.native_result
    else:
        cleaned = _patched(native, request.patches)
    gained = difference_image(compared, cleaned, request.look) if request.look.difference_gain > 0 else None
    return DisplayFrame(request, native, source, cleaned, frame_image(cleaned, request.look), gained)


def _patched(native: Frame, patches: Sequence[str]) -> Frame:
    from timeline.media.patch import FramePatch

    for path in patches:
        native = FramePatch.load(path).apply(native)
    return native


def _exact(request: FrameRequest) -> FrameRequest:
    return replace(request, proxy="no") if request.proxy != "no" else request


def _for(request: FrameRequest, frame: DisplayFrame) -> DisplayFrame:
    """``frame`` as the answer to a request that would take a proxy too."""
    return frame if frame.request == request else replace(frame, request=request)


def _stamp(path: str) -> tuple[int, ...]:
    """Of a file, or of the folder of a sequence; empty where nothing is there."""
    for place in (Path(path), Path(path).parent):
        try:
            found = place.stat()
        except OSError:
            continue
        return found.st_ino, found.st_mtime_ns, 0 if place.is_dir() else found.st_size
    return ()


def _ignore(message: str) -> None:
    """A frame that nobody waits for failed; it will say so when somebody does."""

"""Models in the server process: the list, and downloads on threads of their own, which go on without a window."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from engine.errors import BadRequestError, CancelledError, EngineError
from engine.model_catalog import CatalogueEntry, add_model, find_entry
from engine.model_download import download_model
from engine.model_library import list_models, remove_model
from engine.model_registry import InstalledModel, installed_models
from engine.protocol import AddModelRequest, ErrorInfo, ModelDownload, ModelInfo, ModelList

LOOK_S = 0.25
"""How often an open stream looks whether the download has come further."""
_SETTLE_S = 3.0
"""A time left that is told sooner would jump about."""
_log = logging.getLogger(__name__)


class ModelService:
    """Coroutines belong to the server's loop, everything else to any thread. ``on_idle``: a download has ended.

    ``user_of`` says who needs a model just now; empty: nobody.
    """

    def __init__(
        self, on_idle: Callable[[], None] = lambda: None, user_of: Callable[[InstalledModel], str] = lambda model: ""
    ) -> None:
        self._on_idle, self._user_of = on_idle, user_of
        self._lock = threading.Lock()
        self._downloads: dict[str, _Download] = {}
        self._closing = False

    @property
    def active_count(self) -> int:
        """How many downloads run."""
        return sum(download.is_running for download in list(self._downloads.values()))

    def list_models(self) -> ModelList:
        """What is known, each with its download."""
        known = list_models()
        return known.model_copy(update={"models": tuple(self._with_download(model) for model in known.models)})

    def start(self, name: str) -> ModelDownload:
        """Begins a download, or tells of the one that runs. Raises BadRequestError for a name that is not known."""
        entry = find_entry(name)
        with self._lock:
            running = self._downloads.get(name)
            if running is None or not running.is_running:
                self._downloads[name] = running = _Download(entry, self._on_idle)
                running.begin()
        return running.told

    def cancel(self, name: str) -> ModelDownload:
        """Ends a download soon; what it has fetched stays for the next one. Raises BadRequestError."""
        download = self._found(name)
        download.cancelled.set()
        return download.told

    def add(self, request: AddModelRequest) -> ModelInfo:
        """Gives a name to a folder or file that is here. Raises WeightsError or BadRequestError."""
        added = add_model(Path(request.path), request.name)
        return next(model for model in self.list_models().models if model.name == added.name)

    def remove(self, name: str) -> None:
        """Takes one away. Raises BadRequestError or OutputError."""
        download = self._downloads.get(name)
        if download is not None and download.is_running:
            raise BadRequestError(f"'{name}' is being downloaded; cancel that first")
        installed = installed_models().get(name)
        if installed is not None and (user := self._user_of(installed)):
            raise BadRequestError(f"'{name}' is in use by {user}; wait until that is done, or cancel it first")
        remove_model(name)
        self._downloads.pop(name, None)

    def events(self, name: str, keep_alive_s: float) -> AsyncIterator[ModelDownload | None]:
        """The download as it goes on, None where nothing came for a while. Raises BadRequestError."""
        return self._events(self._found(name), keep_alive_s)

    def close(self) -> None:
        """Ends streams and downloads; what was fetched stays."""
        self._closing = True
        for download in list(self._downloads.values()):
            download.cancelled.set()

    async def _events(self, download: _Download, keep_alive_s: float) -> AsyncIterator[ModelDownload | None]:
        last, silent_s = None, 0.0
        while not self._closing:
            told = download.told
            if told != last:
                yield told
                last, silent_s = told, 0.0
            if told.state != "running":
                return
            await asyncio.sleep(LOOK_S)
            silent_s += LOOK_S
            if silent_s >= keep_alive_s:
                yield None
                silent_s = 0.0

    def _found(self, name: str) -> _Download:
        if name not in self._downloads:
            raise BadRequestError(f"'{name}' is not being downloaded; start its download first")
        return self._downloads[name]

    def _with_download(self, model: ModelInfo) -> ModelInfo:
        download = self._downloads.get(model.name)
        return model.model_copy(update={"download": download.told}) if download else model


class _Download:
    """One download; ``told`` is replaced as a whole, so that any thread may read it."""

    def __init__(self, entry: CatalogueEntry, on_idle: Callable[[], None]) -> None:
        self.told = ModelDownload(name=entry.name, state="running")
        self.cancelled = threading.Event()
        self._entry, self._on_idle = entry, on_idle
        self._thread = threading.Thread(target=self._run, name=f"download {entry.name}", daemon=True)
        self._began_s: float | None = None
        self._began_bytes = 0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.told.state == "running"

    def begin(self) -> None:
        """Runs it."""
        self._thread.start()

    def _run(self) -> None:
        try:
            download_model(self._entry, self._report)
            self._end("done")
        except CancelledError:
            self._end("cancelled")
        except EngineError as error:
            self._end("failed", ErrorInfo.of(error))
        except Exception as error:
            # The last line of defence of a thread: a person sees one line, the log has the rest.
            _log.exception("download of %s", self._entry.name)
            message = f"{type(error).__name__}: {error}; the engine's log says where; please report it"
            self._end("failed", ErrorInfo(kind="failed", message=message))
        self._on_idle()

    def _end(self, state: str, error: ErrorInfo | None = None) -> None:
        self.told = self.told.model_copy(update={"state": state, "error": error, "eta_s": None})

    def _report(self, file: str, done: int, total: int) -> None:
        del file
        if self.cancelled.is_set():
            raise CancelledError("the download was cancelled; what it has fetched is kept")
        self.told = self.told.model_copy(
            update={"done_bytes": done, "total_bytes": total, "eta_s": self._eta_s(done, total)}
        )

    def _eta_s(self, done: int, total: int) -> float | None:
        now = time.monotonic()
        if self._began_s is None:
            self._began_s, self._began_bytes = now, done
        passed, fetched = now - self._began_s, done - self._began_bytes
        return (total - done) * passed / fetched if passed > _SETTLE_S and fetched > 0 else None

"""The client of the engine process: what the desktop and the command line use. It loads no server and no codec."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from engine import paths
from engine.endpoint import Endpoint, find_endpoint
from engine.errors import (
    BadRequestError,
    EngineError,
    EngineUnavailableError,
    JobNotFoundError,
    RenderFailedError,
    WeightsError,
)
from engine.protocol import (
    FINAL_STATES,
    PROTOCOL_VERSION,
    AddModelRequest,
    EffectDescriptor,
    ErrorInfo,
    Event,
    Health,
    Job,
    ModelDownload,
    ModelInfo,
    ModelList,
    Preflight,
    Preset,
    RenderRequest,
    SegmentEnd,
    SegmentEvent,
    SegmentFrame,
    SegmentProgress,
    SegmentRequest,
    StateEvent,
)

KEEP_ALIVE_S = 15.0
"""A silent event stream says something this often; three times that without a word means that the engine is gone."""
IDLE_EXIT_MIN = 10
"""An engine that was started in the background ends when nobody asked it for anything for so long, and no job is left.

Who has it open but asks for nothing has to say so in the meantime, with :meth:`EngineClient.health`.
"""
RECONNECTS = 5
ATTEMPTS = 8
"""At a call that the engine puts off because it is about to end: together they wait for over a second."""
_ANSWER_TIMEOUT_S = 30.0
_POLL_S = 0.05

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_EFFECTS: TypeAdapter[tuple[EffectDescriptor, ...]] = TypeAdapter(tuple[EffectDescriptor, ...])
_HEALTH: TypeAdapter[Health] = TypeAdapter(Health)
_JOB: TypeAdapter[Job] = TypeAdapter(Job)
_SEGMENT_EVENT: TypeAdapter[SegmentEvent] = TypeAdapter(SegmentEvent)
_MODELS: TypeAdapter[ModelList] = TypeAdapter(ModelList)
_MODEL: TypeAdapter[ModelInfo] = TypeAdapter(ModelInfo)
_DOWNLOAD: TypeAdapter[ModelDownload] = TypeAdapter(ModelDownload)
_PREFLIGHT: TypeAdapter[Preflight] = TypeAdapter(Preflight)
_PRESET: TypeAdapter[Preset] = TypeAdapter(Preset)
_PRESETS: TypeAdapter[tuple[Preset, ...]] = TypeAdapter(tuple[Preset, ...])
_JOBS: TypeAdapter[tuple[Job, ...]] = TypeAdapter(tuple[Job, ...])
T = TypeVar("T")


class EngineClient:
    """Talks to the engine on one socket. Safe to use from several threads.

    Every call raises EngineUnavailableError when no engine answers, BadRequestError (or JobNotFoundError) with the
    engine's own message when it refuses, RenderFailedError when it fails. ``started_engine`` says whether the engine
    was started by :func:`connect` for this client.
    """

    def __init__(self, socket: Path | None = None) -> None:
        self.socket = socket or paths.default_socket()
        self.started_engine = False
        self.restart: Callable[[], object] | None = None
        """Starts an engine that has gone; None where this client is not to start any."""
        self._http: tuple[Endpoint, httpx.Client] | None = None

    def __enter__(self) -> EngineClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; the engine goes on."""
        if self._http is not None:
            self._http[1].close()
            self._http = None

    # --- calls --------------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """Version, protocol and number of active jobs."""
        return _read(_HEALTH, self._call("GET", "/v1/health").content)

    def effects(self) -> tuple[EffectDescriptor, ...]:
        """The installed effects, the default one first."""
        return _read(_EFFECTS, self._call("GET", "/v1/effects").content)

    def presets(self) -> tuple[Preset, ...]:
        """The presets of all effects: those that come with Grayplate, then a person's own."""
        return _read(_PRESETS, self._call("GET", "/v1/presets").content)

    def save_preset(self, preset: Preset) -> Preset:
        """Keeps a person's own preset, in the place of one of the same name."""
        return _read(_PRESET, self._call("PUT", "/v1/presets", preset.model_dump_json()).content)

    def delete_preset(self, effect: str, name: str) -> None:
        """Deletes one of a person's own presets."""
        self._call("DELETE", f"/v1/presets/{quote(effect, safe='')}/{quote(name, safe='')}")

    def models(self) -> ModelList:
        """The models that are known, installed or not, and where downloads go."""
        return _read(_MODELS, self._call("GET", "/v1/models").content)

    def add_model(self, path: str, name: str = "") -> ModelInfo:
        """Has a folder or file of this machine checked and gives it a name; nothing is copied."""
        body = AddModelRequest(path=path, name=name).model_dump_json()
        return _read(_MODEL, self._call("POST", "/v1/models", body).content)

    def remove_model(self, name: str) -> None:
        """Deletes what was downloaded; a person's own files stay and are only forgotten."""
        self._call("DELETE", f"/v1/models/{quote(name, safe='')}")

    def download_model(self, name: str) -> ModelDownload:
        """Begins a download, or goes on with one that broke off; it goes on without this client."""
        return _read(_DOWNLOAD, self._call("POST", f"/v1/models/{quote(name, safe='')}/download").content)

    def cancel_download(self, name: str) -> ModelDownload:
        """Cancels a download; what it has fetched stays for the next one."""
        return _read(_DOWNLOAD, self._call("POST", f"/v1/models/{quote(name, safe='')}/download/cancel").content)

    def download_events(self, name: str) -> Iterator[ModelDownload]:
        """How far a download is, up to its end. Raises EngineUnavailableError where the connection breaks."""
        timeout = httpx.Timeout(_ANSWER_TIMEOUT_S, read=3 * KEEP_ALIVE_S)
        route = f"/v1/models/{quote(name, safe='')}/download/events"
        try:
            with self._connected().stream("GET", route, timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    raise _error(response)
                for data in server_sent_data(response.iter_text()):
                    yield _read(_DOWNLOAD, data)
        except httpx.TransportError as error:
            self._http = None
            raise self._unavailable(error) from error

    def preflight(self, request: RenderRequest) -> Preflight:
        """What is known to fail in a render, what it takes, and what to change; nothing is rendered."""
        return _read(_PREFLIGHT, self._call("POST", "/v1/preflight", request.model_dump_json()).content)

    def submit(self, request: RenderRequest) -> Job:
        """Queues a render. Effects and parameters are checked at once, media when the job starts."""
        return _read(_JOB, self._call("POST", "/v1/jobs", request.model_dump_json()).content)

    def job(self, job_id: str) -> Job:
        """The job with its state, error and report."""
        return _read(_JOB, self._call("GET", f"/v1/jobs/{job_id}").content)

    def jobs(self) -> tuple[Job, ...]:
        """All jobs that the engine knows of, newest first."""
        return _read(_JOBS, self._call("GET", "/v1/jobs").content)

    def cancel(self, job_id: str) -> Job:
        """Cancels a job; it is over when its event stream ends. A finished job stays as it is."""
        return _read(_JOB, self._call("POST", f"/v1/jobs/{job_id}/cancel").content)

    def frame_png(self, job_id: str, frame: int) -> bytes:
        """The composited frame as an 8-bit PNG, for hosts that cannot read the frame cache."""
        return self._call("GET", f"/v1/jobs/{job_id}/frames/{frame}").content

    def segment(
        self, request: SegmentRequest, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[SegmentProgress | SegmentFrame]:
        """Finds an object from clicks or a box: its outlines and box per frame, as they come.

        ``is_cancelled`` is asked about twice a second, and then this ends; so it does when it is closed. Raises
        BadRequestError, whose message says what to get, where no model is installed, RenderFailedError where it breaks
        off. It is not taken up again: a new request costs little.
        """
        timeout = httpx.Timeout(_ANSWER_TIMEOUT_S, read=3 * KEEP_ALIVE_S)
        headers = {"Content-Type": "application/json"}
        body = request.model_dump_json()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._connected().stream(
                    "POST", "/v1/segments", content=body, headers=headers, timeout=timeout
                ) as response:
                    if not response.is_error:
                        yield from _segment_events(response.iter_text(), is_cancelled)
                        return
                    response.read()
                    is_ending = response.status_code == httpx.codes.SERVICE_UNAVAILABLE
                    if not is_ending or attempt == ATTEMPTS:
                        raise _error(response)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS or not isinstance(error, httpx.ConnectError):
                    self._http = None
                    raise self._unavailable(error) from error
            self._http = None  # it is about to end; whatever comes after it will answer
            time.sleep(_POLL_S * attempt)

    def shutdown_when_idle(self) -> None:
        """Asks the engine to end as soon as no job is active and nobody listens to events."""
        self._shutdown("idle")

    def wait_until_gone(self, timeout_s: float) -> bool:
        """Whether nothing serves the socket any more, after at most ``timeout_s``; an engine at work stays."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                find_endpoint(self.socket).check_accepts()
            except EngineUnavailableError:
                return True
            time.sleep(_POLL_S)
        return False

    def shutdown_now(self) -> None:
        """Asks the engine to end; a running job is queued again and continues when an engine is started."""
        self._shutdown("now")

    def events(self, job_id: str, after: int = 0) -> Iterator[Event]:
        """The job's events with a sequence above ``after``; blocks for new ones, ends after the final state.

        A lost connection is taken up again where it broke. When the engine itself has gone it is started again if
        this client may do so (its unfinished jobs go on); otherwise EngineUnavailableError.
        """
        losses = 0
        while losses <= RECONNECTS:
            try:
                for event in self._stream(job_id, after):
                    after, losses = event.sequence, 0
                    yield event
                    if isinstance(event, StateEvent) and event.state in FINAL_STATES:
                        return
                if self.job(job_id).state in FINAL_STATES:  # everything up to the end was already known
                    return
            except (httpx.TransportError, EngineUnavailableError):
                self._http = None
            losses += 1
            time.sleep(_POLL_S * losses)
        raise EngineUnavailableError(
            f"the engine on {self.socket} broke the event stream of job {job_id} {losses} times; "
            f"see {paths.log_file()}; the frames that are finished are kept"
        )

    # --- transport ----------------------------------------------------------------------------------------------

    def _shutdown(self, when: Literal["idle", "now"]) -> None:
        self.restart = None  # an engine that has already gone is just what was wanted
        try:
            self._call("POST", "/v1/shutdown", f'{{"when": "{when}"}}')
        except EngineUnavailableError:
            return

    def _stream(self, job_id: str, after: int) -> Iterator[Event]:
        """One connection's worth of events; raises httpx.TransportError when it breaks."""
        timeout = httpx.Timeout(_ANSWER_TIMEOUT_S, read=3 * KEEP_ALIVE_S)
        client = self._connected()
        headers = {"Last-Event-ID": str(after)}
        with client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers, timeout=timeout) as response:
            if response.is_error:
                response.read()
                raise _error(response)
            for data in server_sent_data(response.iter_text()):
                yield _read(_EVENT, data)

    def _call(self, method: str, route: str, body: str | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._connected().request(method, route, content=body, headers=headers)
            except httpx.TransportError as error:
                # Not closed: another thread may be in the middle of a call of its own.
                self._http = None
                # A call that may have reached the engine is not made twice, unless it only asks.
                is_again = isinstance(error, httpx.ConnectError) or (method == "GET" and attempt == 1)
                if attempt == ATTEMPTS or not is_again:
                    raise self._unavailable(error) from error
                time.sleep(_POLL_S * (attempt - 1))
                continue
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or attempt == ATTEMPTS:
                break
            self._http = None  # it is about to end; whatever comes after it will answer
            time.sleep(_POLL_S * attempt)
        if response.is_error:
            raise _error(response)
        return response

    def _unavailable(self, error: httpx.TransportError) -> EngineUnavailableError:
        return EngineUnavailableError(
            f"the engine on {self.socket} does not answer ({error or type(error).__name__}); "
            f"see {paths.log_file()} and start it again with: grayplate-engine serve"
        )

    def _connected(self) -> httpx.Client:
        """The open connection, or a new one to whatever serves the socket now."""
        try:
            endpoint = self._answering_endpoint()
        except EngineUnavailableError:
            if self.restart is None:
                raise
            self.restart()
            endpoint = self._answering_endpoint()
        if self._http is None:
            self._http = (endpoint, _http_client(endpoint))
        return self._http[1]

    def _answering_endpoint(self) -> Endpoint:
        """The endpoint of the socket path; raises EngineUnavailableError unless something accepts connections."""
        if self._http is not None:
            return self._http[0]
        endpoint = find_endpoint(self.socket)
        endpoint.check_accepts()
        return endpoint


def connect(socket: Path | None = None, *, start: bool = True, timeout_s: float = 20.0) -> EngineClient:
    """A client of the running engine, starting one in the background when none runs.

    Raises EngineUnavailableError when none runs and ``start`` is False, when none can be started within
    ``timeout_s``, or when the one that runs speaks another protocol.
    """
    client = EngineClient(socket)
    try:
        health = client.health()
    except EngineUnavailableError:
        if not start:
            raise
        pid = start_engine(client, timeout_s)
        health = client.health()
        client.started_engine = health.pid == pid  # two may have started one at the same time; one of them won
    if health.protocol != PROTOCOL_VERSION:
        raise EngineUnavailableError(
            f"the engine on {client.socket} (pid {health.pid}) is version {health.version} and speaks protocol "
            f"{health.protocol}, this program speaks {PROTOCOL_VERSION}; end it and start this program again"
        )
    if start:
        client.restart = lambda: start_engine(client, timeout_s)
    return client


def start_engine(client: EngineClient, timeout_s: float) -> int:
    """Starts an engine that outlives this process and waits until one answers; returns the pid of the started one.

    Raises EngineUnavailableError.
    """
    log = paths.log_file()
    command = [sys.executable, "-P", "-m", "engine.cli", "serve", "--socket", str(client.socket)]
    command += ["--idle-exit", str(IDLE_EXIT_MIN)]
    detached: dict[str, Any] = (
        {"creationflags": 0x00000008 | 0x00000200}  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent, **detached
            )
    except OSError as error:
        raise EngineUnavailableError(
            f"the engine cannot be started: {error}; check that {log} can be written"
        ) from error
    _wait_until_it_answers(client, process, timeout_s)
    return process.pid


def _wait_until_it_answers(client: EngineClient, process: subprocess.Popen[bytes], timeout_s: float) -> None:
    probe = EngineClient(client.socket)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        # Asked before the attempt: another engine may have won the race for the socket, and then that one answers.
        ended = process.poll() is not None
        try:
            with probe:
                probe.health()
            return
        except EngineUnavailableError:
            if ended:
                break
            time.sleep(_POLL_S)
    raise EngineUnavailableError(
        f"the engine could not be started: {_last_log_line()}; run `grayplate-engine serve --socket {client.socket}` "
        "to see what it says"
    )


def _last_log_line() -> str:
    """What the engine said last, as far as anything is there to read."""
    try:
        lines = paths.log_file().read_text("utf-8", errors="replace").strip().splitlines()
    except OSError as error:
        return f"its log cannot be read ({error.strerror})"
    return lines[-1].strip() if lines else "it said nothing"


def _read(form: TypeAdapter[T], content: bytes | str) -> T:
    """An answer as the type that it should be; an engine of another version may answer otherwise."""
    try:
        return form.validate_json(content)
    except ValidationError as error:
        raise RenderFailedError(
            f"the engine answered what this version cannot read ({error.errors()[0]['msg']}); "
            "end it and start it again, so that both are of the same version"
        ) from error


def _segment_events(
    chunks: Iterator[str], is_cancelled: Callable[[], bool]
) -> Iterator[SegmentProgress | SegmentFrame]:
    for data in server_sent_data(itertools.takewhile(lambda _: not is_cancelled(), chunks)):
        event = _read(_SEGMENT_EVENT, data)
        if not isinstance(event, SegmentEnd):
            yield event
        elif event.state == "failed" and event.error is not None:
            raise _failure(event.error)
        else:
            return
    if not is_cancelled():
        raise RenderFailedError("the engine ended while it segmented; ask again")


def server_sent_data(chunks: Iterator[str]) -> Iterator[str]:
    """The ``data`` of each server-sent event in a text that comes in pieces; comments and other fields are skipped.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    data: list[str] = []
    for line in _lines(chunks):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif line == "" and data:
            yield "\n".join(data)
            data = []


def _lines(chunks: Iterator[str]) -> Iterator[str]:
    """Complete lines, split at line feeds only: str.splitlines would also split at U+2028, which JSON may hold."""
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            yield line.removesuffix("\r")


def _http_client(endpoint: Endpoint) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(endpoint.path)) if endpoint.port is None else None
    headers = {"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {}
    # A proxy from the environment must never see what is meant for this machine.
    return httpx.Client(
        base_url=endpoint.base_url, transport=transport, headers=headers, timeout=_ANSWER_TIMEOUT_S, trust_env=False
    )


def _error(response: httpx.Response) -> EngineError:
    """The engine's ErrorInfo as the exception it stands for."""
    try:
        info = ErrorInfo.model_validate_json(response.content)
    except ValidationError:
        return RenderFailedError(f"the engine answered {response.status_code} without saying why; see its log")
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return EngineUnavailableError(info.message)
    if response.status_code == httpx.codes.NOT_FOUND and "/jobs/" in response.url.path:
        return JobNotFoundError(info.message)
    return _failure(info)


def _failure(info: ErrorInfo) -> EngineError:
    if info.about == "models":
        return WeightsError(info.message)
    return BadRequestError(info.message) if info.kind == "bad_input" else RenderFailedError(info.message)

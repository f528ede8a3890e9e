"""The engine's HTTP API: versioned routes, one error format, server-sent events."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from engine.endpoint import Endpoint, Listener
from engine.errors import EngineError, EngineUnavailableError, ErrorKind, JobNotFoundError
from engine.frame_service import FrameNotReadyError, FrameService
from engine.model_routes import add_model_routes
from engine.ofx.host import describe_all
from engine.presets import all_presets, delete_preset, save_preset
from engine.protocol import (
    EffectDescriptor,
    ErrorInfo,
    Event,
    Health,
    Job,
    Preflight,
    Preset,
    RenderRequest,
    ShutdownRequest,
)
from engine.segment.routes import add_segment_routes
from engine.service import EngineService

KEEP_ALIVE_S = 15.0
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_ERRORS = {code: {"model": ErrorInfo} for code in (401, 404, 409, 422, 500, 503)}
_log = logging.getLogger(__name__)


def create_app(service: EngineService, endpoint: Endpoint) -> FastAPI:
    """The routes over ``service``; on loopback every request must carry the endpoint's token."""
    frames = FrameService()
    app = FastAPI(
        title="Grayplate engine",
        version=version("grayplate"),
        lifespan=_lifespan(service, frames),
        dependencies=[*([Depends(_token_check(endpoint.token))] if endpoint.token else []), Depends(_note_of(service))],
        openapi_url="/v1/openapi.json",
        docs_url=None,  # their pages load scripts from the internet
        redoc_url=None,
        responses=_ERRORS,  # type: ignore[arg-type]
    )
    _add_job_routes(app, service)
    _add_stream_routes(app, service, frames)
    _add_engine_routes(app, service)
    add_segment_routes(app, service.segments)
    add_model_routes(app, service.models)
    _add_error_handlers(app)
    return app


def serve(socket: Path, *, loopback: bool | None = None, idle_exit_s: float | None = None) -> None:
    """Serves until asked to end, or until nobody needed it for ``idle_exit_s``.

    Raises EngineAlreadyRunningError or BadRequestError when the socket is not free.
    """
    listener = Listener(socket, loopback=loopback)
    try:
        service = EngineService(socket, idle_exit_s)
        app = create_app(service, listener.endpoint)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
        _log.info("engine %s, pid %d, serves %s", version("grayplate"), os.getpid(), socket)
        _Server(config, service).serve_on(listener)
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """Ends the event streams before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, service: EngineService) -> None:
        super().__init__(config)
        self._service = service
        service.on_exit = self._end

    def serve_on(self, listener: Listener) -> None:
        """Serves until a signal or the service ends it; raises EngineUnavailableError when it cannot start."""
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again once it is done; there is nothing left for it to do then.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)
        self.run(sockets=[listener.socket])
        if not self.started:
            raise EngineUnavailableError(f"the engine on {listener.endpoint.path} could not start; its log says why")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: see uvicorn.Server."""
        self._service.close_streams()
        super().handle_exit(sig, frame)

    def _end(self) -> None:
        self.should_exit = True


def _add_job_routes(app: FastAPI, service: EngineService) -> None:
    @app.post("/v1/jobs", status_code=HTTPStatus.CREATED)
    def submit(request: RenderRequest) -> Job:
        """Queue a render."""
        return service.submit(request)

    @app.get("/v1/jobs")
    def jobs() -> tuple[Job, ...]:
        """All jobs, newest first."""
        return service.store.jobs()

    @app.get("/v1/jobs/{job_id}")
    def job(job_id: str) -> Job:
        """One job with its state, error and report."""
        return service.store.job(job_id)

    @app.post("/v1/jobs/{job_id}/cancel")
    def cancel(job_id: str) -> Job:
        """Cancel a job; one that is over stays as it is."""
        return service.cancel(job_id)


def _add_stream_routes(app: FastAPI, service: EngineService, frames: FrameService) -> None:
    @app.get("/v1/jobs/{job_id}/events", response_class=StreamingResponse)
    def events(
        job_id: str,
        after: Annotated[int, Query(ge=0)] = 0,
        last_event_id: Annotated[int, Header(ge=0)] = 0,
    ) -> StreamingResponse:
        """The job's events as a text/event-stream that ends after the final state."""
        service.store.job(job_id)
        stream = _event_stream(service, job_id, max(after, last_event_id))
        return StreamingResponse(stream, media_type="text/event-stream", headers=_STREAM_HEADERS)

    @app.get("/v1/jobs/{job_id}/frames/{frame}", response_class=Response)
    def frame(job_id: str, frame: int) -> Response:
        """The composited frame as PNG."""
        found = service.store.job(job_id)
        png = frames.png(found, frame, service.store.newest_frame_event(job_id, frame))
        return Response(png, media_type="image/png", headers={"Cache-Control": "no-store"})


def _add_engine_routes(app: FastAPI, service: EngineService) -> None:
    @app.get("/v1/health")
    def health() -> Health:
        """Who answers here."""
        return Health(version=version("grayplate"), pid=os.getpid(), jobs_active=service.store.active_count())

    @app.get("/v1/effects")
    def effects() -> tuple[EffectDescriptor, ...]:
        """The installed effects and their parameters."""
        return describe_all()

    @app.get("/v1/presets")
    def presets() -> tuple[Preset, ...]:
        """The presets of all effects: those that come with Grayplate, then a person's own."""
        return all_presets()

    @app.put("/v1/presets", status_code=HTTPStatus.CREATED)
    def keep_preset(preset: Preset) -> Preset:
        """Keep a person's own preset, in the place of one of the same name."""
        return save_preset(preset)

    @app.delete("/v1/presets/{effect}/{name:path}", status_code=HTTPStatus.NO_CONTENT)
    def forget_preset(effect: str, name: str) -> Response:
        """Delete one of a person's own presets."""
        delete_preset(effect, name)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.post("/v1/preflight")
    def look_before(request: RenderRequest) -> Preflight:
        """What is known to fail in a render, what it takes, and what to change; loads no model, renders nothing."""
        return service.preflight(request)

    @app.post("/v1/shutdown", status_code=HTTPStatus.ACCEPTED)
    def shutdown(request: ShutdownRequest) -> Response:
        """End the engine, now or when it is idle."""
        if request.when == "now":
            service.end_now()
        else:
            service.end_when_idle()
        return Response(status_code=HTTPStatus.ACCEPTED)


async def _event_stream(service: EngineService, job_id: str, after: int) -> AsyncIterator[str]:
    async for event in service.events(job_id, after, KEEP_ALIVE_S):
        yield ": still here\n\n" if event is None else server_sent_event(event)


def server_sent_event(event: Event) -> str:
    """One event in the wire format of server-sent events."""
    return f"id: {event.sequence}\nevent: {event.type}\ndata: {event.model_dump_json()}\n\n"


# --- errors -----------------------------------------------------------------------------------------------------


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(EngineError)
    async def engine_error(_: Request, error: EngineError) -> JSONResponse:
        return JSONResponse(ErrorInfo.of(error).model_dump(), _status(error))

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, error: RequestValidationError) -> JSONResponse:
        given = request.headers.get("content-type", "application/json")
        message = describe_validation(error)
        if not given.startswith("application/json"):
            message = f"the body is {given}; send JSON with Content-Type: application/json"
        return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_input", message)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path}: {error.detail}; GET /v1/openapi.json lists the routes"
        return _answer(error.status_code, "bad_input", message)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        message = f"{request.method} {request.url.path} failed: {type(error).__name__}: {error}"
        return _answer(500, "failed", f"{message}; the engine's log says where")


def describe_validation(error: RequestValidationError) -> str:
    """The first fault on one line, where it is and what is wrong, and how many more there are."""
    faults = error.errors()
    first = faults[0]
    if first["type"] == "json_invalid":
        return f"the body is not JSON: {first['ctx']['error']} at character {first['loc'][-1]}"
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "the body"
    text = f"{place}: {first['msg'].removeprefix('Value error, ')}"
    return text if len(faults) == 1 else f"{text} (and {len(faults) - 1} more)"


def _status(error: EngineError) -> int:
    if isinstance(error, JobNotFoundError):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, FrameNotReadyError):
        return HTTPStatus.CONFLICT
    if isinstance(error, EngineUnavailableError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.UNPROCESSABLE_ENTITY if error.kind == "bad_input" else HTTPStatus.INTERNAL_SERVER_ERROR


def _answer(status: int, kind: ErrorKind, message: str) -> JSONResponse:
    return JSONResponse(ErrorInfo(kind=kind, message=message).model_dump(), status)


def _token_check(token: str) -> Callable[[str], None]:
    def check(authorization: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong; it is in the socket's file")

    return check


def _note_of(service: EngineService) -> Callable[[], Awaitable[None]]:
    async def note() -> None:
        service.note_request()

    return note


# --- life ---------------------------------------------------------------------------------------------------------


def _lifespan(service: EngineService, frames: FrameService) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        watch = asyncio.create_task(service.end_when_forgotten())
        yield
        watch.cancel()
        service.stop()
        frames.close()

    return lifespan

"""The routes of the models: what there is, downloads with their progress, a person's own, and removal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse

from engine.model_service import ModelService
from engine.protocol import AddModelRequest, ModelDownload, ModelInfo, ModelList

KEEP_ALIVE_S = 15.0
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def add_model_routes(app: FastAPI, models: ModelService) -> None:
    """Adds the routes to the engine's application."""

    @app.get("/v1/models")
    def list_models() -> ModelList:
        """The models that are known, installed or not, and where downloads go."""
        return models.list_models()

    @app.post("/v1/models", status_code=HTTPStatus.CREATED)
    def add_model(request: AddModelRequest) -> ModelInfo:
        """Check a folder or file of this machine and give it a name; nothing is copied."""
        return models.add(request)

    @app.delete("/v1/models/{name}", status_code=HTTPStatus.NO_CONTENT)
    def remove_model(name: str) -> Response:
        """Delete what was downloaded; a person's own files stay and are only forgotten."""
        models.remove(name)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.post("/v1/models/{name}/download", status_code=HTTPStatus.ACCEPTED)
    def download(name: str) -> ModelDownload:
        """Begin a download, or go on with one that broke off."""
        return models.start(name)

    @app.post("/v1/models/{name}/download/cancel")
    def cancel(name: str) -> ModelDownload:
        """Cancel a download; what it has fetched stays for the next one."""
        return models.cancel(name)

    @app.get("/v1/models/{name}/download/events", response_class=StreamingResponse)
    async def events(name: str) -> StreamingResponse:
        """How far a download is, as a text/event-stream that ends with it."""
        stream = _text(models.events(name, KEEP_ALIVE_S))
        return StreamingResponse(stream, media_type="text/event-stream", headers=_STREAM_HEADERS)


async def _text(events: AsyncIterator[ModelDownload | None]) -> AsyncIterator[str]:
    async for event in events:
        yield ": still here\n\n" if event is None else f"event: download\ndata: {event.model_dump_json()}\n\n"

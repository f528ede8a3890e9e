"""``POST /v1/segments``: the answer is the stream of its events; a client that hangs up cancels it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from engine.protocol import SegmentEvent, SegmentRequest
from engine.segment.service import SegmentService

_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def add_segment_routes(app: FastAPI, segments: SegmentService) -> None:
    """Adds the route to the engine's application."""

    @app.post("/v1/segments", response_class=StreamingResponse)
    async def segment(request: SegmentRequest) -> StreamingResponse:
        """Find an object from clicks or a box: a text/event-stream of its outlines and box per frame."""
        stream = _text(segments.accept(request))
        return StreamingResponse(stream, media_type="text/event-stream", headers=_STREAM_HEADERS)


async def _text(events: AsyncIterator[SegmentEvent | None]) -> AsyncIterator[str]:
    async for event in events:
        if event is None:
            yield ": still here\n\n"
        else:
            yield f"event: {event.type}\ndata: {event.model_dump_json()}\n\n"

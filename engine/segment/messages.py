"""What the engine and its segmenting worker say to each other: one JSON object per line over the worker's pipes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from engine.protocol import Message, SegmentEvent, SegmentRequest


class SegmentCommand(Message):
    """To the worker: segment this with the model in ``folder``."""

    type: Literal["segment"] = "segment"
    id: int
    folder: str
    request: SegmentRequest


class CancelSegment(Message):
    """To the worker: stop this one at the next frame; of another one it means nothing."""

    type: Literal["cancel"] = "cancel"
    id: int


class SegmentReport(Message):
    """From the worker: an event of this one; a SegmentEnd is its last."""

    id: int
    event: SegmentEvent


SegmentOrder: TypeAlias = Annotated[SegmentCommand | CancelSegment, Field(discriminator="type")]
ORDERS: TypeAdapter[SegmentOrder] = TypeAdapter(SegmentOrder)
REPORTS: TypeAdapter[SegmentReport] = TypeAdapter(SegmentReport)

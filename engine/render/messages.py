"""What the supervisor and the worker say to each other: one JSON object per line over the worker's pipes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from engine.protocol import ErrorInfo, Event, JobState, Message, RenderReport, RenderRequest


class RenderCommand(Message):
    """To the worker: render this job."""

    type: Literal["render"] = "render"
    job_id: str
    request: RenderRequest


class CancelCommand(Message):
    """To the worker: stop this job at the next chance; of another job it means nothing."""

    type: Literal["cancel"] = "cancel"
    job_id: str


class JobEventReport(Message):
    """From the worker: something happened in a job. The sequence is not set yet."""

    type: Literal["event"] = "event"
    event: Event


class JobFinished(Message):
    """From the worker: the job reached its final state, and the worker waits for the next one."""

    type: Literal["finished"] = "finished"
    job_id: str
    state: JobState
    error: ErrorInfo | None = None
    report: RenderReport | None = None


Command: TypeAlias = Annotated[RenderCommand | CancelCommand, Field(discriminator="type")]
Answer: TypeAlias = Annotated[JobEventReport | JobFinished, Field(discriminator="type")]

COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
ANSWERS: TypeAdapter[Answer] = TypeAdapter(Answer)


def to_line(message: Message) -> bytes:
    """One line of UTF-8 JSON; JSON escapes line breaks inside texts."""
    return message.model_dump_json().encode() + b"\n"

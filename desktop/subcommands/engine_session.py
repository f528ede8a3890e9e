"""An engine for the length of one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from desktop.base.preferences import load_preferences
from desktop.rendering.engine_environment import apply_to_environment
from engine.client import EngineClient, connect


@contextmanager
def engine_session() -> Iterator[EngineClient]:
    """The running engine; or one of our own that is asked to leave, once idle, when the command ends."""
    apply_to_environment(load_preferences())
    client = connect()
    try:
        yield client
    finally:
        if client.started_engine:
            client.shutdown_when_idle()
        client.close()

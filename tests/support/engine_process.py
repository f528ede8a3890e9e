"""A real engine process for tests, with the test effect installed, that is gone when the test is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.client import EngineClient
from engine.errors import EngineUnavailableError
from engine.protocol import BoxTuple, Event, FrameRange, MediaSource, Output, RenderPass, RenderRequest, WarningEvent
from tests.support import effects

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 30.0


@dataclass
class EngineProcess:
    """One engine with a home of its own."""

    home: Path
    socket: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]
    client: EngineClient

    @property
    def log(self) -> str:
        """Everything that the engine and its worker said so far."""
        return (self.home / "engine.log").read_text("utf-8")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(END_TIMEOUT_S)


def environment(home: Path) -> dict[str, str]:
    """The environment of an engine whose home is ``home``, with the test effect installed."""
    plugins = home / "plugins"
    python_path = os.pathsep.join([str(plugins), str(effects.REPOSITORY)]) if plugins.exists() else ""
    return os.environ | {"GRAYPLATE_HOME": str(home), "PYTHONPATH": python_path or effects.install(plugins)}


@contextmanager
def running_engine(home: Path, *, socket: Path | None = None, arguments: Sequence[str] = ()) -> Iterator[EngineProcess]:
    """Starts an engine and waits until it answers; ends it (and with it its worker) afterwards."""
    socket = socket or home / "engine.sock"
    variables = environment(home)
    command = [sys.executable, "-P", "-m", "engine.cli", "serve", "--socket", str(socket), *arguments]
    with (home / "engine.log").open("a") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, text=True)
    client = EngineClient(socket)
    engine = EngineProcess(home, socket, variables, process, client)
    try:
        _wait_for_health(engine)
        yield engine
    finally:
        client.close()
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        finally:
            process.kill()


def wait_until(condition: Any, timeout_s: float = 20.0) -> None:
    """Waits until ``condition()`` is true; fails the test when it never is."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{condition} stayed false for {timeout_s} s"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started and that still run."""
    text = Path(f"/proc/{pid}/task/{pid}/children")
    threads = Path(f"/proc/{pid}/task").iterdir() if text.exists() else []
    found = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return [child for child in found if is_alive(child)]


def render_request(
    source: Path,
    boxes: Sequence[Sequence[BoxTuple]],
    output: Path | None = None,
    *,
    start: int = 0,
    overwrite: bool = False,
    **parameters: Any,
) -> RenderRequest:
    """A request for the test effect on ``len(boxes)`` frames from ``start`` on."""
    return RenderRequest(
        source=MediaSource(path=str(source)),
        frames=FrameRange(start=start, end_exclusive=start + len(boxes)),
        passes=(
            RenderPass(
                effect="test-fill", boxes=tuple(tuple(of_frame) for of_frame in boxes), parameters=dict(parameters)
            ),
        ),
        output=Output(path=str(output), overwrite=overwrite) if output else None,
    )


def run_job(client: EngineClient, request: RenderRequest) -> list[Event]:
    """Submits and reads all events up to the end."""
    return list(client.events(client.submit(request).id))


def incidents(events: Sequence[Event]) -> list[str]:
    """Texts of the warnings; without that of the test effect's invented half, which every render of it gives."""
    messages = [event.message for event in events if isinstance(event, WarningEvent)]
    return [message for message in messages if "hidden in every frame" not in message]


def _wait_for_health(engine: EngineProcess) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            engine.client.health()
            return
        except EngineUnavailableError:
            ended = engine.process.poll() is not None
            assert not ended and time.monotonic() < deadline, f"the engine did not start: {engine.log}"
            time.sleep(0.02)

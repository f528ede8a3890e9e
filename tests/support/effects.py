"""A small real effect for the engine's tests: fills the matte with one value, and misbehaves on demand.

It is installed like any third party's effect, through an entry point (see :func:`install`), so that a worker process
finds it too.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from engine.ofx.effect import SYNTHESISED, UNTOUCHED, Clips, Host, ImageEffect, RenderedImage
from engine.ofx.parameters import COMPOSITE_PARAMETERS, ParameterSet
from engine.protocol import ClipDescriptor, EffectDescriptor, ParameterDescriptor

REPOSITORY = Path(__file__).resolve().parents[2]
GATE_TIMEOUT_S = 60.0


class Fill(ImageEffect):
    """Fills with a constant; the left half of every window is said to come from a frame next to it."""

    identifier = "test-fill"

    def __init__(self, parameters: ParameterSet, clips: Clips, host: Host) -> None:
        super().__init__(parameters, clips, host)
        self.calls: list[str] = []

    @classmethod
    def describe(cls) -> EffectDescriptor:
        def text(name: str, hint: str) -> ParameterDescriptor:
            return ParameterDescriptor(name=name, label=name, hint=hint, kind="string", default="")

        def flag(name: str, hint: str) -> ParameterDescriptor:
            return ParameterDescriptor(name=name, label=name, hint=hint, kind="bool", default=False)

        def frame(name: str, hint: str) -> ParameterDescriptor:
            return ParameterDescriptor(name=name, label=name, hint=hint, kind="int", default=-1)

        return EffectDescriptor(
            identifier=cls.identifier,
            label="Test fill",
            hint="Fills the matte with one value.",
            version="1",
            clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Matte"), ClipDescriptor(name="Output")),
            parameters=(
                ParameterDescriptor(name="value", label="Value", hint="R = G = B", kind="double", default=0.5),
                flag("add", "adds the value to the source"),
                flag("deaf", "never looks up at the gate"),
                flag("preview", "shows black first"),
                flag("die_each", "every frame's first render kills the process (with die_once)"),
                frame("raise_on", "frame whose render raises"),
                frame("die_on", "frame whose render kills the process"),
                text("die_once", "a path: no frame n kills the process again once the file path.n is there"),
                text("gate", "folder: frame n waits until the file n is in it"),
                text("log", "file that gets one line per call"),
                *COMPOSITE_PARAMETERS,
            ),
        )

    def begin_sequence_render(self, frames: range) -> None:
        self._note(f"begin {frames.start} {frames.stop}")
        if self.parameters.flag("preview"):
            for frame in frames:
                if not self.is_identity(frame):
                    self.host.preview(frame, self._filled(frame, 0.0))

    def render(self, frame: int) -> RenderedImage:
        self._note(f"render {frame}")
        self._wait_at_gate(frame)
        if frame == self.parameters.integer("raise_on"):
            raise ValueError("the plate is\nhaunted")
        dies = self.parameters.flag("die_each") or frame == self.parameters.integer("die_on")
        if dies and self._may_die(frame):
            os.kill(os.getpid(), signal.SIGKILL)
        return self._filled(frame, self.parameters.double("value"))

    def end_sequence_render(self) -> None:
        self._note("end")

    def _filled(self, frame: int, value: float) -> RenderedImage:
        window = self.clips.matte.bounds(frame)
        assert window is not None
        rgb = np.full((window.height_px, window.width_px, 3), value, np.float32)
        if self.parameters.flag("add"):
            rgb += self.clips.source.image(frame, window)
        provenance = np.full(rgb.shape[:2], SYNTHESISED, np.int32)
        provenance[:, : window.width_px // 2] = frame - 1 if frame else 1
        provenance[self.clips.matte.image(frame, window) == 0] = UNTOUCHED
        return RenderedImage(window, rgb, provenance)

    def _may_die(self, frame: int) -> bool:
        if not self.parameters.text("die_once"):
            return True
        marker = Path(f"{self.parameters.text('die_once')}.{frame}")
        if marker.exists():
            return False
        marker.touch()
        return True

    def _wait_at_gate(self, frame: int) -> None:
        gate = self.parameters.text("gate")
        deadline = time.monotonic() + GATE_TIMEOUT_S
        while gate and not (Path(gate) / str(frame)).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody opened the gate for frame {frame}")
            if not self.parameters.flag("deaf"):
                self.host.progress("analyse", 0, 1, "waiting at the gate")
            time.sleep(0.01)

    def _note(self, line: str) -> None:
        self.calls.append(line)
        if path := self.parameters.text("log"):
            with Path(path).open("a") as file:
                file.write(line + "\n")


def install(folder: Path) -> str:
    """Makes an installed distribution with the effect's entry point in ``folder``; returns the PYTHONPATH to use."""
    metadata = folder / "grayplate_test_effects-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: grayplate-test-effects\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[grayplate.effects]\ntest-fill = tests.support.effects:Fill\n")
    return os.pathsep.join([str(folder), str(REPOSITORY)])

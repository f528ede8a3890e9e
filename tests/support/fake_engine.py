"""A scripted engine for tests of the desktop: the methods of ``engine.client.EngineClient``, no process, no server.

The test writes the script: ``engine.say(...)`` queues what the event stream brings next, ``engine.finish()`` ends it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from engine.errors import EngineError, ErrorSubject, JobNotFoundError
from engine.protocol import (
    FINAL_STATES,
    ClipDescriptor,
    EffectDescriptor,
    ErrorInfo,
    Event,
    FrameEvent,
    Job,
    JobState,
    ModelDownload,
    ModelInfo,
    ModelList,
    ParameterDescriptor,
    PassPreflight,
    PassReport,
    Preflight,
    Preset,
    ProgressEvent,
    RenderReport,
    RenderRequest,
    SegmentFrame,
    SegmentProgress,
    SegmentRequest,
    StateEvent,
)

FAKE_EFFECT = EffectDescriptor(
    identifier="clean-plate",
    label="Clean plate",
    hint="Real pixels from other frames.",
    version="1",
    clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Output")),
    parameters=(
        ParameterDescriptor(
            name="reach_frames",
            label="Reach",
            hint="How far to look.",
            kind="int",
            default=40,
            minimum=1,
            maximum=200,
            unit="frames",
            group="Search",
        ),
        ParameterDescriptor(
            name="grain", label="Match grain", hint="Adds the plate's grain.", kind="bool", default=True, group="Look"
        ),
        ParameterDescriptor(
            name="quality",
            label="Quality",
            hint="Speed or care.",
            kind="choice",
            default="good",
            choices=("fast", "good"),
            group="Search",
        ),
        ParameterDescriptor(
            name="feather_px",
            label="Feather inward",
            hint="Softens the seam.",
            kind="double",
            default=2.0,
            minimum=0.0,
            maximum=128.0,
            unit="px",
            group="Look",
            animates=True,
        ),
        ParameterDescriptor(name="note", label="Note", hint="Free text.", kind="string", default="", group="Look"),
        ParameterDescriptor(
            name="seed", label="Seed", hint="For what is invented.", kind="int", default=0, minimum=0, advanced=True
        ),
    ),
)
OTHER_EFFECT = EffectDescriptor(
    identifier="vace",
    label="VACE",
    hint="Invents what no frame shows.",
    version="1",
    needs_model=True,
    clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Output")),
    parameters=(
        ParameterDescriptor(name="model", label="Model", hint="Folder of weights.", kind="path", default=""),
        ParameterDescriptor(
            name="steps", label="Steps", hint="Denoising steps.", kind="int", default=20, minimum=1, maximum=100
        ),
    ),
)

STARTER = ModelInfo(
    name="starter-vace",
    kind="model",
    title="Starter model",
    purpose="Comes with Grayplate, so that VACE works at once. For study: what it paints is soft.",
    licence="Apache-2.0",
    size_bytes=12 * 10**6,
    path="/grayplate/starter-vace",
    is_bundled=True,
)
LARGE = ModelInfo(
    name="wan2.1-vace-1.3b",
    kind="model",
    title="Wan 2.1 VACE 1.3B",
    purpose="Paints what no frame shows, at up to 480p; for most GPUs.",
    licence="Apache-2.0",
    repository="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
    size_bytes=19 * 10**9,
    memory_gb=14,
    least_memory_gb=5,
)


@dataclass
class _FakeJob:
    request: RenderRequest
    state: JobState = "queued"
    error: ErrorInfo | None = None
    report: RenderReport | None = None
    past: list[Event] = field(default_factory=list)
    coming: queue.Queue[Event | EngineError] = field(default_factory=queue.Queue)


class FakeEngine:
    """One engine; thread-safe as the real client is."""

    def __init__(self, effects: tuple[EffectDescriptor, ...] = (FAKE_EFFECT, OTHER_EFFECT)) -> None:
        self._effects = effects
        self._jobs: dict[str, _FakeJob] = {}
        self._lock = threading.Lock()
        self.cancelled: list[str] = []
        self.closed = 0
        self.shutdowns = 0
        self.heartbeats = 0
        self.refusal: EngineError | None = None
        """What the next submit, preset or preflight raises."""
        self.kept_presets: tuple[Preset, ...] = ()
        self.advice = PassPreflight()
        """What a preflight says of the first pass."""
        self.looked_at: list[RenderRequest] = []
        """What was asked about before a render."""

        self.outlines: dict[int, SegmentFrame] = {}
        """What click to matte finds, by frame."""
        self.segmented: list[SegmentRequest] = []
        """What click to matte was asked."""
        self.known_models: tuple[ModelInfo, ...] = (STARTER, LARGE)
        self.free_bytes = 500 * 10**9
        self.model_calls: list[str] = []
        """What was asked of the models: "download wan", "add /a", ..."""
        self.downloading: queue.Queue[ModelDownload] = queue.Queue()
        """What a download's stream brings next; one that is over ends it."""

    # --- what the desktop calls ---------------------------------------------------------------------------------

    def effects(self) -> tuple[EffectDescriptor, ...]:
        return self._effects

    def presets(self) -> tuple[Preset, ...]:
        return self.kept_presets

    def save_preset(self, preset: Preset) -> Preset:
        if self.refusal is not None:
            raise self.refusal
        kept = preset.model_copy(update={"is_own": True})
        self.delete_preset(preset.effect, preset.name)
        self.kept_presets = (*self.kept_presets, kept)
        return kept

    def delete_preset(self, effect: str, name: str) -> None:
        self.kept_presets = tuple(p for p in self.kept_presets if (p.effect, p.name) != (effect, name))

    def health(self) -> int:
        """One more heartbeat."""
        self.heartbeats += 1
        return self.heartbeats

    def models(self) -> ModelList:
        return ModelList(models=self.known_models, folder="/models", free_bytes=self.free_bytes)

    def add_model(self, path: str, name: str = "") -> ModelInfo:
        self.model_calls.append(f"add {path}")
        if self.refusal is not None:
            raise self.refusal
        own = ModelInfo(name="mine", kind="model", title="mine", size_bytes=10**9, path=path)
        self.known_models = (*self.known_models, own)
        return own

    def remove_model(self, name: str) -> None:
        self.model_calls.append(f"remove {name}")
        if self.refusal is not None:
            raise self.refusal
        gone = {"path": "", "is_downloaded": False}
        kept = (model for model in self.known_models if model.name != name or model.repository)
        self.known_models = tuple(m.model_copy(update=gone) if m.name == name else m for m in kept)

    def download_model(self, name: str) -> ModelDownload:
        self.model_calls.append(f"download {name}")
        if self.refusal is not None:
            raise self.refusal
        return ModelDownload(name=name, state="running")

    def cancel_download(self, name: str) -> ModelDownload:
        self.model_calls.append(f"cancel {name}")
        told = ModelDownload(name=name, state="cancelled", done_bytes=10**9, total_bytes=19 * 10**9)
        self.downloading.put(told)
        return told

    def download_events(self, name: str) -> Iterator[ModelDownload]:
        state = "running"
        while state == "running":
            told = self.downloading.get(timeout=20)
            state = told.state
            if state == "done":
                here = {"path": f"/models/{name}", "is_downloaded": True}
                self.known_models = tuple(m.model_copy(update=here) if m.name == name else m for m in self.known_models)
            self.known_models = tuple(
                m.model_copy(update={"download": told}) if m.name == name else m for m in self.known_models
            )
            yield told

    def preflight(self, request: RenderRequest) -> Preflight:
        with self._lock:
            self.looked_at.append(request)
        if self.refusal is not None:
            raise self.refusal
        return Preflight(passes=(self.advice, *(PassPreflight() for _ in request.passes[1:])))

    def submit(self, request: RenderRequest) -> Job:
        if self.refusal is not None:
            raise self.refusal
        with self._lock:
            job_id = f"job-{len(self._jobs) + 1}"
            self._jobs[job_id] = _FakeJob(request)
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise JobNotFoundError(f"no job {job_id}; it may have been cleaned up")
        job = self._jobs[job_id]
        return Job(id=job_id, state=job.state, request=job.request, created_ms=0, error=job.error, report=job.report)

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self.job(job_id) for job_id in self._jobs)

    def cancel(self, job_id: str) -> Job:
        self.cancelled.append(job_id)
        self._jobs[job_id].state = "cancelled"
        self.say(StateEvent(job_id=job_id, state="cancelled"))
        return self.job(job_id)

    def events(self, job_id: str, after: int = 0) -> Iterator[Event]:
        job = self._jobs[job_id]
        yield from [event for event in job.past if event.sequence > after]
        while job.state not in FINAL_STATES or not job.coming.empty():
            event = job.coming.get()
            if isinstance(event, EngineError):
                raise event
            job.past.append(event)
            yield event
            if isinstance(event, StateEvent) and event.state in FINAL_STATES:
                return

    def segment(
        self, request: SegmentRequest, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[SegmentProgress | SegmentFrame]:
        with self._lock:
            self.segmented.append(request)
        if self.refusal is not None:
            raise self.refusal
        frames = request.frames.as_range()
        for done, frame in enumerate(frames, 1):
            if is_cancelled():
                return
            yield SegmentProgress(done=done, total=len(frames))
            if frame in self.outlines:
                yield self.outlines[frame]

    def shutdown_when_idle(self) -> None:
        self.shutdowns += 1

    def wait_until_gone(self, timeout_s: float) -> bool:
        return self.shutdowns > 0

    def close(self) -> None:
        self.closed += 1

    # --- what the test calls ------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[RenderRequest]:
        """What was submitted, in order."""
        return [job.request for job in self._jobs.values()]

    @property
    def last_job(self) -> str:
        return list(self._jobs)[-1]

    def say(self, event: Event) -> None:
        """The event stream brings this next; its sequence number is given here."""
        job = self._jobs[event.job_id]
        with self._lock:
            sequence = len(job.past) + job.coming.qsize() + 1
            job.coming.put(event.model_copy(update={"sequence": sequence}))

    def deliver(self, frame: int, patch_path: str, *, provisional: bool = False, pass_index: int = 0) -> None:
        """A cleaned frame of the last job."""
        self.say(
            FrameEvent(
                job_id=self.last_job,
                frame=frame,
                patch_path=patch_path,
                provisional=provisional,
                pass_index=pass_index,
            )
        )

    def progress(self, done: float, total: float, eta_s: float | None = None) -> None:
        self.say(ProgressEvent(job_id=self.last_job, stage="render", done=done, total=total, eta_s=eta_s))

    def finish(self, *, warnings: tuple[str, ...] = ()) -> None:
        """The last job is done."""
        job = self._jobs[self.last_job]
        frames = len(job.request.frames)
        job.report = RenderReport(
            source=job.request.source.path,
            output=job.request.output.path if job.request.output else None,
            frames_in=frames,
            frames_out=frames,
            frames_cleaned=frames,
            passes=(
                PassReport(
                    effect="clean-plate",
                    parameters={},
                    frames_cleaned=frames,
                    share_recovered=0.7,
                    share_kept=0.2,
                    share_synthesised=0.1,
                ),
            ),
            seconds={"render": 3.0},
            outside_max_difference=None,
            warnings=warnings,
        )
        job.state = "done"
        self.say(StateEvent(job_id=self.last_job, state="done"))

    def fail(self, message: str, about: ErrorSubject = "") -> None:
        """The last job breaks off."""
        job = self._jobs[self.last_job]
        job.error = ErrorInfo(kind="failed", message=message, about=about)
        job.state = "failed"
        self.say(StateEvent(job_id=self.last_job, state="failed", error=job.error))

    def die(self, error: EngineError) -> None:
        """The connection breaks in the middle of the last job's event stream."""
        self._jobs[self.last_job].coming.put(error)

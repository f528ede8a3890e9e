"""Every type that crosses the engine's border, defined once: frozen, validated, versioned.

A :class:`RenderRequest` holds all that a render depends on. It can be saved, replayed or sent to a farm, and knows
nothing of projects or windows. Frames are 0-based indices into the source; ranges are half-open; boxes are pixels
``[x0, y0, x1, y1]`` with ``x1`` and ``y1`` exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.errors import BadRequestError, EngineError, ErrorKind, ErrorSubject

PROTOCOL_VERSION = 1
"""The major version, in every route (``/v1/...``). It rises when an older client could misread an answer."""

ParameterValue: TypeAlias = bool | int | float | str
BoxTuple: TypeAlias = tuple[int, int, int, int]
JobState: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
_EVERYTHING: BoxTuple = (0, 0, 1 << 16, 1 << 16)
"""A box over any frame: it marks what a pass's matte or roto marks."""
Stage: TypeAlias = Literal["load", "analyse", "render", "deliver", "verify"]


class Message(BaseModel):
    """Base of all protocol types: frozen, and unknown fields are an error that names them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- effects and their parameters -------------------------------------------------------------------------------


class ParameterDescriptor(Message):
    """One parameter of an effect, as an OpenFX host would see it; inspectors and options are made from it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="script name, unit at its end: feather_px")
    label: str
    hint: str
    kind: Literal["int", "double", "bool", "choice", "string", "path"]
    default: ParameterValue
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    group: str = "Main"
    advanced: bool = False
    evaluates: bool = Field(default=True, description="False: another value gives the same pictures")
    animates: bool = Field(default=False, description="its value may change from frame to frame; see RenderPass")


class ClipDescriptor(Message):
    """A clip that an effect reads or writes."""

    name: Literal["Source", "Matte", "Output"]
    optional: bool = False


class EffectDescriptor(Message):
    """What a host needs to show and drive an effect without knowing it."""

    identifier: str
    label: str
    hint: str
    version: str
    needs_model: bool = False
    clips: tuple[ClipDescriptor, ...]
    parameters: tuple[ParameterDescriptor, ...]


class Preset(Message):
    """A named set of an effect's parameters. Those that it does not set stay as they are where it is applied."""

    name: str = Field(min_length=1, max_length=80)
    effect: str
    hint: str = ""
    parameters: dict[str, ParameterValue]
    is_own: bool = Field(default=False, description="saved by a person, who may delete it; the others come with us")


# --- a render ---------------------------------------------------------------------------------------------------


class MediaSource(Message):
    """A movie, an image-sequence pattern (``plate.####.exr``, ``plate.%04d.png``) or a folder of one sequence."""

    path: str
    rate: str | None = Field(default=None, description="frames/s as 'num/den', for image sequences; None = the file's")


class FrameRange(Message):
    """Half-open range of source frames."""

    start: int = Field(ge=0)
    end_exclusive: int

    @model_validator(mode="after")
    def _holds_a_frame(self) -> FrameRange:
        if self.end_exclusive <= self.start:
            raise ValueError(f"frame range {self.start}-{self.end_exclusive - 1} ends before it starts")
        return self

    def __len__(self) -> int:
        return self.end_exclusive - self.start

    def as_range(self) -> range:
        """``range(start, end_exclusive)``."""
        return range(self.start, self.end_exclusive)


class ParameterKey(Message):
    """A keyframe of a parameter: its value at a source frame, and how it goes on from there."""

    frame: int = Field(ge=0)
    value: float
    interpolation: Literal["linear", "hold", "smooth"] = "linear"


class RenderPass(Message):
    """One removal: where (boxes, a matte, or a matte inside boxes) and with which effect.

    ``boxes[i]`` are the boxes of source frame ``boxes_start + i`` (none: that frame passes through untouched);
    ``boxes_start`` None is the request's ``frames.start``. Boxes may speak of more frames than are rendered: an effect
    then takes pixels from those too, since it knows what is hidden there.
    ``matte`` is a gray movie or sequence as long as the *source*, white where to remove; with ``boxes`` too it counts
    inside them only.
    ``roto`` is a layer of animated shapes as ``roi_tools.roto.layer_json`` writes it (docs/roi-file.md), or several of
    them, in source frames; the engine draws their mattes and takes the largest. With ``boxes`` too it counts inside
    them only; of a matte and roto the larger one counts.
    ``keyframes`` animate parameters that can be (``ParameterDescriptor.animates``): they count instead of the value in
    ``parameters``. Outside of its keyframes a parameter keeps the nearest one's value.
    """

    effect: str = "clean-plate"
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    keyframes: dict[str, tuple[ParameterKey, ...]] = Field(default_factory=dict)
    boxes: tuple[tuple[BoxTuple, ...], ...] | None = None
    boxes_start: int | None = Field(default=None, ge=0)
    matte: MediaSource | None = None
    roto: dict[str, Any] | tuple[dict[str, Any], ...] | None = None

    @model_validator(mode="after")
    def _marks_something(self) -> RenderPass:
        if self.boxes is None and self.matte is None and self.roto is None:
            raise ValueError("a pass needs boxes, a matte or roto; without them nothing is marked for removal")
        return self


class Output(Message):
    """Where the cleaned clip goes; its ending decides the codec (see ``timeline.media.writer``)."""

    path: str
    overwrite: bool = False


class RenderRequest(Message):
    """One self-contained render. Passes run in order, each on the result of the one before."""

    schema_version: Literal["grayplate.render/1"] = "grayplate.render/1"
    source: MediaSource
    frames: FrameRange
    passes: tuple[RenderPass, ...] = Field(min_length=1)
    output: Output | None = None
    report_path: str | None = None
    preview_folder: str | None = Field(default=None, description="cleaned frames land here as PNG while it renders")
    maps_folder: str | None = Field(
        default=None, description="provenance, confidence and never-visible maps land here as image sequences"
    )
    label: str = ""

    @model_validator(mode="after")
    def _boxes_fit_the_range(self) -> RenderRequest:
        for number, render_pass in enumerate(self.passes):
            known, frames = self.boxes_range(render_pass), self.frames
            if known is not None and not (known.start <= frames.start and frames.end_exclusive <= known.stop):
                raise ValueError(
                    f"pass {number} has boxes for {len(known)} frames from {known.start} on, "
                    f"the range has {len(frames)} from {frames.start} on; give boxes for each of them"
                )
        return self

    def redone(
        self, frames: range, changes: Mapping[str, ParameterValue], pass_index: int = 0, output: Output | None = None
    ) -> RenderRequest:
        """This request with a pass added that does ``frames`` of its pass ``pass_index`` again.

        The new pass works on the finished result: what is around ``frames`` is known to it, and nothing else is
        written. ``changes`` are parameters of the new pass, another seed for one. The passes before come from the
        frame cache. Raises BadRequestError for frames or a pass that the request does not have.
        """
        if not 0 <= pass_index < len(self.passes):
            raise BadRequestError(f"there is no pass {pass_index}; the request has {len(self.passes)}, counted from 0")
        rendered = self.frames.as_range()
        if not frames or frames.start < rendered.start or frames.stop > rendered.stop:
            raise BadRequestError(
                f"frames {frames.start}-{frames.stop - 1} are not all rendered; "
                f"choose from {rendered.start}-{rendered.stop - 1}"
            )
        first = self.passes[pass_index]
        known = self.boxes_range(first)
        marked: tuple[tuple[BoxTuple, ...], ...] = ((_EVERYTHING,),) * len(rendered)
        if first.boxes is not None and known is not None:
            marked = first.boxes[rendered.start - known.start : rendered.stop - known.start]
        boxes = tuple(of_frame if frame in frames else () for frame, of_frame in zip(rendered, marked, strict=True))
        again = first.model_copy(
            update={"parameters": {**first.parameters, **changes}, "boxes": boxes, "boxes_start": rendered.start}
        )
        return self.model_copy(update={"passes": (*self.passes, again), "output": output})

    def boxes_range(self, render_pass: RenderPass) -> range | None:
        """The source frames that a pass's boxes speak of; None where it has none."""
        if render_pass.boxes is None:
            return None
        start = self.frames.start if render_pass.boxes_start is None else render_pass.boxes_start
        return range(start, start + len(render_pass.boxes))


# --- jobs and their events --------------------------------------------------------------------------------------


class ErrorInfo(Message):
    """Why a job or a call failed: one line for a person, the kind for a program, and what would mend it."""

    kind: ErrorKind
    message: str
    about: ErrorSubject = Field(default="", description="models: a model is missing or does not fit; offer the list")

    @classmethod
    def of(cls, error: EngineError) -> ErrorInfo:
        """What an error says."""
        return cls(kind=error.kind, message=str(error), about=error.about)


class PassReport(Message):
    """What one pass did. Shares are of the matte's pixels, 0 to 1; None where the effect does not say.

    A pixel came from another frame (recovered), is the frame's own (kept) or was invented (synthesised; generated: by a
    model). Never visible is what no frame within reach shows, and ``frames_never_visible`` counts the frames with any.
    """

    effect: str
    parameters: dict[str, ParameterValue]
    frames_cleaned: int
    share_recovered: float | None
    share_synthesised: float | None
    mean_confidence: float | None = None
    share_kept: float | None = None
    share_generated: float | None = None
    share_never_visible: float | None = None
    frames_never_visible: int | None = None


class RenderReport(Message):
    """What came of a render; REPORT.json holds this."""

    schema_version: Literal["grayplate.report/1"] = "grayplate.report/1"
    source: str
    output: str | None
    frames_in: int
    frames_out: int
    frames_cleaned: int
    passes: tuple[PassReport, ...]
    seconds: dict[str, float] = Field(description="wall time per stage")
    outside_max_difference: dict[str, float] | None = Field(
        description="per plane, largest |output - source| outside the matte, in code values, measured by decoding the "
        "output again; None where the output is lossy or there is none"
    )
    warnings: tuple[str, ...] = ()


class Job(Message):
    """A request and how far it is."""

    id: str
    state: JobState
    request: RenderRequest
    created_ms: int
    error: ErrorInfo | None = None
    report: RenderReport | None = None


class JobEvent(Message):
    """Base of the events of a job. ``sequence`` rises by one per event; it is the SSE ``id``.

    A reader sees gaps where a newer event took the place of one that it had not read yet.
    """

    job_id: str
    sequence: int = 0


class StateEvent(JobEvent):
    """The job entered ``state``; ``done``, ``failed`` and ``cancelled`` are final and the stream ends."""

    type: Literal["state"] = "state"
    state: JobState
    error: ErrorInfo | None = None


class ProgressEvent(JobEvent):
    """``done`` of ``total`` frames of a stage. A newer one replaces any older one that was not sent yet."""

    type: Literal["progress"] = "progress"
    stage: Stage
    done: float
    total: float
    eta_s: float | None = None
    message: str = ""


class FrameEvent(JobEvent):
    """A cleaned frame lies in the frame cache.

    ``patch_path`` is a ``timeline.media.patch.FramePatch`` file: the changed region in the source's own planes, with
    the patches of all earlier passes in it, so that the newest event of a frame is all that a viewer needs. The file
    stays until the cache needs its space. ``provisional`` frames are previews that a later event of the same frame
    replaces; their files go when the job ends.
    ``maps_path`` is a file with the frame's provenance and confidence (see ``engine.render.maps``). ``confidence`` is
    the mean over what was marked and ``share_synthesised`` the share of it that was invented, both 0 to 1; None where
    the effect does not say.
    """

    type: Literal["frame"] = "frame"
    frame: int
    patch_path: str
    pass_index: int = 0
    provisional: bool = False
    maps_path: str | None = None
    confidence: float | None = None
    share_synthesised: float | None = None


class Remedy(Message):
    """What to change so that a warning no longer holds: parameters of the pass that was warned of."""

    label: str = Field(description="what it does, as a button says it: Use the box as the mask")
    parameters: dict[str, ParameterValue]


class WarningEvent(JobEvent):
    """Something that a person should know; the render goes on."""

    type: Literal["warning"] = "warning"
    message: str
    pass_index: int = 0
    remedy: Remedy | None = None


class WindowsEvent(JobEvent):
    """The context windows that a pass renders in, as source frames, in order; they may overlap."""

    type: Literal["windows"] = "windows"
    pass_index: int = 0
    windows: tuple[FrameRange, ...]


# --- before a render --------------------------------------------------------------------------------------------


class Advice(Message):
    """What speaks against rendering a pass like this, told before it is rendered.

    Where there is a ``remedy``, ``message`` ends with its label: "the reason; use the box as the mask".
    """

    message: str
    remedy: Remedy | None = None
    about: ErrorSubject = Field(default="", description="models: a model would mend it; offer the list")


class Forecast(Message):
    """What a pass takes on this machine. ``seconds`` is None until this device has rendered once."""

    device: str
    peak_bytes: float
    available_bytes: float
    flop: float
    seconds: float | None

    @property
    def fits(self) -> bool:
        """Whether the memory suffices."""
        return self.peak_bytes <= self.available_bytes


class PassPreflight(Message):
    """One pass: what to mind, what it takes (None where the effect does not say), and its context windows."""

    pass_index: int = 0
    warnings: tuple[Advice, ...] = ()
    forecast: Forecast | None = None
    windows: tuple[FrameRange, ...] = ()


class Preflight(Message):
    """Answer of ``POST /v1/preflight``: a render looked at without loading a model or rendering a frame."""

    passes: tuple[PassPreflight, ...]


Event: TypeAlias = Annotated[
    StateEvent | ProgressEvent | FrameEvent | WarningEvent | WindowsEvent, Field(discriminator="type")
]

FINAL_STATES: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})


# --- click to matte ---------------------------------------------------------------------------------------------

PointTuple: TypeAlias = tuple[float, float]


class SegmentPrompt(Message):
    """What a person marked on one frame, in frame px: clicks on the object, clicks beside it, a box around it."""

    frame: int = Field(ge=0)
    positive: tuple[PointTuple, ...] = ()
    negative: tuple[PointTuple, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @model_validator(mode="after")
    def _shows_the_object(self) -> SegmentPrompt:
        if not self.positive and self.box is None:
            raise ValueError(f"frame {self.frame} has no click on the object and no box; give one of them")
        return self


class SegmentRequest(Message):
    """Body of ``POST /v1/segments``: find one object on ``frames``, from prompts on one or more of them.

    The answer is a stream of SegmentEvent, the last one a SegmentEnd; who hangs up cancels it.
    """

    schema_version: Literal["grayplate.segment/1"] = "grayplate.segment/1"
    source: MediaSource
    frames: FrameRange
    prompts: tuple[SegmentPrompt, ...] = Field(min_length=1)
    model: str = Field(default="", description="a SAM 2 folder or an installed model's name; empty: the installed one")
    error_px: float = Field(default=1.0, ge=0, le=20, description="how far an outline may lie from the mask's edge")

    @model_validator(mode="after")
    def _prompts_fit_the_range(self) -> SegmentRequest:
        frames = [prompt.frame for prompt in self.prompts]
        outside = [frame for frame in frames if frame not in self.frames.as_range()]
        if outside:
            raise ValueError(
                f"the prompt on frame {outside[0]} lies outside the frames "
                f"{self.frames.start}-{self.frames.end_exclusive - 1}; choose a range that holds it"
            )
        if len(set(frames)) < len(frames):
            raise ValueError("two prompts are on one frame; join them into one")
        return self


class SegmentProgress(Message):
    """``done`` of ``total`` frames are segmented."""

    type: Literal["progress"] = "progress"
    done: int
    total: int
    message: str = ""


class SegmentFrame(Message):
    """The object on one frame. A frame that was told already may be told again: the newer one counts.

    ``outlines`` are closed polygons in frame px, holes included, by falling area, each inside or beside those before
    it: filled with even-odd they are the mask, to within the request's ``error_px``. None of them: it is not there.
    ``confidence`` is the model's own, 0 to 1.
    """

    type: Literal["frame"] = "frame"
    frame: int
    outlines: tuple[tuple[PointTuple, ...], ...]
    box: BoxTuple | None
    confidence: float


class SegmentEnd(Message):
    """Nothing comes after it."""

    type: Literal["end"] = "end"
    state: Literal["done", "failed", "cancelled"]
    error: ErrorInfo | None = None


SegmentEvent: TypeAlias = Annotated[SegmentProgress | SegmentFrame | SegmentEnd, Field(discriminator="type")]


# --- models -----------------------------------------------------------------------------------------------------

ModelKind: TypeAlias = Literal["model", "module", "base", "lora", "encoder", "vae", "segment"]
"""A whole VACE model; a VACE module, which needs a base; a text-to-video base; a LoRA; UMT5; a VAE; a SAM 2 model."""


class ModelDownload(Message):
    """How far a download is. One that ended is told until the next one of the same model begins."""

    name: str
    state: Literal["running", "done", "failed", "cancelled"]
    done_bytes: int = 0
    total_bytes: int = Field(default=0, description="0 until the publisher has said it")
    eta_s: float | None = None
    error: ErrorInfo | None = None


class ModelInfo(Message):
    """A model that is known: installed (``path`` says where), or to be downloaded.

    ``memory_gb``: what a GPU needs for 832x480 at full speed, forecast; ``least_memory_gb``: at the lowest settings.
    None where it is not a model of its own, or any machine does.
    """

    name: str
    kind: ModelKind
    title: str
    purpose: str = ""
    licence: str = ""
    repository: str = Field(default="", description="of the publisher, on the hub; empty: it cannot be downloaded")
    size_bytes: int
    unconfirmed: tuple[Literal["size", "licence"], ...] = ()
    memory_gb: float | None = None
    least_memory_gb: float | None = None
    path: str = ""
    is_bundled: bool = Field(default=False, description="came with Grayplate; cannot be removed")
    is_downloaded: bool = Field(default=False, description="its files lie in the models folder and go with it")
    fetched_bytes: int = Field(default=0, description="of a download that broke off and can go on")
    download: ModelDownload | None = None


class ModelList(Message):
    """Answer of ``GET /v1/models``: those that are known, and where downloads go."""

    models: tuple[ModelInfo, ...]
    folder: str
    free_bytes: int
    missing_packages: tuple[str, ...] = Field(default=(), description="without them no model of these can run")


class AddModelRequest(Message):
    """Body of ``POST /v1/models``: a folder or file on this machine; empty ``name``: the file's own."""

    path: str = Field(min_length=1)
    name: str = ""


# --- the engine itself ------------------------------------------------------------------------------------------


class Health(Message):
    """Answer of ``GET /v1/health``."""

    program: Literal["grayplate-engine"] = "grayplate-engine"
    version: str
    protocol: int = PROTOCOL_VERSION
    pid: int
    jobs_active: int


class ShutdownRequest(Message):
    """Body of ``POST /v1/shutdown``. ``idle``: once no job is active and no event stream is open."""

    when: Literal["idle", "now"]

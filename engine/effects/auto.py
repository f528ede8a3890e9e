"""The ``auto`` effect: what other frames show is recovered, and a model paints only what is left."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from engine import paths
from engine.effects.clean_plate import PLATE_COMPOSITE_PARAMETERS, CleanPlate
from engine.effects.vace import Vace
from engine.errors import WeightsError
from engine.hybrid.blend import blended
from engine.hybrid.clips import RecoveredSource, RestMatte, SceneMatte
from engine.hybrid.hosts import GroupHost, PlateHost, RunProgress
from engine.hybrid.parameters import PARAMETERS, part_of
from engine.hybrid.run import SETTLED_FRAMES, Finished, Group, HybridRun, RunSettings, UnsettledError
from engine.hybrid.scratch import Scratch
from engine.ofx.effect import Clips, Host, ImageEffect, RenderedImage
from engine.ofx.parameters import ParameterSet
from engine.plate.scenes import find_cuts, split
from engine.protocol import Advice, ClipDescriptor, EffectDescriptor, PassPreflight
from engine.vace.files.weights import find_better_model, require_libraries
from engine.vace.shot.scene_plan import searched_frames
from engine.vace.shot.stretches import marked_stretches

_LOOK_BACK_FRAMES = 3 * SETTLED_FRAMES
"""How far before the first missing frame a resume begins; further where something is left there already."""


class Auto(ImageEffect):
    """Clean plate wherever it is sure; VACE for the rest, which sees the recovered pixels as known.

    Where all is recovered no model is loaded. Where something is left and no model but the starter is there, which
    nobody named, it is filled from the texture around it, as ``clean-plate`` does, and a warning says so; a model that
    is named but not there is an error.
    Between two cuts it does what it would if that scene were all there is.
    """

    identifier: ClassVar[str] = "auto"

    @classmethod
    def describe(cls) -> EffectDescriptor:
        """The descriptor; loads no model library."""
        return EffectDescriptor(
            identifier=cls.identifier,
            label="Auto",
            hint="Recovers the true background from the frames that show it, and lets a model paint only what is left.",
            version=".".join(("4", CleanPlate.describe().version, Vace.describe().version)),
            clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Matte"), ClipDescriptor(name="Output")),
            parameters=(*PARAMETERS, *PLATE_COMPOSITE_PARAMETERS),
        )

    def __init__(self, parameters: ParameterSet, clips: Clips, host: Host) -> None:
        super().__init__(parameters, clips, host)
        self._finished: Generator[tuple[int, RenderedImage]] | None = None
        self._run: range | None = None
        self._next_frame = 0
        self._wanted = range(0)
        self._plate: ImageEffect | None = None
        self._scratch: Scratch | None = None
        self._windows: list[range] = []

    def get_frames_needed(self, frame: int) -> range:
        """The run of marked frames around ``frame``, and what its plate is recovered from."""
        run = self._run_of(frame)
        plate = self.plate_effect(PlateHost(self.host), run.start)
        first, last = (plate.get_frames_needed(n) for n in (run.start, run.stop - 1))
        return range(first.start, last.stop)

    def preflight(self, frames: range, worker_pid: int | None = None) -> PassPreflight:
        """Whether a model could be loaded; how much it would have to paint only the plate can tell."""
        del frames, worker_pid
        missing = self._missing_model()
        return PassPreflight(warnings=(Advice(message=_without_model(missing), about="models"),) if missing else ())

    def begin_sequence_render(self, frames: range) -> None:
        """Nothing is computed yet. Raises WeightsError for a model that is named but cannot be used."""
        self.end_sequence_render()
        self._wanted = frames
        missing = self._missing_model()
        if missing and self.parameters.text("model").strip():
            raise missing

    def render(self, frame: int) -> RenderedImage:
        """The cleaned picture of ``frame``, inside the bounds of its matte."""
        run = self._run_of(frame)
        if self._finished is None or self._run != run or frame < self._next_frame:
            self._start(run, frame)
        assert self._finished is not None
        image = next(image for number, image in self._finished if number == frame)
        self._next_frame = frame + 1
        return image

    def end_sequence_render(self) -> None:
        """Removes what waits on disk; a model stays warm for the next job."""
        if self._finished is not None:
            self._finished.close()
        self._finished = None
        self._close()

    def _close(self) -> None:
        if self._plate is not None:
            self._plate.end_sequence_render()
        if self._scratch is not None:
            self._scratch.close()
        self._plate, self._scratch = None, None

    # --- the plate ----------------------------------------------------------------------------------------------

    @cached_property
    def _marked(self) -> list[int]:
        matte = self.clips.matte
        return [frame for frame in matte.frames if matte.bounds(frame) is not None]

    @cached_property
    def _cuts(self) -> Sequence[int]:
        def searching(share: float) -> None:
            self.host.progress("analyse", share, 1.0, "looking for cuts")

        frames = searched_frames(self._marked, self.parameters.integer("known_frames"), self.clips.matte.frames)
        return find_cuts(self.clips, frames, searching)

    def _scene_of(self, frame: int, frames: range) -> range:
        """Those of ``frames`` that lie between the same cuts."""
        return next(scene for scene in split(frames, self._cuts) if frame in scene)

    @cached_property
    def _runs(self) -> list[range]:
        """Marked frames that may belong to one clip of the model; planned over all of them, so that a resume agrees."""
        return [
            run
            for scene in split(self.clips.matte.frames, self._cuts)
            for run in marked_stretches([frame for frame in self._marked if frame in scene], 0, scene)
        ]

    def _run_of(self, frame: int) -> range:
        return next((run for run in self._runs if frame in run), range(frame, frame + 1))

    def _start(self, run: range, frame: int) -> None:
        self.end_sequence_render()
        self._run, self._finished = run, self._frames_from(run, frame)

    def _frames_from(self, run: range, frame: int) -> Generator[tuple[int, RenderedImage]]:
        """The run's frames from ``frame`` on or earlier, the same ones that a render of all of it gives."""
        look_back = _LOOK_BACK_FRAMES
        while True:
            start = max(run.start, frame - look_back)
            try:
                yield from self._hybrid(run, start)
                return
            except UnsettledError:
                look_back *= 4

    def _hybrid(self, run: range, start: int) -> Finished:
        marked = [frame for frame in self._marked if frame in run and frame >= start]
        progress = RunProgress(self.host, self._marked, marked)
        self._close()
        self._scratch = Scratch(paths.render_folder())
        self._plate = self.plate_effect(PlateHost(self.host, progress), run.start)
        self._plate.begin_sequence_render(range(start, run.stop))
        parameters = self.parameters
        settings = RunSettings(
            threshold=parameters.double("confidence_threshold"),
            smallest_px=parameters.integer("smallest_part_px"),
            known_frames=parameters.integer("known_frames"),
            size=self.clips.source.size,
            available=self._scene_of(run.start, self.clips.matte.frames),
            fills_invented=not parameters.text("painted_plate"),
        )

        def paint(group: Group) -> Finished:
            assert self._scratch is not None
            return self._painted(group, self._scratch, progress)

        hybrid = HybridRun(
            marked,
            self._plate.render,
            paint,
            self._show_plate,
            self._scratch,
            settings,
            is_whole=start == run.start,
        )
        yield from progress.counted(hybrid.frames())

    def plate_effect(self, host: Host, frame: int) -> ImageEffect:
        """What recovers the plate of the scene that holds ``frame``."""
        matte = self.clips.matte
        clips = Clips(self.clips.source, SceneMatte(matte, self._scene_of(frame, matte.known_frames)))
        return CleanPlate(part_of(self.parameters, CleanPlate.describe()), clips, host)

    def _show_plate(self, frame: int, plate: RenderedImage) -> None:
        """A frame that waits for the model can be looked at meanwhile."""
        if self.parameters.flag("preview") and frame in self._wanted:
            self.host.preview(frame, plate)

    # --- the model ----------------------------------------------------------------------------------------------

    def _painted(self, group: Group, scratch: Scratch, progress: RunProgress) -> Iterator[tuple[int, RenderedImage]]:
        """The held frames of a group, with the model's pictures where something is left."""
        if not self._is_wanted(group.held):
            yield from ((frame, scratch.load(frame)) for frame in group.held)
            return
        missing = self._missing_model()
        if missing:
            self.host.warn(_without_model(missing))
            yield from ((frame, scratch.load(frame)) for frame in group.held)
            return
        source = RecoveredSource(self.clips.source, lambda n: scratch.load(n) if n in scratch else None)
        matte = RestMatte(group.visible, source.size, group.rests)

        def joined(frame: int, generated: RenderedImage) -> RenderedImage:
            rest = group.rests[frame]
            known = source.image(frame, rest.box)
            is_linear = source.is_scene_linear
            return blended(scratch.load(frame), known, generated, rest, is_scene_linear=is_linear)

        host = GroupHost(self.host, progress, joined, self._windows, self.parameters)
        model = self.model_effect(Clips(source, matte), host)
        try:
            model.begin_sequence_render(range(group.held[0], group.held[-1] + 1))
            for frame in group.held:
                if frame in group.rests:
                    yield frame, joined(frame, model.render(frame))
                else:
                    yield frame, scratch.load(frame)
        finally:
            model.end_sequence_render()

    def model_effect(self, clips: Clips, host: Host) -> ImageEffect:
        """What paints the rest; ``clips`` show one scene."""
        return Vace(part_of(self.parameters, Vace.describe()), clips, host, has_cuts=False)

    def _is_wanted(self, frames: Sequence[int]) -> bool:
        """After a resume some are finished already."""
        return frames[0] < self._wanted.stop and frames[-1] >= self._wanted.start

    def _missing_model(self) -> WeightsError | None:
        try:
            require_libraries()
            find_better_model(self.parameters.text("model"))
        except WeightsError as error:
            return error
        return None


def _without_model(error: WeightsError) -> str:
    return f"what no frame shows is filled from the texture around it, since no model can paint it: {error}"

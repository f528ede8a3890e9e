"""One pass of a render: an effect, its clips, its matte and its finished frames in the cache."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.errors import BadRequestError, EngineError, RenderFailedError
from engine.ofx.effect import Clips, ImageEffect, RenderedImage
from engine.protocol import PassReport, Remedy, Stage
from engine.render.clips import Plate, RenderMatte
from engine.render.compositing import composite
from engine.render.frame_cache import FrameCache
from engine.render.job_link import JobLink
from engine.render.maps import maps_of, statistics_of, total
from engine.render.validation import CheckedPass
from roi_tools.geometry import Size
from timeline.errors import MediaError
from timeline.media.frame_maps import FrameMaps
from timeline.media.patch import FramePatch

FrameFinished = Callable[[int, Path], None]
_log = logging.getLogger(__name__)


class PassRender:
    """Renders what is missing of one pass. It is the Host of its effect."""

    def __init__(
        self,
        checked: CheckedPass,
        plate: Plate,
        frames: range,
        cache: FrameCache,
        below: PassRender | None,
        link: JobLink,
    ) -> None:
        self.checked, self.plate, self.cache = checked, plate, cache
        self._below, self._link = below, link
        self.matte = pass_matte(checked, frames, plate.size)
        self.marked = [frame for frame in frames if self._is_marked(frame)]
        self._effect_tells_progress = False
        self._warned: list[tuple[str, Remedy | None]] = []

    def _is_marked(self, frame: int) -> bool:
        frames = self.matte.frames
        self._link.progress("load", frame - frames.start, len(frames), "reading the matte")
        return self.matte.bounds(frame) is not None

    # --- the result ---------------------------------------------------------------------------------------------

    def newest_patch(self, frame: int) -> FramePatch | None:
        """The finished patch of the frame after this pass, whichever pass made it; None where it is untouched."""
        if self.cache.has(frame):
            return self.cache.load(frame)
        return self._below.newest_patch(frame) if self._below else None

    def newest_maps(self, frame: int) -> FrameMaps | None:
        """The maps of the frame after this pass; None where nothing is said of it."""
        if self.cache.has(frame):
            return self.cache.load_maps(frame)
        return self._below.newest_maps(frame) if self._below else None

    def report(self) -> PassReport:
        """What this pass did, also when its frames came from the cache."""
        done = [self.cache.statistics(frame) for frame in self.marked if self.cache.has(frame)]
        told = total(done)

        def share(count: float | None) -> float | None:
            return None if count is None or not told.matte_px else count / told.matte_px

        return PassReport(
            effect=self.checked.request.effect,
            parameters=dict(self.checked.parameters),
            frames_cleaned=len(done),
            share_recovered=share(told.recovered_px),
            share_kept=share(told.kept_px),
            share_synthesised=share(told.synthesised_px),
            share_generated=share(told.generated_px),
            share_never_visible=share(told.never_visible_px),
            frames_never_visible=None if told.never_visible_px is None else sum(bool(s.never_visible_px) for s in done),
            mean_confidence=told.confidence,
        )

    # --- the work -----------------------------------------------------------------------------------------------

    def run(self, frame_finished: FrameFinished) -> None:
        """Renders the marked frames that the cache lacks, rising; tells of those that it has first."""
        missing = [frame for frame in self.marked if not self.cache.has(frame)]
        waiting = set(missing)
        for frame in self.marked:
            if frame not in waiting:
                self._tell(frame, frame_finished)
        if missing:
            with self._effect_in_sequence(range(missing[0], missing[-1] + 1)) as effect:
                for frame in missing:
                    self._render(effect, frame)
                    waiting.discard(frame)
                    self._tell(frame, frame_finished)
                    self._count(len(self.marked) - len(waiting))
            self.cache.save_warnings(self._warned)
        else:
            # What was wrong with the frames still is.
            for message, remedy in self.cache.warnings():
                self._link.warn(message, self.checked.number, remedy)
        self._link.check_cancelled()

    @contextmanager
    def _effect_in_sequence(self, frames: range) -> Iterator[ImageEffect]:
        with self._plain_errors("could not start"):
            effect = self.checked.effect(self.checked.parameters, Clips(self.plate, self.matte), self)
        try:
            with self._plain_errors("could not be prepared"):
                effect.begin_sequence_render(frames)
            yield effect
        finally:
            effect.end_sequence_render()

    def _render(self, effect: ImageEffect, frame: int) -> None:
        self._link.check_cancelled()
        with self._plain_errors(f"failed on frame {frame}"):
            if effect.is_identity(frame):
                return
            image = effect.render(frame)
            patch = self._composited(frame, image)
            self.cache.save(frame, patch, statistics_of(image, self.matte, frame), self._joined_maps(frame, image))

    def _joined_maps(self, frame: int, image: RenderedImage) -> FrameMaps | None:
        """With those of the passes before: like the patch, the newest one is all that a viewer needs."""
        earlier = self._below.newest_maps(frame) if self._below else None
        maps = maps_of(image, self.matte, frame)
        return earlier if maps is None else maps.over(earlier)

    def _composited(self, frame: int, image: RenderedImage) -> FramePatch:
        earlier = self._below.newest_patch(frame) if self._below else None
        feather_px = self.checked.animation.number("feather_px", frame)
        return composite(self.plate.native(frame), image, self.matte, frame, feather_px, earlier)

    def _tell(self, frame: int, frame_finished: FrameFinished) -> None:
        if not self.cache.has(frame):  # the effect called it an identity
            return
        self._link.finished_frame(frame, self.checked.number, self.cache)
        frame_finished(frame, self.cache.patch_path(frame))

    def _count(self, done: int) -> None:
        # An effect that denoises whole windows tells its own steps; two counts would jump to and fro.
        if not self._effect_tells_progress:
            self._link.progress("render", done, len(self.marked))

    @contextmanager
    def _plain_errors(self, what: str) -> Iterator[None]:
        """Turns whatever an effect raises into one line; the traceback goes to the log."""
        name = self.checked.request.effect
        try:
            yield
        except EngineError:
            raise
        except MediaError as error:
            raise BadRequestError(str(error)) from error
        except MemoryError as error:
            raise RenderFailedError(
                f"effect '{name}' {what}: out of memory; close other programs or mark a smaller area"
            ) from error
        except Exception as error:
            _log.exception("effect '%s' %s", name, what)
            text = " ".join(str(error).split())
            raise RenderFailedError(
                f"effect '{name}' {what}: {type(error).__name__}: {text}; the engine's log says where"
            ) from error

    # --- the effect's host --------------------------------------------------------------------------------------

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """See Host."""
        self._effect_tells_progress |= stage == "render"
        self._link.progress(stage, done, total, message)

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        """See Host."""
        self._warned.append((message, remedy))
        self._link.warn(message, self.checked.number, remedy)

    def windows(self, windows: Sequence[range]) -> None:
        """See Host."""
        self._link.windows(windows, self.checked.number)

    def preview(self, frame: int, image: RenderedImage) -> None:
        """See Host. Frames that are not marked have no preview."""
        self._link.check_cancelled()
        if self.matte.bounds(frame) is not None:
            path = self.cache.save_preview(frame, self._composited(frame, image))
            self._link.preview(frame, path, self.checked.number)


def pass_matte(checked: CheckedPass, frames: range, size: Size) -> RenderMatte:
    """Where the pass removes on ``frames``, after growing."""

    def grow_px(frame: int) -> int:
        return round(checked.animation.number("grow_px", frame))

    return RenderMatte(frames, size, checked.boxes, checked.matte, grow_px, checked.known_frames, checked.roto)

"""A RenderRequest from start to end: decode, effect, composite, cache, deliver, verify, report.

Everything streams: memory holds the decoded frames that an effect looks at (within a budget) and one finished frame,
however long the shot is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import cv2

from engine.errors import BadRequestError, OutputError
from engine.paths import frames_limit_bytes
from engine.protocol import RenderReport, RenderRequest
from engine.render.clips import MediaPlate, PatchedPlate, Plate
from engine.render.delivery import deliver, outside_difference
from engine.render.frame_cache import FrameCache, evict, pass_key, write_atomically
from engine.render.job_link import JobLink
from engine.render.maps import MapSequences
from engine.render.pass_render import PassRender
from engine.render.receipt import Receipt
from engine.render.validation import CheckedRender, checked
from timeline.errors import MediaError, MediaNotFoundError, MediaWriteError
from timeline.media.display import frame_to_display8
from timeline.media.frame import Frame
from timeline.media.patch import FramePatch


def render_shot(request: RenderRequest, link: JobLink, folder: Path) -> RenderReport:
    """Renders the request; raises EngineError, whose kind says whether the request or the engine was at fault.

    ``folder`` holds the frame cache and the receipts of earlier attempts at the same job.
    """
    link.progress("load", 0, 1, "opening the media")
    receipt = Receipt(folder / "receipts", link.job_id)
    try:
        with receipt.exclusive(), checked(receipt.apply(request)) as render:
            return _ShotRender(render, link, folder / "frames", receipt).run()
    except MediaWriteError as error:
        raise OutputError(str(error)) from error
    except MediaError as error:  # a source that breaks off in the middle, say
        raise BadRequestError(str(error)) from error


WARN_SYNTHESISED_SHARE = 0.05
"""More than this share of pixels that no frame shows is visible at a glance."""


class _ShotRender:
    def __init__(self, render: CheckedRender, link: JobLink, cache_folder: Path, receipt: Receipt) -> None:
        self._render, self._link, self._receipt = render, link, receipt
        self._request = render.request
        self._source = MediaPlate(render.source)
        self._passes = self._prepared(cache_folder)
        evict(cache_folder, {p.cache.key for p in self._passes}, frames_limit_bytes())

    def run(self) -> RenderReport:
        """Renders the passes in order, then delivers, verifies and reports."""
        self._warn_if_unmarked()
        for render_pass in self._passes:
            render_pass.run(self._write_preview)
            self._warn_if_mostly_invented(render_pass)
        last = self._passes[-1]
        difference = self._deliver(PatchedPlate(self._source, last.newest_patch, budget_bytes=0))
        self._write_maps(last)
        for render_pass in self._passes:
            render_pass.cache.drop_previews()
        report = self._report(difference)
        self._write_report(report)
        return report

    def _prepared(self, cache_folder: Path) -> list[PassRender]:
        """The passes, each on the result of the one before it."""
        passes: list[PassRender] = []
        plate: Plate = self._source
        key: str | None = None
        for item in self._render.passes:
            key = pass_key(self._request.source, self._request.frames, item.request, item.effect.describe(), key)
            below = passes[-1] if passes else None
            plate = PatchedPlate(plate, below.newest_patch) if below else plate
            cache = FrameCache(key, cache_folder)
            passes.append(PassRender(item, plate, self._render.frames, cache, below, self._link))
        return passes

    def _warn_if_unmarked(self) -> None:
        if not any(p.marked for p in self._passes):
            self._link.warn(
                f"nothing is marked on frames {self._render.frames.start}-{self._render.frames.stop - 1} of "
                f"{self._request.source.path}; they pass through unchanged"
            )

    def _warn_if_mostly_invented(self, render_pass: PassRender) -> None:
        """An effect that is there to recover, and could not: say so, and what helps."""
        report = render_pass.report()
        share = (report.share_synthesised or 0.0) - (report.share_generated or 0.0)
        if share > WARN_SYNTHESISED_SHARE and not render_pass.checked.effect.describe().needs_model:
            self._link.warn(
                f"{share:.0%} of the marked pixels are hidden in every frame within reach that could be aligned, so "
                f"they were filled from around them; {self._more_to_recover(render_pass.checked.known_frames)}",
                render_pass.checked.number,
            )

    def _more_to_recover(self, known_frames: range) -> str:
        """What leaves less to invent; a tighter matte doesn't where there is no other frame to take it from."""
        if self._render.source.info.frame_count == 1:
            return "with a single frame there is none to recover them from: paint them by hand, or let a model do it"
        if len(known_frames) == 1:
            return "no other frame may lend, since only this one is marked: say where the object is on those around it"
        return (
            "a tighter box, or a matte that follows the object, leaves more background to recover, and what no frame "
            "shows can be painted by hand or by a model"
        )

    def _deliver(self, result: Plate) -> dict[str, float] | None:
        output, delivery = self._request.output, self._render.delivery
        if output is None or delivery is None:
            return None
        frames, info = self._render.frames, self._render.source.info
        self._link.progress("deliver", 0, len(frames))
        deliver(output, info, result, frames, lambda n: self._link.progress("deliver", n, len(frames)))
        self._receipt.write(output.path)
        if not delivery.is_lossless(info):
            return None
        self._link.progress("verify", 0, len(frames))
        mattes = [p.matte for p in self._passes]
        try:
            return outside_difference(
                output, info, self._source, mattes, frames, lambda n: self._link.progress("verify", n, len(frames))
            )
        except MediaNotFoundError as error:  # older files of the same pattern, with a gap before ours
            self._link.warn(f"what was written is not verified: {error}")
            return None

    def _write_maps(self, last: PassRender) -> None:
        if self._request.maps_folder is None:
            return
        frames, info = self._render.frames, self._render.source.info
        sequences = MapSequences(Path(self._request.maps_folder), info.size, info.first_file_number or 0)
        self._link.progress("deliver", 0, len(frames), "writing the maps")
        for done, frame in enumerate(frames, start=1):
            sequences.write(frame, last.newest_maps(frame))
            self._link.progress("deliver", done, len(frames), "writing the maps")

    def _report(self, difference: dict[str, float] | None) -> RenderReport:
        request = self._request
        cleaned = {frame for p in self._passes for frame in p.marked if p.cache.has(frame)}
        return RenderReport(
            source=request.source.path,
            output=request.output.path if request.output else None,
            frames_in=self._render.source.info.frame_count,
            frames_out=len(request.frames) if request.output else 0,
            frames_cleaned=len(cleaned),
            passes=tuple(p.report() for p in self._passes),
            seconds=self._link.close_stage(),
            outside_max_difference=difference,
            warnings=tuple(self._link.warnings),
        )

    def _write_report(self, report: RenderReport) -> None:
        if self._request.report_path is None:
            return
        try:
            write_atomically(Path(self._request.report_path), report.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise OutputError(
                f"the report {self._request.report_path} cannot be written: {error.strerror}; the clip itself is done"
            ) from error

    def _write_preview(self, frame: int, patch_path: Path) -> None:
        if self._request.preview_folder is not None:
            done = FramePatch.load(patch_path).apply(self._source.native(frame))
            write_png(Path(self._request.preview_folder) / f"frame_{frame:06d}.png", done)


def encode_png(frame: Frame) -> bytes:
    """The frame as a person sees it, as an 8-bit PNG."""
    shown = cv2.cvtColor(frame_to_display8(frame), cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".png", shown, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not ok:
        raise OutputError(f"a {frame.size} frame cannot be encoded as PNG; please report this")
    return data.tobytes()


def write_png(path: Path, frame: Frame) -> None:
    """Writes the frame as PNG, atomically. Raises OutputError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(encode_png(frame))
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(
            f"the preview {path} cannot be written: {error.strerror}; choose another preview folder"
        ) from error

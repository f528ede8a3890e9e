"""Movies through FFmpeg: FFV1, ProRes 4444 and H.264."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import uuid4

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from timeline.errors import MediaWriteError
from timeline.media.av_errors import AV_ERRORS, explain_write
from timeline.media.av_frames import to_av
from timeline.media.color_tags import write_tags
from timeline.media.delivery import Delivery
from timeline.media.frame import Frame
from timeline.media.info import MediaInfo
from timeline.media.media_writer import MediaWriter, check_folder, check_free


@dataclass(frozen=True)
class _Codec:
    encoder: str
    container: str
    options: dict[str, str]
    container_options: dict[str, str] = field(default_factory=dict)
    gop_frames: int | None = None


_CODECS = {
    # Every FFV1 frame a keyframe: exact seeks, and damage stays in one frame. Slices let all cores work.
    "ffv1": _Codec("ffv1", "matroska", {"level": "3", "slicecrc": "1"}, gop_frames=1),
    # apl0 is the vendor that editing programs take for their own files.
    "prores": _Codec("prores_ks", "mov", {"profile": "4444", "vendor": "apl0"}),
    "h264": _Codec("libx264", "mp4", {"crf": "14", "preset": "medium"}, {"movflags": "+faststart"}),
}

_ONE_SLICE_PX = (352, 288)
"""Up to this size FFmpeg takes one slice for FFV1; very small frames cannot be cut."""


class MovieWriter(MediaWriter):
    """One movie file at the constant rate of ``info``, with its timecode, pixel aspect and colour tags; no sound.

    PyAV has no way to state the pixel aspect of a Matroska file: there it is lost.
    H.264 of odd width or height is 4:4:4, because 4:2:0 cannot hold it and the size is never changed; alpha is left
    out of it.
    """

    def __init__(self, delivery: Delivery, info: MediaInfo, overwrite: bool) -> None:
        super().__init__(delivery, info)
        self._target = Path(delivery.path)
        check_folder(self._target)
        check_free(self._target, overwrite)
        self._overwrite = overwrite
        self._temporary = temporary_beside(self._target)
        self._container: OutputContainer | None = None
        try:
            self._container, self._stream = self._open()
        except AV_ERRORS as error:
            self.abort()
            raise self._failed(error) from error

    def _open(self) -> tuple[OutputContainer, VideoStream]:
        codec = _CODECS[self.delivery.kind]
        container = av.open(
            str(self._temporary), "w", format=codec.container, container_options=codec.container_options
        )
        self._container = container
        if self.info.timecode:
            container.metadata["timecode"] = self.info.timecode
        stream = cast(VideoStream, container.add_stream(codec.encoder, self.info.rate, self._options(codec)))
        stream.width, stream.height = self.info.size.width_px, self.info.size.height_px
        stream.pix_fmt = self.delivery.encoder_format(self.format)
        stream.time_base = 1 / self.info.rate
        context = stream.codec_context
        context.sample_aspect_ratio = self.info.pixel_aspect
        if codec.gop_frames is not None:
            context.gop_size = codec.gop_frames
        write_tags(context, self.color, self.format.family == "rgb")
        return container, stream

    def _options(self, codec: _Codec) -> dict[str, str]:
        """The encoder's options; FFV1 of 4:1:1 and 4:1:0 is version 1, which has no slices.

        Slices of version 3 are cut without regard to a chroma grid of 4 pixels, and in some widths (77, say) none holds
        the last chroma column: the file would not be lossless. FFmpeg sees to it for 4:2:0 and 4:2:2 only.
        """
        if codec.encoder != "ffv1":
            return dict(codec.options)
        if self.format.chroma_shift_x > 1:
            return {"level": "1"}
        width_px, height_px = self.info.size.width_px, self.info.size.height_px
        is_small = width_px <= _ONE_SLICE_PX[0] and height_px <= _ONE_SLICE_PX[1]
        return codec.options | ({"slices": "1"} if is_small else {})

    def _write(self, frame: Frame) -> None:
        picture = to_av(frame, self.delivery.encoder_format(self.format))
        picture.pts, picture.time_base = self.frames_written, 1 / self.info.rate
        try:
            self._mux(picture)
        except AV_ERRORS as error:
            raise self._failed(error) from error

    def _finish(self) -> None:
        try:
            self._mux(None)
            self._close_container()
            check_free(self._target, self._overwrite)
            self._temporary.replace(self._target)
        except AV_ERRORS as error:
            raise self._failed(error) from error

    def _discard(self) -> None:
        try:
            self._close_container()
        except AV_ERRORS:
            pass  # the file goes anyway
        finally:
            self._temporary.unlink(missing_ok=True)

    def _mux(self, picture: av.VideoFrame | None) -> None:
        assert self._container is not None
        self._container.mux(self._stream.encode(picture))

    def _close_container(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _failed(self, error: BaseException) -> MediaWriteError:
        return MediaWriteError(f"cannot write {self._target}: {explain_write(error)}")


def temporary_beside(target: Path) -> Path:
    """A hidden name in the same folder, so that renaming it is atomic."""
    return target.with_name(f".{target.stem}.{uuid4().hex[:8]}.part{target.suffix}")

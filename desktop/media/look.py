"""How the viewer shows a frame: exposure, gamma, channel, scale, difference. It changes no result. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from desktop.media.color_view import ColorView
    from timeline.media.frame import Frame

_DISPLAY_GAMMA = 2.4
"""Of a BT.1886 display: what footage that is no scene-linear light was made for."""
_LUMA = (0.2126, 0.7152, 0.0722)
"""BT.709, on R'G'B'."""

Image8 = NDArray[np.uint8]


class Channel(Enum):
    """What of each pixel is shown."""

    RGB = "RGB"
    RED = "Red"
    GREEN = "Green"
    BLUE = "Blue"
    ALPHA = "Alpha"
    LUMA = "Luma"


@dataclass(frozen=True)
class Look:
    """``exposure_stops`` is applied in light, then ``gamma`` to what is shown (1 = none, more = lighter).

    ``proxy_step`` n shows every n-th pixel in both directions. ``difference_gain`` above 0 asks for the picture of
    ``gain * |result - source|``.
    """

    exposure_stops: float = 0.0
    gamma: float = 1.0
    channel: Channel = Channel.RGB
    proxy_step: int = 1
    difference_gain: float = 0.0
    color: ColorView | None = None
    """Through OpenColorIO; None is the plain way: code values as they are, scene-linear light as sRGB."""

    @property
    def is_graded(self) -> bool:
        """Whether values differ from those of the plain display transform."""
        return self.exposure_stops != 0.0 or self.gamma != 1.0


def looked8(frame: Frame, look: Look) -> Image8:
    """The frame as 8-bit R'G'B' (h, w, 3) for viewing; smaller by ``proxy_step``."""
    from timeline.media.display import frame_to_display8  # loads FFmpeg; only where frames are decoded

    frame = stepped(frame, look.proxy_step)
    if look.channel is Channel.ALPHA:
        return _gray8(_graded(_alpha(frame), look))
    if look.color is not None:
        from desktop.media.color_view import viewed8

        viewed = viewed8(frame, look.color, look.exposure_stops, look.gamma)
        if viewed is not None:
            return _channel8(viewed, look.channel)
    if not look.is_graded:
        return _channel8(frame_to_display8(frame), look.channel)
    if frame.format.bit_depth <= 8:
        levels = np.arange(256, dtype=np.float32) / np.float32(255)
        table = _to8(_graded(levels, look))
        return _channel8(np.take(table, frame_to_display8(frame)), look.channel)
    return _channel8(_graded_frame8(frame, look), look.channel)


def difference8(source: Frame, result: Frame, look: Look) -> Image8:
    """``difference_gain * |result - source|`` of R'G'B' (scene-linear: of light) as 8-bit (h, w, 3)."""
    from timeline.media.color import frame_to_rgb

    one, other = (frame_to_rgb(stepped(frame, look.proxy_step)) for frame in (source, result))
    amplified = np.abs(other - one) * np.float32(look.difference_gain)
    return _channel8(_to8(amplified), look.channel)


def stepped(frame: Frame, step: int) -> Frame:
    """Every ``step``-th sample of every plane, tagged with the colour that the whole frame has."""
    if step == 1:
        return frame
    from timeline.media.color import resolved_color

    color = resolved_color(frame.color, frame.format, frame.size)
    return replace(frame, planes=tuple(np.ascontiguousarray(p[::step, ::step]) for p in frame.planes), color=color)


def _graded_frame8(frame: Frame, look: Look) -> Image8:
    from timeline.media.color import frame_to_rgb, linear_to_srgb, resolved_color

    is_linear = resolved_color(frame.color, frame.format, frame.size).is_scene_linear
    rgb = frame_to_rgb(frame)
    if not is_linear:
        return _to8(_graded(rgb, look))
    exposed = np.clip(rgb * np.float32(2.0**look.exposure_stops), 0.0, 1.0)
    return _to8(linear_to_srgb(exposed) ** np.float32(1 / look.gamma))


def _graded(shown: NDArray[np.float32], look: Look) -> NDArray[np.float32]:
    # v ** 2.4 * 2 ** stops, and back by the power 1 / 2.4.
    factor = 2.0 ** (look.exposure_stops / _DISPLAY_GAMMA)
    graded: NDArray[np.float32] = np.clip(shown * np.float32(factor), 0.0, 1.0) ** np.float32(1 / look.gamma)
    return graded


def _alpha(frame: Frame) -> NDArray[np.float32]:
    if not frame.format.has_alpha:
        return np.ones(frame.planes[0].shape, np.float32)
    return frame.planes[-1].astype(np.float32) / np.float32(frame.format.max_code)


def _channel8(rgb: Image8, channel: Channel) -> Image8:
    if channel is Channel.LUMA:
        luma: NDArray[np.float32] = (rgb @ np.array(_LUMA, np.float32)).astype(np.float32)
        return _gray8(luma / np.float32(255))
    index = {Channel.RED: 0, Channel.GREEN: 1, Channel.BLUE: 2}.get(channel)
    return rgb if index is None else np.repeat(rgb[..., index : index + 1], 3, axis=2)


def _gray8(values: NDArray[np.float32]) -> Image8:
    return np.repeat(_to8(values)[..., None], 3, axis=2)


def _to8(values: NDArray[np.float32]) -> Image8:
    return (np.clip(values, 0.0, 1.0) * np.float32(255) + np.float32(0.5)).astype(np.uint8)

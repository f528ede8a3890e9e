"""The ``clean-plate`` effect: what the object hides is taken from the frames before and after that show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from engine.errors import RenderFailedError
from engine.ofx.effect import SYNTHESISED, ImageEffect, RenderedImage
from engine.ofx.parameters import COMPOSITE_PARAMETERS
from engine.plate.clip_source import ClipSource
from engine.plate.coding import decode_scene_linear, encode_scene_linear
from engine.plate.model import PaintedPlate, PlateSettings, RecoveredFrame
from engine.plate.outlines import BLOCK_FRAMES
from engine.plate.overhang import Leak, Overhang, leaks
from engine.plate.recover import MAX_BATCH_FRAMES, recover
from engine.protocol import ClipDescriptor, EffectDescriptor, ParameterDescriptor, Remedy
from timeline.media.color import frame_to_rgb
from timeline.media.reader import open_media

_DEFAULTS = PlateSettings()

PARAMETERS = (
    ParameterDescriptor(
        name="reach_frames",
        label="Reach",
        hint="How many frames before and after a frame are searched for its hidden pixels, one by one. Lower it when "
        "the background or the light changes.",
        kind="int",
        default=_DEFAULTS.reach_frames,
        minimum=1,
        maximum=1000,
        unit="frames",
        group="Plate",
    ),
    ParameterDescriptor(
        name="follow_flow",
        label="Follow local motion",
        hint="Follows parallax and whatever moves next to the object; off, everything moves with the camera alone, "
        "which is steadier on flat or noisy backgrounds.",
        kind="bool",
        default=_DEFAULTS.follow_flow,
        group="Plate",
    ),
    ParameterDescriptor(
        name="keep_agreeing",
        label="Keep what is clean",
        hint="Keeps the plate's own pixels inside the box wherever they show the same background as the frames around. "
        "Switch it off if a faint trace of the object stays.",
        kind="bool",
        default=_DEFAULTS.keep_agreeing,
        group="Plate",
    ),
    ParameterDescriptor(
        name="search_far",
        label="Search the whole shot",
        hint="What no frame within reach shows, behind an object that stands still for long, is taken from frames "
        "further away, up to the next cut, where their surroundings fit. Off, it is invented.",
        kind="bool",
        default=_DEFAULTS.search_far,
        group="Plate",
    ),
    ParameterDescriptor(
        name="second_pass",
        label="Second pass",
        hint="Finds the object's outline first and then takes the background from right beside it too: nearer to the "
        "shot's own grain and compression, most of all with a locked camera. Takes up to twice as long.",
        kind="bool",
        default=_DEFAULTS.second_pass,
        group="Plate",
    ),
    ParameterDescriptor(
        name="painted_plate",
        label="Painted plate",
        hint="A picture of one whole frame without the object, painted by hand and saved like the shot: what no frame "
        "shows is taken from it and follows the background. Without one it is invented.",
        kind="path",
        default="",
        group="Plate",
        advanced=True,
    ),
    ParameterDescriptor(
        name="painted_frame",
        label="Painted frame",
        hint="The number of the frame that the painted plate shows.",
        kind="int",
        default=0,
        minimum=0,
        group="Plate",
        advanced=True,
    ),
    ParameterDescriptor(
        name="guard_px",
        label="Guard band",
        hint="A band around the matte that lends no pixels, for soft edges, motion blur and shadows that reach "
        "beyond it. The band itself stays as it is.",
        kind="int",
        default=_DEFAULTS.guard_px,
        minimum=3,
        maximum=64,
        unit="px",
        group="Plate",
        advanced=True,
    ),
    ParameterDescriptor(
        name="blend_px",
        label="Blend between frames",
        hint="How softly neighbouring pixels from different frames run into each other.",
        kind="double",
        default=_DEFAULTS.blend_px,
        minimum=0.0,
        maximum=64.0,
        unit="px",
        group="Plate",
        advanced=True,
    ),
)


PLATE_COMPOSITE_PARAMETERS = tuple(
    p.model_copy(update={"default": 0.0}) if p.name == "feather_px" else p for p in COMPOSITE_PARAMETERS
)
"""Without a feather: the plate meets the light at the edge by itself, and what is clean is kept softly; a feather would
bring back the rim of an object that fills its box."""

MAX_GROW_PX = 256
"""The range of the parameter that the remedy sets."""


class CleanPlate(ImageEffect):
    """Real pixels from other frames; only what no frame shows is invented, from the texture around. Needs no model."""

    identifier: ClassVar[str] = "clean-plate"

    _recovered: Iterator[RecoveredFrame] | None = None
    _stop: int = 0
    _overhang: dict[int, Overhang]

    @classmethod
    def describe(cls) -> EffectDescriptor:
        """The descriptor."""
        return EffectDescriptor(
            identifier=cls.identifier,
            label="Clean plate",
            hint="Recovers the true background from the frames that show it; needs no model.",
            version="6",
            clips=(ClipDescriptor(name="Source"), ClipDescriptor(name="Matte"), ClipDescriptor(name="Output")),
            parameters=(*PARAMETERS, *PLATE_COMPOSITE_PARAMETERS),
        )

    def get_frames_needed(self, frame: int) -> range:
        """Twice the reach on both sides, for what must be invented, and a batch ahead: frames come in batches.

        A second pass looks at frames that the first pass has looked around from. All of them where those far away are
        searched.
        """
        if self.parameters.flag("search_far"):
            return self._available
        reach, available = 2 * self.parameters.integer("reach_frames") + 1, self._available
        if self.parameters.flag("second_pass"):
            reach += self.parameters.integer("reach_frames") + BLOCK_FRAMES + 1
        return range(max(frame - reach, available.start), min(frame + MAX_BATCH_FRAMES + reach, available.stop - 1) + 1)

    def begin_sequence_render(self, frames: range) -> None:
        """Nothing is computed yet: frames are recovered, batch by batch, as they are asked for."""
        self._stop = frames.stop
        self._recovered = None
        self._overhang = {}

    def render(self, frame: int) -> RenderedImage:
        """The recovered pixels of ``frame``, inside the bounds of its matte."""
        found = next((item for item in self._recovered or () if item.frame >= frame), None)
        if found is None or found.frame != frame:
            # The first frame, or one out of turn: start again from here.
            self._recovered = self._recover_from(frame)
            found = next(self._recovered)
        if found.box is None:
            raise RenderFailedError(f"clean-plate: nothing is marked on frame {frame}; render marked frames only")
        rgb = decode_scene_linear(found.rgb) if self.clips.source.is_scene_linear else found.rgb
        self._overhang[frame] = found.overhang_px
        never_visible = found.provenance == SYNTHESISED
        return RenderedImage(found.box, rgb, found.provenance, found.confidence, never_visible)

    def end_sequence_render(self) -> None:
        """Frees everything measured; says where a shadow or an edge of the object stays outside the matte."""
        self._recovered = None
        found = leaks(self._overhang.items())
        for leak in found:
            # One remedy is taken, not one after the other: it must do for all sides.
            self._warn_of(leak, max(each.reach_px for each in found))

    def _warn_of(self, leak: Leak, reach_px: int) -> None:
        grown_px = min(self.parameters.integer("grow_px") + reach_px, MAX_GROW_PX)
        self.host.warn(
            f"a shadow or an edge of the object stays outside the matte: about {leak.reach_px} px at the {leak.side}, "
            f"on {leak.frames} frames, most on frame {leak.worst_frame}; make the box that much larger on that side",
            Remedy(label=f"Grow the matte by {reach_px} px", parameters={"grow_px": grown_px}),
        )

    @property
    def _available(self) -> range:
        # Elsewhere nobody has said where the object is: such frames may show it.
        source, matte = self.clips.source.frames, self.clips.matte.known_frames
        return range(max(source.start, matte.start), min(source.stop, matte.stop))

    def _recover_from(self, frame: int) -> Iterator[RecoveredFrame]:
        marked = [n for n in range(frame, max(self._stop, frame + 1)) if self.clips.matte.bounds(n) is not None]
        core = marked or [frame]
        return recover(
            ClipSource(self.clips.source, self.clips.matte),
            core,
            self._available,
            self._settings(),
            lambda share: self.host.progress("render", share * len(core), len(core)),
            self._painted(),
        )

    def _painted(self) -> PaintedPlate | None:
        path, size = self.parameters.text("painted_plate"), self.clips.source.size
        if not path:
            return None
        with open_media(path) as reader:
            rgb = frame_to_rgb(reader.read(0))
        if rgb.shape[:2] != (size.height_px, size.width_px):
            raise RenderFailedError(
                f"the painted plate {path} is {rgb.shape[1]}x{rgb.shape[0]}, the shot {size}; "
                "save it at the shot's size"
            )
        coded = encode_scene_linear(rgb) if self.clips.source.is_scene_linear else rgb
        return PaintedPlate(self.parameters.integer("painted_frame"), coded)

    def _settings(self) -> PlateSettings:
        return PlateSettings(
            reach_frames=self.parameters.integer("reach_frames"),
            guard_px=self.parameters.integer("guard_px"),
            blend_px=self.parameters.double("blend_px"),
            follow_flow=self.parameters.flag("follow_flow"),
            keep_agreeing=self.parameters.flag("keep_agreeing"),
            search_far=self.parameters.flag("search_far"),
            second_pass=self.parameters.flag("second_pass"),
        )

"""The crop of a shot as the model sees it, frame by frame."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.ofx.clips import MatteClip, SourceClip
from engine.ofx.effect import Clips
from engine.plate.clip_source import ClipSource
from engine.plate.coding import decode_scene_linear
from engine.plate.model import PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from engine.vace.sampling.conditioning import ConditionedFrame, MaskSettings, Picture, condition
from engine.vace.shot.transfer import to_model
from roi_tools.crop_path import CropPath
from roi_tools.geometry import Box

_PLATES_KEPT = 4
"""The end of a clip is mirrored to fill its last latent, which asks for up to 3 frames again."""


class CroppedFootage:
    """Frames of the shot, cropped to the working size and conditioned. ``marked``: the frames with something marked."""

    def __init__(
        self,
        clips: Clips,
        crop: CropPath,
        marked: Collection[int],
        available: range,
        settings: MaskSettings,
        recovering: Callable[[float], None],
    ) -> None:
        """Plates are recovered from ``available`` frames.

        ``recovering(share)`` is called often while they are, and cancels it by raising.
        """
        self.clips, self.crop, self.settings = clips, crop, settings
        self._marked = marked
        self._plates = _Plates(clips, sorted(marked), available, recovering) if settings.fill == "plate" else None

    def frame(self, frame: int) -> ConditionedFrame:
        """The frame as the model is given it; one without a mark is known all over."""
        source = self.clips.source
        inside, _ = self.crop.local(frame)
        image = source.image(frame, inside)
        # Coded before it is scaled down: averaging scene-linear highlights would make the small picture too bright.
        picture = self._cropped(image, frame)
        if frame not in self._marked:
            return ConditionedFrame(picture, np.zeros(picture.shape[:2], bool))
        plate = self._cropped(self._plates.image(frame, inside), frame) if self._plates else None
        return condition(picture, self.matte(frame), self.settings, plate)

    def matte(self, frame: int) -> NDArray[np.float32]:
        """The cropped matte, (H, W) coverage."""
        inside, crop = self.crop.local(frame)
        return crop.coverage(self.clips.matte.image(frame, inside), frame)

    def _cropped(self, image: NDArray[np.float32], frame: int) -> Picture:
        return self.crop.local(frame)[1].crop(to_model(image, self.clips.source.is_scene_linear), frame)


class _Plates:
    """What clean-plate recovers of the marked frames; cheapest in rising order."""

    def __init__(self, clips: Clips, marked: list[int], available: range, progress: Callable[[float], None]) -> None:
        self._source: SourceClip = clips.source
        self._matte: MatteClip = clips.matte
        self._available = available
        self._marked, self._progress = marked, progress
        self._recovered: Iterator[RecoveredFrame] = iter(())
        self._newest: OrderedDict[int, RecoveredFrame] = OrderedDict()

    def image(self, frame: int, window: Box) -> NDArray[np.float32]:
        """The window of the frame with its hidden part recovered, in the source's own coding."""
        image, found = self._source.image(frame).copy(), self._found(frame)
        if found.box is not None:
            image[found.box.slices] = decode_scene_linear(found.rgb) if self._source.is_scene_linear else found.rgb
        return image[window.slices]

    def _found(self, frame: int) -> RecoveredFrame:
        if frame not in self._newest:
            found = next((item for item in self._recovered if item.frame >= frame), None)
            if found is None or found.frame != frame:
                # The first frame, or one out of turn: start again from here.
                self._recovered = self._recover_from(frame)
                found = next(self._recovered)
            self._newest[frame] = found
            while len(self._newest) > _PLATES_KEPT:
                self._newest.popitem(last=False)
        return self._newest[frame]

    def _recover_from(self, frame: int) -> Iterator[RecoveredFrame]:
        core = [marked for marked in self._marked if marked >= frame]
        return recover(ClipSource(self._source, self._matte), core, self._available, PlateSettings(), self._progress)

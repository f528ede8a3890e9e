"""SAM 2 over a shot: one object, from prompts on some frames, followed frame by frame in both directions.

The model looks at the prompted frames and a few frames behind the current one; what lies further back is dropped, so
memory does not grow with a shot. N. Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.protocol import SegmentPrompt
from engine.vace.files.safetensors_check import read_header
from roi_tools.geometry import Size

# What the image encoder was trained with: R'G'B' 0 to 1, of the ImageNet photographs.
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_OBJECT = 1
_POINTS_MATRIX = "prompt_encoder.shared_embedding.positional_embedding"
"""Says where a click is; the same numbers as those that say where a pixel is."""
_BOX_LABELS = (2, 3)
"""How the prompt encoder calls a box's corners; clicks beside and on the object are 0 and 1."""

Picture: TypeAlias = NDArray[np.uint8]
"""R'G'B' (H, W, 3)."""


@dataclass(frozen=True)
class ObjectMask:
    """Where the object is on a frame: ``matte`` (H, W) float32, 0 to 1, at least 0.5 inside; all 0 where it is not
    there. ``confidence`` that it is there, 0 to 1."""

    frame: int
    matte: NDArray[np.float32]
    confidence: float


class SegmentModel:
    """A loaded model. Raises WeightsError where the folder cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import Sam2VideoModel

        for file in sorted(folder.glob("*.safetensors")):
            read_header(file)
        self.folder = folder
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model, loaded = Sam2VideoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"the model in {folder} cannot be loaded ({reason}); download it again") from error
        _complete(model, set(loaded["missing_keys"]), folder)
        self._model = model.eval().to(self.device, torch.float32)

    @property
    def input_side_px(self) -> int:
        """The model sees every frame as a square of this side."""
        side: int | tuple[int, int] | list[int] = self._model.config.image_size
        return side if isinstance(side, int) else int(side[0])

    @property
    def memory_frames(self) -> int:
        """How many frames back the model looks."""
        config = self._model.config
        return max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder))

    def follow(
        self, prompts: tuple[SegmentPrompt, ...], frames: range, size: Size, picture: Callable[[int], Picture]
    ) -> Iterator[ObjectMask]:
        """The object on every frame: on the prompted ones first, then from the first of these to the end, then back.

        ``picture(frame)`` gives any frame of ``frames``, squeezed into a square of ``input_side_px``.
        """
        session = _Session(self._model, self.device, self.input_side_px, size, frames, picture)
        ordered = sorted(prompts, key=lambda prompt: prompt.frame)
        for prompt in ordered:
            yield session.prompted(prompt)
        start, prompted = ordered[0].frame, {prompt.frame for prompt in ordered}
        for path, backwards in ((range(start + 1, frames.stop), False), (range(start - 1, frames.start - 1, -1), True)):
            for frame in (frame for frame in path if frame not in prompted):
                yield session.followed(frame, backwards=backwards)
                session.forget(frame, self.memory_frames)


def _complete(model: Any, missing: set[str], folder: Path) -> None:
    """Fills in what is in the files once and used twice; what else is ``missing`` would be left random.

    transformers 4 tied the two and saved one, as in Meta's own files; transformers 5 looks for both.
    """
    if _POINTS_MATRIX in missing:
        model.prompt_encoder.shared_embedding.positional_embedding.copy_(
            model.shared_image_embedding.positional_embedding
        )
    lacking = sorted(missing - {_POINTS_MATRIX})
    if lacking:
        raise WeightsError(
            f"the model in {folder} lacks {len(lacking)} of its tensors, '{lacking[0]}' among them; download it again"
        )


class _Session:
    """What the model remembers of one shot. Its frames count from the range's start."""

    def __init__(
        self, model: Any, device: str, side_px: int, size: Size, frames: range, picture: Callable[[int], Picture]
    ) -> None:
        import torch
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        self._model, self._side_px, self._size, self._first = model, side_px, size, frames.start
        self._picture = picture
        self._state = Sam2VideoInferenceSession(
            video_height=size.height_px,
            video_width=size.width_px,
            inference_device=device,
            inference_state_device=device,
            video_storage_device=device,
            dtype=torch.float32,
        )
        self._state.obj_id_to_idx(_OBJECT)

    def prompted(self, prompt: SegmentPrompt) -> ObjectMask:
        import torch

        scale = np.array([self._side_px / self._size.width_px, self._side_px / self._size.height_px])
        corners = np.reshape(prompt.box if prompt.box else (), (-1, 2))
        points = np.concatenate([corners, np.reshape((*prompt.negative, *prompt.positive), (-1, 2))]) * scale
        labels = [*_BOX_LABELS[: len(corners)], *[0] * len(prompt.negative), *[1] * len(prompt.positive)]
        inputs = {
            "point_coords": torch.tensor(points, dtype=torch.float32).reshape(1, 1, -1, 2),
            "point_labels": torch.tensor(labels, dtype=torch.int32).reshape(1, 1, -1),
        }
        self._state.add_point_inputs(0, prompt.frame - self._first, inputs)
        self._state.obj_with_new_inputs = [_OBJECT]
        return self.followed(prompt.frame, backwards=False)

    def followed(self, frame: int, *, backwards: bool) -> ObjectMask:
        import torch

        index = frame - self._first
        with torch.inference_mode():
            found = self._model(self._state, frame_idx=index, frame=self._pixels(frame), reverse=backwards)
            logits = found.pred_masks.float().reshape(found.pred_masks.shape[-2:]).cpu().numpy()
            confidence = float(torch.sigmoid(found.object_score_logits.float()).reshape(-1)[0])
        self._state.processed_frames.pop(index, None)
        for kept in (self._outputs("cond"), self._outputs("non_cond")):
            kept.get(index, {}).pop("high_res_masks", None)  # megabytes that only the memory encoder needed
        # A logistic curve on the enlarged logits: 0.5 lies where the mask's edge is, between pixels too.
        enlarged = cv2.resize(logits, (self._size.width_px, self._size.height_px), interpolation=cv2.INTER_LINEAR)
        return ObjectMask(frame, 1 / (1 + np.exp(-np.clip(enlarged, -30, 30))), confidence)

    def forget(self, frame: int, reach: int) -> None:
        """Drops what no frame that comes after ``frame`` looks at."""
        kept = self._outputs("non_cond")
        for index in [index for index in kept if abs(frame - self._first - index) > reach]:
            del kept[index]

    def _outputs(self, kind: str) -> dict[int, dict[str, Any]]:
        outputs: dict[int, dict[str, Any]] = self._state.output_dict_per_obj[0][f"{kind}_frame_outputs"]
        return outputs

    def _pixels(self, frame: int) -> Any:
        """The frame as the encoder wants it: (1, 3, side, side)."""
        import torch

        normal = (self._picture(frame).astype(np.float32) / 255 - _MEAN) / _DEVIATION
        return torch.from_numpy(np.ascontiguousarray(normal.transpose(2, 0, 1)))[np.newaxis]

"""What the model is asked to do in training, and what it should answer: most often, continue what surrounds a gray box.

The inputs are made by the engine's own conditioning, so that training and rendering cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vace.sampling.conditioning import ConditionedFrame, MaskSettings, condition
from engine.vace.training.scenes import Shot

Task: TypeAlias = Literal["box", "silhouette", "object_left", "no_mask", "full_mask", "control"]

TASK_SHARES: dict[Task, float] = {
    "box": 0.62,
    "silhouette": 0.10,
    "object_left": 0.06,
    "no_mask": 0.08,
    "full_mask": 0.04,
    "control": 0.10,
}
_MOST_DILATED_PX = 5
_SETTINGS: dict[Task, MaskSettings] = {
    "box": MaskSettings("box"),
    "silhouette": MaskSettings("shape"),
    "object_left": MaskSettings("box", fill="source"),
    "no_mask": MaskSettings("none"),
    "full_mask": MaskSettings("all"),
}


@dataclass(frozen=True)
class Example:
    """``video``: what the model sees, ``target``: what it should make, both float32 (frames, H, W, 3) in [-1, 1].

    ``mask``: (frames, H, W), True where it is to generate.
    """

    video: NDArray[np.float32]
    mask: NDArray[np.bool_]
    target: NDArray[np.float32]


def random_task(random: np.random.Generator) -> Task:
    """One of the tasks, by their shares."""
    names = list(TASK_SHARES)
    return names[int(random.choice(len(names), p=[TASK_SHARES[name] for name in names]))]


def make_example(task: Task, shot: Shot, random: np.random.Generator) -> Example:
    """Poses the task on a shot; ``random`` says how generously the mask is drawn."""
    clean, filmed = 2 * shot.clean - 1, 2 * shot.filmed - 1
    if task == "control":
        return Example(_control(filmed, random), np.ones(filmed.shape[:3], bool), filmed)
    settings = MaskSettings(_SETTINGS[task].mode, int(random.integers(_MOST_DILATED_PX + 1)), _SETTINGS[task].fill)
    frames = [conditioned(picture, matte, settings) for picture, matte in zip(filmed, shot.matte, strict=True)]
    video, mask = np.stack([frame.video for frame in frames]), np.stack([frame.mask for frame in frames])
    # Without a mask all that is seen is what should be there, and with the thing left in, so is the thing.
    target = {"no_mask": video, "object_left": filmed}.get(task, clean)
    return Example(video, mask, target)


def conditioned(picture: NDArray[np.float32], matte: NDArray[np.float32], settings: MaskSettings) -> ConditionedFrame:
    """A frame as the engine would give it to the model; one without anything marked is known all over."""
    if not matte.any():
        return ConditionedFrame(picture, np.zeros(matte.shape, bool))
    return condition(picture, matte, settings, None)


def _control(video: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """What VACE calls a control video: the light without the colors, a blurred shot, or outlines."""
    kind = random.integers(3)
    if kind == 0:
        return np.repeat(video.mean(axis=3, keepdims=True), 3, axis=3)
    pictures = []
    for picture in video:
        if kind == 1:
            pictures.append(cv2.GaussianBlur(picture, (0, 0), 3))
        else:
            light = np.rint((picture.mean(axis=2) + 1) * 127.5).astype(np.uint8)
            outline = cv2.Canny(light, 60, 120).astype(np.float32) / 127.5 - 1
            pictures.append(np.repeat(outline[..., np.newaxis], 3, axis=2))
    return np.stack(pictures).astype(np.float32)

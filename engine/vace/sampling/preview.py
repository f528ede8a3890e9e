"""What a half-denoised latent looks like, without the VAE, shown while the sampler goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vace.latent_geometry import SPATIAL_COMPRESSION

INTERVAL_S = 0.3
"""Least time between two pictures of a clip: a person sees a few a second, and each costs some work."""

_BLOCK = SPATIAL_COMPRESSION
_RIDGE = 1e-3
"""Keeps the fit calm where a shot shows one color only; small against latents, whose variance is about 1."""

Picture: TypeAlias = NDArray[np.float32]
Show: TypeAlias = Callable[[int, NDArray[np.float32]], None]
"""``show(frame, picture)``: picture float32 (H, W, 3) in [-1, 1]."""


class ColorFit:
    """A linear map from a latent's channels to a color, fitted by least squares on what the VAE made of the shot.

    Solves (X'X + ridge) B = X'Y for rows X = (latent, 1) and Y = the mean color of the 8x8 pixels; the sums are kept,
    not the pictures, so that a shot of any length fits.
    """

    def __init__(self) -> None:
        self._xx: NDArray[np.float64] = np.zeros((0, 0))
        self._xy: NDArray[np.float64] = np.zeros((0, 3))

    def add(self, latent: NDArray[np.float32], frames: NDArray[np.float32]) -> None:
        """A latent, (channels, h, w), and the frames that it encodes, (n, 8 h, 8 w, 3) in [-1, 1]."""
        channels, height, width = latent.shape
        x = np.concatenate([latent.reshape(channels, -1), np.ones((1, height * width))]).astype(np.float64)
        blocks = frames.reshape(len(frames), height, _BLOCK, width, _BLOCK, 3).mean(axis=(0, 2, 4), dtype=np.float64)
        if not self._xx.size:
            self._xx, self._xy = np.zeros((channels + 1, channels + 1)), np.zeros((channels + 1, 3))
        self._xx += x @ x.T
        self._xy += x @ blocks.reshape(-1, 3)

    def matrix(self) -> NDArray[np.float64]:
        """(channels + 1, 3): the last row is the color of a latent of zeros."""
        ridge = _RIDGE * self._xx[-1, -1] * np.eye(len(self._xx))
        ridge[-1, -1] = 0.0
        fitted: NDArray[np.float64] = np.linalg.solve(self._xx + ridge, self._xy)
        return fitted

    def picture(self, latent: NDArray[np.float32]) -> NDArray[np.float32]:
        """A latent, (channels, h, w), as a soft picture: float32 (8 h, 8 w, 3) in [-1, 1]."""
        matrix = self.matrix()
        small = np.tensordot(latent, matrix[:-1], axes=(0, 0)) + matrix[-1]
        height, width = latent.shape[1:]
        large = cv2.resize(small.astype(np.float32), (_BLOCK * width, _BLOCK * height), interpolation=cv2.INTER_LINEAR)
        return np.clip(large, -1.0, 1.0)


class PreviewSender:
    """Shows pictures of the newest estimate from a thread of its own: the sampler only leaves the latents there.

    Frames take turns, and a newer estimate replaces one that was not shown to its end, which then begins with the
    frame whose turn it is. A context manager; what ``show`` raises ends the previews and is raised when it closes
    (a cancel too, unless the sampler met it first).
    """

    def __init__(self, show: Show, interval_s: float = INTERVAL_S, now: Callable[[], float] = time.monotonic) -> None:
        self._show, self._interval_s, self._now = show, interval_s, now
        self._changed = Condition()
        self._estimate: tuple[NDArray[np.float32], ColorFit, Sequence[Sequence[int]]] | None = None
        self._turn = 0
        self._last_offer = -np.inf
        self._is_closed = self._is_working = False
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="vace-preview", daemon=True)

    def __enter__(self) -> PreviewSender:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def offer(self, estimate: Callable[[], Picture], colors: ColorFit, groups: Sequence[Sequence[int]]) -> None:
        """A newer estimate: (channels, latents, h, w), made only if its time has come, and each latent's frames."""
        if self._now() - self._last_offer < self._interval_s or self._error is not None:
            return
        self._last_offer = self._now()
        made = estimate()
        with self._changed:
            self._estimate = made, colors, groups
            self._changed.notify_all()

    def drain(self) -> None:
        """Waits until the newest estimate was shown."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or (self._estimate is None and not self._is_working))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._is_working = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._estimate is not None or self._is_closed)
                if self._is_closed or self._estimate is None:
                    return
                newest, self._estimate, self._is_working = self._estimate, None, True
            try:
                self._show_all(*newest)
            except Exception as error:
                with self._changed:
                    self._error, self._is_working = error, False
                    self._changed.notify_all()
                return

    def _show_all(self, latents: NDArray[np.float32], colors: ColorFit, groups: Sequence[Sequence[int]]) -> None:
        for _ in range(len(groups)):
            index = self._turn % len(groups)
            picture = colors.picture(latents[:, index])
            for frame in groups[index]:
                if self._is_closed:
                    return
                self._show(frame, picture)
            self._turn += 1
            if self._estimate is not None:
                return

"""Progress from inside the model, which is also where a render can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import torch

    from engine.vace.model import VaceModel

Progress: TypeAlias = Callable[[float, float], None]
"""``progress(steps done, steps)``; whatever it raises ends the sampling and leaves the model usable."""


class Meter:
    """Calls ``progress`` before each part of the model that takes a while, so that a cancel need not wait long.

    A forward of the 14B model takes a minute and more on a small GPU, its 48 blocks about a second each; the VAE
    comes by once per latent frame.
    """

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress, self._steps = progress, steps
        self._done = self._block_share = 0.0
        self._step = 0

    def begin_step(self, step: int, forwards: int, blocks: int) -> None:
        """Step number ``step`` begins; it takes so many forwards of so many blocks."""
        self._step, self._done = step, float(step)
        self._block_share = 1.0 / (forwards * blocks)

    def finish(self) -> None:
        """All steps are done; what is left is decoding."""
        self._done, self._step, self._block_share = float(self._steps), self._steps, 0.0

    @contextmanager
    def watching(self, model: VaceModel) -> Iterator[None]:
        """Reports while this is entered."""
        vae = model.pipeline.vae
        with (
            _called_before(model_blocks(model), self._block),
            _called_before((vae.encoder, vae.decoder), self._tell),
        ):
            yield

    def _block(self) -> None:
        self._tell()
        self._done = min(self._done + self._block_share, self._step + 1.0)

    def _tell(self) -> None:
        self._progress(min(self._done, self._steps), self._steps)


def experts(model: VaceModel) -> list[torch.nn.Module]:
    """The model's transformers: one, or Wan 2.2's two, for high noise and for low."""
    found = [model.pipeline.transformer, getattr(model.pipeline, "transformer_2", None)]
    return [expert for expert in found if expert is not None]


def model_blocks(model: VaceModel) -> list[torch.nn.Module]:
    """The blocks of all transformers."""
    return [block for expert in experts(model) for block in (*expert.vace_blocks, *expert.blocks)]


@contextmanager
def _called_before(modules: Iterable[torch.nn.Module], callback: Callable[[], None]) -> Iterator[None]:
    def hook(*_: object) -> None:
        callback()

    handles = [module.register_forward_pre_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

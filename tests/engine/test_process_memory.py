"""What a finished job leaves behind is freed."""

import gc
import weakref

import numpy as np

from engine.process_memory import give_back_memory


class _Knot:
    """Refers to itself, as an effect and its host do."""

    def __init__(self) -> None:
        self.itself = self
        self.pixels = np.zeros((100, 100))


def test_what_refers_to_itself_is_freed() -> None:
    gc.disable()
    try:
        knot = weakref.ref(_Knot())
        assert knot() is not None
        give_back_memory()
        assert knot() is None
    finally:
        gc.enable()

"""Inner loops as machine code: Numba compiles them at first use and keeps the result beside the source, or in the
user's cache folder.

Modules of such loops are imported inside functions: Numba takes half a second to load, which only a render may cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

# Sums may be reordered for the sake of vector instructions, and always in the same way. NaN stays NaN: EXR holds some.
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def compiled(function: F) -> F:
    """The function as machine code that runs beside other threads."""
    try:
        return cast(F, numba.njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")(function))
    except RuntimeError:  # no folder may be written to
        return cast(F, numba.njit(nogil=True, fastmath=_FAST, error_model="numpy")(function))


def inlined(function: F) -> F:
    """A helper of compiled functions, taken into them."""
    return cast(F, numba.njit(nogil=True, fastmath=_FAST, error_model="numpy", inline="always")(function))

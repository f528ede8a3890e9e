"""The loop that puts recovered pixels into a picture; see recover.py. Compiled: to be imported inside functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled
from engine.plate.model import FloatImage, Mask, ProvenanceMap


@compiled
def paint(
    at: NDArray[np.intp],
    colour: FloatImage,
    frame: NDArray[np.int32],
    found: Mask,
    hole: Mask,
    plate: FloatImage,
    provenance: ProvenanceMap,
    shown: Mask,
) -> tuple[FloatImage, Mask]:
    """Puts N pixels, (N, 3) colours, at the (N,) places of a (h, w, 3) plate, row by row, where they were `found`.

    Writes the (N,) `frame` that lent each to the (h, w) provenance, and that it is `shown`, (h, w). Returns the
    (h, w, 3) error, the own pixels of the plate less the recovered ones, outside the (h, w) `hole` and 0 elsewhere; and
    (h, w) where that is.
    """
    width = plate.shape[1]
    error, band = np.zeros(plate.shape, np.float32), np.zeros(hole.shape, np.bool_)
    for n in range(at.size):
        if found[n]:
            row, column = at[n] // width, at[n] % width
            shown[row, column], provenance[row, column] = True, frame[n]
            outside = not hole[row, column]
            band[row, column] = outside
            for channel in range(3):
                own = plate[row, column, channel]
                plate[row, column, channel] = colour[n, channel]
                if outside:
                    error[row, column, channel] = own - colour[n, channel]
    return error, band

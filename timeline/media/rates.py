"""Frame rates as the standards have them."""

from __future__ import annotations

from fractions import Fraction

_ROUNDING = Fraction(1, 100_000)
_LARGEST_DENOMINATOR = 1001


def nominal_rate(rate: float | Fraction) -> Fraction:
    """The exact rate that a rounded one stands for: 23.976 and 19001/317 are 24000/1001 and 60000/1001 per second."""
    exact = Fraction(rate)
    for nominal in (Fraction(round(exact)), Fraction(round(exact * 1001 / 1000) * 1000, 1001)):
        if abs(nominal - exact) <= exact * _ROUNDING:
            return nominal
    return exact.limit_denominator(_LARGEST_DENOMINATOR)

"""Typed parameter values, checked against an effect's descriptor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.errors import ParameterError
from engine.protocol import EffectDescriptor, ParameterDescriptor, ParameterValue

COMPOSITE_PARAMETERS: tuple[ParameterDescriptor, ...] = (
    ParameterDescriptor(
        name="grow_px",
        label="Grow matte",
        hint="Widens what is removed, for edges and motion blur that the box or matte leaves out.",
        kind="int",
        default=0,
        minimum=0,
        maximum=256,
        unit="px",
        group="Composite",
        animates=True,
    ),
    ParameterDescriptor(
        name="feather_px",
        label="Feather inward",
        hint="Softens the seam by mixing the source back in over this distance inside the matte's edge; "
        "outside the matte nothing changes.",
        kind="double",
        default=2.0,
        minimum=0.0,
        maximum=128.0,
        unit="px",
        group="Composite",
        animates=True,
    ),
)
"""What the host's compositing reads; every effect that composites through the host lists these in its descriptor."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class ParameterSet(Mapping[str, ParameterValue]):
    """All values of one effect instance: what was given, checked, over the defaults."""

    def __init__(self, descriptor: EffectDescriptor, given: Mapping[str, ParameterValue]) -> None:
        """``given`` may hold text (from a command line); raises ParameterError for unknown names and bad values."""
        known = {parameter.name: parameter for parameter in descriptor.parameters}
        for name in given:
            if name not in known:
                raise ParameterError(
                    f"effect '{descriptor.identifier}' has no parameter '{name}'; it has: {', '.join(sorted(known))}"
                )
        self._values = {
            name: parse_value(parameter, given.get(name, parameter.default)) for name, parameter in known.items()
        }

    def __getitem__(self, name: str) -> ParameterValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def integer(self, name: str) -> int:
        """An ``int`` parameter's value."""
        return int(self._values[name])

    def double(self, name: str) -> float:
        """A ``double`` parameter's value."""
        return float(self._values[name])

    def flag(self, name: str) -> bool:
        """A ``bool`` parameter's value."""
        return bool(self._values[name])

    def text(self, name: str) -> str:
        """A ``string``, ``path`` or ``choice`` parameter's value."""
        return str(self._values[name])


def parse_value(parameter: ParameterDescriptor, value: ParameterValue) -> ParameterValue:
    """``value`` as the parameter's own type; text is read as a person writes it. Raises ParameterError."""
    if parameter.kind in ("int", "double"):
        return _number(parameter, value)
    if parameter.kind == "bool":
        return _flag(parameter, value)
    if parameter.kind == "choice" and str(value) not in parameter.choices:
        raise ParameterError(f"parameter '{parameter.name}' is {value!r}; choose one of {', '.join(parameter.choices)}")
    return str(value)


def _number(parameter: ParameterDescriptor, value: ParameterValue) -> int | float:
    wanted = "a whole number" if parameter.kind == "int" else "a number"
    try:
        number = float(value)
    except ValueError:
        raise ParameterError(f"parameter '{parameter.name}' is {value!r}; it takes {wanted}") from None
    low, high = parameter.minimum, parameter.maximum
    # A NaN compares false with everything, so ask for what is right instead of what is wrong.
    inside = (number >= low if low is not None else number == number) and (high is None or number <= high)
    if not inside:
        raise ParameterError(
            f"parameter '{parameter.name}' is {value}; it takes {wanted} "
            f"{f'from {low:g} ' if low is not None else ''}{f'to {high:g}' if high is not None else ''}".rstrip()
        )
    if parameter.kind == "double":
        return number
    if not number.is_integer():
        raise ParameterError(f"parameter '{parameter.name}' is {value!r}; it takes {wanted}")
    return int(number)


def _flag(parameter: ParameterDescriptor, value: ParameterValue) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ParameterError(f"parameter '{parameter.name}' is {value!r}; it takes true or false")

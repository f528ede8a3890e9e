"""Parameter values: defaults, texts as a person writes them, and one message for each kind of mistake."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ParameterError
from engine.ofx.parameters import COMPOSITE_PARAMETERS, ParameterSet, parse_value
from engine.protocol import EffectDescriptor, ParameterDescriptor, ParameterValue


def parameter(kind: Any, default: ParameterValue, **more) -> ParameterDescriptor:
    return ParameterDescriptor(name="p", label="P", hint="", kind=kind, default=default, **more)


DESCRIPTOR = EffectDescriptor(
    identifier="blur",
    label="Blur",
    hint="",
    version="1",
    clips=(),
    parameters=(
        *COMPOSITE_PARAMETERS,
        ParameterDescriptor(
            name="mode", label="Mode", hint="", kind="choice", default="fast", choices=("fast", "fine")
        ),
        ParameterDescriptor(name="model", label="Model", hint="", kind="path", default=""),
        ParameterDescriptor(name="flip", label="Flip", hint="", kind="bool", default=False),
    ),
)


def test_what_is_not_given_is_the_default():
    values = ParameterSet(DESCRIPTOR, {"feather_px": "3.5"})
    assert dict(values) == {"grow_px": 0, "feather_px": 3.5, "mode": "fast", "model": "", "flip": False}
    assert len(values) == 5
    assert (values.integer("grow_px"), values.double("feather_px"), values.flag("flip"), values.text("mode")) == (
        0,
        3.5,
        False,
        "fast",
    )


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(ParameterError) as caught:
        ParameterSet(DESCRIPTOR, {"colour": 1})
    assert str(caught.value) == (
        "effect 'blur' has no parameter 'colour'; it has: feather_px, flip, grow_px, mode, model"
    )


@pytest.mark.parametrize(
    ("given_parameter", "value", "message"),
    [
        (parameter("int", 1), "1.5", "parameter 'p' is '1.5'; it takes a whole number"),
        (parameter("int", 1), "many", "parameter 'p' is 'many'; it takes a whole number"),
        (parameter("int", 1), "inf", "parameter 'p' is 'inf'; it takes a whole number"),
        (parameter("double", 1.0), "wide", "parameter 'p' is 'wide'; it takes a number"),
        (parameter("double", 1.0, minimum=0), -1, "parameter 'p' is -1; it takes a number from 0"),
        (parameter("double", 1.0, maximum=2), 3, "parameter 'p' is 3; it takes a number to 2"),
        (
            parameter("double", 1.0, minimum=0, maximum=2),
            math.nan,
            "parameter 'p' is nan; it takes a number from 0 to 2",
        ),
        (parameter("double", 1.0), math.nan, "parameter 'p' is nan; it takes a number"),
        (parameter("double", 1.0, maximum=2), math.nan, "parameter 'p' is nan; it takes a number to 2"),
        (parameter("bool", True), "perhaps", "parameter 'p' is 'perhaps'; it takes true or false"),
        (parameter("choice", "a", choices=("a", "b")), "c", "parameter 'p' is 'c'; choose one of a, b"),
    ],
)
def test_each_mistake_has_its_message(given_parameter, value, message):
    with pytest.raises(ParameterError) as caught:
        parse_value(given_parameter, value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), (" ON ", True), ("1", True), ("No", False), ("0", False), (True, True), (0, False)],
)
def test_flags_are_read_as_people_write_them(text, value):
    assert parse_value(parameter("bool", False), text) is value


@given(st.integers(-(2**40), 2**40))
def test_whole_numbers_survive_being_written_as_text(number):
    assert parse_value(parameter("int", 0), str(number)) == number == parse_value(parameter("int", 0), number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_being_written_as_text(number):
    assert parse_value(parameter("double", 0.0), repr(number)) == number

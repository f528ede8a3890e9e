"""The parameters of the ``auto`` effect: its own, and those of the two effects that it joins."""

from __future__ import annotations

from engine.effects.clean_plate import PARAMETERS as PLATE_PARAMETERS
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor, ParameterDescriptor
from engine.vace.parameters import PARAMETERS as MODEL_PARAMETERS

OWN_PARAMETERS = (
    ParameterDescriptor(
        name="confidence_threshold",
        label="Trust the plate from",
        hint="Pixels that other frames show less surely than this are left to the model: at 0.15 those that are "
        "probably more than 17 % of the range off. 0 leaves only what no frame shows; raise it where a recovered "
        "background swims.",
        kind="double",
        default=0.15,
        minimum=0.0,
        maximum=1.0,
        group="Plate and model",
    ),
    ParameterDescriptor(
        name="smallest_part_px",
        label="Smallest part",
        hint="Parts of fewer pixels than a square with this side are filled from the texture around them: the model "
        "sees nothing so small.",
        kind="int",
        default=8,
        minimum=1,
        maximum=256,
        unit="px",
        group="Plate and model",
        advanced=True,
    ),
)

_DECIDED = frozenset({"mask_mode", "fill"})
"""What is left is always shown to the model as gray boxes: that is what it removes best with."""
_IN_FRONT = frozenset({"model", "steps", "seed", "prompt"})
KNOWN_FRAMES = 4
"""The plate is known before and after what is left, so the model is shown one latent of it on either side."""

MOST_KNOWN_FRAMES = 16
"""Their plates are held in memory while the next ones are recovered."""


def _of_model(parameter: ParameterDescriptor) -> ParameterDescriptor:
    changes: dict[str, object] = {"advanced": parameter.advanced or parameter.name not in _IN_FRONT}
    if parameter.name == "known_frames":
        hint = (
            "How many recovered frames before and after those with something left the model sees, and continues from."
        )
        changes |= {"default": KNOWN_FRAMES, "maximum": MOST_KNOWN_FRAMES, "hint": hint}
    return parameter.model_copy(update=changes)


PARAMETERS = (
    *OWN_PARAMETERS,
    *PLATE_PARAMETERS,
    *(_of_model(parameter) for parameter in MODEL_PARAMETERS if parameter.name not in _DECIDED),
)


def part_of(values: ParameterSet, descriptor: EffectDescriptor) -> ParameterSet:
    """The values of one of the two effects, as far as they are the hybrid's parameters too."""
    names = {parameter.name for parameter in descriptor.parameters}
    return ParameterSet(descriptor, {name: value for name, value in values.items() if name in names})

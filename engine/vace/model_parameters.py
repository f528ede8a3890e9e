"""How a model is loaded and kept: the settings, and the parameters of the ``vace`` effect that they come from.

``MODEL_PARAMETERS`` belongs after the parameters ``model`` and ``device`` in the effect's descriptor;
``ModelSettings.from_parameters`` reads their values, and ``warm_model(path, device, settings)`` takes the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterDescriptor
from engine.vace.files.lora import LoraChoice

Precision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16"]
Storage: TypeAlias = Literal["same", "fp8"]
AttentionName: TypeAlias = Literal[
    "default", "native", "cudnn", "efficient", "math", "flash", "flash3", "sage", "xformers"
]

LORA_SLOTS = 4
MOST_BLOCKS = 48
"""Main and VACE blocks of the largest model, 14B."""


@dataclass(frozen=True)
class ModelSettings:
    """Everything about a loaded model besides which one it is and where it runs. Two equal ones mean the same model."""

    base_model: str = ""
    components: str = ""
    vae: str = ""
    text_encoder: str = ""
    tokenizer: str = ""
    precision: Precision = "auto"
    storage: Storage = "same"
    blocks_to_swap: int = 0
    swap_stream: bool = True
    vae_tiling: bool = False
    attention: AttentionName = "default"
    compile_blocks: bool = False
    loras: tuple[LoraChoice, ...] = field(default=())

    @classmethod
    def from_parameters(cls, values: ParameterSet) -> ModelSettings:
        """What an instance's values say; a LoRA of strength 0, or without a file, is left out."""
        return cls(
            base_model=values.text("base_model"),
            components=values.text("components"),
            vae=values.text("vae"),
            text_encoder=values.text("text_encoder"),
            tokenizer=values.text("tokenizer"),
            precision=cast(Precision, values.text("precision")),
            storage=cast(Storage, values.text("weights_storage")),
            blocks_to_swap=values.integer("blocks_to_swap"),
            swap_stream=values.flag("swap_stream"),
            vae_tiling=values.flag("vae_tiling"),
            attention=cast(AttentionName, values.text("attention")),
            compile_blocks=values.flag("compile_blocks"),
            loras=tuple(_loras(values)),
        )


def _loras(values: ParameterSet) -> list[LoraChoice]:
    slots = range(1, LORA_SLOTS + 1)
    choices = [LoraChoice(values.text(f"lora_{n}").strip(), values.double(f"lora_{n}_strength")) for n in slots]
    return [choice for choice in choices if choice.name and choice.strength != 0.0]


def _file_parameter(name: str, label: str, hint: str) -> ParameterDescriptor:
    return ParameterDescriptor(name=name, label=label, hint=hint, kind="path", default="", group="Model", advanced=True)


_FILE_PARAMETERS = (
    _file_parameter(
        "base_model",
        "Base model",
        "Only where the model is a VACE module: the text-to-video model of the same size that it extends.",
    ),
    _file_parameter(
        "components",
        "Components",
        "Only where the model is a single file: a Wan 2.1 folder in diffusers' layout for the VAE, the text "
        "encoder and the tokenizer; empty looks beside the file, then at GRAYPLATE_VACE_MODEL.",
    ),
    _file_parameter(
        "vae",
        "VAE",
        "A Wan 2.1 VAE as a single .safetensors file; empty takes the model's own.",
    ),
    _file_parameter(
        "text_encoder",
        "Text encoder",
        "UMT5-XXL as a single .safetensors file (fp16, bf16, fp8 or scaled fp8), or its folder; empty takes the "
        "model's own. It is loaded for prompts only that were never read before.",
    ),
    _file_parameter(
        "tokenizer",
        "Tokenizer",
        "Only where the text encoder's file does not hold its own: the folder of UMT5's tokenizer.",
    ),
)
_MEMORY_PARAMETERS = (
    ParameterDescriptor(
        name="precision",
        label="Precision",
        hint="Of the transformer's arithmetic; auto takes bf16 on a CUDA GPU and fp32 elsewhere. fp16 suits GPUs "
        "before Ampere and may overflow.",
        kind="choice",
        default="auto",
        choices=("auto", "fp32", "bf16", "fp16"),
        group="Memory",
        advanced=True,
    ),
    ParameterDescriptor(
        name="weights_storage",
        label="Weights in memory",
        hint="fp8 halves the transformer's memory against bf16 and costs a little quality; it computes in the "
        "precision above all the same.",
        kind="choice",
        default="same",
        choices=("same", "fp8"),
        group="Memory",
        advanced=True,
    ),
    ParameterDescriptor(
        name="blocks_to_swap",
        label="Blocks to swap",
        hint="How many of the transformer's blocks wait in the computer's memory until they are needed: less GPU "
        "memory, more time.",
        kind="int",
        default=0,
        minimum=0,
        maximum=MOST_BLOCKS,
        group="Memory",
        advanced=True,
    ),
    ParameterDescriptor(
        name="swap_stream",
        label="Swap ahead",
        hint="Fetches swapped weights while others compute; turn off where the computer's memory runs short.",
        kind="bool",
        default=True,
        group="Memory",
        advanced=True,
    ),
    ParameterDescriptor(
        name="vae_tiling",
        label="VAE tiling",
        hint="Encodes and decodes in tiles of 256 px: much less memory, more time, and a slight change of the picture.",
        kind="bool",
        default=False,
        group="Memory",
        advanced=True,
    ),
    ParameterDescriptor(
        name="attention",
        label="Attention",
        hint="Who computes attention: default and native are PyTorch's own choice, the others need their package or "
        "GPU.",
        kind="choice",
        default="default",
        choices=("default", "native", "cudnn", "efficient", "math", "flash", "flash3", "sage", "xformers"),
        group="Memory",
        advanced=True,
    ),
    ParameterDescriptor(
        name="compile_blocks",
        label="Compile",
        hint="Compiles the transformer's blocks: the first step takes minutes, the others are faster. For long shots "
        "with windows of one length.",
        kind="bool",
        default=False,
        group="Memory",
        advanced=True,
    ),
)


def _lora_parameters(slot: int) -> tuple[ParameterDescriptor, ...]:
    return (
        ParameterDescriptor(
            name=f"lora_{slot}",
            label=f"LoRA {slot}",
            hint="A LoRA for Wan 2.1 of the model's size, as .safetensors or by its name among the models.",
            kind="path",
            default="",
            group="LoRA",
            advanced=slot > 1,
        ),
        ParameterDescriptor(
            name=f"lora_{slot}_strength",
            label=f"LoRA {slot} strength",
            hint="How much of it; 0 leaves it out, below 0 turns it around.",
            kind="double",
            default=1.0,
            minimum=-4.0,
            maximum=4.0,
            group="LoRA",
            advanced=slot > 1,
        ),
    )


MODEL_PARAMETERS = (
    *_FILE_PARAMETERS,
    *(parameter for slot in range(1, LORA_SLOTS + 1) for parameter in _lora_parameters(slot)),
    *_MEMORY_PARAMETERS,
)
"""Parameters of the ``vace`` effect that ``ModelSettings.from_parameters`` reads."""

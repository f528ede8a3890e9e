"""What decides a training: every size, count and rate, read from one JSON file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ParameterError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ShotSize(_Part):
    """Sides in pixels, multiples of 16, and frames, 4n + 1."""

    height_px: int = Field(ge=16, multiple_of=16)
    width_px: int = Field(ge=16, multiple_of=16)
    frames: int = Field(ge=1)


class VaeTraining(_Part):
    """``gray_share`` of the clips have a gray box, as the model's inputs will. ``noise`` is added to latents of about
    unit variance. ``warmup_steps`` keep the optimiser's first, blind steps from shaking the fitted start apart;
    ``decay_share`` of the steps, the last ones, lower the learning rate to 0.
    """

    base_dim: int
    decoder_base_dim: int
    size: ShotSize
    shots: int
    fitted_shots: int
    batch: int
    steps: int
    learning_rate: float
    warmup_steps: int
    decay_share: float
    noise: float
    gray_share: float


class Stage(_Part):
    """Part of the transformer's training: until ``until_step``, clips of any of ``sizes``, ``latents`` long at most."""

    until_step: int
    sizes: tuple[ShotSize, ...]
    latents: tuple[int, ...]


class TransformerTraining(_Part):
    """``mask_weight`` is what a masked latent counts more in the loss than a known one, ``sigma_shift`` moves the
    noise levels upwards as the sampler does, ``average`` is the decay of the averaged weights per step.

    Samples are cached in shards: each stage begins with ``first_shards`` of each of its sizes, and one more, of the
    sizes in turn, every ``steps_per_shard`` steps.
    """

    heads: int
    head_dim: int
    layers: int
    vace_layers: tuple[int, ...]
    ffn_dim: int
    text_dim: int
    batch: int
    learning_rate: float
    warmup_steps: int
    decay_share: float
    average: float
    sigma_shift: float
    mask_weight: float
    shard_samples: int
    first_shards: int
    steps_per_shard: int
    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.stages[-1].until_step

    def stage(self, step: int) -> Stage:
        """The stage of a step."""
        return next((stage for stage in self.stages if step < stage.until_step), self.stages[-1])

    def step_in_stage(self, step: int) -> int:
        """Steps since the stage of this step began."""
        return step - max((stage.until_step for stage in self.stages if stage.until_step <= step), default=0)


class Configuration(_Part):
    """A whole training. ``precision``: what matrix products are computed in, "fp32" or "bf16".

    ``sampling_steps`` are the most that the model is asked for, and ``notice`` is told at each render with it.
    """

    name: str
    notice: str
    sampling_steps: int
    seed: int
    device: str
    precision: str
    checkpoint_seconds: int
    vae: VaeTraining
    transformer: TransformerTraining


def load_configuration(path: Path) -> Configuration:
    """Raises ParameterError where the file cannot be read or is no configuration."""
    try:
        return Configuration.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise ParameterError(
            f"{path} is no training configuration ({error}); begin with a copy of one in {path.parent}"
        ) from error

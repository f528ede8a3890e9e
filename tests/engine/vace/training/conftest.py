from __future__ import annotations

from pathlib import Path

import pytest

from engine.vace import training
from engine.vace.training.configuration import Configuration, ShotSize, Stage, load_configuration

STARTER = Path(training.__file__).parent / "configurations" / "starter.json"


@pytest.fixture
def configuration() -> Configuration:
    """A training that is over in seconds: the starter's, smaller in every direction."""
    starter = load_configuration(STARTER)
    size = ShotSize(height_px=32, width_px=48, frames=5)
    vae = starter.vae.model_copy(
        update={"size": size, "shots": 40, "fitted_shots": 4, "steps": 3, "batch": 2, "base_dim": 24}
    )
    transformer = starter.transformer.model_copy(
        update={
            "heads": 2,
            "head_dim": 12,
            "layers": 2,
            "vace_layers": (0,),
            "ffn_dim": 32,
            "batch": 2,
            "shard_samples": 6,
            "steps_per_shard": 4,
            "stages": (Stage(until_step=4, sizes=(size,), latents=(1, 2)),),
        }
    )
    return starter.model_copy(update={"vae": vae, "transformer": transformer, "precision": "fp32"})

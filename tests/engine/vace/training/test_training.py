from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ParameterError
from engine.vace.sampling.conditioning import MaskFolder
from engine.vace.training.configuration import Configuration, load_configuration
from engine.vace.training.pictures import save_curve
from tests.engine.vace.training.conftest import STARTER

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from engine.vace.native import native_settings  # noqa: E402
from engine.vace.training import flow, latent_cache, transformer_training, vae_training  # noqa: E402
from engine.vace.training.export import export_model  # noqa: E402
from engine.vace.training.numerics import learning_rate_share, psnr  # noqa: E402
from engine.vace.training.run_state import RunState  # noqa: E402
from engine.vace.training.vae_start import fit_start  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_closed_form_start_is_a_codec_before_any_training(configuration: Configuration) -> None:
    clips = np.stack([vae_training._clip(np.random.default_rng(n), configuration.vae) for n in range(16)])
    video = vae_training._tensor(clips)
    vae = vae_training.new_vae(configuration.vae)
    assert vae_training._validate(vae, clips[8:]) < 15
    fit_start(vae, video[:8])
    assert vae_training._validate(vae, clips[8:]) > 18


@pytest.mark.slow
def test_a_training_that_was_cut_off_ends_as_one_that_was_not(configuration: Configuration, tmp_path: Path) -> None:
    short = configuration.vae.model_copy(update={"steps": 2})
    vae_training.train_vae(configuration.model_copy(update={"vae": short}), tmp_path / "cut")
    # The rate falls towards the planned end: a run that goes on must have had the same plan all along.
    constant = {"decay_share": 0.0}
    longer = configuration.model_copy(update={"vae": configuration.vae.model_copy(update=constant)})
    shorter = configuration.model_copy(update={"vae": short.model_copy(update=constant)})
    vae_training.train_vae(shorter, tmp_path / "resumed")
    resumed = vae_training.train_vae(longer, tmp_path / "resumed")
    whole = vae_training.train_vae(longer, tmp_path / "whole")
    for a, b in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(a, b)
    assert resumed.config.latents_std == whole.config.latents_std


def test_sampling_walks_straight_back_to_the_clip() -> None:
    target = torch.randn(2, 16, 2, 4, 4)

    class Oracle:
        config = type("Config", (), {"text_dim": 4})

        def __call__(self, hidden_states, timestep, **_):
            sigma = (timestep / flow.TIMESTEPS).view(-1, 1, 1, 1, 1)
            return ((hidden_states - target) / sigma,)

    made = flow.sample(Oracle(), torch.zeros(2, 96, 2, 4, 4), shift=3.0, steps=4, seed=0)
    assert torch.allclose(made, target, atol=1e-4)


def test_the_loss_is_nothing_for_the_true_velocity_and_counts_masked_errors_more() -> None:
    target, known = torch.zeros(1, 16, 1, 4, 4), torch.zeros(1, 1, 1, 4, 4)
    masked = known.clone()
    masked[..., :2] = 1
    noises = {}

    class Oracle:
        config = type("Config", (), {"text_dim": 4})

        def __init__(self, wrong_columns: slice) -> None:
            self._wrong = wrong_columns

        def __call__(self, hidden_states, timestep, **_):
            velocity = hidden_states / (timestep / flow.TIMESTEPS).view(-1, 1, 1, 1, 1)
            velocity[..., self._wrong] += 1
            return (velocity,)

    def loss(columns: slice) -> float:
        torch.manual_seed(0)
        batch = latent_cache.LatentBatch(target, torch.zeros(1, 96, 1, 4, 4), masked)
        return float(flow.flow_loss(Oracle(columns), batch, 3.0, 3.0))

    noises["none"], noises["masked"], noises["known"] = loss(slice(0, 0)), loss(slice(0, 2)), loss(slice(2, 4))
    assert noises["none"] == pytest.approx(0, abs=1e-6)
    assert noises["masked"] == pytest.approx(3 * noises["known"])


def test_shards_are_the_same_each_time_and_hold_what_the_engine_would_send(
    configuration: Configuration, tmp_path: Path
) -> None:
    vae = vae_training.new_vae(configuration.vae)
    size = configuration.transformer.stages[0].sizes[0]
    batches = []
    for name in ("a", "b"):
        cache = latent_cache.LatentCache(tmp_path / name, vae, configuration)
        cache.provide(size, 2)
        batches.append(cache.batch(np.random.default_rng(0), size, 2))
    assert torch.equal(batches[0].control, batches[1].control)
    assert batches[0].target.shape == (2, 16, 2, 4, 6)
    assert batches[0].control.shape == (2, 96, 2, 4, 6)
    assert set(batches[0].control[:, 32:].unique().tolist()) <= {0.0, 1.0}


@pytest.mark.slow
def test_a_shard_that_is_prepared_elsewhere_is_the_one_made_here(configuration: Configuration, tmp_path: Path) -> None:
    vae = vae_training.new_vae(configuration.vae)
    size = configuration.transformer.stages[0].sizes[0]
    here, elsewhere = (latent_cache.LatentCache(tmp_path / name, vae, configuration) for name in ("here", "elsewhere"))
    elsewhere.prepare(size, 0)
    for cache in (here, elsewhere):
        cache.provide(size, 1)
    a, b = (cache.batch(np.random.default_rng(0), size, 2) for cache in (here, elsewhere))
    assert torch.allclose(a.control, b.control, atol=1e-2)
    assert torch.allclose(a.target, b.target, atol=1e-2)


def test_masks_survive_being_packed() -> None:
    mask = np.random.default_rng(0).random((5, 16, 32)) < 0.3
    folder = MaskFolder(5, "group_max")
    for frame, marked in enumerate(mask):
        folder.add(frame, marked)
    packed = torch.from_numpy(np.packbits(latent_cache.folded(mask), axis=0))[None]
    assert np.array_equal(latent_cache._unpacked(packed)[0].numpy() == 1, folder.folded())


def test_a_gray_clip_has_the_latents_of_gray_next_to_others_too(configuration: Configuration) -> None:
    vae = vae_training.new_vae(configuration.vae)
    video = torch.stack([torch.zeros(3, 5, 16, 16), torch.rand(3, 5, 16, 16), torch.zeros(3, 5, 16, 16)])
    together = latent_cache.latents_of(vae, video)
    for clip, latents in zip(video, together, strict=True):
        assert torch.allclose(latent_cache.latents_of(vae, clip[None])[0], latents, atol=1e-5)


def test_an_exported_model_loads_in_diffusers_and_the_prompt_says_nothing(
    configuration: Configuration, tmp_path: Path
) -> None:
    from diffusers import WanVACEPipeline

    vae = vae_training.train_vae(configuration, tmp_path / "work")
    transformer_training.train_transformer(configuration, tmp_path / "work", vae)
    facts = export_model(configuration, tmp_path / "work", vae, tmp_path / "model")
    assert facts["samples"] == 8
    assert json.loads((tmp_path / "model/training.json").read_text())["steps"] == 4
    assert native_settings(str(tmp_path / "model")).limits["pixel_budget_px"] == 32 * 48
    pipeline = WanVACEPipeline.from_pretrained(tmp_path / "model", dtype=torch.float32)
    control = torch.randn(1, 96, 2, 4, 6)
    answers = [
        pipeline.transformer(
            hidden_states=torch.ones(1, 16, 2, 4, 6),
            timestep=torch.tensor([500.0]),
            encoder_hidden_states=pipeline.encode_prompt(prompt, do_classifier_free_guidance=False)[0],
            control_hidden_states=control,
        ).sample
        for prompt in ("", "a wall")
    ]
    assert torch.equal(*answers)
    assert len(pipeline.vae.config.latents_std) == 16
    assert (tmp_path / "work/transformer-loss.png").is_file()


def test_a_state_that_is_loaded_goes_on_where_it_was_left(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 2)
    state = RunState(tmp_path, "part", {"weights": layer}, 1000)
    state.add(0.5)
    state.save()
    other = torch.nn.Linear(2, 2)
    again = RunState(tmp_path, "part", {"weights": other}, 1000)
    assert again.step == 1 and again.losses == [0.5]
    assert torch.equal(layer.weight, other.weight)
    assert again.worked_seconds == state.worked_seconds


def test_the_learning_rate_rises_stays_and_falls() -> None:
    shares = [learning_rate_share(step, 100, 10, 0.5) for step in range(100)]
    assert shares[0] == pytest.approx(0.1) and shares[30] == 1 and shares[75] == pytest.approx(0.5)
    assert shares[99] == pytest.approx(0.02)


def test_psnr_counts_where_it_is_told_to() -> None:
    truth, made = torch.zeros(2, 4, 4, 3), torch.zeros(2, 4, 4, 3)
    made[:, :2] = 0.2
    where = torch.zeros(2, 4, 4, 1, dtype=torch.bool)
    where[:, :2] = True
    assert psnr(made, truth, where) == pytest.approx(20)
    assert psnr(made, truth, ~where) > 100


def test_a_curve_is_drawn_of_one_loss_and_of_many(tmp_path: Path) -> None:
    for count in (0, 1, 300):
        save_curve(tmp_path / f"{count}.png", "loss", [1.0 / (n + 1) for n in range(count)])
        assert (tmp_path / f"{count}.png").stat().st_size > 1000


def test_every_shipped_configuration_can_be_read() -> None:
    for path in STARTER.parent.glob("*.json"):
        assert load_configuration(path).transformer.steps > 0


@pytest.mark.parametrize("text", ["{}", "no json", '{"name": 1}'])
def test_what_is_no_configuration_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"wrong\.json is no training configuration"):
        load_configuration(path)

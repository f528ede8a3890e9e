"""Enhance-A-Video: the factor by its definition, where it applies, and that every setting of it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.effects.vace import Vace
from engine.ofx.effect import Clips
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor, ParameterValue
from engine.vace.model import VaceModel
from engine.vace.sampling.enhance import (
    ENHANCE_PARAMETERS,
    EnhanceSettings,
    _rotated,
    denoised_share,
    enhancement,
    enhancing,
)
from roi_tools.geometry import Box
from tests.engine.effects.test_vace import Boxes, Footage, Recorder

torch = pytest.importorskip("torch")

SHIFT = 3.0


def test_the_parameters_default_to_off_and_each_is_read() -> None:
    descriptor = EffectDescriptor(
        identifier="e", label="", hint="", version="1", clips=(), parameters=ENHANCE_PARAMETERS
    )
    assert EnhanceSettings.from_parameters(ParameterSet(descriptor, {})) == EnhanceSettings()
    given = {"enhance_weight": 2.0, "enhance_start": 0.1, "enhance_end": 0.9}
    assert EnhanceSettings.from_parameters(ParameterSet(descriptor, given)) == EnhanceSettings(2.0, 0.1, 0.9)


def test_the_factor_by_its_definition() -> None:
    generator = torch.Generator().manual_seed(1)
    frames, places, heads, channels, weight = 3, 4, 2, 6, 5.0
    query, key = (torch.randn(1, frames * places, heads, channels, generator=generator) for _ in range(2))
    means = []
    for place in range(places):
        for head in range(heads):
            q, k = (tensor[0, place::places, head].double().numpy() for tensor in (query, key))
            weights = np.exp(q @ k.T / channels**0.5)
            weights /= weights.sum(axis=1, keepdims=True)
            means.append((weights.sum() - np.trace(weights)) / (frames * (frames - 1)))
    expected = max(np.mean(means) * (frames + weight), 1.0)
    assert expected > 1
    assert float(enhancement(query, key, frames, weight)) == pytest.approx(expected, rel=1e-5)


def test_the_factor_is_never_below_one() -> None:
    tokens = 10 * torch.eye(4).reshape(1, 4, 1, 4)
    assert float(enhancement(tokens, tokens, 4, 1.0)) == 1.0


@pytest.mark.parametrize(
    ("timestep", "shift", "share"), [(1000, 5.0, 0.0), (0, 5.0, 1.0), (500, 1.0, 0.5), (750, 3.0, 0.5)]
)
def test_the_share_of_the_denoising_is_counted_before_the_shift(timestep: float, shift: float, share: float) -> None:
    assert denoised_share(timestep, shift) == pytest.approx(share)


def test_queries_and_keys_are_those_of_the_attention(tiny_model: VaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    attended: list[Any] = []
    real = torch.nn.functional.scaled_dot_product_attention

    def recorded(query: Any, key: Any, value: Any, **options: Any) -> Any:
        attended.append((query.transpose(1, 2), key.transpose(1, 2)))
        return real(query, key, value, **options)

    tiny_model.prepare([""])  # the text encoder attends too
    attention = tiny_model.pipeline.transformer.blocks[0].attn1
    seen: list[Any] = []
    handle = attention.register_forward_hook(
        lambda module, args, output: seen.append(_rotated(module, args[0], args[3]))
    )
    first_attention_of_main = 2 * len(tiny_model.pipeline.transformer.vace_blocks)
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", recorded)
    try:
        with torch.no_grad():
            _predict(tiny_model)
    finally:
        handle.remove()
    for ours, theirs in zip(seen[0], attended[first_attention_of_main], strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def _predict(model: VaceModel, timestep: float = 500.0, frames: int = 3) -> Any:
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        return model.pipeline.transformer(
            hidden_states=torch.randn(1, 16, frames, 4, 6, generator=generator),
            timestep=torch.tensor([timestep]),
            encoder_hidden_states=model.embedding(""),
            control_hidden_states=torch.randn(1, 96, frames, 4, 6, generator=generator),
            return_dict=False,
        )[0]


def _changes(model: VaceModel, settings: EnhanceSettings, **options: Any) -> bool:
    plain = _predict(model, **options)
    with enhancing(model, settings, SHIFT):
        enhanced = _predict(model, **options)
    assert torch.equal(_predict(model, **options), plain)
    return not torch.equal(enhanced, plain)


def test_it_changes_the_prediction_and_leaves_no_trace(tiny_model: VaceModel) -> None:
    assert _changes(tiny_model, EnhanceSettings(weight=4.0))
    assert not _changes(tiny_model, EnhanceSettings(weight=0.0))
    assert not _changes(tiny_model, EnhanceSettings(weight=4.0), frames=1)


def test_more_weight_changes_more(tiny_model: VaceModel) -> None:
    plain, distances = _predict(tiny_model), []
    for weight in (2.0, 8.0):
        with enhancing(tiny_model, EnhanceSettings(weight), SHIFT):
            distances.append(float((_predict(tiny_model) - plain).abs().mean()))
    assert 0 < distances[0] < distances[1]


@pytest.mark.parametrize(
    ("settings", "timestep", "applies"),
    [
        (EnhanceSettings(4.0, start=0.6), 750.0, False),
        (EnhanceSettings(4.0, start=0.4), 750.0, True),
        (EnhanceSettings(4.0, end=0.4), 750.0, False),
        (EnhanceSettings(4.0, end=0.6), 750.0, True),
    ],
)
def test_it_applies_between_start_and_end(
    tiny_model: VaceModel, settings: EnhanceSettings, timestep: float, applies: bool
) -> None:
    assert _changes(tiny_model, settings, timestep=timestep) is applies


def test_it_reaches_the_frames_that_the_effect_renders(tiny_folder: Path) -> None:
    def rendered(**given: ParameterValue) -> Any:
        values: dict[str, ParameterValue] = {
            "model": str(tiny_folder),
            "steps": 1,
            "preview": False,
            "context_margin_px": 4,
            "flow_shift": SHIFT,
        }
        clips = Clips(Footage(range(5)), Boxes(range(5), lambda frame: Box(20, 10, 41, 33)))
        effect = Vace(ParameterSet(Vace.describe(), values | given), clips, Recorder())
        effect.begin_sequence_render(range(5))
        try:
            return np.stack([effect.render(frame).rgb for frame in range(5)])
        finally:
            effect.end_sequence_render()

    plain = rendered()
    assert not np.array_equal(rendered(enhance_weight=8.0), plain)
    # The one step begins before a thousandth of the denoising is done.
    assert np.array_equal(rendered(enhance_weight=8.0, enhance_start=0.5), plain)
    assert np.array_equal(rendered(enhance_weight=8.0, enhance_end=1.0), rendered(enhance_weight=8.0))

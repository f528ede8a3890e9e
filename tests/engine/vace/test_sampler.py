"""The sampler against the stock pipeline, on a tiny model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import CancelledError, RenderFailedError
from engine.vace.conditioning import Conditioning, gray_box_conditioning
from engine.vace.model import VaceModel
from engine.vace.sampler import SamplerSettings, inpaint
from tests.support.tiny_wan import build_tiny_wan

torch = pytest.importorskip("torch")

SETTINGS = SamplerSettings(steps=2, seed=7)


def _silent(done: float, total: float) -> None:
    del done, total


def _conditioning(frames: int = 9, height: int = 32, width: int = 48) -> Conditioning:
    video = np.random.default_rng(3).uniform(-1, 1, (frames, height, width, 3)).astype(np.float32)
    mask = np.zeros((frames, height, width), bool)
    for frame in range(frames):
        mask[frame, 8:24, 2 * frame : 2 * frame + 16] = True
    return gray_box_conditioning(video, mask)


def _stock(model: VaceModel, conditioning: Conditioning, settings: SamplerSettings) -> np.ndarray:
    """The same through WanVACEPipeline.__call__, which takes [0, 1] and gives [0, 1]."""
    pipeline = model.pipeline
    published = pipeline.scheduler
    shift = "flow_shift" if "flow_shift" in published.config else "shift"
    pipeline.scheduler = type(published).from_config(published.config, **{shift: settings.flow_shift})
    pipeline.set_progress_bar_config(disable=True)
    frames, height, width = conditioning.mask.shape
    try:
        result = pipeline(
            video=torch.from_numpy(conditioning.video).permute(0, 3, 1, 2)[None] * 0.5 + 0.5,
            mask=torch.from_numpy(conditioning.mask)[None, :, None],
            prompt_embeds=model.embedding(settings.prompt),
            negative_prompt_embeds=model.embedding(settings.negative_prompt),
            height=height,
            width=width,
            num_frames=frames,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance_scale,
            conditioning_scale=settings.conditioning_scale,
            generator=torch.Generator().manual_seed(settings.seed),
            output_type="pt",
        )
    finally:
        pipeline.scheduler = published
    return np.asarray(result.frames[0].permute(0, 2, 3, 1).numpy())


def _on_a_coarse_grid(conditioning: Conditioning) -> Conditioning:
    """Values that survive [-1, 1] -> [0, 1] -> [-1, 1] without rounding, so that both sides start from equal bits."""
    return replace(conditioning, video=np.round(conditioning.video * 128).astype(np.float32) / np.float32(128))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"guidance_scale": 1.0},
        {"prompt": "a wall", "negative_prompt": "blur", "guidance_scale": 4.0},
        {"flow_shift": 5.0, "conditioning_scale": 0.5, "steps": 3},
    ],
)
def test_equals_the_stock_pipeline_bit_by_bit(tiny_model: VaceModel, changes: dict[str, Any]) -> None:
    settings = replace(SETTINGS, mask_timing="nearest", **changes)
    conditioning = _on_a_coarse_grid(_conditioning())
    ours = inpaint(tiny_model, conditioning, settings, _silent)
    assert np.array_equal(np.clip(ours * 0.5 + 0.5, 0, 1), _stock(tiny_model, conditioning, settings))


def test_equals_the_stock_pipeline_in_bfloat16(tmp_path: Path) -> None:
    from diffusers import WanVACETransformer3DModel

    folder = build_tiny_wan(tmp_path)
    model = VaceModel(folder, torch.device("cpu"))
    # What a CUDA device gets.
    model.pipeline.transformer = WanVACETransformer3DModel.from_pretrained(
        folder, subfolder="transformer", local_files_only=True, dtype=torch.bfloat16
    )
    settings = replace(SETTINGS, mask_timing="nearest", prompt="a wall", steps=3)
    conditioning = _on_a_coarse_grid(_conditioning(frames=5))
    ours = inpaint(model, conditioning, settings, _silent)
    assert np.array_equal(np.clip(ours * 0.5 + 0.5, 0, 1), _stock(model, conditioning, settings))
    assert model.embedding("a wall").dtype == torch.bfloat16
    assert model.pipeline.transformer.scale_shift_table.dtype == torch.float32


def test_equals_the_stock_pipeline_with_a_flow_match_euler_scheduler(tmp_path: Path) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    model = VaceModel(build_tiny_wan(tmp_path), torch.device("cpu"))
    model.pipeline.scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    settings = replace(SETTINGS, mask_timing="nearest", flow_shift=5.0)
    conditioning = _on_a_coarse_grid(_conditioning(frames=5))
    ours = inpaint(model, conditioning, settings, _silent)
    assert np.array_equal(np.clip(ours * 0.5 + 0.5, 0, 1), _stock(model, conditioning, settings))


def test_the_vae_sees_exact_gray_and_the_untouched_surroundings(
    tiny_model: VaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    encode = tiny_model.pipeline.vae.encode

    def recorded(video: Any) -> Any:
        seen.append(video.clone())
        return encode(video)

    monkeypatch.setattr(tiny_model.pipeline.vae, "encode", recorded)
    conditioning = _conditioning(frames=6)
    inpaint(tiny_model, conditioning, SETTINGS, _silent)
    inactive, reactive = (video[0].permute(1, 2, 3, 0).numpy() for video in seen)
    assert inactive.dtype == reactive.dtype == np.float32
    assert (reactive == 0.0).all()
    masked = conditioning.mask == 1
    assert (inactive[masked] == 0.0).all()
    assert np.array_equal(inactive[~masked], conditioning.video[~masked])


@pytest.mark.parametrize("frames", [1, 2, 5, 6])
def test_gives_as_many_frames_as_it_got_at_their_own_size(tiny_model: VaceModel, frames: int) -> None:
    video = inpaint(tiny_model, _conditioning(frames), replace(SETTINGS, steps=1), _silent)
    assert video.shape == (frames, 32, 48, 3)
    assert video.dtype == np.float32


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"steps": 3},
        {"flow_shift": 9.0},
        {"conditioning_scale": 0.2},
        {"mask_timing": "nearest"},
        {"prompt": "a wall", "guidance_scale": 1.0},
    ],
)
def test_each_setting_changes_the_picture(tiny_model: VaceModel, changes: dict[str, Any]) -> None:
    first = inpaint(tiny_model, _conditioning(), SETTINGS, _silent)
    assert np.array_equal(first, inpaint(tiny_model, _conditioning(), SETTINGS, _silent))
    assert not np.array_equal(first, inpaint(tiny_model, _conditioning(), replace(SETTINGS, **changes), _silent))


def test_guidance_and_negative_prompt_change_the_picture(tiny_model: VaceModel) -> None:
    prompted = replace(SETTINGS, prompt="a wall")
    first = inpaint(tiny_model, _conditioning(), prompted, _silent)
    for changed in (replace(prompted, guidance_scale=2.0), replace(prompted, negative_prompt="blur")):
        assert not np.array_equal(first, inpaint(tiny_model, _conditioning(), changed, _silent))


def test_guidance_costs_nothing_while_both_prompts_mean_the_same(tiny_model: VaceModel) -> None:
    forwards = []
    handle = tiny_model.pipeline.transformer.register_forward_pre_hook(lambda *_: forwards.append(1))
    try:
        inpaint(tiny_model, _conditioning(5), replace(SETTINGS, prompt=" "), _silent)
        assert len(forwards) == SETTINGS.steps
        inpaint(tiny_model, _conditioning(5), replace(SETTINGS, prompt="a wall"), _silent)
        assert len(forwards) == 3 * SETTINGS.steps
    finally:
        handle.remove()


@pytest.mark.parametrize("calls_before_cancel", [0, 2, 8, 14, 17])
def test_a_cancel_anywhere_leaves_the_model_as_it_was(tiny_model: VaceModel, calls_before_cancel: int) -> None:
    expected = inpaint(tiny_model, _conditioning(), SETTINGS, _silent)
    calls = []

    def cancel(done: float, total: float) -> None:
        calls.append(done)
        if len(calls) > calls_before_cancel:
            raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        inpaint(tiny_model, _conditioning(), SETTINGS, cancel)
    assert len(calls) == calls_before_cancel + 1
    assert np.array_equal(inpaint(tiny_model, _conditioning(), SETTINGS, _silent), expected)


def test_progress_rises_from_nothing_to_all_steps(tiny_model: VaceModel) -> None:
    reported: list[tuple[float, float]] = []
    inpaint(tiny_model, _conditioning(), SETTINGS, lambda done, total: reported.append((done, total)))
    steps_done = [done for done, _ in reported]
    assert steps_done == sorted(steps_done)
    assert steps_done[0] == 0 and steps_done[-1] == pytest.approx(SETTINGS.steps)
    assert {total for _, total in reported} == {SETTINGS.steps}
    # 2 encodes of 3 latents, 2 steps of 5 blocks, 1 decode of 3 latents.
    assert len(reported) == 6 + 10 + 3


def test_damaged_weights_are_reported_instead_of_written(tmp_path: Path) -> None:
    model = VaceModel(build_tiny_wan(tmp_path), torch.device("cpu"))
    model.pipeline.transformer.proj_out.weight[0, 0] = float("nan")
    with pytest.raises(RenderFailedError, match="answered with not-a-numbers; its weights may be damaged"):
        inpaint(model, _conditioning(1), SETTINGS, _silent)


def test_out_of_memory_says_what_to_lower(tiny_model: VaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(tiny_model.pipeline.vae, "encode", refuse)
    with pytest.raises(RenderFailedError, match="out of GPU memory at 48x32, 9 frames; lower pixel_budget_px"):
        inpaint(tiny_model, _conditioning(), SETTINGS, _silent)

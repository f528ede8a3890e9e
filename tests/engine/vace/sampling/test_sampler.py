"""The sampler against the stock pipeline, on a tiny model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import CancelledError, ParameterError, RenderFailedError
from engine.vace.latent_geometry import reflected_frames
from engine.vace.model import VaceModel
from engine.vace.sampling.conditioning import ConditionedFrame
from engine.vace.sampling.context_windows import ContextPlan, Fuse
from engine.vace.sampling.meter import Progress
from engine.vace.sampling.sampler import Observer, generate
from engine.vace.sampling.settings import SamplerSettings
from tests.support.tiny_wan import build_tiny_wan

torch = pytest.importorskip("torch")

SETTINGS = SamplerSettings(steps=2, seed=7, guidance_scale=5.0)
FUSES: tuple[Fuse, ...] = ("linear", "pyramid")
# Three windows on a clip of 5 latents.
WINDOWED = replace(SETTINGS, context=ContextPlan(length=3, overlap=2))


@dataclass(frozen=True)
class Clip:
    """A filled clip, (T, H, W, 3) in [-1, 1], and its mask, (T, H, W)."""

    video: np.ndarray
    mask: np.ndarray

    def __call__(self, index: int) -> ConditionedFrame:
        return ConditionedFrame(self.video[index], self.mask[index])

    def __len__(self) -> int:
        return len(self.video)


def _silent(done: float, total: float) -> None:
    del done, total


def _clip(frames: int = 9, height: int = 32, width: int = 48) -> Clip:
    video = np.random.default_rng(3).uniform(-1, 1, (frames, height, width, 3)).astype(np.float32)
    # Values that survive [-1, 1] -> [0, 1] -> [-1, 1] without rounding, so that both sides start from equal bits.
    video = np.round(video * 128).astype(np.float32) / np.float32(128)
    mask = np.zeros((frames, height, width), bool)
    for frame in range(frames):
        x = 2 * frame % (width - 16)
        mask[frame, 8:24, x : x + 16] = True
    return Clip(np.where(mask[..., None], np.float32(0), video), mask)


def _generated(
    model: VaceModel,
    clip: Clip,
    settings: SamplerSettings = SETTINGS,
    progress: Progress = _silent,
    references: Sequence[np.ndarray] = (),
    observe: Observer | None = None,
) -> np.ndarray:
    return np.stack(list(generate(model, clip, len(clip), settings, progress, references=references, observe=observe)))


def _stock(
    model: VaceModel, clip: Clip, settings: SamplerSettings, references: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """The same through WanVACEPipeline.__call__, which takes [0, 1] and gives [0, 1]."""
    from PIL import Image

    pipeline = model.pipeline
    published = pipeline.scheduler
    shift = "flow_shift" if "flow_shift" in published.config else "shift"
    pipeline.scheduler = type(published).from_config(published.config, **{shift: settings.flow_shift})
    pipeline.set_progress_bar_config(disable=True)
    order = reflected_frames(len(clip))
    frames, height, width = len(order), *clip.mask.shape[1:]
    scale = settings.conditioning_scale
    images = [Image.fromarray(np.round((image * 0.5 + 0.5) * 255).astype(np.uint8)) for image in references]
    try:
        result = pipeline(
            video=torch.from_numpy(clip.video[order]).permute(0, 3, 1, 2)[None] * 0.5 + 0.5,
            mask=torch.from_numpy(clip.mask[order].astype(np.float32))[None, :, None],
            reference_images=images or None,
            prompt_embeds=model.embedding(settings.prompt),
            negative_prompt_embeds=model.embedding(settings.negative_prompt),
            height=height,
            width=width,
            num_frames=frames,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance_scale,
            conditioning_scale=[scale * layer for layer in settings.layer_scales] or scale,
            generator=torch.Generator().manual_seed(settings.seed),
            output_type="pt",
        )
    finally:
        pipeline.scheduler = published
    return np.asarray(result.frames[0].permute(0, 2, 3, 1).numpy())[: len(clip)]


def _displayed(video: np.ndarray) -> np.ndarray:
    return np.clip(video * 0.5 + 0.5, 0, 1)


# --- one window: the stock pipeline ------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [5, 9, 11])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"guidance_scale": 1.0},
        {"prompt": "a wall", "negative_prompt": "blur", "guidance_scale": 5.0},
        {"flow_shift": 5.0, "conditioning_scale": 0.5, "steps": 3},
        {"layer_scales": (0.5, 0.25)},
    ],
)
def test_one_window_equals_the_stock_pipeline_bit_by_bit(
    tiny_model: VaceModel, frames: int, changes: dict[str, Any]
) -> None:
    settings = replace(SETTINGS, mask_timing="nearest", **changes)
    clip = _clip(frames)
    assert np.array_equal(_displayed(_generated(tiny_model, clip, settings)), _stock(tiny_model, clip, settings))


@pytest.fixture(scope="module")
def bfloat16_model(tmp_path_factory: pytest.TempPathFactory) -> VaceModel:
    """What a CUDA device gets."""
    from diffusers import WanVACETransformer3DModel

    folder = build_tiny_wan(tmp_path_factory.mktemp("tiny-wan-bf16"))
    model = VaceModel(folder, torch.device("cpu"))
    model.pipeline.transformer = (
        WanVACETransformer3DModel.from_pretrained(
            folder, subfolder="transformer", local_files_only=True, dtype=torch.bfloat16
        )
        .eval()
        .requires_grad_(False)
    )
    return model


@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
@pytest.mark.parametrize("scheduler", ["UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_one_window_equals_the_stock_pipeline_in_every_precision_and_solver(
    tiny_model: VaceModel,
    bfloat16_model: VaceModel,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    scheduler: str,
    guidance_scale: float,
) -> None:
    import diffusers

    model = tiny_model if precision == "float32" else bfloat16_model
    if scheduler.startswith("Flow"):
        monkeypatch.setattr(model.pipeline, "scheduler", getattr(diffusers, scheduler)(shift=1.0))
    settings = replace(
        SETTINGS, mask_timing="nearest", prompt="a wall", steps=4, flow_shift=5.0, guidance_scale=guidance_scale
    )
    clip = _clip(frames=5)
    assert np.array_equal(_displayed(_generated(model, clip, settings)), _stock(model, clip, settings))
    assert model.embedding("a wall").dtype == getattr(torch, precision)
    assert model.pipeline.transformer.scale_shift_table.dtype == torch.float32


def test_references_go_where_the_stock_pipeline_puts_them(tiny_model: VaceModel) -> None:
    images = [np.random.default_rng(n).integers(0, 2, (32, 48, 3)).astype(np.float32) * 2 - 1 for n in range(2)]
    settings, clip = replace(SETTINGS, mask_timing="nearest"), _clip(5)
    ours = _generated(tiny_model, clip, settings, references=images)
    assert np.array_equal(_displayed(ours), _stock(tiny_model, clip, settings, images))


def test_a_named_unipc_is_the_one_that_wan_was_published_with(tiny_model: VaceModel) -> None:
    named = _generated(tiny_model, _clip(5), replace(SETTINGS, solver="unipc"))
    assert np.array_equal(named, _generated(tiny_model, _clip(5)))


# --- several windows ---------------------------------------------------------------------------------------------


def test_windows_that_hold_the_whole_clip_change_nothing(tiny_model: VaceModel) -> None:
    longer = replace(SETTINGS, context=ContextPlan(length=100, overlap=50, stride=3, fuse="pyramid"))
    assert np.array_equal(_generated(tiny_model, _clip(17)), _generated(tiny_model, _clip(17), longer))


@pytest.mark.parametrize(
    "changes",
    [
        {"free_noise": False},
        {"anchor_latent": False},
        {"context": replace(WINDOWED.context, length=4)},
        {"context": replace(WINDOWED.context, overlap=1)},
        {"context": replace(WINDOWED.context, stride=2)},
        {"context": replace(WINDOWED.context, schedule="uniform_standard")},
        {"context": replace(WINDOWED.context, schedule="uniform_looped")},
        {"context": replace(WINDOWED.context, schedule="static_standard", overlap=0)},
    ],
)
def test_each_window_setting_changes_the_picture(tiny_model: VaceModel, changes: dict[str, Any]) -> None:
    clip = _clip(frames=17)
    first = _generated(tiny_model, clip, WINDOWED)
    assert np.array_equal(first, _generated(tiny_model, clip, WINDOWED))
    assert not np.array_equal(first, _generated(tiny_model, clip, replace(WINDOWED, **changes)))


def test_the_fuse_changes_the_picture(tiny_model: VaceModel) -> None:
    linear, pyramid = (replace(WINDOWED, context=ContextPlan(length=4, overlap=2, fuse=fuse)) for fuse in FUSES)
    assert not np.array_equal(_generated(tiny_model, _clip(17), linear), _generated(tiny_model, _clip(17), pyramid))


def test_the_mixed_prediction_is_the_weighted_mean_of_what_the_windows_predict(tiny_model: VaceModel) -> None:
    """A transformer that answers with the mean of what it sees: the mix can be told by hand."""

    class Mean(torch.nn.Module):  # type: ignore[name-defined]
        config = tiny_model.pipeline.transformer.config
        dtype = torch.float32
        blocks = vace_blocks = torch.nn.ModuleList([torch.nn.Identity()])

        def forward(self, hidden_states: Any, **_: Any) -> tuple[Any]:
            return (hidden_states.mean(dim=2, keepdim=True).expand_as(hidden_states),)

    estimates = []
    real = tiny_model.pipeline.transformer
    settings = replace(WINDOWED, steps=1, free_noise=False, anchor_latent=False)
    try:
        tiny_model.pipeline.transformer = Mean()
        _generated(tiny_model, _clip(17), settings, observe=lambda estimate, _: estimates.append(estimate))
    finally:
        tiny_model.pipeline.transformer = real
    noise = torch.randn((1, 16, 5, 4, 6), generator=torch.Generator().manual_seed(7))
    parts = [noise[:, :, start : start + 3].mean(dim=2) for start in range(3)]
    mixed = noise - estimates[0]
    # Sigma is 1 at the first step; the first and the last latent lie in one window each.
    assert torch.allclose(mixed[:, :, 0], parts[0], atol=1e-4)
    assert torch.allclose(mixed[:, :, 4], parts[2], atol=1e-4)
    # Ramps of 1/3, 2/3 on both sides of each window: 2:1 beside the ends, 1:2:1 in the middle.
    assert torch.allclose(mixed[:, :, 1], (2 * parts[0] + parts[1]) / 3, atol=1e-4)
    assert torch.allclose(mixed[:, :, 2], (parts[0] + 2 * parts[1] + parts[2]) / 4, atol=1e-4)
    assert torch.allclose(mixed[:, :, 3], (parts[1] + 2 * parts[2]) / 3, atol=1e-4)


def test_an_anchor_is_looked_at_and_not_counted(tiny_model: VaceModel) -> None:
    lengths = []
    hook = tiny_model.pipeline.transformer.register_forward_pre_hook(
        lambda _module, _args, given: lengths.append(given["hidden_states"].shape[2]), with_kwargs=True
    )
    try:
        video = _generated(tiny_model, _clip(17), replace(WINDOWED, steps=1))
    finally:
        hook.remove()
    assert lengths == [3, 4, 4]
    assert len(video) == 17


def test_every_window_sees_the_reference(tiny_model: VaceModel) -> None:
    clip, image = _clip(17), np.zeros((32, 48, 3), np.float32)
    first, other = (_generated(tiny_model, clip, WINDOWED, references=[image + value]) for value in (0.0, 1.0))
    assert all(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


# --- what goes in ------------------------------------------------------------------------------------------------


def test_the_vae_sees_exact_gray_and_the_untouched_surroundings(
    tiny_model: VaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    hook = tiny_model.pipeline.vae.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    clip = _clip(frames=6, height=48)
    try:
        _generated(tiny_model, clip)
    finally:
        hook.remove()
    order = reflected_frames(6)
    # The gray half is encoded once per size, and not at all for the second shot of a size.
    gray = [chunk for chunk in seen if not chunk.any()]
    inactive = torch.cat([chunk for chunk in seen if chunk.any()], dim=2)[0].permute(1, 2, 3, 0).numpy()
    assert 1 <= len(gray) <= 6
    assert inactive.dtype == np.float32
    assert (inactive[clip.mask[order]] == 0.0).all()
    assert np.array_equal(inactive, clip.video[order])
    seen.clear()
    hook = tiny_model.pipeline.vae.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    try:
        _generated(tiny_model, clip)
    finally:
        hook.remove()
    assert len(seen) == 3 and all(chunk.any() for chunk in seen)


def test_what_is_not_gray_under_the_mask_is_encoded_too(tiny_model: VaceModel) -> None:
    gray = _clip()
    video = gray.video.copy()
    video[7][gray.mask[7]] = 0.5
    settings = replace(SETTINGS, mask_timing="nearest")
    left_in = Clip(video, gray.mask)
    ours = _generated(tiny_model, left_in, settings)
    assert not np.array_equal(ours, _generated(tiny_model, gray, settings))
    assert np.array_equal(_displayed(ours), _stock(tiny_model, left_in, settings))


@pytest.mark.parametrize("frames", [1, 2, 5, 6])
def test_gives_as_many_frames_as_it_got_at_their_own_size(tiny_model: VaceModel, frames: int) -> None:
    video = _generated(tiny_model, _clip(frames), replace(SETTINGS, steps=1))
    assert video.shape == (frames, 32, 48, 3)
    assert video.dtype == np.float32


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"steps": 3},
        {"flow_shift": 9.0},
        {"conditioning_scale": 0.2},
        {"layer_scales": (1.0, 0.3)},
        {"mask_timing": "nearest"},
        {"prompt": "a wall", "guidance_scale": 1.0},
        {"solver": "flow_match_euler"},
        {"solver": "flow_match_lcm"},
        {"sigmas": (1.0, 0.3)},
    ],
)
def test_each_setting_changes_the_picture(tiny_model: VaceModel, changes: dict[str, Any]) -> None:
    first = _generated(tiny_model, _clip())
    assert np.array_equal(first, _generated(tiny_model, _clip()))
    assert not np.array_equal(first, _generated(tiny_model, _clip(), replace(SETTINGS, **changes)))


def test_guidance_and_negative_prompt_change_the_picture(tiny_model: VaceModel) -> None:
    prompted = replace(SETTINGS, prompt="a wall")
    first = _generated(tiny_model, _clip(), prompted)
    for changed in (replace(prompted, guidance_scale=2.0), replace(prompted, negative_prompt="blur")):
        assert not np.array_equal(first, _generated(tiny_model, _clip(), changed))


def test_guidance_costs_nothing_while_both_prompts_mean_the_same(tiny_model: VaceModel) -> None:
    forwards = []
    handle = tiny_model.pipeline.transformer.register_forward_pre_hook(lambda *_: forwards.append(1))
    try:
        _generated(tiny_model, _clip(5), replace(SETTINGS, prompt=" "))
        assert len(forwards) == SETTINGS.steps
        _generated(tiny_model, _clip(5), replace(SETTINGS, prompt="a wall"))
        assert len(forwards) == 3 * SETTINGS.steps
    finally:
        handle.remove()


def test_a_scale_for_another_number_of_layers_is_refused(tiny_model: VaceModel) -> None:
    with pytest.raises(ParameterError, match="'conditioning_layers' has 3 values, this model has 2 VACE layers"):
        _generated(tiny_model, _clip(1), replace(SETTINGS, layer_scales=(1.0, 1.0, 1.0)))


def test_low_noise_goes_to_the_second_transformer_of_a_model_that_has_two(tmp_path: Path) -> None:
    model = VaceModel(build_tiny_wan(tmp_path), torch.device("cpu"))
    one = _generated(model, _clip(5), replace(SETTINGS, steps=4))
    second = type(model.pipeline.transformer).from_config(model.pipeline.transformer.config)
    model.pipeline.register_modules(transformer_2=second.eval().requires_grad_(False))
    calls: list[tuple[int, float]] = []
    for number, expert in enumerate((model.pipeline.transformer, second)):
        expert.register_forward_pre_hook(
            lambda _module, _args, given, number=number: calls.append((number, given["timestep"].item())),
            with_kwargs=True,
        )
    model.pipeline.register_to_config(boundary_ratio=0.8)
    two = _generated(model, _clip(5), replace(SETTINGS, steps=4))
    assert len(calls) == 4
    assert {number for number, timestep in calls if timestep >= 800} == {0}
    assert {number for number, timestep in calls if timestep < 800} == {1}
    assert not np.array_equal(one, two)


# --- progress, cancel, errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls_before_cancel", [0, 2, 8, 12, 14])
def test_a_cancel_anywhere_leaves_the_model_as_it_was(tiny_model: VaceModel, calls_before_cancel: int) -> None:
    expected = _generated(tiny_model, _clip())
    calls = []

    def cancel(done: float, total: float) -> None:
        calls.append(done)
        if len(calls) > calls_before_cancel:
            raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        _generated(tiny_model, _clip(), progress=cancel)
    assert len(calls) == calls_before_cancel + 1
    assert np.array_equal(_generated(tiny_model, _clip()), expected)


@pytest.mark.parametrize(("settings", "windows"), [(SETTINGS, 1), (WINDOWED, 3)])
def test_progress_rises_from_nothing_to_all_steps(
    tiny_model: VaceModel, settings: SamplerSettings, windows: int
) -> None:
    _generated(tiny_model, _clip(17), SETTINGS)  # the gray is encoded
    reported: list[tuple[float, float]] = []
    _generated(tiny_model, _clip(17), settings, lambda done, total: reported.append((done, total)))
    steps_done = [done for done, _ in reported]
    assert steps_done == sorted(steps_done)
    assert steps_done[0] == 0 and steps_done[-1] == pytest.approx(SETTINGS.steps)
    assert {total for _, total in reported} == {SETTINGS.steps}
    # 5 latents encoded, 2 steps of 5 blocks per window, 5 latents decoded.
    assert len(reported) == 5 + 2 * 5 * windows + 5


def test_damaged_weights_are_reported_instead_of_written(tmp_path: Path) -> None:
    model = VaceModel(build_tiny_wan(tmp_path), torch.device("cpu"))
    model.pipeline.transformer.proj_out.weight[0, 0] = float("nan")
    with pytest.raises(RenderFailedError, match="answered with not-a-numbers; its weights may be damaged"):
        _generated(model, _clip(1))


def test_out_of_memory_says_what_to_lower(tiny_model: VaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(tiny_model.pipeline.vae.encoder, "forward", refuse)
    with pytest.raises(RenderFailedError, match="out of GPU memory with 9 frames; lower pixel_budget_px"):
        _generated(tiny_model, _clip())

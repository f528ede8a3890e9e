"""Measures the vace effect's sampler beside the stock pipeline, on the same weights: random ones unless given.

    .venv/bin/python -m bench.vace [--model DIR | --size tiny|1.3b] [--device auto] [--frame 128x96] [--crop 64x64]
                                   [--frames 17] [--steps 2]

Per case: seconds of encoding, of a denoising step and of decoding, peak memory of the device (CUDA only), forwards,
and the transformer's operations per second, also as a share of what a plain matrix product reaches on this device in
the same precision. Then the forwards that 81, 161 and 1,001 frames take. The 1.3B model belongs on a GPU:

    python -m bench.vace --size 1.3b --device cuda --frame 1280x720 --crop 480x480 --frames 81 --steps 4
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.effects.vace import Vace
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterValue
from engine.vace.cost.prediction import forward_flop
from engine.vace.files.part_loading import empty_part, shipped_config
from engine.vace.latent_geometry import latent_count
from engine.vace.model import DeviceName, VaceModel, warm_model
from engine.vace.sampling.conditioning import ConditionedFrame
from engine.vace.sampling.context_windows import ContextPlan
from engine.vace.sampling.control import encode_control
from engine.vace.sampling.meter import Meter
from engine.vace.sampling.sampler import denoise
from engine.vace.sampling.settings import SamplerSettings
from engine.vace.sampling.vae_stream import decoded
from engine.vace.shot.stretch_render import forward_count
from roi_tools.geometry import Size
from tests.support.tiny_wan import build_tiny_wan, build_wide_encoder

_PEAK_SIDE = {"cuda": 8192, "mps": 4096, "cpu": 1024}
_LONG_SHOTS = (81, 161, 1001)


@dataclass
class Measured:
    """Seconds by part, peak bytes of the device (0 where it does not say), and what the transformer computed."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    forwards: int = 0
    flop: float = 0.0


@dataclass(frozen=True)
class Case:
    """One line of the table. ``is_stock``: through WanVACEPipeline itself."""

    name: str
    size: Size
    settings: SamplerSettings
    is_stock: bool = False
    is_tiled: bool = False


def measure(model: VaceModel, case: Case, frames: int) -> Measured:
    """One clip through the model, with nothing else on the device."""
    measured = Measured()
    model.prepare([case.settings.prompt, case.settings.negative_prompt])
    vae = model.pipeline.vae
    if case.is_tiled:
        vae.enable_tiling()
    try:
        with _counted(model, measured), _peak(model, measured):
            (_stock if case.is_stock else _ours)(model, case, frames, measured)
    finally:
        vae.disable_tiling()
    return measured


def _ours(model: VaceModel, case: Case, frames: int, measured: Measured) -> None:
    import torch

    source, settings = _source(case.size), case.settings
    with torch.no_grad():
        with _timed(model, measured, "encode"):
            control = encode_control(model, source, frames, settings.mask_timing)
        with _timed(model, measured, "denoise"):
            latents = denoise(model, control, settings, Meter(lambda done, total: None, settings.step_count))
        with _timed(model, measured, "decode"):
            for chunk in decoded(model.pipeline.vae, latents):
                chunk.cpu()


def _stock(model: VaceModel, case: Case, frames: int, measured: Measured) -> None:
    import torch

    source, settings = _source(case.size), case.settings
    video = torch.from_numpy(np.stack([source(n).video for n in range(frames)])).permute(0, 3, 1, 2)[None]
    mask = torch.from_numpy(np.stack([source(n).mask for n in range(frames)]).astype(np.float32))[None, :, None]
    model.pipeline.set_progress_bar_config(disable=True)
    common = {"height": case.size.height_px, "width": case.size.width_px, "num_frames": frames}
    embeddings = {
        "prompt_embeds": model.embedding(settings.prompt),
        "negative_prompt_embeds": model.embedding(settings.negative_prompt),
    }
    steps: list[float] = []

    def step_end(_pipeline: Any, _step: int, _timestep: Any, given: dict[str, Any]) -> dict[str, Any]:
        _synchronise(model)
        steps.append(time.perf_counter())
        return given

    start = time.perf_counter()
    model.pipeline(
        video=video * 0.5 + 0.5,
        mask=mask,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance_scale if settings.is_guided else 1.0,
        generator=torch.Generator().manual_seed(0),
        callback_on_step_end=step_end,
        output_type="pt",
        **common,
        **embeddings,
    )
    _synchronise(model)
    # The first step's end holds the encoding too: the others say what a step takes.
    per_step = (steps[-1] - steps[0]) / max(len(steps) - 1, 1)
    measured.seconds["denoise"] = per_step * settings.steps
    measured.seconds["encode"] = steps[0] - start - per_step
    measured.seconds["decode"] = time.perf_counter() - steps[-1]


def _source(size: Size) -> Callable[[int], ConditionedFrame]:
    """Noise with a gray box in the middle."""
    shape = (size.height_px, size.width_px)
    mask = np.zeros(shape, bool)
    mask[shape[0] // 4 : shape[0] * 3 // 4, shape[1] // 4 : shape[1] * 3 // 4] = True

    def frame(index: int) -> ConditionedFrame:
        video = np.random.default_rng(index).uniform(-1, 1, (*shape, 3)).astype(np.float32)
        video[mask] = 0.0
        return ConditionedFrame(video, mask)

    return frame


@contextmanager
def _counted(model: VaceModel, measured: Measured) -> Iterator[None]:
    """Counts forwards, and their operations by formula."""

    def count(_module: Any, _args: Any, given: Mapping[str, Any]) -> None:
        _, _, latents, height, width = given["hidden_states"].shape
        measured.forwards += 1
        measured.flop += forward_flop(model.shape, latents * (height // 2) * (width // 2))

    hook = model.pipeline.transformer.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def _peak(model: VaceModel, measured: Measured) -> Iterator[None]:
    import torch

    is_cuda = model.device.type == "cuda"
    if is_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(model.device)
    yield
    if is_cuda:
        measured.peak_bytes = torch.cuda.max_memory_allocated(model.device)


@contextmanager
def _timed(model: VaceModel, measured: Measured, part: str) -> Iterator[None]:
    _synchronise(model)
    start = time.perf_counter()
    yield
    _synchronise(model)
    measured.seconds[part] = time.perf_counter() - start


def _synchronise(model: VaceModel) -> None:
    import torch

    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)


def product_flop_per_s(model: VaceModel) -> float:
    """What a square matrix product reaches on the model's device in the transformer's precision; best of five."""
    import torch

    side, precision = _PEAK_SIDE[model.device.type], model.pipeline.transformer.dtype
    a, b = (torch.randn(side, side, device=model.device, dtype=precision) for _ in range(2))
    best = float("inf")
    for _ in range(6):
        _synchronise(model)
        start = time.perf_counter()
        torch.matmul(a, b)
        _synchronise(model)
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def cases(frame: Size, crop: Size, steps: int, frames: int) -> list[Case]:
    """Stock on the frame, ours on the crop, and ours with one thing changed at a time."""
    plain = SamplerSettings(steps=steps)
    short = ContextPlan(length=latent_count(frames) // 2 + 1, overlap=1)
    guided = replace(plain, guidance_scale=5.0, prompt="a wall")
    ours = partial(Case, size=crop)
    return [
        Case("stock pipeline, frame", frame, plain, is_stock=True),
        Case("stock pipeline, crop", crop, plain, is_stock=True),
        ours("ours, crop", settings=plain),
        ours("ours, guided", settings=guided),
        ours("ours, windows", settings=replace(plain, context=short)),
        ours("ours, windows, no anchor", settings=replace(plain, context=short, anchor_latent=False)),
        ours("ours, windows, stride 2", settings=replace(plain, context=replace(short, stride=2))),
        ours("ours, windows, uniform", settings=replace(plain, context=replace(short, schedule="uniform_standard"))),
        ours("ours, tiled VAE", settings=plain, is_tiled=True),
    ]


def random_1_3b(folder: Path) -> Path:
    """The true 1.3B configuration with random weights, as a diffusers folder of 5 GB."""
    import torch
    from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
    from safetensors.torch import save_file

    build_wide_encoder(folder, width=4096)
    parts = (
        ("transformer", WanVACETransformer3DModel, "wan2.1-vace-1.3b.transformer", torch.bfloat16),
        ("vae", AutoencoderKLWan, "wan2.1.vae", torch.float32),
    )
    for part, kind, config, precision in parts:
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "config.json").write_text(json.dumps(shipped_config(config)))
        tensors = {}
        for name, weight in empty_part(kind, shipped_config(config)).state_dict().items():
            values = torch.empty(weight.shape, dtype=precision).normal_(std=0.02)
            tensors[name] = values + 1 if "norm" in name and name.endswith(("weight", "gamma")) else values
        save_file(tensors, folder / part / "diffusion_pytorch_model.safetensors")
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(shipped_config("wan2.1.scheduler")))
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "WanVACEPipeline"}))
    return folder


def report(console: Console, model: VaceModel, frame: Size, crop: Size, frames: int, steps: int) -> None:
    """Runs all cases and prints the table."""
    peak = product_flop_per_s(model)
    console.print(f"a matrix product reaches {peak / 1e12:.2f} TFLOP/s in {model.pipeline.transformer.dtype}")
    names = ("case", "size", "encode s", "step s", "decode s", "peak GB", "forwards", "TFLOP/s", "of peak")
    table = Table(*names, title=f"{frames} frames, {steps} steps, {model.device}")
    for case in cases(frame, crop, steps, frames):
        measure(model, case, min(frames, 5))  # caches and kernels warm up
        done = measure(model, case, frames)
        speed = done.flop / done.seconds["denoise"]
        table.add_row(
            case.name,
            str(case.size),
            f"{done.seconds['encode']:.2f}",
            f"{done.seconds['denoise'] / steps:.3f}",
            f"{done.seconds['decode']:.2f}",
            f"{done.peak_bytes / 1e9:.1f}" if done.peak_bytes else "-",
            str(done.forwards),
            f"{speed / 1e12:.3f}",
            f"{speed / peak:.0%}",
        )
    console.print(table)


def forwards_table(steps: int) -> Table:
    """Forwards of long shots, by how their windows lie."""
    choices: tuple[dict[str, ParameterValue], ...] = (
        {},
        {"context_overlap": 32},
        {"context_stride": 2},
        {"context_schedule": "static_standard"},
        {"context_schedule": "uniform_standard"},
        {"context_schedule": "uniform_looped"},
        {"context_mode": "sequential"},
    )
    table = Table("windows", *(f"{frames} frames" for frames in _LONG_SHOTS), title=f"forwards in {steps} steps")
    for given in choices:
        values = ParameterSet(Vace.describe(), {"steps": steps, **given})
        named = ", ".join(f"{name}={value}" for name, value in given.items()) or "default"
        table.add_row(named, *(str(forward_count(frames, values)) for frames in _LONG_SHOTS))
    return table


def _size(text: str) -> Size:
    width, height = (int(side) // 16 * 16 for side in text.split("x"))
    return Size(width, height)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="DIR", help="a model folder; random weights where there is none")
    parser.add_argument("--size", choices=("tiny", "1.3b"), default="tiny", help="of the random weights")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    parser.add_argument("--frame", type=_size, default="128x96", metavar="WxH")
    parser.add_argument("--crop", type=_size, default="64x64", metavar="WxH")
    parser.add_argument("--frames", type=int, default=17, help="4n + 1")
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()
    console = Console(width=max(Console().width, 140))  # a pipe says 80, where the cases break into pieces
    with tempfile.TemporaryDirectory() as folder:
        build = build_tiny_wan if options.size == "tiny" else random_1_3b
        path = Path(options.model) if options.model else build(Path(folder))
        model = warm_model(path, cast(DeviceName, options.device))
        report(console, model, options.frame, options.crop, options.frames, options.steps)
    console.print(forwards_table(20))


if __name__ == "__main__":
    main()

"""The true 1.3B configuration with random weights, from single files with original names, on this machine's CPU.

The forward runs in a process of its own, so that its peak of memory is its own too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.vace.files.key_names import original_name
from engine.vace.files.part_loading import empty_part, shipped_config
from tests.support.tiny_wan import build_wide_encoder, original_vae_name

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402

LIMIT_BYTES = 16 * 2**30
_NEEDED_DISK_BYTES = 8 * 10**9
_RENDER = """
import json, resource, sys, time
from pathlib import Path
from typing import Any
import torch
from engine.vace.model import VaceModel
from engine.vace.model_parameters import ModelSettings

folder = Path(sys.argv[1])
start = time.perf_counter()
settings = ModelSettings(precision="bf16", components=str(folder), vae=str(folder / "wan_2.1_vae.safetensors"))
model = VaceModel(folder / "wan2.1_vace_1.3B.safetensors", torch.device("cpu"), settings)
loaded = time.perf_counter()
embedding = model.embedding("")
read = time.perf_counter()
model.pipeline.set_progress_bar_config(disable=True)
generator = torch.Generator().manual_seed(0)
result = model.pipeline(
    video=torch.rand(1, 5, 3, 128, 128, generator=generator), mask=torch.ones(1, 5, 1, 128, 128),
    prompt_embeds=embedding, negative_prompt_embeds=embedding, height=128, width=128, num_frames=5,
    num_inference_steps=1, guidance_scale=1.0, generator=generator, output_type="pt",
)
print(json.dumps({
    "weights": sum(weight.numel() for weight in model.pipeline.transformer.parameters()),
    "load_s": loaded - start, "prompt_s": read - loaded, "render_s": time.perf_counter() - read,
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "shape": list(result.frames.shape), "finite": bool(torch.isfinite(result.frames).all()),
}))
"""


def _random(part_class: Any, config_name: str, dtype: Any) -> dict[str, Any]:
    """Weights small enough for a finite result, about as spread as trained ones."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, weight in empty_part(part_class, shipped_config(config_name)).state_dict().items():
        values = torch.empty(weight.shape, dtype=dtype).normal_(std=0.02, generator=generator)
        tensors[name] = values + 1 if "norm" in name and name.endswith(("weight", "gamma")) else values
    return tensors


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_full_1_3b_model_renders_a_small_crop_within_16_gb(tmp_path: Path) -> None:
    import shutil

    from diffusers import AutoencoderKLWan, WanVACETransformer3DModel

    if shutil.disk_usage(tmp_path).free < _NEEDED_DISK_BYTES:
        pytest.skip("needs 8 GB of disk")
    build_wide_encoder(tmp_path, width=4096)
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae/config.json").write_text(json.dumps(shipped_config("wan2.1.vae")))
    tensors = _random(WanVACETransformer3DModel, "wan2.1-vace-1.3b.transformer", torch.bfloat16)
    path = tmp_path / "wan2.1_vace_1.3B.safetensors"
    save_file({original_name(name): value for name, value in tensors.items()}, path)
    del tensors
    tensors = _random(AutoencoderKLWan, "wan2.1.vae", torch.float32)
    save_file({original_vae_name(name): value for name, value in tensors.items()}, tmp_path / "wan_2.1_vae.safetensors")
    del tensors
    try:
        done = subprocess.run(
            [sys.executable, "-c", _RENDER, str(tmp_path)], capture_output=True, text=True, timeout=1500, check=False
        )
    finally:
        path.unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    print(figures)
    assert figures["weights"] == pytest.approx(2.153e9, rel=0.001)
    assert figures["shape"] == [1, 5, 3, 128, 128] and figures["finite"]
    assert figures["peak_bytes"] < LIMIT_BYTES

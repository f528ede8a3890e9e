"""Writes a trained model as a folder in diffusers' layout, in half precision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.vace.native import NATIVE_FILE
from engine.vace.training.configuration import Configuration
from engine.vace.training.run_state import RunState
from engine.vace.training.text_parts import new_text_encoder, new_tokenizer
from engine.vace.training.transformer_training import averaged_model, new_transformer

if TYPE_CHECKING:
    from diffusers import AutoencoderKLWan


def export_model(configuration: Configuration, folder: Path, vae: AutoencoderKLWan, out: Path) -> dict[str, Any]:
    """Writes what ``WanVACEPipeline.from_pretrained`` loads, from the newest state in ``folder``.

    ``grayplate.json`` in it holds the model's limits, see ``engine.vace.native``. Returns what there is to say of the
    training; it lies in ``training.json`` beside the model, with the configuration.
    """
    import torch
    from diffusers import UniPCMultistepScheduler, WanVACEPipeline

    settings = configuration.transformer
    transformer = new_transformer(settings)
    averaged = averaged_model(transformer, settings)
    state = RunState(folder, "transformer", {"averaged": averaged}, configuration.checkpoint_seconds)
    pipeline = WanVACEPipeline(
        tokenizer=new_tokenizer(),
        text_encoder=new_text_encoder(settings.text_dim),
        vae=vae,
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=settings.sigma_shift
        ),
        transformer=averaged.module,
    )
    for part in (pipeline.text_encoder, pipeline.vae, pipeline.transformer):
        part.to(torch.float16)
    pipeline.save_pretrained(out)
    facts = {
        "steps": state.step,
        "samples": state.step * settings.batch,
        "minutes": round(state.worked_seconds / 60, 1),
        "configuration": configuration.model_dump(),
    }
    for name, content in (("training.json", facts), (NATIVE_FILE, _native(configuration))):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return facts


def _native(configuration: Configuration) -> dict[str, Any]:
    sizes = configuration.transformer.stages[-1].sizes
    limits = {
        "steps": configuration.sampling_steps,
        "pixel_budget_px": max(size.height_px * size.width_px for size in sizes),
        "context_frames": max(size.frames for size in sizes),
    }
    return {"limits": limits, "notice": configuration.notice}

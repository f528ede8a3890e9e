"""A loaded Wan VACE model: diffusers' pipeline on a device, kept warm between jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from engine.errors import ParameterError, WeightsError
from engine.vace.weights import require_libraries

if TYPE_CHECKING:
    import torch
    from diffusers import WanVACEPipeline

DeviceName: TypeAlias = Literal["auto", "cuda", "mps", "cpu"]

_PROMPT_TOKENS = 512
"""Length of a prompt's embedding in tokens: what the pipeline's ``__call__`` uses and Wan was trained with."""

_log = logging.getLogger(__name__)


class VaceModel:
    """The parts of one model folder, placed for inference, and the prompts it has read.

    The VAE is in float32, since bfloat16 bands smooth gradients. The transformer is in bfloat16 on CUDA and in
    float32 elsewhere. The prompt encoder is the largest part by far (11 GB): it stays in bfloat16, as it was
    published, and visits the device only for a prompt that was not read before.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Loads ``folder``, which must have passed ``weights.find_model``.

        Raises WeightsError where its weights are damaged or do not fit into the device's memory.
        """
        self.folder = folder
        self.device = device
        self.pipeline: WanVACEPipeline = _load(folder, device)
        _place((self.pipeline.transformer, self.pipeline.vae), device, folder)
        self._embeddings: dict[str, torch.Tensor] = {}

    def embedding(self, prompt: str) -> torch.Tensor:
        """What the prompt means to the model: (1, 512, channels) in the transformer's precision, on the device."""
        if prompt not in self._embeddings:
            self._embeddings[prompt] = self._encode(prompt)
        return self._embeddings[prompt]

    def _encode(self, prompt: str) -> torch.Tensor:
        import torch

        encoder = self.pipeline.text_encoder
        encoder.to(encoder_device(encoder, self.device))
        try:
            with torch.no_grad():
                embedding, _ = self.pipeline.encode_prompt(
                    prompt,
                    do_classifier_free_guidance=False,
                    max_sequence_length=_PROMPT_TOKENS,
                    device=self.device,
                )
        finally:
            encoder.to("cpu")
        return embedding.to(self.pipeline.transformer.dtype)


_warm: VaceModel | None = None


def warm_model(folder: Path, device_name: DeviceName) -> VaceModel:
    """The model in ``folder`` on a device; stays loaded until another one is asked for.

    Raises WeightsError where torch or diffusers are missing or the weights cannot be loaded, and ParameterError for a
    device that this machine does not have.
    """
    global _warm
    require_libraries()
    folder, device = folder.resolve(), choose_device(device_name)
    if _warm is None or (_warm.folder, _warm.device) != (folder, device):
        # Two models rarely fit side by side: let the old one go before the new one comes.
        _warm = None
        _warm = VaceModel(folder, device)
    return _warm


def choose_device(name: DeviceName) -> torch.device:
    """The device of this name; ``auto`` prefers CUDA, then Apple's MPS, then the CPU. Raises ParameterError."""
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if present[device])
    if not present[name]:
        raise ParameterError(
            f"parameter 'device' is '{name}', but this torch ({torch.__version__}) finds no such device; "
            "install your GPU's build of torch (README, GPU section) or choose 'auto'"
        )
    return torch.device(name)


def encoder_device(encoder: torch.nn.Module, device: torch.device) -> torch.device:
    """Where the prompt encoder runs: on ``device`` if it fits beside what is there, otherwise on the CPU."""
    import torch

    if device.type != "cuda":
        return device
    free_bytes, _ = torch.cuda.mem_get_info(device)
    needed_bytes = sum(weight.nbytes for weight in encoder.parameters())
    # Activations of 512 tokens take a few hundred megabytes beside the weights.
    return device if free_bytes > needed_bytes + 2**29 else torch.device("cpu")


def _place(parts: Iterable[torch.nn.Module], device: torch.device, folder: Path) -> None:
    import torch

    try:
        for part in parts:
            part.to(device)
    except torch.OutOfMemoryError as error:
        raise WeightsError(
            f"the model in {folder} does not fit into the memory of {torch.cuda.get_device_name(device)}; close other "
            "programs that use the GPU or take Wan-AI/Wan2.1-VACE-1.3B-diffusers"
        ) from error


def _load(folder: Path, device: torch.device) -> WanVACEPipeline:
    import diffusers
    import torch
    import transformers
    from safetensors import SafetensorError

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    precision = torch.bfloat16 if device.type == "cuda" else torch.float32
    _log.info("loading %s for %s in %s", folder, device, precision)
    try:
        # Not .to(dtype) afterwards: only from_pretrained keeps the norms and time embeddings in float32.
        pipeline = diffusers.WanVACEPipeline.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype={"transformer": precision, "text_encoder": torch.bfloat16, "default": torch.float32},
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(
            f"the model in {folder} cannot be loaded ({reason}); delete the damaged part and download it again"
        ) from error
    for name in ("transformer", "vae", "text_encoder"):
        part = getattr(pipeline, name).eval().requires_grad_(False)
        # diffusers only warns of a weight that no file holds, and leaves it without data.
        absent = [key for key, weight in part.named_parameters() if weight.is_meta]
        if absent:
            raise WeightsError(
                f"the model in {folder} cannot be loaded ({name} lacks {absent[0]} and {len(absent) - 1} more); "
                f"delete the folder {name} in it and download it again"
            )
    return pipeline

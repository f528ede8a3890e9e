"""A loaded Wan VACE model: diffusers' pipeline on a device, kept warm between jobs."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from engine.errors import ParameterError, WeightsError
from engine.vace import memory
from engine.vace.cost.prediction import ModelShape, predict_weights
from engine.vace.cost.speedometer import Speedometer
from engine.vace.files.lora import LoraSet
from engine.vace.files.part_loading import empty_part, shipped_config
from engine.vace.files.prompt_cache import cached_embedding, encoder_fingerprint, store_embedding
from engine.vace.files.safetensors_check import AGAIN
from engine.vace.files.single_file import load_transformer, load_vae, transformer_config
from engine.vace.files.text_encoder import load_encoder, load_tokenizer
from engine.vace.files.weights import ModelFiles, find_lora, model_files, require_libraries
from engine.vace.model_parameters import ModelSettings

if TYPE_CHECKING:
    import torch
    from diffusers import WanVACEPipeline

DeviceName: TypeAlias = Literal["auto", "cuda", "mps", "cpu"]

_PROMPT_TOKENS = 512
"""Length of a prompt's embedding in tokens: what the pipeline's ``__call__`` uses and Wan was trained with."""

_log = logging.getLogger(__name__)


class VaceModel:
    """The parts of one model, placed for inference, and the prompts it has read.

    The VAE is in float32, since bfloat16 bands smooth gradients. The transformer is in bfloat16 on CUDA and in
    float32 elsewhere, unless the settings say otherwise. The prompt encoder is the largest part by far (11 GB): it is
    loaded only for a prompt that was never read before, and let go again at once.

    ``notes`` says what a person should know of the load: which LoRAs changed what, what this machine cannot do.
    """

    def __init__(self, model: Path, device: torch.device, settings: ModelSettings | None = None) -> None:
        """Loads ``model``, a folder or a file that must have passed ``weights.find_model``.

        Raises WeightsError where its weights are damaged or do not fit into the device's memory, and ParameterError
        for an attention that does not run here.
        """
        self.folder = model
        self.device = device
        self.settings = settings or ModelSettings()
        self._files = model_files(model, self.settings)
        self._fingerprint: str | None = None
        self._embeddings: dict[str, torch.Tensor] = {}
        self.pipeline, notes = _load(self._files, device, self.settings)
        self.notes = (*notes, *_place(self.pipeline, device, self.settings, model))
        self.is_reduced = False
        transformers = experts(self.pipeline)
        self.shape = ModelShape.from_configs(transformers[0].config, self.pipeline.vae.config, len(transformers))
        resident_bytes = predict_weights(self.shape, self.settings, device.type)
        Speedometer(device, self.shape, resident_bytes).watch(transformers, self.pipeline.vae)

    def embedding(self, prompt: str) -> torch.Tensor:
        """What the prompt means to the model: (1, 512, channels) in the transformer's precision, on the device."""
        self.prepare([prompt])
        return self._embeddings[prompt]

    def prepare(self, prompts: Sequence[str]) -> None:
        """Reads all prompts that are new; the encoder is loaded once at most. Raises WeightsError without one."""
        wanted = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._embeddings]
        stored = {prompt: self._cached(prompt) for prompt in wanted}
        unread = [prompt for prompt, embedding in stored.items() if embedding is None]
        read = self._encode(unread) if unread else {}
        for prompt in wanted:
            embedding = read[prompt] if prompt in read else stored[prompt]
            self._embeddings[prompt] = embedding.to(self.device, self.pipeline.transformer.dtype)  # type: ignore[union-attr]

    def _cached(self, prompt: str) -> torch.Tensor | None:
        if self._files.text_encoder is None or self._files.tokenizer is None:
            raise WeightsError(
                f"{self.folder} has no text encoder beside it; set 'text_encoder' to UMT5-XXL, or 'components' to a "
                "Wan 2.1 folder in diffusers' layout with text_encoder and tokenizer"
            )
        if self._fingerprint is None:
            self._fingerprint = encoder_fingerprint(self._files.text_encoder, self._files.tokenizer)
        return cached_embedding(self._fingerprint, prompt)

    def _encode(self, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        import torch

        assert self._files.text_encoder is not None and self._files.tokenizer is not None
        assert self._fingerprint is not None
        encoder: Any = load_encoder(self._files.text_encoder)
        width, wanted = encoder.config.d_model, self.pipeline.transformer.config.text_dim
        if width != wanted:
            raise WeightsError(
                f"the text encoder {self._files.text_encoder} is {width} wide where the model reads {wanted}; "
                "take UMT5-XXL, as Wan was trained with"
            )
        self.pipeline.text_encoder, self.pipeline.tokenizer = encoder, load_tokenizer(self._files.tokenizer)
        try:
            encoder.to(encoder_device(encoder, self.device))
            with torch.no_grad():
                read = {prompt: self._encoded(prompt) for prompt in prompts}
        finally:
            self.pipeline.text_encoder = self.pipeline.tokenizer = None
            del encoder
            gc.collect()
        for prompt, embedding in read.items():
            store_embedding(self._fingerprint, prompt, embedding)
        return read

    def _encoded(self, prompt: str) -> torch.Tensor:
        embedding, _ = self.pipeline.encode_prompt(
            prompt, do_classifier_free_guidance=False, max_sequence_length=_PROMPT_TOKENS, device=self.device
        )
        return embedding

    def step_down(self) -> str | None:
        """Makes the model need less memory from now on; see ``memory.step_down``."""
        measure = memory.step_down(self.pipeline, self.device)
        self.is_reduced |= measure is not None
        return measure


_warm: VaceModel | None = None


def warm_model(model: Path, device_name: DeviceName, settings: ModelSettings | None = None) -> VaceModel:
    """The model on a device; stays loaded until another one, or the same with other settings, is asked for.

    Raises WeightsError where torch or diffusers are missing or the weights cannot be loaded, and ParameterError for a
    device that this machine does not have.
    """
    global _warm
    require_libraries()
    model, device, settings = model.resolve(), choose_device(device_name), settings or ModelSettings()
    wanted = (model, device, settings)
    if _warm is None or _warm.is_reduced or (_warm.folder, _warm.device, _warm.settings) != wanted:
        # Two models rarely fit side by side: let the old one go before the new one comes.
        _warm = None
        gc.collect()
        _warm = VaceModel(model, device, settings)
    return _warm


def configured_shape(model: Path, settings: ModelSettings) -> ModelShape:
    """The shape of a model that is not loaded, from its configurations; ``model`` must have passed ``find_model``.

    Raises WeightsError where a part is missing or the transformer is of another model.
    """
    files = model_files(model, settings)
    transformer = transformer_config(files.transformer, _json(files.transformer_config))
    return ModelShape.from_configs(transformer, _json(files.vae_config), 2 if files.transformer_2 else 1)


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


def transformer_precision(settings: ModelSettings, device: torch.device) -> torch.dtype:
    """What the transformer computes in."""
    import torch

    automatic = torch.bfloat16 if device.type == "cuda" else torch.float32
    chosen = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    return chosen.get(settings.precision, automatic)


def encoder_device(encoder: torch.nn.Module, device: torch.device) -> torch.device:
    """Where the prompt encoder runs: on ``device`` if it fits beside what is there, otherwise on the CPU."""
    import torch

    if device.type != "cuda":
        return device
    free_bytes, _ = torch.cuda.mem_get_info(device)
    needed_bytes = sum(weight.nbytes for weight in encoder.parameters())
    # Activations of 512 tokens take a few hundred megabytes beside the weights.
    return device if free_bytes > needed_bytes + 2**29 else torch.device("cpu")


def _load(files: ModelFiles, device: torch.device, settings: ModelSettings) -> tuple[WanVACEPipeline, tuple[str, ...]]:
    """The pipeline on the CPU, without its text encoder, and what there is to say of the LoRAs in it."""
    import diffusers

    _log.info("loading %s for %s in %s", files.transformer[0], device, transformer_precision(settings, device))
    transformer, reports = _transformer(files.transformer, files.transformer_config, device, settings)
    second = None
    if files.transformer_2:
        second, _ = _transformer(files.transformer_2, files.transformer_2_config, device, settings)
    pipeline = diffusers.WanVACEPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=load_vae(files.vae, _json(files.vae_config)),
        scheduler=_scheduler(_json(files.scheduler_config)),
        transformer=transformer,
        transformer_2=second,
        boundary_ratio=files.boundary_ratio,
    )
    return pipeline, reports


def _transformer(
    paths: Sequence[Path], config_path: Path | None, device: torch.device, settings: ModelSettings
) -> tuple[torch.nn.Module, tuple[str, ...]]:
    config = transformer_config(paths, _json(config_path))
    loras = _loras(settings, config)
    part = load_transformer(paths, transformer_precision(settings, device), config, loras.changes)
    return part, tuple(map(str, loras.reports))


def _loras(settings: ModelSettings, config: dict[str, Any]) -> LoraSet:
    from diffusers import WanVACETransformer3DModel

    shapes = {}
    if settings.loras:
        state = empty_part(WanVACETransformer3DModel, config).state_dict()
        shapes = {name: tuple(weight.shape) for name, weight in state.items()}
    return LoraSet([(find_lora(choice.name), choice.strength) for choice in settings.loras], shapes)


def _place(pipeline: WanVACEPipeline, device: torch.device, settings: ModelSettings, model: Path) -> tuple[str, ...]:
    """Everything that happens to the loaded parts, in the order that works; what there is to say of it."""
    import torch

    transformers, notes = experts(pipeline), []
    for transformer in transformers:
        memory.use_attention(transformer, settings.attention)
        if settings.compile_blocks and (note := memory.compile_blocks(transformer, device)):
            notes.append(note)
        if settings.storage == "fp8":
            memory.store_as_fp8(transformer, transformer_precision(settings, device))
    if settings.vae_tiling:
        pipeline.vae.enable_tiling()
    try:
        pipeline.vae.to(device)
        for transformer in transformers:
            memory.place_transformer(transformer, device, settings.blocks_to_swap, settings.swap_stream)
    except torch.OutOfMemoryError as error:
        raise WeightsError(
            f"the model in {model} does not fit into the memory of {torch.cuda.get_device_name(device)}; raise "
            "blocks_to_swap, set weights_storage to fp8, close other programs that use the GPU or take "
            "Wan-AI/Wan2.1-VACE-1.3B-diffusers"
        ) from error
    return tuple(dict.fromkeys(notes))


def experts(pipeline: WanVACEPipeline) -> list[Any]:
    """The transformers: one, or Wan 2.2's two."""
    return [part for part in (pipeline.transformer, pipeline.transformer_2) if part is not None]


def _scheduler(config: dict[str, Any] | None) -> Any:
    """The scheduler that the model was published with."""
    import diffusers

    config = config or shipped_config("wan2.1.scheduler")
    scheduler_class = getattr(diffusers, str(config.get("_class_name")), None)
    if scheduler_class is None or not hasattr(scheduler_class, "set_timesteps"):
        raise WeightsError(
            f"the model's scheduler is a {config.get('_class_name')}, which this diffusers does not have; "
            "download the folder scheduler again"
        )
    return scheduler_class.from_config(config)


def _json(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is damaged ({error}); {AGAIN}") from error
    return content

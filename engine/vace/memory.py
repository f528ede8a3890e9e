"""Where a model's parts live and how they compute: devices, swapped blocks, fp8 storage, tiles, attention, compiling.

Each function changes one loaded part in place and does one thing; ``step_down`` is what to do about a GPU that is out
of memory in the middle of a render.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from engine.errors import ParameterError, RenderFailedError

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


class Reducible(Protocol):
    """A loaded model that can be made to need less memory."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def step_down(self) -> str | None:
        """Takes the next measure and says which; None when all are taken."""


ATTENTION_BACKENDS = {
    "native": "native",
    "cudnn": "_native_cudnn",
    "efficient": "_native_efficient",
    "math": "_native_math",
    "flash": "flash",
    "flash3": "_flash_3",
    "sage": "sage",
    "xformers": "xformers",
}
"""The parameter's choices -> diffusers' names. Those that diffusers would download code for are left out."""


def blocks_of(transformer: Any) -> list[torch.nn.Module]:
    """All repeated blocks in the order of their use: the VACE layers run first."""
    return [*transformer.vace_blocks, *transformer.blocks]


def place_transformer(transformer: Any, device: torch.device, blocks_to_swap: int, use_stream: bool) -> None:
    """Moves the transformer to ``device``; its last ``blocks_to_swap`` blocks stay behind and visit."""
    resident, swapped = _split(blocks_of(transformer), blocks_to_swap)
    for name, child in transformer.named_children():
        if name not in ("blocks", "vace_blocks"):
            child.to(device)
    transformer.scale_shift_table.data = transformer.scale_shift_table.data.to(device)
    for block in resident:
        block.to(device)
    for block in swapped:
        swap(block, device, use_stream)


def swap(block: torch.nn.Module, device: torch.device, use_stream: bool) -> None:
    """The block's weights wait on the CPU and come to ``device`` layer by layer, ahead of their use with a stream."""
    import torch
    from diffusers.hooks import apply_group_offloading

    block.to("cpu")
    apply_group_offloading(
        block,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=use_stream and device.type == "cuda",
        non_blocking=device.type == "cuda",
    )


def swapped_blocks(transformer: Any) -> list[torch.nn.Module]:
    """The blocks that ``swap`` was applied to."""
    return [block for block in blocks_of(transformer) if _is_swapped(block)]


def _is_swapped(block: torch.nn.Module) -> bool:
    # One look suffices: a block is swapped as a whole, each of its layers by a hook.
    return any(
        registry is not None and registry.get_hook("group_offloading") is not None
        for registry in (getattr(module, "_diffusers_hook", None) for module in block.modules())
    )


def _split(blocks: list[torch.nn.Module], swapped: int) -> tuple[list[torch.nn.Module], list[torch.nn.Module]]:
    kept = max(len(blocks) - swapped, 0)
    return blocks[:kept], blocks[kept:]


def store_as_fp8(transformer: Any, precision: torch.dtype) -> None:
    """Keeps the layers' weights as 8-bit floats and computes in ``precision``; norms and embeddings stay as they are.

    LoRAs must be in the weights already. Apply it before swapping, so that 8 bits travel.
    """
    import torch

    transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=precision)


def use_attention(transformer: Any, name: str) -> None:
    """Lets this transformer alone compute attention by one of ``ATTENTION_BACKENDS``; "default" changes nothing.

    Raises ParameterError where the package or the GPU that it needs is not there.
    """
    if name == "default":
        return
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    before, _ = _AttentionBackendRegistry.get_active_backend()
    try:
        transformer.set_attention_backend(ATTENTION_BACKENDS[name])
    except (RuntimeError, ImportError, ValueError, OSError) as error:
        raise ParameterError(
            f"parameter 'attention' is '{name}', which does not run here ({_first_line(error)}); "
            "install what it needs or choose 'default'"
        ) from error
    finally:
        # Diffusers sets it for the whole process too; the layers remember it by themselves.
        _AttentionBackendRegistry.set_active_backend(before)


def compile_blocks(transformer: Any, device: torch.device) -> str | None:
    """Compiles the repeated blocks at their first use; or says why this machine cannot, and leaves them as they are."""
    compiler = {"cuda": "the package triton", "cpu": "a C++ compiler"}.get(device.type)
    if compiler is None:
        return f"the blocks are not compiled: torch cannot compile for {device.type}"
    present = find_spec("triton") if device.type == "cuda" else shutil.which("g++") or shutil.which("clang++")
    if not present:
        return f"the blocks are not compiled: {compiler} is missing; install it or turn compile_blocks off"
    import torch

    # Not Module.compile: it would take the hooks that report progress and cancel into the compiled code.
    for block in blocks_of(transformer):
        block.forward = torch.compile(block.forward, dynamic=False)
    return None


# --- out of memory ----------------------------------------------------------------------------------------------


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether this error, or what led to it, is torch's out-of-memory error."""
    import torch

    while error is not None:
        if isinstance(error, torch.OutOfMemoryError):
            return True
        error = error.__cause__
    return False


def step_down(pipeline: Any, device: torch.device) -> str | None:
    """Makes the loaded parts need less memory, the cheapest measure first; what was done, or None when all was done.

    A shorter context window, which changes the result more, is the caller's to choose after that.
    """
    if not pipeline.vae.use_tiling:
        pipeline.vae.enable_tiling()
        return "the VAE works in tiles (vae_tiling)"
    transformers = [part for part in (pipeline.transformer, pipeline.transformer_2) if part is not None]
    count, swapped = len(blocks_of(transformers[0])), len(swapped_blocks(transformers[0]))
    if swapped >= count:
        return None
    wanted = count // 2 if swapped < count // 2 else count
    for transformer in transformers:
        for block in blocks_of(transformer)[count - wanted : count - swapped]:
            swap(block, device, use_stream=False)
    return f"{wanted} of {count} blocks are swapped (blocks_to_swap)"


def within_memory(model: Reducible, attempt: Callable[[], Result], warn: Callable[[str], None]) -> Result:
    """``attempt()``, again with less memory after each out-of-memory error until nothing is left to save.

    ``warn`` gets a sentence for each measure. Raises what ``attempt`` raises in the end.
    """
    while True:
        try:
            return attempt()
        except RenderFailedError as error:
            if not is_out_of_memory(error):
                raise
            measure = model.step_down()
            if measure is None:
                raise
        # Outside of the handler: while it is handled, the error holds on to every tensor of the failed attempt.
        _free_cached(model.device)
        warn(f"out of GPU memory: from now on {measure}; the render goes on, slower")


def _free_cached(device: torch.device) -> None:
    import gc

    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _first_line(error: BaseException) -> str:
    with suppress(IndexError):
        return str(error).strip().splitlines()[0]
    return type(error).__name__

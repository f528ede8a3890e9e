"""Prompts as the model reads them, kept on disk: the text encoder (11 GB) is loaded once in a prompt's lifetime.

One file a prompt and encoder, in the cache folder. An encoder is known by its configuration, its tokenizer and samples
of its weights, not by where it lies, so that a model that moved or was downloaded again finds its prompts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from engine.errors import WeightsError
from engine.paths import cache_folder
from engine.vace.files.safetensors_check import read_header

if TYPE_CHECKING:
    import torch

_SAMPLES = 16
_SAMPLE_BYTES = 65_536
_KEY = "embedding"


def encoder_fingerprint(encoder: Path, tokenizer: Path) -> str:
    """Hash of a text encoder and its tokenizer: folders in transformers' layout, or a single file that may hold both.

    Raises WeightsError.
    """
    digest = hashlib.sha256()
    try:
        if tokenizer != encoder:
            for path in sorted(tokenizer.iterdir()):
                if path.is_file():
                    digest.update(path.name.encode() + b"\0" + path.read_bytes())
        if encoder.is_dir():
            digest.update((encoder / "config.json").read_bytes())
        for path in sorted(encoder.glob("*.safetensors")) if encoder.is_dir() else [encoder]:
            for piece in _samples(path):
                digest.update(piece)
    except OSError as error:
        raise WeightsError(f"the text encoder {encoder} cannot be read ({error}); check its permissions") from error
    return digest.hexdigest()


def cached_embedding(fingerprint: str, prompt: str) -> torch.Tensor | None:
    """The embedding of this prompt by this encoder as it was stored; None where it was not, or is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = _path(fingerprint, prompt)
    if not path.is_file():
        return None
    try:
        read_header(path)
        return load_file(path)[_KEY]
    except (WeightsError, SafetensorError, KeyError, OSError):
        # It can be made again, so a damaged one is worth no message.
        path.unlink(missing_ok=True)
        return None


def store_embedding(fingerprint: str, prompt: str, embedding: torch.Tensor) -> None:
    """Keeps an embedding, whole or not at all; a full disk costs the time of the next encoding, no more."""
    from safetensors.torch import save

    path = _path(fingerprint, prompt)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(save({_KEY: embedding.detach().cpu().contiguous()}))
        Path(file.name).replace(path)
    except OSError:
        return


def _path(fingerprint: str, prompt: str) -> Path:
    # Diffusers cleans prompts the same way, so these are one prompt to the encoder.
    cleaned = " ".join(prompt.split())
    name = hashlib.sha256(f"{fingerprint}\0{cleaned}".encode()).hexdigest()
    return cache_folder() / "prompts" / f"{name}.safetensors"


def _samples(path: Path) -> Iterator[bytes]:
    """The header, the size and evenly spaced samples of a file that is too large to hash whole for every job."""
    size_bytes = path.stat().st_size
    yield f"{path.name}\0{size_bytes}\0".encode()
    with path.open("rb") as file:
        yield file.read(min(int.from_bytes(file.read(8), "little"), size_bytes))
        for index in range(_SAMPLES):
            file.seek(max(size_bytes - _SAMPLE_BYTES, 0) * index // (_SAMPLES - 1))
            yield file.read(_SAMPLE_BYTES)

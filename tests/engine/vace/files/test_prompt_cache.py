"""Embeddings are found again by prompt and encoder, and by nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.errors import WeightsError
from engine.paths import cache_folder
from engine.vace.files.prompt_cache import cached_embedding, encoder_fingerprint, store_embedding

torch = pytest.importorskip("torch")

EMBEDDING = torch.arange(6, dtype=torch.bfloat16).reshape(1, 2, 3)


def _stored_files() -> list[Path]:
    return sorted((cache_folder() / "prompts").glob("*"))


def test_what_was_stored_is_found() -> None:
    assert cached_embedding("encoder", "a wall") is None
    store_embedding("encoder", "a wall", EMBEDDING)
    found = cached_embedding("encoder", "a wall")
    assert found is not None and found.dtype == torch.bfloat16 and torch.equal(found, EMBEDDING)
    assert len(_stored_files()) == 1


def test_spaces_do_not_make_another_prompt_but_words_and_encoders_do() -> None:
    store_embedding("encoder", "a wall", EMBEDDING)
    assert cached_embedding("encoder", "  a \n wall ") is not None
    assert cached_embedding("encoder", "a Wall") is None
    assert cached_embedding("encoder 2", "a wall") is None


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_file_is_made_again(content: bytes | None) -> None:
    store_embedding("encoder", "a wall", EMBEDDING)
    (path,) = _stored_files()
    path.write_bytes(path.read_bytes()[:-1] if content is None else content)
    assert cached_embedding("encoder", "a wall") is None
    store_embedding("encoder", "a wall", EMBEDDING)
    assert cached_embedding("encoder", "a wall") is not None


def test_a_cache_that_cannot_be_written_costs_nothing_else() -> None:
    (cache_folder() / "prompts").write_text("a file is in the way")
    store_embedding("encoder", "a wall", EMBEDDING)
    assert cached_embedding("encoder", "a wall") is None


def test_the_fingerprint_follows_the_content_not_the_place(tiny_folder: Path, tmp_path: Path) -> None:
    def fingerprint(folder: Path) -> str:
        return encoder_fingerprint(folder / "text_encoder", folder / "tokenizer")

    copy = shutil.copytree(tiny_folder, tmp_path / "model")
    first = fingerprint(tiny_folder)
    assert fingerprint(copy) == first
    weights = copy / "text_encoder/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    second = fingerprint(copy)
    (copy / "tokenizer/tokenizer_config.json").write_text("{}")
    assert len({first, second, fingerprint(copy)}) == 3
    shutil.rmtree(copy / "tokenizer")
    with pytest.raises(WeightsError, match="cannot be read"):
        fingerprint(copy)

"""The text encoder and its tokenizer from a single file, compared with the folder that they came from."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import WeightsError
from engine.vace.files.prompt_cache import encoder_fingerprint
from engine.vace.files.text_encoder import load_encoder, load_tokenizer
from engine.vace.files.text_encoder_file import has_tokenizer, is_encoder_file
from engine.vace.files.weights import model_files
from engine.vace.model import VaceModel
from engine.vace.model_parameters import ModelSettings

torch = pytest.importorskip("torch")
sentencepiece = pytest.importorskip("sentencepiece")
from safetensors.torch import load_file, save_file  # noqa: E402

CPU = torch.device("cpu")
_SPELLINGS = (
    (r"^shared\.", "token_embedding."),
    (r"^encoder\.final_layer_norm\.", "norm."),
    (r"^encoder\.block\.", "blocks."),
    (r"\.layer\.0\.SelfAttention\.relative_attention_bias\.", ".pos_embedding.embedding."),
    (r"\.layer\.0\.SelfAttention\.", ".attn."),
    (r"\.layer\.0\.layer_norm\.", ".norm1."),
    (r"\.layer\.1\.layer_norm\.", ".norm2."),
    (r"\.layer\.1\.DenseReluDense\.wi_0\.", ".ffn.gate.0."),
    (r"\.layer\.1\.DenseReluDense\.wi_1\.", ".ffn.fc1."),
    (r"\.layer\.1\.DenseReluDense\.wo\.", ".ffn.fc2."),
)
"""As Wan2.1's wan/modules/t5.py names the same layers."""


def _wan_name(name: str) -> str:
    for pattern, replacement in _SPELLINGS:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture
def tensors(tiny_folder: Path) -> dict[str, Any]:
    return load_file(tiny_folder / "text_encoder/model.safetensors")


@pytest.fixture(scope="session")
def pieces() -> bytes:
    """A SentencePiece model with T5's special tokens, trained on a few words."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a wall of bricks", "evening sun on a wall", "an empty street at night"] * 20),
        model_writer=model, vocab_size=30, model_type="unigram", hard_vocab_limit=False,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    return model.getvalue()


def _saved(path: Path, tensors: dict[str, Any], name: Callable[[str], str] = str, **more: Any) -> Path:
    save_file({name(key): value.clone().contiguous() for key, value in tensors.items()} | more, path)
    return path


def _as_bytes(data: bytes) -> Any:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


@pytest.mark.parametrize("prefix", ["", "text_encoders.umt5xxl.transformer.", "text_encoder."])
@pytest.mark.parametrize("name", [str, _wan_name])
def test_every_spelling_gives_the_folders_encoder(
    tmp_path: Path, tiny_folder: Path, tensors: dict[str, Any], prefix: str, name: Callable[[str], str]
) -> None:
    file = _saved(tmp_path / "umt5.safetensors", tensors, lambda key: prefix + name(key))
    assert is_encoder_file(file)
    single, folder = load_encoder(file), load_encoder(tiny_folder / "text_encoder")
    tokens = torch.tensor([[5, 9, 4, 1]])
    with torch.no_grad():
        assert torch.equal(single(tokens).last_hidden_state, folder(tokens).last_hidden_state)
    assert single.shared.weight.dtype == torch.bfloat16
    assert single.shared is single.encoder.embed_tokens  # 2 GB once, not twice


def test_scaled_fp8_is_multiplied_by_its_scales(tmp_path: Path, tensors: dict[str, Any]) -> None:
    layer = "encoder.block.0.layer.0.SelfAttention.q"
    scale = tensors[f"{layer}.weight"].abs().max() / 448
    stored = tensors | {f"{layer}.weight": (tensors[f"{layer}.weight"] / scale).to(torch.float8_e4m3fn)}
    marks = {f"{layer}.scale_weight": scale.reshape(1).float(), "scaled_fp8": torch.zeros(0, dtype=torch.float8_e4m3fn)}
    loaded = load_encoder(_saved(tmp_path / "scaled.safetensors", stored, **marks))
    weight = loaded.encoder.block[0].layer[0].SelfAttention.q.weight.float()
    assert (weight - tensors[f"{layer}.weight"].float()).abs().max() < 0.07 * tensors[f"{layer}.weight"].abs().max()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t | {"encoder.block.0.layer.0.SelfAttention.k.weight": torch.zeros(3, 32)}, "has the shape 3x32"),
        (lambda t: {k: v for k, v in t.items() if "block.1" not in k or "wo" not in k}, r"lacks the tensor '.*\.wo\."),
        (lambda t: t | {"encoder.block.0.layer.2.new.weight": torch.zeros(1)}, r"'encoder\.block\.0\.layer\.2\.new\."),
        (lambda t: t | {"shared.weight": t["shared.weight"] * float("nan")}, r"'shared\.weight' .* holds NaN"),
        (lambda _: {"lm_head.weight": torch.zeros(2, 2)}, "is no UMT5 text encoder, its first tensor is 'lm_head"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_name_the_tensor(
    tmp_path: Path, tensors: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        load_encoder(_saved(tmp_path / "odd.safetensors", change(tensors)))


def test_the_tokenizer_in_the_file_cuts_and_pads_as_t5_does(
    tmp_path: Path, tensors: dict[str, Any], pieces: bytes
) -> None:
    file = _saved(tmp_path / "umt5.safetensors", tensors, spiece_model=_as_bytes(pieces))
    assert has_tokenizer(file)
    tokenize = load_tokenizer(file)
    found = tokenize(["a wall", ""], padding="max_length", max_length=6, return_tensors="pt")
    whole = sentencepiece.SentencePieceProcessor(model_proto=pieces).encode("a wall")
    assert found.input_ids[0].tolist() == [*whole[:5], 1, *[0] * (5 - len(whole[:5]))]
    assert found.input_ids[1].tolist() == [1, 0, 0, 0, 0, 0]
    assert found.attention_mask.sum(dim=1).tolist() == [len(whole[:5]) + 1, 1]


def test_a_damaged_tokenizer_is_told(tmp_path: Path, tensors: dict[str, Any]) -> None:
    file = _saved(tmp_path / "umt5.safetensors", tensors, spiece_model=_as_bytes(b"no model"))
    with pytest.raises(WeightsError, match=r"the tokenizer in .* is damaged"):
        load_tokenizer(file)


# --- with the model -----------------------------------------------------------------------------------------------


def test_a_prompt_reads_the_same_from_a_file_as_from_the_folder(
    tmp_path: Path, tiny_folder: Path, tensors: dict[str, Any]
) -> None:
    file = _saved(tmp_path / "umt5.safetensors", tensors, _wan_name)
    settings = ModelSettings(text_encoder=str(file), tokenizer=str(tiny_folder / "tokenizer"))
    single, folder = VaceModel(tiny_folder, CPU, settings), VaceModel(tiny_folder, CPU)
    assert torch.equal(single.embedding("a brick wall"), folder.embedding("a brick wall"))


def test_three_single_files_make_a_model(
    tmp_path: Path, tiny_folder: Path, tensors: dict[str, Any], pieces: bytes
) -> None:
    """As ComfyUI has them: the transformer, the VAE, and the text encoder with its tokenizer."""
    words = sentencepiece.SentencePieceProcessor(model_proto=pieces).get_piece_size()
    table = torch.randn(max(words, 1), 32, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    file = _saved(tmp_path / "umt5.safetensors", tensors | {"shared.weight": table}, spiece_model=_as_bytes(pieces))
    for part in ("transformer", "vae"):
        shutil.copy(tiny_folder / f"{part}/diffusion_pytorch_model.safetensors", tmp_path / f"{part}.safetensors")
    shutil.copy(tiny_folder / "transformer/config.json", tmp_path / "config.json")
    settings = ModelSettings(vae=str(tmp_path / "vae.safetensors"), text_encoder=str(file))
    files = model_files(tmp_path / "transformer.safetensors", settings)
    assert files.text_encoder == files.tokenizer == file and files.vae_config is None
    assert files.vae == (tmp_path / "vae.safetensors",)


def test_an_encoder_of_another_width_is_refused(tmp_path: Path, tiny_folder: Path, tensors: dict[str, Any]) -> None:
    from tests.support.tiny_wan import build_wide_encoder

    build_wide_encoder(tmp_path, width=64)
    settings = ModelSettings(text_encoder=str(tmp_path / "text_encoder"))
    with pytest.raises(WeightsError, match="is 64 wide where the model reads 32; take UMT5-XXL"):
        VaceModel(tiny_folder, CPU, settings).embedding("a wide street")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"text_encoder": "gone.safetensors"}, r"there is no text encoder .*gone\.safetensors"),
        ({"text_encoder": "umt5.gguf"}, r"umt5\.gguf is no \.safetensors file"),
        ({"text_encoder": "folder"}, r"'text_encoder' is .*folder, a folder without config\.json"),
        ({"tokenizer": "gone"}, "'tokenizer' is .*gone, which is no folder"),
    ],
)
def test_places_that_are_none_are_told(
    tmp_path: Path, tiny_folder: Path, settings: dict[str, str], message: str
) -> None:
    (tmp_path / "umt5.gguf").write_bytes(b"GGUF")
    (tmp_path / "folder").mkdir()
    given: dict[str, Any] = {name: str(tmp_path / value) for name, value in settings.items()}
    with pytest.raises(WeightsError, match=message):
        model_files(tiny_folder, ModelSettings(**given))


def test_an_encoder_without_any_tokenizer_is_told(tmp_path: Path, tiny_folder: Path, tensors: dict[str, Any]) -> None:
    (tmp_path / "alone").mkdir()
    file = _saved(tmp_path / "alone/umt5.safetensors", tensors)
    model = tmp_path / "alone/transformer.safetensors"
    shutil.copy(tiny_folder / "transformer/diffusion_pytorch_model.safetensors", model)
    vae = tiny_folder / "vae/diffusion_pytorch_model.safetensors"
    with pytest.raises(WeightsError, match=r"umt5\.safetensors brings no tokenizer; set 'tokenizer'"):
        model_files(model, ModelSettings(vae=str(vae), text_encoder=str(file)))


def test_other_files_are_other_encoders_to_the_prompt_cache(
    tmp_path: Path, tiny_folder: Path, tensors: dict[str, Any]
) -> None:
    first = _saved(tmp_path / "a.safetensors", tensors)
    second = _saved(tmp_path / "b.safetensors", tensors | {"shared.weight": tensors["shared.weight"] * 2})
    tokenizer = tiny_folder / "tokenizer"
    prints = [
        encoder_fingerprint(first, first),
        encoder_fingerprint(first, tokenizer),
        encoder_fingerprint(second, second),
    ]
    assert len(set(prints)) == 3
    assert encoder_fingerprint(first, first) == prints[0]

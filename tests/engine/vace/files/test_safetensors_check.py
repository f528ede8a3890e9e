"""Damaged weights are refused from the header alone, by the name of the tensor."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import WeightsError
from engine.vace.files.safetensors_check import check_shapes, read_header, refuse_pickle


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    ones = np.ones(1, np.float32)
    tensors = {"first": np.ones((2, 3), np.float32), "second": np.zeros(4, np.float16), "scalar": ones}
    save_file(tensors, path, metadata={"format": "pt"})
    return path


def _message(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_header(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


def _written(path: Path, header: object, data: bytes = b"") -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_a_good_header(good: Path) -> None:
    header = read_header(good)
    assert {name: entry.shape for name, entry in header.tensors.items()} == {
        "first": (2, 3),
        "second": (4,),
        "scalar": (1,),
    }
    assert header.tensors["second"].dtype == "F16"
    assert header.metadata == {"format": "pt"}


def test_every_truncation_is_seen(good: Path) -> None:
    whole = good.read_bytes()
    for length in range(len(whole)):
        good.write_bytes(whole[:length])
        assert "truncated" in _message(good) or "no safetensors file" in _message(good)


def test_a_truncated_tensor_is_named(good: Path) -> None:
    last = max(read_header(good).tensors.items(), key=lambda item: item[1].start)[0]
    good.write_bytes(good.read_bytes()[:-1])
    assert f"of the tensor '{last}' it holds" in _message(good)


def test_no_file(tmp_path: Path) -> None:
    assert "cannot be read (No such file or directory)" in _message(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("content", [b"", b"1234567", b"<html>not found</html>", b"\xff" * 64])
def test_not_safetensors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    assert "no safetensors file" in _message(path)


def test_a_header_that_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes((4).to_bytes(8, "little") + b"{{{{")
    assert "the header of" in _message(path) and "is damaged" in _message(path)
    assert "no JSON object" in _message(_written(path, []))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, "the tensor 'a' in"),
        ({"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}, "damaged at the tensor 'a'"),
        ({"dtype": "F32", "shape": [1]}, "damaged at the tensor 'a'"),
        ({"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}, "damaged at the tensor 'a'"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}, "leaves a gap"),
        ("nothing", "damaged at the tensor 'a'"),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, entry: object, words: str) -> None:
    message = _message(_written(tmp_path / "w.safetensors", {"a": entry}, bytes(8)))
    assert words in message and "'a'" in message


def test_overlapping_tensors(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    assert "overlaps" in _message(_written(tmp_path / "w.safetensors", {"a": entry, "b": entry}, bytes(8)))


@pytest.mark.parametrize("name", ["w.pt", "w.ckpt", "w.bin", "w.pth", "W.PKL"])
def test_pickles_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"harmless")
    with pytest.raises(WeightsError, match=r"is a pickled checkpoint.*take the same weights as \.safetensors"):
        refuse_pickle(path)


def test_a_pickle_under_another_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(pickle.dumps({"a": 1}))
    assert "pickled checkpoint" in _message(path)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "pickled checkpoint" in _message(path)


def test_missing_and_misshapen_tensors_are_named(tmp_path: Path) -> None:
    expected = {"a": (2, 3), "b": (4,), "c": ()}
    check_shapes(expected, expected, tmp_path)
    with pytest.raises(WeightsError, match="lacks the tensor 'b' and 1 more of 3"):
        check_shapes({"a": (2, 3)}, expected, tmp_path)
    with pytest.raises(WeightsError, match=r"the tensor 'a' in .* has the shape 3x2 where the model has 2x3"):
        check_shapes({**expected, "a": (3, 2)}, expected, tmp_path)
    with pytest.raises(WeightsError, match="has the shape 1 where the model has scalar"):
        check_shapes({**expected, "c": (1,)}, expected, [tmp_path])

"""Weight files: what is written comes back bit for bit, and whatever was damaged is refused in one sentence."""

import ast
import json
import os
import struct
from pathlib import Path

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from tiny_prior import write_tiny_prior

import jaxprior
from jaxprior.errors import WeightsError
from jaxprior.system.files import make_folder
from jaxprior.weights import loader, storage, tree
from jaxprior.weights.priors import load_prior


CARD = {
    "name": "tiny",
    "architecture": "pggan",
    "config": {"resolution": 8, "widths": [4, 2]},
    "licence": "CC0",
}


@pytest.fixture
def params() -> dict:
    random = np.random.default_rng(0)
    return {
        "generator": {
            "layer0": {
                "kernel": random.normal(size=(3, 4, 4, 2)).astype(np.float32),
                "bias": random.normal(size=2).astype(np.float16),
            },
            "output0": {"kernel": random.normal(size=(1, 1, 2, 3)).astype(ml_dtypes.bfloat16)},
        },
        "critic": {"output": {"bias": np.zeros((), np.float32)}},
    }


@pytest.fixture
def file(params, tmp_path) -> Path:
    storage.save_weights(tmp_path / "tiny.safetensors", params, CARD)
    return tmp_path / "tiny.safetensors"


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        storage.load_weights(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 400
    return message


def rewrite(path: Path, change) -> None:
    """Change the header's JSON and write it back with a fitting length."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    head = json.dumps(change(json.loads(data[8 : 8 + length]))).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data[8 + length :])


def test_round_trip_is_exact_in_every_data_type(params, file):
    loaded, card = storage.load_weights(file)
    before, after = tree.flatten(params), tree.flatten(loaded)
    assert sorted(before) == sorted(after)
    for name, array in before.items():
        assert after[name].dtype == array.dtype and after[name].shape == array.shape
        assert after[name].tobytes() == array.tobytes()
    assert card == {**CARD, "sha256": storage.weights_digest(params)}
    assert storage.read_card(file) == card


def test_files_are_byte_identical_and_readable_by_safetensors(params, file, tmp_path):
    again = tmp_path / "again.safetensors"
    turned = {key: dict(reversed(list(params[key].items()))) for key in reversed(list(params))}
    storage.save_weights(again, turned, CARD)
    assert again.read_bytes() == file.read_bytes()
    plain = tmp_path / "plain.safetensors"
    storage.save_weights(plain, {"a": {"b": np.arange(6, dtype=np.float32).reshape(2, 3)}}, CARD)
    np.testing.assert_array_equal(safetensors.numpy.load_file(plain)["a/b"], [[0, 1, 2], [3, 4, 5]])


def test_jax_arrays_are_stored_like_numpy_arrays(tmp_path):
    values = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    for name, array in {"numpy": values, "jax": jnp.asarray(values), "strided": values.T.copy().T}.items():
        storage.save_weights(tmp_path / f"{name}.safetensors", {"g": {"w": array}}, {"name": "x"})
    files = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("numpy", "jax", "strided")]
    assert files[0] == files[1] == files[2]


def test_digest_depends_on_names_types_shapes_and_values(params):
    digests = {storage.weights_digest(params)}
    flat = tree.flatten(params)
    kernel = flat["generator/layer0/kernel"]
    for name, array in [
        ("generator/layer0/other", kernel),
        ("generator/layer0/kernel", kernel.astype(np.float16)),
        ("generator/layer0/kernel", kernel.reshape(3, 4, 2, 4)),
        ("generator/layer0/kernel", kernel + np.float32(1e-6)),
    ]:
        changed = {**flat, name: array}
        digests.add(storage.weights_digest(tree.unflatten(changed)))
    assert len(digests) == 5


def test_every_truncation_is_refused(file):
    data = file.read_bytes()
    cuts = sorted(
        {0, 1, 7, 8, 9, len(data) - 1, *np.random.default_rng(1).integers(0, len(data), 100).tolist()}
    )
    for cut in cuts:
        file.write_bytes(data[:cut])
        refused(file)
    file.write_bytes(data + b"\0")
    refused(file)


def test_every_flipped_bit_of_the_header_is_refused(file):
    data = file.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    random = np.random.default_rng(2)
    for position in [*range(8), *random.integers(8, end, 300).tolist()]:
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(random.integers(8))
        file.write_bytes(flipped)
        refused(file)


def test_every_flipped_bit_of_the_tensors_is_refused_by_the_digest(file):
    data = file.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    for position in range(start, len(data), 7):
        flipped = bytearray(data)
        flipped[position] ^= 4
        file.write_bytes(flipped)
        assert "sha256" in refused(file)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_values_that_are_not_finite_are_neither_written_nor_read(value, dtype, tmp_path, monkeypatch):
    path = tmp_path / "bad.safetensors"
    params = {"g": {"good": np.ones(3, np.float32), "bad": np.array([1, value, 2], dtype)}}
    with pytest.raises(WeightsError, match="'g/bad' holds 1 values that are NaN or infinite"):
        storage.save_weights(path, params, CARD)
    assert not path.exists()
    with monkeypatch.context() as patch:  # a file of somebody who does not check
        patch.setattr(storage, "_check_finite", lambda arrays, path: None)
        storage.save_weights(path, params, CARD)
    assert "'g/bad'" in refused(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04" + b"\0" * 60,
        b"\x80\x04}." + b"\0" * 60,
        b"\xff" * 64,
        b"hello",
        struct.pack("<Q", 2) + b"[]",
    ],
)
def test_other_files_are_refused(data, tmp_path):
    path = tmp_path / "other.safetensors"
    path.write_bytes(data)
    refused(path)


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "cannot be read" in refused(tmp_path / "none.safetensors")
    assert "cannot be read" in refused(tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        storage.read_card(tmp_path / "none.safetensors")


def test_foreign_safetensors_files_have_no_card(tmp_path):
    path = tmp_path / "foreign.safetensors"
    safetensors.numpy.save_file({"w": np.ones(3, np.float32)}, path, metadata={"format": "pt"})
    assert "without a jaxprior card" in refused(path)
    tensors, metadata = storage.read_tensors(path)
    assert metadata == {"format": "pt"} and tensors["w"].tolist() == [1, 1, 1]


def test_an_edited_card_is_refused(file):
    def edit(header):
        header["__metadata__"]["jaxprior"] = header["__metadata__"]["jaxprior"].replace("CC0", "MIT")
        return header

    rewrite(file, edit)
    assert "card" in refused(file)
    with pytest.raises(WeightsError, match="damaged or edited"):
        storage.read_card(file)


@pytest.mark.parametrize(
    "edit",
    [
        lambda head: {**head, "a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}},
        lambda head: {**head, "a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        lambda head: {**head, "a": {"dtype": "F8_E5M2", "shape": [1], "data_offsets": [0, 1]}},
        lambda head: {**head, "critic/output/bias": {"dtype": "F32", "shape": [], "data_offsets": [0, 8]}},
        lambda head: {**head, "__metadata__": {"jaxprior": {}}},
        lambda head: {**head, "__metadata__": []},
        lambda head: {key: value for key, value in head.items() if key != "critic/output/bias"},
        lambda head: [head],
    ],
    ids=["huge", "negative", "type", "overlap", "no-strings", "metadata", "hole", "list"],
)
def test_damaged_headers_are_refused(edit, file):
    rewrite(file, edit)
    refused(file)


def test_duplicate_names_and_deep_json_are_refused(file, tmp_path):
    entry = b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    for head in [b"{" + entry + b"," + entry + b"}", b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"]:
        path = tmp_path / "odd.safetensors"
        path.write_bytes(struct.pack("<Q", len(head)) + head)
        refused(path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(file, params, tmp_path, monkeypatch):
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="No space left"):
        storage.save_weights(file, {"g": {"w": np.ones(3, np.float32)}}, CARD)
    assert file.read_bytes() == before and os.listdir(tmp_path) == [file.name]
    with pytest.raises(WeightsError, match="cannot be written"):
        storage.save_weights(tmp_path / "no" / "folder.safetensors", params, CARD)


def test_what_cannot_be_stored_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    for params, card, words in [
        ({}, CARD, "no tensors"),
        ({"a": {}}, CARD, "'a' is empty"),
        ({"a/b": np.ones(1)}, CARD, "without '/'"),
        ({1: np.ones(1)}, CARD, "without '/'"),
        ({"a": np.array(["text"])}, CARD, "data type"),
        ({"a": np.ones(1)}, {"name": object()}, "JSON"),
        ({"a": np.ones(1)}, {"loss": float("nan")}, "JSON"),
    ]:
        with pytest.raises(WeightsError, match=words):
            storage.save_weights(path, params, card)
    assert not path.exists()


def test_flatten_and_unflatten_are_inverse_and_strict(params):
    flat = tree.flatten(params)
    assert tree.flatten(tree.unflatten(flat)) == flat
    for names in (["a", "a/b"], ["a/b", "a"], ["a//b"], ["/a"], ["a/"], [""]):
        with pytest.raises(WeightsError):
            tree.unflatten(dict.fromkeys(names, 0))


def test_check_matches_lists_the_first_five_differences_with_shapes(params):
    tree.check_matches(params, params)
    expected = {f"layer{k}": {"kernel": np.zeros((3, 3, k + 1, 2))} for k in range(9)}
    found = {f"layer{k}": {"kernel": np.zeros((3, 3, k + 1, 2))} for k in range(2, 9)}
    found["layer8"] = {"kernel": np.zeros((3, 3, 9, 5))}
    found["lod"] = np.zeros(())
    with pytest.raises(WeightsError) as caught:
        tree.check_matches(found, expected)
    message = str(caught.value)
    assert "4 of 10 tensors" in message
    assert "layer0/kernel: missing, expected (3, 3, 1, 2)" in message
    assert "layer8/kernel: expected (3, 3, 9, 2), got (3, 3, 9, 5)" in message
    assert "lod: unexpected, got ()" in message
    with pytest.raises(WeightsError, match="and 4 more") as caught:
        tree.check_matches({"x": {"y": np.zeros(1)}}, {k: v for k, v in expected.items() if k != "layer8"})
    assert len(str(caught.value).splitlines()) <= 15


def test_the_packages_import_neither_pickle_nor_torch():
    root = Path(jaxprior.__file__).parents[1]
    forbidden = {"pickle", "dill", "cloudpickle", "torch", "tensorflow", "joblib"}
    for package in ("jaxprior", "weights_convert"):
        files = list((root / package).rglob("*.py"))
        assert files
        for path in files:
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not forbidden & {name.split(".")[0] for name in names}, path


def test_a_name_that_is_a_bundled_prior_and_a_run_in_this_folder_is_asked_about(tmp_path, monkeypatch):
    name = next(iter(loader.bundled()))
    write_tiny_prior(make_folder(tmp_path / name) / "model.safetensors")
    assert load_prior(name).card["name"] == name
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=f"give ./{name} to take what lies here"):
        load_prior(name)
    assert load_prior(f"./{name}").card["name"] == "tiny" and load_prior().card["name"] != "tiny"

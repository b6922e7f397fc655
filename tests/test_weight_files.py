"""Weights from strangers: what is read, and what is refused with a message."""

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import ganzoo
from ganzoo.errors import GanzooError
from ganzoo.weight_files import read_weights, unpack_torch


def saved(value, legacy=False):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def refuse(tmp_path, data, *said, name="weights.pth"):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(GanzooError) as error:
        read_weights(path)
    for text in (str(path), *said):
        assert text in str(error.value)
    assert "weights_only=False" not in str(error.value), "torch's advice to run the file"


@pytest.mark.parametrize("legacy", [False, True])
def test_state_dicts_are_read(tmp_path, legacy):
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    state = module.state_dict() | {
        "half": torch.ones(3).half(),
        "none": torch.zeros(0, 3),
        "x": nn.Parameter(torch.ones(2)),
    }
    state["view"] = state["0.weight"][:, 1]
    (tmp_path / "a.pth").write_bytes(saved(state, legacy))
    read = read_weights(tmp_path / "a.pth")
    assert read.keys() == state.keys()
    for name, value in state.items():
        assert torch.equal(read[name], value) and read[name].dtype == value.dtype


@pytest.mark.parametrize("legacy", [False, True])
def test_optimizer_states_are_read(legacy):
    weights = [nn.Parameter(torch.ones(2, 3))]
    optimizer = torch.optim.Adam(weights, fused=True)
    weights[0].sum().backward()
    optimizer.step()
    states = {"generator": optimizer.state_dict()}
    read = unpack_torch(saved(states, legacy), "x")
    assert read["generator"]["param_groups"] == states["generator"]["param_groups"]
    assert torch.equal(read["generator"]["state"][0]["exp_avg"], states["generator"]["state"][0]["exp_avg"])


class Runs:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_is_run(tmp_path, legacy):
    canary = tmp_path / "canary"
    name = f"the global `{os.system.__module__}.system`"
    refuse(tmp_path, saved({"a": torch.ones(1), "b": Runs(canary)}, legacy), "is refused: it holds", name)
    refuse(tmp_path, pickle.dumps(Runs(canary)), name)
    refuse(tmp_path, b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR.", "the global `os.system`")
    assert not canary.exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_no_tensor_is_refused(tmp_path, legacy):
    refuse(
        tmp_path, saved(nn.Linear(2, 2), legacy), "is refused: it holds the global `torch.nn.modules.linear.L"
    )
    refuse(
        tmp_path, saved({"a": torch.zeros(9).to_sparse()}, legacy), "the global `torch._utils._rebuild_sparse"
    )
    refuse(tmp_path, saved({"a": np.ones(2)}, legacy), "the global `numpy.")
    refuse(tmp_path, saved([torch.ones(1)], legacy), "holds a list; expected a state dict, named tensors")
    refuse(tmp_path, saved({1: torch.ones(1)}, legacy), "holds a dict; expected a state dict, named tensors")
    inside = {"epoch": 3, "state_dict": {"a": torch.ones(1)}, "b": torch.ones(1)}
    refuse(
        tmp_path,
        saved(inside, legacy),
        "more than named tensors: `epoch`, a int, `state_dict`, a dict; where one",
    )


@pytest.mark.parametrize("legacy", [False, True])
def test_shapes_that_would_fill_the_memory(tmp_path, legacy):
    refuse(
        tmp_path,
        saved({"a": torch.zeros(1).expand(2**40)}, legacy),
        "a tensor of shape (1099511627776,) that is not st",
    )


def test_storages_that_are_not_there(tmp_path):
    lie = saved({"a": torch.ones(77)}, legacy=True).replace(b"KM", b"J\0\0\0\x7f")
    refuse(tmp_path, lie, "a storage of 2,130,706,432 numbers in a file of")
    parts = [
        (name, part.replace(b"KM", b"J\0\0\0\x7f")) for name, part in parts_of(saved({"a": torch.ones(77)}))
    ]
    refuse(tmp_path, zipped(parts), "a storage of 2,130,706,432 numbers in a file of")


def zipped(parts, how=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return buffer.getvalue()


def parts_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def test_zip_bombs(tmp_path):
    parts = parts_of(saved({"a": torch.zeros(25_000_000)}))
    bomb = zipped(parts, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000, "it unfolds to 100 MB"
    refuse(tmp_path, bomb, "is refused: it holds compressed parts, which torch.save does not write")
    honest = zipped(parts_of(saved({"a": torch.ones(77)})))
    at = (
        honest.index(b"archive/data/0", honest.index(b"PK\x01\x02")) - 46
    )  # its entry in the central directory
    lie = honest[: at + 20] + struct.pack("<LL", 10**9, 10**9) + honest[at + 28 :]
    refuse(tmp_path, lie, "parts that unfold to more bytes than the file has")


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_two_pickles_in_a_zip_file(tmp_path):
    """Who reads the last part of a name would check one, and torch might read the other."""
    parts = parts_of(saved({"a": torch.ones(2)}))
    for name in ("archive/data.pkl", "archive/DATA.pkl", "other/data.pkl"):
        refuse(
            tmp_path,
            zipped([*parts, (name, b"cos\nsystem\n.")]),
            "several parts of one name, or no `data.pkl`",
        )
    refuse(tmp_path, zipped(parts[1:]), "several parts of one name, or no `data.pkl`")


def test_nesting_that_would_end_the_process(tmp_path):
    """Hashing tuples in tuples, a million deep: Python crashes, and so does torch.load."""
    deep, wide = b")" + b"\x85" * 200_000, b")" + b"q\x00h\x00\x86" * 60
    ordered = b"ccollections\nOrderedDict\n]](" + deep + b"K\x01ea\x85R."
    for program in (b"}" + deep + b"K\x01s.", b"}" + wide + b"K\x01s.", ordered):
        parts = [("a/data.pkl", b"\x80\x02" + program), ("a/version", b"3\n"), ("a/byteorder", b"little")]
        refuse(tmp_path, zipped(parts), "is refused: it holds a tuple as a key")
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    refuse(tmp_path, magic + b"]" * 10**5 + b"a" * 99_999 + b".", "nested deeper than 32")


@pytest.mark.parametrize("legacy", [False, True])
def test_damaged_files(tmp_path, legacy):
    data = saved({"a": torch.ones(20), "b": torch.ones(2)}, legacy)
    for end in (0, 1, 10, 100, len(data) // 2, len(data) - 30):
        refuse(tmp_path, data[:end], "is damaged, or was not written by torch.save: ")
    refuse(tmp_path, b"hello", "is damaged, or was not written by torch.save: ")
    refuse(tmp_path, b"PK\x03\x04" + bytes(1000), "is damaged, or was not written by torch.save: ")


def test_files_of_other_kinds(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    for name, said in (("pipe.pth", "it is a named pipe"), ("none.pth", "No such file")):
        with pytest.raises(GanzooError, match=said):
            read_weights(tmp_path / name)


def header(tensors, body=bytes(8), length=None):
    text = tensors if isinstance(tensors, bytes) else json.dumps(tensors).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(kind="F32", shape=(2,), place=(0, 8)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(place)}


LIES = {
    "offsets out of range": header({"a": tensor(place=(0, 80))}),
    "offsets that overlap": header({"a": tensor(), "b": tensor(place=(4, 12))}, bytes(12)),
    "offsets with a hole": header({"a": tensor(place=(8, 16))}, bytes(16)),
    "offsets the wrong way round": header({"a": tensor(place=(8, 0))}),
    "more than it says": header({"a": tensor()}, bytes(80)),
    "a huge header": header({"a": tensor()}, length=2**60),
    "a large header": header({"a": tensor()}, length=90_000_000),
    "an unknown type": header({"a": tensor("F99")}),
    "a type that torch has not": header({"a": tensor("F4", (16,))}),
    "another type": header({"a": tensor("F64")}),
    "terabytes": header({"a": tensor(shape=(2**42,))}),
    "more than there is": header({"a": tensor(shape=(2**60, 2**60))}),
    "a shape below zero": header({"a": tensor(shape=(-2,))}),
    "nothing, in a shape too large": header({"a": tensor(shape=(0, 2**62, 8), place=(0, 0))}, b""),
    "nothing, in a larger shape": header({"a": tensor(shape=(0, 2**63), place=(0, 0))}, b""),
    "deep JSON": header(b"[" * 100_000),
    "no JSON": header(b"hello"),
    "a pickle": pickle.dumps({"a": 1}),
    "empty": b"",
}


@pytest.mark.parametrize("data", LIES.values(), ids=list(LIES))
def test_safetensors_that_lie(tmp_path, data):
    refuse(tmp_path, data, "weights.safetensors is no sound safetensors file: ", name="weights.safetensors")


def test_safetensors_are_read(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(header({"a": tensor()}))
    assert torch.equal(read_weights(tmp_path / "a.safetensors")["a"], torch.zeros(2))


def test_official_weights_from_paths(plan, tmp_path):
    theirs, other = plan.build(), plan.build()
    state = ganzoo.export_official(theirs, "gan-int-cls")
    torch.save(state["generator"], tmp_path / "netG.pth")
    save_file(state["discriminators"][0], tmp_path / "netD.safetensors")
    paths = {"generator": tmp_path / "netG.pth", "discriminators": [str(tmp_path / "netD.safetensors")]}
    ganzoo.load_official(other, "gan-int-cls", paths)
    for name, value in theirs.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    with pytest.raises(GanzooError, match=r"none\.pth cannot be read: No such file"):
        ganzoo.load_official(other, "gan-int-cls", {"generator": tmp_path / "none.pth"})

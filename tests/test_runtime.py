import logging
import platform

import numpy as np
import pytest
import torch

from ganzoo.errors import GanzooError
from ganzoo.runtime import accelerator, device_called, explaining_memory, keep_large_blocks, weights_dtype


def test_devices(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert device_called("auto").type == device_called("cpu").type == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert device_called("auto").type == device_called("cuda").type == "cuda"
    assert device_called("cpu").type == "cpu"


@pytest.mark.parametrize(
    "name, said",
    [
        ("gpu", "no device `gpu`; expected auto, cpu or cuda"),
        ("cuda:3", "CUDA_VISIBLE_DEVICES=3 chooses that GPU"),
        ("cud", "did you mean `cuda`?"),
    ],
)
def test_no_such_device(name, said):
    with pytest.raises(GanzooError) as error:
        device_called(name)
    assert said in str(error.value)


def test_one_process_may_change_its_precision():
    kinds = [accelerator("cpu", precision).mixed_precision for precision in ("auto", "bf16", "fp32", "fp64")]
    assert kinds == ["no", "bf16", "no", "no"]


def test_weights():
    assert weights_dtype("fp64") is torch.float64
    assert {weights_dtype(precision) for precision in ("auto", "fp32", "bf16", "fp16")} == {torch.float32}


def test_autocast():
    for precision, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        with accelerator("cpu", precision).autocast():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def cpu_allocator():
    torch.empty(2**60)


def numpy_allocator():
    np.empty(2**55)


def gpu():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")


def cublas():
    raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")


@pytest.mark.parametrize(
    "exhaust, where",
    [
        (cpu_allocator, "this machine"),
        (numpy_allocator, "this machine"),
        (gpu, "the GPU"),
        (cublas, "the GPU"),
    ],
)
def test_out_of_memory(exhaust, where):
    with pytest.raises(GanzooError) as error, explaining_memory("lower the batch"):
        exhaust()
    said = str(error.value).splitlines()
    assert said[0].startswith(f"{where} ran out of memory: ") and said[1:] == ["lower the batch"]


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="mat1 and mat2"), explaining_memory("lower the batch"):
        _ = torch.ones(2, 3) @ torch.ones(2, 3)


def test_large_blocks_are_kept_where_that_is_known_to_work(monkeypatch, caplog):
    glibc = platform.libc_ver()[0] == "glibc"
    monkeypatch.delenv("GANZOO_KEEP_LARGE_BLOCKS")
    with caplog.at_level(logging.INFO, "ganzoo"):
        assert keep_large_blocks() is glibc
    assert (
        caplog.messages
        == ["large memory blocks are kept (GANZOO_KEEP_LARGE_BLOCKS=0 turns this off)"] * glibc
    )


def test_large_blocks_can_be_left_alone(monkeypatch, caplog):
    monkeypatch.setenv("GANZOO_KEEP_LARGE_BLOCKS", "0")
    with caplog.at_level(logging.INFO, "ganzoo"):
        assert keep_large_blocks() is False
    assert not caplog.messages

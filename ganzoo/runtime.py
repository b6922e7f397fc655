"""Where and how a model computes: device, precision, processes (through accelerate), and the memory of the C library."""

from __future__ import annotations

import ctypes
import logging
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from accelerate import Accelerator

from ganzoo.errors import GanzooError

log = logging.getLogger("ganzoo")

Precision = Literal["auto", "fp32", "bf16", "fp16", "fp64"]


def accelerator(
    device: str = "auto", precision: Precision = "auto", trackers: Sequence[str] = (), folder: Path | None = None
) -> Accelerator:
    """An Accelerator on `device` ("auto", "cpu" or "cuda") in `precision`.

    "auto" is the GPU and bf16 where there is one, else the CPU and fp32. fp64 is for comparing with golden numbers.
    Raises GanzooError when a GPU is asked for and there is none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise GanzooError(f"no device `{device}`; expected auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise GanzooError(
            "a GPU was asked for with `device cuda`, but torch sees none here; "
            "use `--device cpu`, or install a torch build that fits this machine's driver"
        )
    cpu = device == "cpu" or not torch.cuda.is_available()
    if precision == "auto":
        precision = "fp32" if cpu else "bf16"
    if cpu and precision == "fp16":
        raise GanzooError("fp16 needs a GPU; on the CPU use `--precision bf16` or fp32")
    mixed = precision if precision in ("bf16", "fp16") else "no"
    return Accelerator(mixed_precision=mixed, cpu=cpu, log_with=list(trackers) or None, project_dir=folder)


def weights_dtype(precision: Precision) -> torch.dtype:
    """What weights are kept in: float64 for fp64, else float32 (autocast does the rest)."""
    return torch.float64 if precision == "fp64" else torch.float32


def keep_large_blocks() -> bool:
    """Make glibc keep large freed blocks rather than hand them back to the system at each step.

    The same arithmetic, about 1.4 times faster steps on a CPU, 9 to 18 % more memory. Only on Linux with glibc;
    says whether it took effect. GANZOO_KEEP_LARGE_BLOCKS=0 turns it off.
    """
    if platform.libc_ver()[0] != "glibc" or os.environ.get("GANZOO_KEEP_LARGE_BLOCKS") == "0":
        return False
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL("libc.so.6")
    done = bool(libc.mallopt(m_mmap_max, 0) and libc.mallopt(m_trim_threshold, 2**31 - 1))
    if done:
        log.info("large memory blocks are kept between steps (GANZOO_KEEP_LARGE_BLOCKS=0 turns this off)")
    return done


@contextmanager
def explaining_memory(advice: str) -> Iterator[None]:
    """Turn the device's out-of-memory error into a GanzooError that ends in `advice`."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GanzooError(f"the device ran out of memory: {str(error).splitlines()[0]}\n{advice}") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise GanzooError(f"this machine ran out of memory: {str(error).splitlines()[0]}\n{advice}") from error

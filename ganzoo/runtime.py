"""Where and how a model computes: device, precision, processes (through accelerate), memory blocks."""

from __future__ import annotations

import ctypes
import logging
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers
from accelerate.utils import InitProcessGroupKwargs, LoggerType

from ganzoo import launch
from ganzoo.errors import GanzooError, did_you_mean

log = logging.getLogger("ganzoo")

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "fp64")

# How long a process waits for the others: the main one may pack a large data set meanwhile. One that ends is
# noticed at once.
PATIENCE = timedelta(hours=6)

# What torch says, in errors that are not an OutOfMemoryError, when there is no memory left.
NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "ALLOC_FAILED",
    "calculation overflowed",
)


def device_called(name: str) -> torch.device:
    """The device for "auto" (the GPU where there is one), "cpu" or "cuda".

    Raises GanzooError for another name, and when a GPU is asked for and there is none.
    """
    if name not in DEVICES:
        hint = did_you_mean(name, DEVICES)
        if name.startswith("cuda:"):
            hint = f"; the environment variable CUDA_VISIBLE_DEVICES={name[5:]} chooses that GPU"
        raise GanzooError(f"no device `{name}`; expected {_or(DEVICES)}{hint}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise GanzooError(
            "a GPU was asked for with `--device cuda`, but torch sees none here; "
            "use `--device cpu`, or install a torch build that fits this machine's driver"
        )
    return torch.device("cpu" if name == "cpu" or not there else "cuda")


def accelerator(
    device: str = "auto", precision: str = "auto", trackers: Sequence[str] = (), folder: Path | None = None
) -> Accelerator:
    """An Accelerator on `device` ("auto", "cpu" or "cuda") in `precision`; `trackers` write into `folder`.

    "auto" is the GPU and bf16 where there is one, else the CPU and fp32. fp64 is for comparing with golden
    numbers. Started together with others (torchrun, `accelerate launch`, mpirun), this process meets them
    here. Raises GanzooError for unknown names, a GPU that is not there, fp16 on a CPU, a tracker that is
    not installed, processes that accelerate did not start.
    """
    launch.check_all_started()
    cpu = device_called(device).type == "cpu"
    if precision not in PRECISIONS:
        raise GanzooError(
            f"no precision `{precision}`; expected {_or(PRECISIONS)}{did_you_mean(precision, PRECISIONS)}"
        )
    if precision == "auto":
        precision = "fp32" if cpu else "bf16"
    if cpu and precision == "fp16":
        raise GanzooError("fp16 needs a GPU; on the CPU use `--precision bf16` or fp32")
    _check_trackers(trackers)
    mixed = precision if precision in ("bf16", "fp16") else "no"
    # accelerate keeps one state a process and refuses to change it: a second training begins anew. Processes
    # that have met stay connected: torch cannot let them meet again without a race.
    AcceleratorState._reset_state(reset_partial_state=not launch.connected())
    return Accelerator(
        mixed_precision=mixed,
        cpu=cpu,
        log_with=list(trackers) or None,
        project_dir=folder,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )


def _check_trackers(names: Sequence[str]) -> None:
    known = [str(name) for name in LoggerType.list() if name != "all"]
    installed = [str(name) for name in get_available_trackers()]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; accelerate knows {', '.join(known)}"
            raise GanzooError(f"no tracker `{name}`{hint}")
        if name not in installed:
            raise GanzooError(f"tracker `{name}` is not installed; try: pip install {name.replace('_', '-')}")


def weights_dtype(precision: str) -> torch.dtype:
    """What weights are kept in: float64 for fp64, else float32 (autocast does the rest)."""
    return torch.float64 if precision == "fp64" else torch.float32


def keep_large_blocks() -> bool:
    """Make glibc keep large freed blocks rather than hand them back to the system at each step.

    The same arithmetic, about 1.4 times faster steps on a CPU, 9 to 18 % more memory. Only on Linux with
    glibc; says whether it took effect. GANZOO_KEEP_LARGE_BLOCKS=0 turns it off.
    """
    if platform.libc_ver()[0] != "glibc" or os.environ.get("GANZOO_KEEP_LARGE_BLOCKS") == "0":
        return False
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL("libc.so.6")
    done = bool(libc.mallopt(m_mmap_max, 0) and libc.mallopt(m_trim_threshold, 2**31 - 1))
    if done:
        log.info("large memory blocks are kept (GANZOO_KEEP_LARGE_BLOCKS=0 turns this off)")
    return done


@contextmanager
def explaining_memory(advice: str) -> Iterator[None]:
    """Turn an out-of-memory error of a GPU, torch on the CPU or NumPy into a GanzooError with `advice`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        on_gpu = isinstance(error, torch.OutOfMemoryError) or "CUDA" in text
        if not (
            isinstance(error, (torch.OutOfMemoryError, MemoryError))
            or any(said in text for said in NO_MEMORY)
        ):
            raise
        where = "the GPU" if on_gpu else "this machine"
        first = text.splitlines()[0] if text else "no more is known"
        raise GanzooError(f"{where} ran out of memory: {first}\n{advice}") from error


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"

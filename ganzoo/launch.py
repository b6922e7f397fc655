"""How this process was started: what torchrun, `accelerate launch` or mpirun say in the environment.

Nothing here imports torch.
"""

from __future__ import annotations

import os
import re
import sys

import psutil

from ganzoo.errors import GanzooError, StoppedElsewhere

# torchrun and accelerate; Intel MPI and MPICH; Open MPI; MVAPICH2.
WORLD = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
RANK = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
LOCAL_RANK = ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK")


def processes() -> int:
    """How many processes were started together; 1 for a plain start."""
    return _said(WORLD, 1) if any(name in os.environ for name in RANK) else 1


def rank() -> int:
    """This process's number among all; 0 is the main one, which logs, draws and saves."""
    return _said(RANK, 0)


def local_rank() -> int:
    """This process's number on its machine."""
    return _said(LOCAL_RANK, 0)


def connected() -> bool:
    """Whether this process has met the others of its run."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized()


def disconnect() -> None:
    """Part from the other processes, where this one met any; torch asks for it before a process ends."""
    if connected():
        sys.modules["torch"].distributed.destroy_process_group()


def start_the_others() -> None:
    """Become a torchrun of this command where `accelerate launch --cpu` was asked for several processes.

    How many stands only in accelerate's own words, the command line of this process's parent. Where it is not
    found there, `check_all_started` will say what to do.
    """
    if not _left_alone() or os.environ["MASTER_ADDR"] not in ("127.0.0.1", "localhost"):
        return
    parent = psutil.Process().parent()
    asked = re.search(r"--num[_-]processes[ =](\d+)", " ".join(parent.cmdline()) if parent else "")
    if asked:
        for name in ("MASTER_ADDR", "MASTER_PORT"):
            del os.environ[name]
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", asked[1]]
        os.execv(sys.executable, [sys.executable, *torchrun, "-m", "--", "ganzoo", *sys.argv[1:]])


def check_all_started() -> None:
    """Raise GanzooError where `accelerate launch` was asked for several CPU processes and started one."""
    if _left_alone():
        raise GanzooError(
            "accelerate was asked for several processes but started one: with `--cpu` it never starts more; "
            "use `accelerate launch --multi_gpu --num_processes N -m ganzoo train ... --device cpu` "
            "(which needs no GPU) or `torchrun --nproc_per_node N -m -- ganzoo train ... --device cpu`, "
            "or train in one process with `ganzoo train ...`"
        )


def speaks(error: GanzooError) -> bool:
    """Whether this process tells people about `error`. Where it does not, another one of the run does.

    Until processes are connected all of a machine make the same mistakes; afterwards an error is this
    process's own, or `StoppedElsewhere`.
    """
    if isinstance(error, StoppedElsewhere):
        return bool(str(error)) and local_rank() == 0
    return local_rank() == 0 or connected()


def refuse_several(command: str) -> None:
    """Raise GanzooError where `command`, which computes in one process, was started in several."""
    if processes() > 1:
        raise GanzooError(
            f"`ganzoo {command}` works in one process, and {processes()} were started; "
            "call it without torchrun, `accelerate launch` or mpirun"
        )


def _left_alone() -> bool:
    """Whether `accelerate launch` was asked for several processes and started this one only.

    With `--cpu` it always does (1.15, commands/launch.py, `simple_launcher`), and says nothing. What gives it
    away is the address for the processes to meet at, which it sets for several processes only.
    """
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1")
    return on_cpu and processes() == 1 and {"MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


def _said(names: tuple[str, ...], default: int) -> int:
    """The first of the variables that holds a number."""
    found = (os.environ.get(name, "") for name in names)
    return next((int(value) for value in found if value.isdecimal()), default)

"""What launchers say in the environment, and what ganzoo makes of it."""

import pytest
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_simple_launcher_cmd_env

from ganzoo import launch
from ganzoo.errors import GanzooError, StoppedElsewhere
from ganzoo.runtime import accelerator

SAID = (
    *launch.WORLD, *launch.RANK, *launch.LOCAL_RANK, "MASTER_ADDR", "MASTER_PORT", "ACCELERATE_USE_CPU",
)  # fmt: skip


@pytest.fixture
def start(monkeypatch):
    """Sets what a launcher says, and nothing else."""
    for name in SAID:
        monkeypatch.delenv(name, raising=False)

    def said(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return said


@pytest.fixture
def accelerate_launch(start):
    """Sets what `accelerate launch` would give to the one process it starts for these words."""

    def said(*words):
        options = launch_command_parser().parse_args([*words, "-m", "ganzoo", "train", "toy"])
        _, environment = prepare_simple_launcher_cmd_env(_validate_launch_command(options)[0])
        start(**{name: environment[name] for name in SAID if name in environment})

    return said


def test_a_plain_start(start):
    assert (launch.processes(), launch.rank(), launch.local_rank(), launch.connected()) == (1, 0, 0, False)
    launch.check_all_started()
    launch.refuse_several("sample")
    launch.disconnect()


@pytest.mark.parametrize(
    "names",
    [
        ("WORLD_SIZE", "RANK", "LOCAL_RANK"),
        ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"),
        ("PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID"),
        ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_RANK"),
    ],
)
def test_several_processes(start, names):
    start(**dict(zip(names, ("8", "5", "1"), strict=True)))
    assert (launch.processes(), launch.rank(), launch.local_rank()) == (8, 5, 1)
    launch.check_all_started()


def test_a_size_without_a_rank_is_no_launch(start):
    start(WORLD_SIZE="2")
    assert launch.processes() == 1


def test_accelerate_starts_one_process_on_the_cpu(accelerate_launch):
    accelerate_launch("--num_processes", "2", "--cpu")
    with pytest.raises(GanzooError) as error:
        accelerator("cpu")
    assert str(error.value) == (
        "accelerate was asked for several processes but started one: with `--cpu` it never starts more; "
        "use `accelerate launch --multi_gpu --num_processes N -m ganzoo train ... --device cpu` "
        "(which needs no GPU) or `torchrun --nproc_per_node N -m -- ganzoo train ... --device cpu`, "
        "or train in one process with `ganzoo train ...`"
    )


@pytest.mark.parametrize("words", [["--cpu"], ["--num_processes", "1", "--cpu"], ["--num_processes", "1"]])
def test_accelerate_was_asked_for_one_process(accelerate_launch, words):
    accelerate_launch(*words)
    launch.check_all_started()


@pytest.mark.parametrize("words", [["sample", "runs/a", "a red circle"], ["list"]])
def test_other_commands_refuse_several_processes(start, ganzoo, words):
    start(WORLD_SIZE="2", RANK="0", LOCAL_RANK="0")
    ganzoo(*words).fails(
        f"`ganzoo {words[0]}` works in one process, and 2 were started; "
        "call it without torchrun, `accelerate launch` or mpirun"
    )


def test_one_process_of_a_machine_speaks(start, ganzoo, monkeypatch):
    monkeypatch.setattr("ganzoo.cli.GRACE", 0.0)
    start(WORLD_SIZE="4", RANK="3", LOCAL_RANK="1")
    done = ganzoo("train", "no-such-model")
    assert (done.code, done.out, done.err) == (1, "", "")
    start(RANK="2", LOCAL_RANK="0")
    ganzoo("train", "no-such-model").fails("no-such-model")


@pytest.mark.parametrize(
    "local_rank, connected, error, speaks",
    [
        ("0", True, GanzooError("mine"), True),
        ("1", True, GanzooError("mine"), True),
        ("1", False, GanzooError("everybody's"), False),
        ("0", True, StoppedElsewhere(), False),
        ("0", True, StoppedElsewhere("another process has ended"), True),
        ("1", True, StoppedElsewhere("another process has ended"), False),
    ],
)
def test_who_speaks(start, monkeypatch, local_rank, connected, error, speaks):
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: connected)
    start(WORLD_SIZE="2", RANK=local_rank, LOCAL_RANK=local_rank)
    assert launch.speaks(error) is speaks

"""Two gloo processes: what they must have in common, and that one never waits for another that has failed.

`workers` starts `distributed/worker.py` twice, once for all tests; `launched` starts real launchers.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch

from ganzoo import checkpoint
from ganzoo.recipe import load_recipes
from ganzoo.run import Run
from ganzoo.train import train

HERE = Path(__file__).parent / "distributed"
RECIPES = HERE / "recipes.yaml"


def environment(**more):
    paths = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **more}


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return str(asked.getsockname()[1])


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("distributed")


@pytest.fixture(scope="module")
def workers(out, toy, _own_cache):
    """What both processes saw, in their order."""
    (out / "toy.yaml").write_text(toy.to_yaml())
    words = [sys.executable, str(HERE / "worker.py"), str(RECIPES), str(out / "toy.yaml"), str(out)]
    meet = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    started = [
        subprocess.Popen(
            words,
            env=environment(RANK=str(rank), LOCAL_RANK=str(rank), **meet),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=120)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], "\n".join(said)
    return [torch.load(out / f"{rank}.pt", weights_only=True) for rank in range(2)]


def differing(one, other):
    """Names of tensors that are not equal bit for bit."""
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


def agree(one, two):
    """Two checkpoints are equal but for the order in which sums were rounded."""
    assert (one.phase, one.step) == (two.phase, two.step)
    for mine, theirs in ((one.weights, two.weights), (one.averages, two.averages)):
        torch.testing.assert_close(dict(mine), dict(theirs), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(one.optimizers, two.optimizers, rtol=1e-9, atol=1e-12)


def losses(run):
    return [{k: v for k, v in line.items() if "/" in k} for line in run.metrics]


# -- the same weights everywhere -----------------------------------------------------------------------------


def test_weights_buffers_and_averages_are_equal(workers):
    """From unequal starts, with batch norm, after three steps."""
    first, second = workers
    assert any("running_var" in name for name in first["model"])
    assert differing(first["model"], second["model"]) == differing(first["ema"], second["ema"]) == []


def test_the_batch_is_shared_out_without_overlap(workers, toy, plan):
    from ganzoo.data.feed import Feed
    from ganzoo.runtime import accelerator

    feed = Feed(plan, None, accelerator("cpu", "fp32"))
    loader = feed.loader(plan.build(), plan.phases[0])
    for number, parts in enumerate(zip(*(worker["keys"] for worker in workers), strict=True)):
        assert not set(parts[0]) & set(parts[1])
        assert tuple(chain(*parts)) == loader.batch_at(number).keys


@pytest.mark.parametrize("name", ["plain", "captions"])
def test_two_processes_do_what_one_does(workers, out, name, tmp_path, monkeypatch):
    """In double precision and without batch norm: weights, averages, optimizers, logged losses.

    `captions` makes mismatched pairs with the next row's caption, also where that row is the other process's.
    """
    monkeypatch.syspath_prepend(str(HERE))
    alone = train(
        load_recipes(RECIPES)[name],
        run_dir=tmp_path / "run",
        device="cpu",
        precision="fp64",
        log_every=1,
        sample_every=0,
    )
    one, two = (checkpoint.load(run.newest) for run in (alone, Run(out / name)))
    agree(one, two)
    for mine, theirs in zip(losses(alone), losses(Run(out / name)), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-10)


def test_one_process_goes_on_where_two_stopped(workers, out, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    recipe = load_recipes(RECIPES)["plain"].set("training.gan.steps", 8)
    alone = train(recipe, run_dir=tmp_path / "alone", device="cpu", precision="fp64", sample_every=0)
    run = train(recipe, run_dir=shutil.copytree(out / "plain", tmp_path / "run"), resume=True)
    agree(checkpoint.load(alone.newest), checkpoint.load(run.newest))


@pytest.mark.parametrize("other", ["resumed", "quiet"])
def test_neither_a_break_nor_a_look_changes_a_bit(workers, out, other):
    """`whole` logs, draws and saves, and so has batch norm's statistics read, on the way."""
    one, two = (checkpoint.load(Run(out / name).newest) for name in ("whole", other))
    assert one.total == two.total == 4
    assert differing(one.weights, two.weights) == differing(one.averages, two.averages) == []
    torch.testing.assert_close(one.optimizers, two.optimizers, rtol=0, atol=0)


def test_a_resumed_run_logs_the_same(workers, out):
    assert losses(Run(out / "whole")) == losses(Run(out / "resumed"))


def test_only_the_main_process_writes(workers, out):
    run = Run(out / "whole")
    assert [line["step"] for line in run.metrics] == [1, 2, 3, 4]
    assert [path.name for path in run.saved] == ["step-00000002", "step-00000004"]
    assert sorted(path.name for path in run.path.iterdir()) == [
        "checkpoints", "metrics.jsonl", "recipe.yaml", "run.json", "samples",
    ]  # fmt: skip


# -- what they tell each other -------------------------------------------------------------------------------


def test_a_gradient_that_one_process_lacks(workers):
    """Without a gradient anywhere; in the second process only; 0 and 1."""
    for worker in workers:
        none, one, both = worker["gradients"]
        assert none is None and one.tolist() == both.tolist() == [0.5, 0.5]


def test_buffers(workers):
    """Running means 0 and 1 are averaged; of counters 10 and 11 the main process's stays."""
    for worker in workers:
        mean, count = worker["buffers"]
        assert mean.tolist() == [0.5, 0.5] and count.item() == 10


def test_rows_of_the_next_process(workers):
    """Rows 0 to 5, three each; row i + 1 weighs i + 1 in the objective."""
    rows, gradients = (
        torch.cat(parts)[:, 0] for parts in zip(*(w["next_rows"] for w in workers), strict=True)
    )
    assert rows.tolist() == [1, 2, 3, 4, 5, 0]
    assert gradients.tolist() == [6, 1, 2, 3, 4, 5]


def test_anywhere(workers):
    assert [worker["anywhere"] for worker in workers] == [[True, False], [True, False]]


def test_main_first(workers):
    assert [worker["seen"] for worker in workers] == [[0], [1]]


# -- failing -------------------------------------------------------------------------------------------------

ELSEWHERE = ("StoppedElsewhere", "")


@pytest.mark.parametrize(
    "case, raised",
    [
        ("second", [ELSEWHERE, ("GanzooError", "it was 1")]),
        ("both", [("GanzooError", "it was 0"), ELSEWHERE]),
        ("nobody", [None, None]),
        ("before an inner block", [ELSEWHERE, ("GanzooError", "it was 1")]),
        ("in an inner block", [("ValueError", "inside 0"), ELSEWHERE]),
    ],
)
def test_all_stop_and_the_first_that_failed_says_why(workers, case, raised):
    assert [worker[case] for worker in workers] == raised


@pytest.mark.parametrize(
    "case, said",
    [
        ("nan", "is nan at step 2 of phase gan; nothing was saved yet"),
        ("full", "File too large"),
        ("taken", "holds a run already"),
        ("uneven", "`data.batch` is 5, which 2 processes cannot share evenly"),
    ],
)
def test_trainings_that_fail(workers, case, said):
    (_, message), other = (worker[case] for worker in workers)
    assert said in message and other == ELSEWHERE


def test_a_process_that_has_ended(workers):
    assert workers[0]["lost"] == (
        "StoppedElsewhere", "another process of this run has ended; what it said last is why",
    )  # fmt: skip


# -- launchers -----------------------------------------------------------------------------------------------

# `--`: torchrun would take ganzoo's `--run` for one of its own options.
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "--")
ACCELERATE = ("accelerate.commands.launch", "--num_processes", "2", "--cpu", "-m")


def launched(launcher, *words):
    options = ["--device", "cpu", "--sample-every", "0"]
    return subprocess.run(
        [sys.executable, "-m", *launcher, "ganzoo", *map(str, words), *options],
        env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_accelerate_launch(toy_file, tmp_path):
    """With `--cpu` accelerate starts one process, whatever it is asked for; that one becomes a torchrun."""
    done = launched(ACCELERATE, "train", toy_file, "--run", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert said.count(f"toy on cpu in 2 processes, into {tmp_path / 'run'}") == 1
    assert sum(line.startswith("trained: ") for line in said) == 1
    assert len(Run(tmp_path / "run").metrics) == 1


def test_torchrun_of_a_training_that_fails(toy_file, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "checkpoints").write_text("in the way")  # which only the main process finds
    done = launched(TORCHRUN, "train", toy_file, "--run", run)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    assert len(errors) == 1 and errors[0].startswith(f"error: cannot write the run folder {run}"), done.stderr
    assert done.stderr.count("Traceback") == 1  # the launcher's own

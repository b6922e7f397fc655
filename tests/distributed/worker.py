"""What each of two processes does for test_distributed.py: `worker.py RECIPES TOY OUT`, into OUT/RANK.pt."""

from __future__ import annotations

import resource
import shutil
import sys
from pathlib import Path

import torch
from torch import nn

from ganzoo.assemble import assemble
from ganzoo.data.feed import Feed
from ganzoo.errors import GanzooError
from ganzoo.plugins import load
from ganzoo.processes import (
    anywhere,
    average_buffers,
    average_gradients,
    failing_together,
    main_first,
    next_rows,
    staying_connected,
)
from ganzoo.randomness import StepDraws
from ganzoo.recipe import load_recipes
from ganzoo.runtime import accelerator
from ganzoo.train import train
from ganzoo.updates import PhaseTrainer

RATE = "training.gan.updates.generator.optimizer.lr"


def failing(block):
    """The error's type and message."""
    try:
        block()
    except Exception as error:
        return type(error).__name__, str(error)
    return None


def runs(recipes, toy, out, main):
    """Whole trainings, two of them broken; what each process saw of those."""
    for name, recipe in recipes.items():
        train(recipe, run_dir=out / name, device="cpu", precision="fp64", log_every=1, sample_every=0)
    train(toy, run_dir=out / "whole", device="cpu", log_every=1, save_every=2)
    train(toy, run_dir=out / "quiet", device="cpu", log_every=0, sample_every=0)
    train(toy, run_dir=out / "resumed", device="cpu", log_every=1, sample_every=0, save_every=2)
    if main:
        shutil.rmtree(out / "resumed" / "checkpoints" / "step-00000004")
    train(toy, run_dir=out / "resumed", device="cpu", resume=True)
    nan = failing(lambda: train(toy.set(RATE, 1e30), run_dir=out / "nan", device="cpu", log_every=1))
    if main:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    full = failing(lambda: train(toy, run_dir=out / "full", device="cpu", sample_every=0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    taken = failing(lambda: train(toy, run_dir=out / "whole", device="cpu"))
    uneven = failing(lambda: train(toy.set("data.batch", 5), run_dir=out / "uneven", device="cpu"))
    return {"nan": nan, "full": full, "taken": taken, "uneven": uneven}


def steps(recipe, compute):
    """Three steps on unequal starts: all weights and buffers after them, and which examples were read."""
    plan = assemble(recipe, load())
    torch.manual_seed(compute.process_index)
    model = plan.build()
    feed = Feed(plan, None, compute)
    trainer = PhaseTrainer(model, plan.phases[0], compute)
    loader = feed.loader(model, plan.phases[0])
    trainer.train_mode()
    rank, keys = compute.process_index, []
    for number in range(3):
        batch = loader.batch_at(number)
        draws = StepDraws(0, number, compute.device, model.dtype, rank, compute.num_processes)
        trainer.take_step(number, [batch], [draws])
        keys.append(batch.keys)
    return {"model": model.state_dict(), "ema": trainer.ema.state, "keys": keys}


def collectives(compute, rank):
    """Each function of `processes` by itself."""
    both, one, none = (nn.Parameter(torch.zeros(2)) for _ in range(3))
    both.grad = torch.full((2,), float(rank))
    if rank == 1:
        one.grad = torch.ones(2)
    average_gradients(compute, [none, one, both])

    norm = nn.BatchNorm1d(2)
    norm.running_mean += rank
    norm.num_batches_tracked += 10 + rank
    average_buffers(compute, [norm])

    rows = torch.arange(6.0).view(6, 1)[3 * rank : 3 * rank + 3].requires_grad_()
    following = next_rows(rows)
    (following[:, 0] * torch.arange(1.0, 7.0)[3 * rank : 3 * rank + 3]).sum().backward()

    seen = []
    with main_first(compute):
        seen.append(torch.distributed.get_rank())
    return {
        "gradients": [p.grad for p in (none, one, both)],
        "buffers": [norm.running_mean, norm.num_batches_tracked],
        "next_rows": [following.detach(), rows.grad],
        "anywhere": [anywhere(compute, rank == 1), anywhere(compute, False)],
        "seen": seen,
    }


def failures(compute, rank):
    """What each process raises where some of them fail."""

    def fail(where, inner=None):
        with failing_together(compute):
            if rank in where:
                raise GanzooError(f"it was {rank}")
            if inner:
                with main_first(compute):
                    inner()

    def fail_inside():
        raise ValueError(f"inside {rank}")

    return {
        "second": failing(lambda: fail([1])),
        "both": failing(lambda: fail([0, 1])),
        "nobody": failing(lambda: fail([])),
        "before an inner block": failing(lambda: fail([1], list)),
        "in an inner block": failing(lambda: fail([], fail_inside)),
    }


def main():
    recipes_file, toy_file, out = (Path(word) for word in sys.argv[1:])
    toy = load_recipes(toy_file)["toy"]
    compute = accelerator("cpu", "fp32")
    rank = compute.process_index
    result = runs(load_recipes(recipes_file), toy, out, rank == 0)
    compute = accelerator("cpu", "fp32")
    result |= steps(toy, compute) | collectives(compute, rank) | failures(compute, rank)
    if rank == 0:  # the other one has ended
        with_gradient = nn.Parameter(torch.zeros(2))

        def lonely():
            with staying_connected():
                for _ in range(3):
                    average_gradients(compute, [with_gradient])

        result["lost"] = failing(lonely)
    torch.save(result, out / f"{rank}.pt")


main()

"""Kills trainings again and again, goes on with them, and compares what comes out with one left in peace.

    python tests/torture.py --kills 100

Each training is a fork of this process, which has trained once and is warm. It dies of what was drawn for it:

- kill: SIGKILL from outside, at any moment
- file: SIGKILL of itself at its n-th file operation in the run folder (saving is most of them)
- write: the system ends it in the middle of writing a file
- full: no file can grow beyond some bytes, as on a full disk: one message, exit code 1
- signal: Ctrl-C or SIGTERM: it saves and ends with 130 or 143 (without a save before training began)
- damage: not a death; the newest checkpoint is cut short, changed in one byte, or loses a file

Those that live to the end are compared: weights, averages, optimizers, losses and metrics, to the last bit.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ["GANZOO_KEEP_LARGE_BLOCKS"] = "0"

import torch

from ganzoo import checkpoint
from ganzoo.errors import GanzooError
from ganzoo.interrupts import Stopped
from ganzoo.recipe import Recipe
from ganzoo.run import Run
from ganzoo.train import train

DEATHS = ("kill", "file", "write", "full", "signal")
OPERATIONS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}
HOPELESS = 20  # deaths in a row of one run after which nothing more is done to it

RECIPE = """
recipes:
  tortured:
    distributions: [ganzoo-gan-int-cls]
    data: {use: core/shapes, batch: 4, count: 64, test_count: 16}
    text: {use: core/ngrams, size: 24, buckets: 512}
    conditioning: {use: gan_int_cls/project, size: 10}
    noise: 6
    stages:
      - stage: {use: gan_int_cls/generator, channels: 4, resolution: 16}
        discriminator: {use: gan_int_cls/discriminator, channels: 4, text: 6}
      - stage: {use: gan_int_cls/generator, channels: 4, resolution: 32}
        discriminator: {use: gan_int_cls/discriminator, channels: 4, text: 6}
    training:
      low:
        steps: 6
        stages: [0]
        ema: 0.9
        updates: &updates
          discriminator:
            optimizer: {use: adam, lr: 2.0e-3}
            losses: [{use: core/nonsaturating, mismatched: 0.5}, {use: core/r1, every: 2}]
          generator:
            every: 2
            optimizer: {use: adam, lr: 1.0e-3, decay: {factor: 0.5, every: 1}}
            losses: [{use: core/nonsaturating}]
      high:
        steps: 9
        stages: [1]
        ema: 0.9
        accumulate: 2
        measure: [{use: core/shapes_agreement, samples: 8}]
        updates:
          discriminator: {optimizer: {use: adam}, losses: [{use: core/hinge}]}
          generator: {optimizer: {use: adamw}, losses: [{use: core/hinge}]}
""".replace("&updates", "")


def begin(recipe: Recipe, folder: Path) -> Run:
    return train(recipe, run_dir=folder, device="cpu", log_every=1, sample_every=4, save_every=2, keep=2)


def attempt(recipe: Recipe, folder: Path) -> None:
    """Train in `folder`, from its last save where there is one. Ends the process."""
    code = 0
    try:
        if Run(folder).saved:
            train(recipe, run_dir=folder, resume=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)  # as ganzoo says: delete it to begin again
            begin(recipe, folder)
    except KeyboardInterrupt as stopped:
        code = stopped.code if isinstance(stopped, Stopped) else 130
    except GanzooError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 99
    os._exit(code)


def die_at_operation(number: int, folder: Path) -> None:
    """Kill this process at its n-th file operation below `folder`."""
    left = number

    def hook(event: str, about: tuple) -> None:
        nonlocal left
        if event in OPERATIONS and str(about[0]).startswith(str(folder)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def limit_files(size: int, deadly: bool) -> None:
    """No file of this process grows beyond `size` bytes: the write fails, or the system ends the process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if deadly else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Torture:
    """Runs to torture, one after the other, and what became of them."""

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.folder, self.draw = folder, draw
        self.recipe = Recipe.from_yaml(RECIPE, where="torture.py")
        self.deaths: Counter[str] = Counter()
        self.runs = self.same = self.lost_steps = 0
        began = time.monotonic()
        self.whole = begin(self.recipe, folder / "whole")
        self.seconds = (time.monotonic() - began) / 2  # the first time takes longer than those to come

    @property
    def killed(self) -> int:
        """How many deaths there were; damage is none."""
        return sum(self.deaths[kind] for kind in DEATHS)

    def child(self, death: str, path: Path) -> int:
        """One training that may die; its exit code, or minus the signal that ended it."""
        draw, pid = self.draw.random(), os.fork()
        if not pid:
            said = os.open(self.folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            if death == "file":
                die_at_operation(1 + int(draw * 150), path)
            if death in ("write", "full"):
                limit_files(int(draw * 60_000), deadly=death == "write")
            attempt(self.recipe, path)
        if death in ("kill", "signal"):
            time.sleep(draw * self.seconds)
            fatal = signal.SIGINT if draw < 0.5 else signal.SIGTERM
            os.kill(pid, signal.SIGKILL if death == "kill" else fatal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def damage(self, run: Run) -> None:
        """Do something to the newest checkpoint that its files tell."""
        file = self.draw.choice(sorted(run.newest.iterdir()))
        data, way = bytearray(file.read_bytes()), self.draw.choice(["cut", "change", "lose"])
        if way == "lose" or len(data) < 2:
            return file.unlink()
        if way == "cut":
            del data[self.draw.randrange(len(data)) :]
        elif file.name != checkpoint.STATE:  # it holds the others' digests, but none of its own
            data[self.draw.randrange(len(data))] ^= 1 << self.draw.randrange(8)
        else:
            data[0] = 0
        file.write_bytes(data)

    def torture_one(self, number: int, kills: int) -> None:
        """One run, killed until it gets away."""
        run, here = Run(self.folder / f"run-{number}"), 0
        while True:
            spare = here == HOPELESS or self.killed >= kills
            death = "none" if spare else self.draw.choice(DEATHS)
            code = self.child(death, run.path)
            if code == 0:
                break
            expected = {"kill": [-9], "file": [-9], "write": [-25], "full": [1], "signal": [130, 143, -15]}
            said = (self.folder / "said").read_text()
            assert code in expected.get(death, []), f"{death} ended with {code}:\n{said}"
            assert death != "full" or ("cannot write" in said and "Traceback" not in said), said
            self.deaths[death] += 1
            here += 1
            if len(run.saved) > 1 and self.draw.random() < 0.2:
                self.damage(run)
                self.deaths["damage"] += 1
        self.runs += 1
        self.same += self.is_same(run)
        shutil.rmtree(run.path)

    def is_same(self, run: Run) -> bool:
        """Whether a run ended as the one left in peace: everything saved and logged, to the last bit."""
        mine, whole = checkpoint.load(run.newest), checkpoint.load(self.whole.newest)
        try:
            assert (mine.phase, mine.step, mine.total) == (whole.phase, whole.step, whole.total)
            assert mine.measured == whole.measured
            for one, other in (
                (mine.weights, whole.weights),
                (mine.averages, whole.averages),
                (mine.optimizers, whole.optimizers),
            ):
                torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
            assert logged(run) == logged(self.whole), "the logs differ"
            assert not [left.name for left in run.path.rglob(".*")], "something was left"
        except AssertionError as error:
            print(f"{run.path.name} ended otherwise: {error}", file=sys.stderr)
            return False
        return True


def logged(run: Run) -> list[dict]:
    return [{k: v for k, v in line.items() if "per_second" not in k} for line in run.metrics]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        os.environ["GANZOO_CACHE"] = str(Path(name) / "cache")
        torture = Torture(Path(name), random.Random(asked.seed))
        while torture.killed < asked.kills:
            torture.torture_one(torture.runs, asked.kills)
    print("| what happened | times |\n|---|---|")
    for kind in (*DEATHS, "damage"):
        print(f"| {kind} | {torture.deaths[kind]} |")
    print(f"| runs | {torture.runs} |\n| of these the same to the last bit | {torture.same} |")
    return 0 if torture.same == torture.runs else 1


if __name__ == "__main__":
    sys.exit(main())

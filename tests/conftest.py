"""A toy recipe that every test of the engine shares: two small levels would be slow, so one at 16 pixels."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GANZOO_KEEP_LARGE_BLOCKS"] = "0"

import pytest
import torch

from ganzoo.assemble import assemble
from ganzoo.cli import main
from ganzoo.plan import Plan
from ganzoo.plugins import Registry
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.train import train

TOY = """
recipes:
  toy:
    title: A toy
    distributions: [ganzoo-gan-int-cls]
    data: {use: core/shapes, batch: 4, count: 64, test_count: 16}
    text: {use: core/ngrams, size: 24, buckets: 512}
    conditioning: {use: gan_int_cls/project, size: 10}
    noise: 6
    stages:
      - stage: {use: gan_int_cls/generator, channels: 4, resolution: 16}
        discriminator: {use: gan_int_cls/discriminator, channels: 4, text: 6}
    training:
      gan:
        steps: 4
        ema: 0.9
        updates:
          discriminator:
            optimizer: {use: adam, lr: 2.0e-3}
            losses: [{use: core/nonsaturating, mismatched: 0.5}]
          generator: {optimizer: {use: adam, lr: 1.0e-3}, losses: [{use: core/nonsaturating}]}
"""


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """Shells let what runs in the background ignore SIGINT, and ganzoo leaves it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_plugins()


@pytest.fixture(scope="session")
def toy() -> Recipe:
    return Recipe.from_yaml(TOY, where="toy.yaml")


@pytest.fixture(scope="session")
def plan(toy: Recipe, registry: Registry) -> Plan:
    return assemble(toy, registry)


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def fails(self, *said: str) -> None:
        """It ended with exit code 1 and one message, without a traceback, in which `said` occur."""
        assert self.code == 1 and not self.out, self
        assert "Traceback" not in self.err, self.err
        assert sum(line.startswith("error: ") for line in self.err.splitlines()) == 1, self.err
        for text in said:
            assert text in self.err, self.err


@pytest.fixture
def ganzoo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """`ganzoo("list", "losses")` runs that command in this process."""

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["ganzoo", *map(str, words)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Ran(code, *capsys.readouterr())

    log = logging.getLogger("ganzoo")
    before = log.level, list(log.handlers)
    yield run
    log.level, log.handlers = before


@pytest.fixture
def toy_file(tmp_path: Path) -> Path:
    """The toy as a recipe file, for commands."""
    path = tmp_path / "toy.yaml"
    path.write_text(TOY)
    return path


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a distribution: a folder on sys.path with a module, its parts, and a .dist-info.

    In the code, MODULE is the module's name and FOLDER the folder's path.
    """
    monkeypatch.delenv("GANZOO_PLUGINS", raising=False)
    made = []

    def make(
        prefix: str, code: str, parts: str = "", dist: str = "", version: str = "1.0", again: bool = False
    ) -> None:
        dist = dist or f"dist-{prefix}"
        module = f"fake_{dist.replace('-', '_').replace('.', '_')}"
        folder = tmp_path / f"{dist}{again}"
        info = folder / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[ganzoo]\n{prefix} = {module}\n")
        for name, text in ((module, code), (f"{module}_parts", parts)):
            code = textwrap.dedent(text).replace("MODULE", module).replace("FOLDER", str(folder))
            (folder / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(str(folder))
        made.append(module)

    yield make
    for module in made:
        sys.modules.pop(module, None)
        sys.modules.pop(f"{module}_parts", None)


@pytest.fixture(scope="session")
def _trained_once(toy: Recipe, _own_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(toy, run_dir=tmp_path_factory.mktemp("toy") / "run", device="cpu", log_every=2).path


@pytest.fixture
def trained(_trained_once: Path, tmp_path: Path) -> Path:
    """The run folder of a toy trained for 4 steps, a copy to do with as you like."""
    return shutil.copytree(_trained_once, tmp_path / "run")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches go where tests end, not into the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)

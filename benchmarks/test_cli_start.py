"""How long light commands take from start to end, beside `import torch`: `make bench` prints it."""

from __future__ import annotations

import subprocess
import sys

import pytest

GANZOO = (sys.executable, "-m", "ganzoo")
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "ganzoo --help": (*GANZOO, "--help"),
    "ganzoo list": (*GANZOO, "list"),
    "ganzoo show": (*GANZOO, "show", "gan-int-cls-birds"),
    "ganzoo plugins": (*GANZOO, "plugins"),
    "ganzoo data --help": (*GANZOO, "data", "--help"),
    "python -c import torch": (sys.executable, "-c", "import torch"),
}


@pytest.fixture(scope="module")
def seconds():
    """The median of every command; printed side by side at the end."""
    measured = {}
    yield measured
    torch = measured["python -c import torch"]
    print("\n\nfrom start to end, and as a share of `import torch`:")
    for name, time in measured.items():
        print(f"  {name:<24} {time * 1000:7.0f} ms  {time / torch:6.1%}")


@pytest.mark.benchmark(group="start of light commands")
@pytest.mark.parametrize("name", COMMANDS)
def test_start(benchmark, seconds, name):
    benchmark.pedantic(
        subprocess.run,
        (COMMANDS[name],),
        {"check": True, "capture_output": True},
        rounds=5,
        warmup_rounds=1,
    )
    seconds[name] = benchmark.stats.stats.median

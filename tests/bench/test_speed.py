"""Timing models: what is timed, what the report says, what is left out and why."""

import importlib.util
import json
from itertools import groupby

import pytest

from ganzoo.bench import speed
from ganzoo.bench.speed import runner
from ganzoo.bench.speed.earlier import other_machine
from ganzoo.bench.speed.job import Outcome
from ganzoo.bench.speed.rates import rates
from ganzoo.bench.speed.runner import ROUNDS, SECONDS
from ganzoo.errors import GanzooError
from ganzoo.plugins import load
from tests.test_import import COMMAND, loaded_by

QUICK = {"device": "cpu", "rounds": 1, "seconds": 1e-9}
GROUPS = {"sampling, batch 1", "sampling, batch 16", "training step", "text encoder", "loader"}

PLUGIN = """
from ganzoo.hookspecs import hookimpl

@hookimpl
def ganzoo_metrics():
    from MODULE_parts import Brightness, Choosy, Lacking, Wrong

    return {"brightness": Brightness, "choosy": Choosy, "lacking": Lacking, "wrong": Wrong}
"""
PARTS = """
from dataclasses import dataclass
from typing import ClassVar

from ganzoo.components import Metric
from ganzoo.errors import GanzooError

@dataclass(frozen=True, kw_only=True)
class Brightness(Metric):
    needs: ClassVar[frozenset[str]] = frozenset({"fakes"})
    decides: ClassVar[str] = "brightness"

    def __call__(self, samples):
        return {"brightness": float(samples.fakes.mean())}

@dataclass(frozen=True, kw_only=True)
class Choosy(Brightness):
    def __call__(self, samples):
        raise GanzooError("it judges nothing but whales\\nreally")

@dataclass(frozen=True, kw_only=True)
class Lacking(Brightness):
    path: str

@dataclass(frozen=True, kw_only=True)
class Wrong(Brightness):
    def __call__(self, samples):
        return len(3)
"""


@pytest.fixture(scope="module")
def toy_and_broken(tmp_path_factory):
    """The toy, one that cannot be assembled, and some of the catalogue; timed together."""
    from tests.conftest import TOY

    folder = tmp_path_factory.mktemp("speed")
    (folder / "toy.yaml").write_text(TOY)
    (folder / "broken.yaml").write_text(TOY.replace("size: 10", "sise: 10").replace("toy:", "broken:"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTEST_ADDOPTS", "--no-such-option")  # nobody's settings reach the suite
        (folder / "conftest.py").write_text("raise SystemExit")
        (folder / "torch.py").write_text("raise SystemExit")
        seen = []
        done = speed.run(
            ["broken.yaml", "toy.yaml", "attngan-shapes", "damsm-birds", "gan-cls-birds"],
            **QUICK,
            out=folder / "deep" / "speed.json",
            progress=lambda *numbers: seen.append(numbers),
        )
    return done, folder, seen


def of(report, name):
    """The benchmarks of a model by group."""
    return {benchmark["group"]: benchmark for benchmark in report["benchmarks"] if benchmark["name"] == name}


def test_every_operation_of_a_model(toy_and_broken):
    found = of(toy_and_broken[0].report, "toy.yaml")
    assert found.keys() == GROUPS - {"training step"}
    step = of(toy_and_broken[0].report, "toy.yaml:gan")["training step"]
    assert step["extra_info"]["phase"] == "gan"
    for benchmark in (*found.values(), step):
        info, median = benchmark["extra_info"], benchmark["stats"]["median"]
        assert info["recipe"] == "toy.yaml" and info["device"] == "cpu" and info["form"] == "tiny"
        unit = "captions" if benchmark["group"] == "text encoder" else "images"
        assert median > 0 and info[f"{unit}_per_second"] * median == pytest.approx(
            64 if benchmark["group"] == "loader" else info["batch"]
        )
    assert [found[f"sampling, batch {batch}"]["extra_info"]["batch"] for batch in (1, 16)] == [1, 16]


def test_one_model_after_another_and_training_last(toy_and_broken):
    """Each is built once, and samples with the weights it was built with."""
    done = [b for b in toy_and_broken[0].report["benchmarks"] if b["group"] != "metric"]
    runs = [
        (model, [b["group"] for b in own]) for model, own in groupby(done, lambda b: b["params"]["subject"])
    ]
    assert [model for model, _ in runs] == ["toy.yaml", "attngan-shapes", "damsm-birds", "gan-cls-birds"]
    for _, groups in runs:
        assert groups == sorted(groups, key=lambda group: group == "training step")
        assert groups[-1] == "training step"
    assert [b["name"] for b in done if b["name"].startswith("attngan-shapes:")] == [
        "attngan-shapes:damsm", "attngan-shapes:gan",
    ]  # fmt: skip


def test_every_phase_takes_steps(toy_and_broken):
    groups = [
        {b["group"] for b in toy_and_broken[0].report["benchmarks"] if b["name"] == name}
        for name in ("attngan-shapes:damsm", "attngan-shapes:gan")
    ]
    assert groups == [{"training step"}, {"training step"}]


def test_every_metric_of_the_registry(toy_and_broken):
    done = toy_and_broken[0]
    timed = {b["name"] for b in done.report["benchmarks"] if b["group"] == "metric"}
    left = {outcome.name for outcome in done.skipped if outcome.group == "metric"}
    assert timed | left == set(load().components("metrics"))
    assert {"core/shapes_agreement", "core/damsm_r_precision"} <= timed


def test_one_that_is_broken_is_reported_and_the_others_go_on(toy_and_broken):
    done = toy_and_broken[0]
    assert {outcome.group for outcome in done.failed} == GROUPS
    assert {outcome.name for outcome in done.failed} == {"broken.yaml", "broken.yaml:gan"}
    (reason,) = {outcome.reason for outcome in done.failed}
    assert "cannot be assembled" in reason and "sise" in reason
    assert not of(done.report, "broken.yaml")


def test_the_report_is_a_file_without_the_hosts_name(toy_and_broken):
    done, folder, _ = toy_and_broken
    assert json.loads((folder / "deep" / "speed.json").read_text()) == done.report
    assert not {"node"} & done.report["machine_info"].keys()
    assert done.report["machine_info"]["device"] == "cpu"
    assert "data" not in done.report["benchmarks"][0]["stats"]
    assert {path.name for path in folder.iterdir()} == {
        "toy.yaml", "broken.yaml", "conftest.py", "torch.py", "deep",
    }  # fmt: skip


def test_a_table_a_group(toy_and_broken):
    table = toy_and_broken[0].table
    for group in GROUPS:
        assert f" benchmark '{group}': " in table
    assert "FAIL" not in table and "passed" not in table


def test_rates_a_row_a_model(toy_and_broken):
    found = rates(toy_and_broken[0].report)
    assert found["toy.yaml"].keys() == GROUPS  # it has one phase; AttnGAN has two
    assert found["attngan-shapes"].keys() == GROUPS - {"training step"}
    assert found["attngan-shapes:gan"].keys() == {"training step"}
    assert found["core/shapes_agreement"].keys() == {"metric"}
    text = of(toy_and_broken[0].report, "toy.yaml")["text encoder"]
    assert found["toy.yaml"]["text encoder"] == pytest.approx(64 / text["stats"]["median"])


def test_progress(toy_and_broken):
    done, _, seen = toy_and_broken
    (total,) = {total for _, total in seen}
    assert total == len(done.report["benchmarks"]) + len(done.outcomes)
    assert seen == sorted(seen) and seen[-1][0] <= total


def test_what_cannot_be_timed_is_left_out(toy_and_broken):
    left = {(o.name, o.group): o.reason for o in toy_and_broken[0].skipped if o.group != "metric"}
    assert left.keys() == {
        ("damsm-birds", "sampling, batch 1"), ("damsm-birds", "sampling, batch 16"),
        ("gan-cls-birds", "text encoder"),
    }  # fmt: skip
    assert left["damsm-birds", "sampling, batch 1"] == "it trains encoders alone, and draws nothing"
    assert "embeddings that come with the data" in left["gan-cls-birds", "text encoder"]


def test_the_command(ganzoo, plugin, monkeypatch, toy_and_broken, tmp_path):
    """Beside an earlier report, with a broken model, and with a plugin's metrics."""
    plugin("bright", PLUGIN, PARTS)
    (code,) = tmp_path.glob("dist-bright*")
    monkeypatch.setenv("PYTHONPATH", str(code))  # for the suite's own process
    _, folder, _ = toy_and_broken
    report = json.loads((folder / "deep" / "speed.json").read_text())
    report["machine_info"]["torch"] = "0.1"
    for benchmark in report["benchmarks"]:
        benchmark["stats"] |= dict.fromkeys(("min", "mean", "median", "max"), 4321.0)
    (tmp_path / "before.json").write_text(json.dumps(report))
    monkeypatch.chdir(folder)
    ran = ganzoo(
        "bench", "speed", "toy.yaml", "broken.yaml", "--rounds", 2, "--seconds", 1e-9, "--device", "cpu",
        "--compare", tmp_path / "before.json", "--json", tmp_path / "speed.json",
    )  # fmt: skip
    now = json.loads((tmp_path / "speed.json").read_text())
    assert of(now, "bright/brightness")["metric"]["stats"]["rounds"] == 2
    (line,) = [line for line in ran.out.splitlines() if line.startswith("toy.yaml:gan (before)")]
    assert "4,321" in line and "toy.yaml:gan (NOW)" in ran.out
    assert "skipped: metric of bright/choosy: it judges nothing but whales\n" in ran.out
    assert "skipped: metric of bright/lacking: it has options without a default: " in ran.out
    assert "metric of bright/wrong: TypeError: object of type 'int' has no len()" in ran.err
    assert "images (text encoder: captions) a second" in ran.out
    assert f"written: {tmp_path / 'speed.json'}\n" in ran.out
    assert "warning: " in ran.err and "torch 0.1, now " in ran.err
    assert ran.code == 1 and "error: 6 of what was to be timed failed\n  1. sampling, batch 1; " in ran.err
    assert "broken.yaml, broken.yaml:gan: " in ran.err


# -- what cannot be done -----------------------------------------------------------------


def test_unknown_model():
    with pytest.raises(GanzooError, match="no recipe 'attngan-shaps'; did you mean `attngan-shapes`"):
        speed.run(["attngan-shaps"], **QUICK)


def test_unknown_device():
    with pytest.raises(GanzooError, match="no device `gpu`"):
        speed.run(["gan-cls-shapes"], device="gpu")


@pytest.mark.parametrize("asked", [{"rounds": 0}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_no_time_at_all(asked):
    with pytest.raises(GanzooError, match="expected 1 round or more, and some time"):
        speed.run(["gan-cls-shapes"], **asked)


@pytest.mark.parametrize("package", ["pytest", "pytest_benchmark"])
def test_without_the_extra(monkeypatch, package):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else there(name))
    with pytest.raises(GanzooError, match=rf"{package.replace('_', '-')}, .*pip install 'ganzoo\[bench\]'"):
        speed.run(["gan-cls-shapes"])


def test_out_is_a_folder(tmp_path):
    with pytest.raises(GanzooError, match="it is a folder"):
        speed.run(["gan-cls-shapes"], out=tmp_path)


BENCHMARK = {
    "fullname": "suite.py::x",
    "stats": dict.fromkeys(
        ("min", "max", "mean", "median", "stddev", "iqr", "ops", "rounds", "iterations"), 1
    ),
}


@pytest.mark.parametrize(
    "report, said",
    [
        ({}, "is no report"),
        ({"benchmarks": []}, "is no report"),
        ({"benchmarks": [{**BENCHMARK, "stats": {"min": 1}}]}, "is no report"),
        ({"benchmarks": [{**BENCHMARK, "stats": {**BENCHMARK["stats"], "ops": "9" * 99}}]}, "is no report"),
        ({"benchmarks": [{**BENCHMARK, "extra_info": {"form": "full"}}]}, "of full forms.* add `--full`"),
    ],
)
def test_compared_with_what_is_no_such_report(tmp_path, report, said):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(report))
    with pytest.raises(GanzooError, match=said):
        speed.run(["gan-cls-shapes"], compare=path)


def test_an_earlier_machine():
    now = {"machine_info": {"torch": "2", "cpu": {"brand_raw": "EPYC"}, "threads": 2}}
    assert other_machine(now, now) == ""
    assert other_machine({"machine_info": {"cpu": 3, "threads": 1, "torch": "2"}}, now) == (
        "cpu None, now EPYC; threads 1, now 2"
    )


def test_what_is_said_when_the_process_dies():
    begun = [Outcome("loader", "one", "timed"), Outcome("training step", "one:gan", "begun")]
    assert runner._death(-9, begun, "") == (
        "timing was ended by signal 9 at one:gan, training step; there may be too little memory for it"
    )
    assert runner._death(4, [], "usage: x") == "timing did not get to its end\nusage: x"


def test_a_full_one_that_does_not_fit(monkeypatch, registry):
    from ganzoo.bench.speed import subject

    monkeypatch.setattr(subject, "BESIDE", 1e9)
    with pytest.raises(subject.Unfit, match=r"a step needs about [0-9.]+ GB; [0-9.]+ GB are free"):
        subject.Subject("gan-int-cls-shapes", registry, "cpu", full=True)


def test_a_full_one_trains_on_its_own_batch(registry):
    from ganzoo.bench.speed.subject import Subject

    one = Subject("gan-int-cls-shapes", registry, "cpu", full=True)
    assert one.training_step("gan").makes == 32 and one.plan.resolutions == (32,)
    assert one.sampling(2).act().shape == (2, 3, 32, 32)


def test_lazy_losses_make_long_rounds(toy, registry, tmp_path):
    from ganzoo.bench.speed.subject import Subject

    lazy = toy.add("training.gan.updates.discriminator.losses", {"use": "core/r1", "every": 4})
    (tmp_path / "lazy.yaml").write_text(lazy.to_yaml())
    assert Subject(str(tmp_path / "lazy.yaml"), registry, "cpu", full=False).training_step("gan").repeat == 4


def test_the_help_says_the_defaults(ganzoo):
    said = " ".join(ganzoo("bench", "speed", "--help").out.split())
    assert f"[default: {ROUNDS}]" in said and f"[default: {SECONDS}]" in said


def test_help_leaves_torch_out():
    assert loaded_by(COMMAND.format(words=["bench", "speed", "--help"])) == []

"""Metrics of checkpoints: which phases may name them, what is logged, which checkpoint is the best."""

import json
import logging

import numpy as np
import pytest
import torch

from ganzoo import checkpoint
from ganzoo.assemble import assemble
from ganzoo.errors import GanzooError
from ganzoo.misfits import MismatchError
from ganzoo.plugins import load as load_plugins
from ganzoo.run import Run
from ganzoo.train import train

MEASURE = "training.gan.measure"
AGREEMENT = {"use": "core/shapes_agreement", "samples": 8}

HOOKS = """
    from ganzoo.hookspecs import hookimpl

    @hookimpl
    def ganzoo_metrics():
        from MODULE_parts import Blind, Encoded, Error, Reversed, Same, Waves
        return {cls.__name__.lower(): cls for cls in (Blind, Encoded, Error, Reversed, Same, Waves)}
"""
PARTS = """
    from dataclasses import dataclass
    from typing import ClassVar
    from ganzoo.components import Metric

    @dataclass(frozen=True, kw_only=True)
    class Waves(Metric):
        '''What is said of the real pictures comes first, then one value a save.'''
        needs = frozenset({"fakes", "reals"})
        decides = "height"
        heights: ClassVar = []
        def __call__(self, samples):
            assert samples.fakes.shape == samples.reals.shape and len(samples.captions) == len(samples.reals)
            return {"width": 1.0, "height": self.heights.pop(0)}

    @dataclass(frozen=True, kw_only=True)
    class Reversed(Waves):
        lower_is_better = True

    @dataclass(frozen=True, kw_only=True)
    class Error(Metric):
        '''Mean square of the difference to the real pictures.'''
        needs = frozenset({"fakes", "reals"})
        decides = "error"
        lower_is_better = True
        def __call__(self, samples):
            return {"error": (samples.fakes - samples.reals).square().mean()}

    @dataclass(frozen=True, kw_only=True)
    class Same(Error):
        pass

    @dataclass(frozen=True, kw_only=True)
    class Blind(Error):
        decides = "sight"

    @dataclass(frozen=True, kw_only=True)
    class Encoded(Error):
        needs = frozenset({"fakes", "image_encoder"})
"""


@pytest.fixture
def waves(plugin):
    """`waves(0.5, 0.7, ...)`: what the metric `troubled/waves` will say of one save after the other."""
    plugin("troubled", HOOKS, PARTS)

    def say(*heights):
        load_plugins().get("metrics", "troubled/waves").heights[:] = [0.0, *heights]

    return say


def measured(toy, path, use, steps=4, **settings):
    recipe = toy.set(MEASURE, [{"use": use, "samples": 4}]).set("training.gan.steps", steps)
    return train(
        recipe, run_dir=path, resume=path.exists(),
        **({} if path.exists() else {"device": "cpu", "save_every": 1, "sample_every": 0}), **settings,
    )  # fmt: skip


# -- in the recipe -------------------------------------------------------------------------------------------


def test_in_the_plan(toy, registry):
    plan = assemble(toy.set(MEASURE, [AGREEMENT]), registry)
    ((name, metric),) = plan.phases[0].measures
    assert (name, metric.samples, metric.decides) == ("core/shapes_agreement", 8, "agreement")
    assert "gan: measure" in str(plan) and "on 8 samples" in str(plan)


@pytest.mark.parametrize(
    "measure, said",
    [
        ([{"use": "core/shape_agreement"}], "did you mean"),
        ([{"use": "core/shapes_agreement", "sample": 3}], "has no option `sample`; did you mean `samples`?"),
        ([AGREEMENT, AGREEMENT], "phase gan measures core/shapes_agreement twice; once is enough"),
        (
            [{"use": "troubled/encoded"}],
            "phase gan cannot measure troubled/encoded, which needs `image_encoder`; "
            "it offers only `captions`, `fakes`, `reals`",
        ),
    ],
)
def test_misfits(toy, waves, measure, said):
    with pytest.raises(MismatchError) as error:
        assemble(toy.set(MEASURE, measure), load_plugins())
    assert said in str(error.value) and "at recipe.set('training.gan.measure'" in str(error.value)


def test_a_metric_says_by_what_it_is_judged(plugin):
    plugin("troubled", HOOKS, PARTS.replace('decides = "sight"', "decides = None"))
    with pytest.raises(GanzooError, match="must name the number it is judged by as `decides`, not None"):
        load_plugins().get("metrics", "troubled/blind")


def test_only_who_trains_the_finest_stage_is_measured(toy, registry):
    recipe = toy.add("stages", {"stage": {"use": "gan_int_cls/generator", "channels": 4, "resolution": 32}})
    recipe = recipe.set("training.gan.stages", [0]).set(MEASURE, [AGREEMENT])
    with pytest.raises(MismatchError, match=r"needs `fakes`; .*: it does not train the finest"):
        assemble(recipe, registry)


def test_what_cannot_judge_the_data_is_found_before_training(toy, tmp_path, waves):
    two = [{"use": "troubled/error", "samples": 4}, {"use": "troubled/same", "samples": 4}]
    for measure, said in (
        (
            [{"use": "troubled/blind", "samples": 4}],
            "troubled/blind decides by `sight`, but gives only",
        ),
        (two, "metrics troubled/error and troubled/same both give `error`; measure one of them"),
    ):
        with pytest.raises(GanzooError, match=said):
            train(toy.set(MEASURE, measure), run_dir=tmp_path / "run", device="cpu")
        assert not (tmp_path / "run").exists()


# -- in a run ------------------------------------------------------------------------------------------------


def test_values_are_logged(toy, tmp_path, caplog):
    caplog.set_level(logging.INFO, "ganzoo")
    recipe = toy.set(MEASURE, [AGREEMENT])
    run = train(recipe, run_dir=tmp_path / "run", device="cpu", save_every=2, log_every=0, sample_every=0)
    assert [line["step"] for line in run.metrics] == [2, 4]
    for line in run.metrics:
        assert 0 <= line["metric/agreement"] <= 1 and "metric/agreement/colour" in line
    state = json.loads((run.newest / "state.json").read_text())
    assert state["measured"]["values"]["agreement"] == run.metrics[-1]["metric/agreement"]
    first = run.metrics[0]["metric/agreement"]
    assert f"step-00000002: agreement {first:.4g}, the best so far" in caplog.messages


def test_averaged_weights_draw_held_out_captions(toy, tmp_path, waves):
    """What was logged is what anyone can measure again, picture i drawn with seed i."""
    run = measured(toy, tmp_path / "run", "troubled/error")
    test = assemble(toy, load_plugins()).data.examples("test", None, 16)
    rows = [0, 5, 10, 15]
    reals = torch.stack([torch.from_numpy(np.array(test.image(row))) for row in rows]).permute(0, 3, 1, 2)
    fakes = run.load().generate([test.captions[row][0] for row in rows], [0, 1, 2, 3])
    error = (fakes - (reals / 127.5 - 1)).square().mean().item()
    assert run.metrics[-1]["metric/error"] == pytest.approx(error, rel=1e-6)


def test_measuring_changes_nothing(toy, tmp_path):
    quiet = train(toy, run_dir=tmp_path / "a", device="cpu", sample_every=0)
    recipe = toy.set(MEASURE, [AGREEMENT])
    loud = train(recipe, run_dir=tmp_path / "b", device="cpu", sample_every=0, save_every=1)
    a, b = checkpoint.load(quiet.newest), checkpoint.load(loud.newest)
    assert all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)
    assert all(torch.equal(a.averages[name], b.averages[name]) for name in a.averages)


# -- the best ------------------------------------------------------------------------------------------------


def test_the_best_stays(toy, tmp_path, waves):
    waves(0.1, 0.9, 0.3, 0.9, 0.2, 0.4)
    run = measured(toy, tmp_path / "run", "troubled/waves", steps=6)
    assert [path.name for path in run.saved] == ["step-00000002", "step-00000005", "step-00000006"]
    assert run.best == run.checkpoints / "step-00000002", "the first of equals"


def test_the_best_is_remembered_and_replaced(toy, tmp_path, waves):
    waves(0.1, 0.9, 0.3, 0.2)
    run = measured(toy, tmp_path / "run", "troubled/waves")
    waves(0.4, 0.95, 0.1, 0.1)
    measured(toy, tmp_path / "run", "troubled/waves", steps=8)
    assert [path.name for path in run.saved] == ["step-00000006", "step-00000007", "step-00000008"]
    assert run.best.name == "step-00000006"


def test_lower_may_be_better(toy, tmp_path, waves):
    waves(0.5, 0.1, float("nan"), 0.3)
    assert measured(toy, tmp_path / "run", "troubled/reversed").best.name == "step-00000002"


def test_by_another_metric_from_now_on(toy, tmp_path, waves):
    waves(0.9, 0.1)
    run = measured(toy, tmp_path / "run", "troubled/waves", steps=2)
    measured(toy, tmp_path / "run", "troubled/error", steps=3)
    assert run.best.name == "step-00000003"


def test_no_metric_no_best(trained, ganzoo):
    with pytest.raises(GanzooError, match="has no best checkpoint: none was measured; name a metric"):
        _ = Run(trained).best
    ran = ganzoo("sample", trained, "a caption", "--checkpoint", "best", "--device", "cpu")
    ran.fails("has no best checkpoint", "training.PHASE.measure")


def test_which_checkpoint_draws(toy, tmp_path, waves, ganzoo):
    waves(0.1, 0.9, 0.3, 0.2)
    run = measured(toy, tmp_path / "run", "troubled/waves")

    def drawn(which):
        return run.load(which).generate(["a small red circle"], seed=0)

    assert torch.equal(drawn("best"), drawn("step-00000002"))
    assert torch.equal(drawn("newest"), drawn("step-00000004"))
    assert not torch.equal(drawn("best"), drawn("newest"))
    pictures = []
    for which in ("best", "newest"):
        out = tmp_path / f"{which}.png"
        ran = ganzoo("sample", run.path, "a caption", "--checkpoint", which, "--device", "cpu", "--out", out)
        assert ran.code == 0, ran
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1]
    ran = ganzoo("sample", run.path, "a caption", "--checkpoint", "step-2", "--device", "cpu")
    ran.fails("has no checkpoint 'step-2'; did you mean `step-0000000")
    ganzoo("sample", run.path, "a caption", "--checkpoint", "x").fails(
        "has no checkpoint 'x'; expected newest, best, step-00000002, step-00000003, step-00000004"
    )

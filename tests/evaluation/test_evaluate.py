"""A trained run's scores, with all that they depend on."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import GanzooError
from ganzoo.evaluation import given
from ganzoo.evaluation.asked import asked
from ganzoo.evaluation.evaluate import evaluate, measure
from ganzoo.evaluation.reference import Reference
from ganzoo.metrics import kid
from ganzoo.metrics.backbones import named
from ganzoo.run import Run
from tests.evaluation.conftest import TINY

AGREES = "shapes_agreement"

PLUGIN = """
from ganzoo.hookspecs import hookimpl

@hookimpl
def ganzoo_metrics():
    from MODULE_parts import Brightness, Hollow

    return {"brightness": Brightness, "hollow": Hollow}
"""
PARTS = """
from dataclasses import dataclass
from typing import ClassVar

from ganzoo.components import Metric

@dataclass(frozen=True, kw_only=True)
class Brightness(Metric):
    needs: ClassVar[frozenset[str]] = frozenset({"fakes", "reals"})
    decides: ClassVar[str] = "brightness"

    def __call__(self, samples):
        return {
            "brightness": float(samples.fakes.mean()), "real": float(samples.reals.mean()),
            "many": float(len(samples.reals)), "lowest": float(samples.fakes.min()),
        }

@dataclass(frozen=True, kw_only=True)
class Hollow(Brightness):
    decides: ClassVar[str] = "depth"
"""


def scores(found):
    return {score.name: score for score in found.scores}


def measured(run, metrics, **options):
    return evaluate(run, metrics, **{"samples": 12, "device": "cpu", **options})


def test_a_score_is_that_of_the_pictures_that_were_drawn(trained, looking, weights):
    found = measured(trained, [looking("kid")])
    (score,) = found.scores
    network = named(TINY, weights=str(weights))
    reference = Reference(Run.open(trained).load().plan.data, "core/shapes", None, side=16, samples=12)
    real = network(torch.from_numpy(reference.held_out.images)).vector.double().numpy()
    drawn = network(found.drawn).vector.double().numpy()
    assert score.name == f"kid@{TINY}" and score.decides and score.lower_is_better
    assert score.value == pytest.approx(kid.value(real, drawn), rel=1e-5)
    train = reference.training.images[np.linspace(0, 63, 12).round().astype(int)]
    floor = kid.value(real, network(torch.from_numpy(train)).vector.double().numpy())
    assert score.floor == pytest.approx(floor, rel=1e-4)


def test_intervals_are_around_the_value_and_fall_with_more_samples(trained, looking):
    few, many = (scores(measured(trained, [looking("fd")], samples=n))[f"fd@{TINY}"] for n in (6, 48))
    for score in (few, many):
        assert score.low < score.value < score.high and score.interval == "bootstrap over samples"
        assert score.high - score.value == pytest.approx(score.value - score.low)
    assert (many.high - many.low) / many.value < (few.high - few.low) / few.value


def test_the_same_again_and_other_draws_with_another_seed(trained):
    first, again, other = (measured(trained, [AGREES], seed=seed) for seed in (0, 0, 1))
    assert first.scores == again.scores and torch.equal(first.drawn, again.drawn)
    assert not torch.equal(first.drawn, other.drawn)
    assert first.scores[0].id != other.scores[0].id


def test_ids_change_with_each_term_and_only_then(trained, looking, weights, tmp_path):
    moved = tmp_path / "elsewhere.pth"
    moved.write_bytes(weights.read_bytes())
    again = tmp_path / "again.pth"
    torch.save({name: value * 1.01 for name, value in torch.load(weights).items()}, again)

    def id(metric, **options):
        return measured(trained, [metric], floors=False, **options).scores[0].id

    plain = id(looking("kid"))
    assert id(looking("kid")) == id({**looking("kid"), "weights": str(moved)}) == plain
    assert id({**looking("kid"), "samples": 99}) == plain  # those while training
    others = [
        id({**looking("kid"), "weights": str(again)}), id(looking("kid"), samples=13),
        id(looking("kid"), seed=1), id(looking("fd")), id(looking("precision_recall")),
        id(looking("precision_recall", k=2)),
    ]  # fmt: skip
    assert len({plain, *others}) == 1 + len(others)


def test_real_pictures_get_what_the_metric_says_of_them(trained):
    found = scores(measured(trained, [AGREES]))
    assert found["agreement"].floor > 0.9 > found["agreement"].value
    assert all(score.floor is None for score in measured(trained, [AGREES], floors=False).scores)


def test_memorisation_and_bins_compare_with_training_pictures(trained, looking):
    bins = looking("ndb", bins=4)
    found = scores(measured(trained, [looking("memorisation"), bins]))
    assert found[f"c_t@{TINY}"].floor < 3 < found[f"c_t@{TINY}"].value  # held-out pictures are no copies
    assert "training pictures" in found[f"ndb@{TINY}"].protocol
    assert found[f"jsd@{TINY}"].floor < found[f"jsd@{TINY}"].value


def test_diversity_reads_copies(trained, looking, monkeypatch):
    monkeypatch.setattr(given, "VARIED", 3)
    (score,) = measured(trained, [looking("diversity")]).scores
    assert 0 < score.low < score.value < score.high and score.floor > 0
    assert score.protocol["copies"] == "8 of 3 captions"


def test_clip_grades_pictures_with_captions(trained):
    random = {"use": "clip_score", "options": {"model": "random"}}
    found = scores(measured(trained, [random, {**random, "use": "clip_r_precision", "rivals": 5}]))
    assert {"clip_score", "clip_cosine", "clip_cosine/mismatched", "clip_r_precision"} <= set(found)
    assert found["clip_cosine"].low < found["clip_cosine"].high
    assert found["clip_cosine/mismatched"].low is None and not found["clip_score"].leaks


def test_pictures_and_captions_jointly(trained, looking):
    (score,) = measured(trained, [looking("fjd")]).scores
    assert score.value > score.floor > 0
    assert {"weights", "encoders"} <= set(score.protocol)


def test_metrics_of_plugins_are_given_pixels_as_promised(trained, plugin):
    plugin("mine", PLUGIN, PARTS)
    found = scores(measured(trained, ["brightness"]))
    assert -1 <= found["lowest"].value < 0 and -1 <= found["real"].value <= 1
    assert found["many"].value == 16 and found["many"].low == 16
    with pytest.raises(GanzooError, match="metric mine/hollow decides by `depth`, but gives only brightness"):
        measured(trained, ["hollow"])


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (["damsm_r_precision"], "has none that see in one space"),
        (
            [{"use": "inception_score", "backbone": "clip/image", "options": {"model": "random"}}],
            "no classes",
        ),
        ([{"use": "ndb", "bins": 100}], "NDB wants 100 bins of 64 training features"),
        ([{"use": "kid", "weights": "nowhere.pth"}], "nowhere.pth cannot be read"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is_drawn(
    trained, looking, metrics, said, monkeypatch
):
    def draw(*_):
        raise AssertionError("drawn")

    monkeypatch.setattr(given, "draw", draw)
    metrics = [looking(**metrics[0])] if metrics == [{"use": "ndb", "bins": 100}] else metrics
    with pytest.raises(GanzooError, match=said):
        measured(trained, metrics)
    with pytest.raises(AssertionError, match="drawn"):
        measured(trained, [looking("inception_score", splits=2)])


def test_a_gallery_shows_copies_beside_their_originals(trained, looking, tmp_path):
    out = tmp_path / "deep" / "copies.png"
    measured(trained, [looking("memorisation")], gallery=out)
    with Image.open(out) as sheet:
        assert sheet.height > 12 * 96  # a row for each of the drawn


def test_a_gallery_that_cannot_be_written_is_said_first(trained, tmp_path):
    with pytest.raises(GanzooError, match="cannot tell the picture format"):
        measured(trained, [AGREES], gallery=tmp_path / "copies")


def test_a_model_in_training_mode_is_measured_in_evaluation_mode(trained, registry):
    model = Run.open(trained).load()
    reference = Reference(model.plan.data, "core/shapes", None, side=16, samples=6, device="cpu")
    metrics = asked([AGREES], registry)
    as_is = measure(model, metrics, reference).drawn
    assert torch.equal(measure(model.train(), metrics, reference).drawn, as_is)

"""What all models of one comparison are measured with."""

import logging
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ganzoo.core.quality import InceptionScore, KernelDistance
from ganzoo.core.variety import DifferentBins, Memorisation
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.evaluation.reference import Reference
from ganzoo.metrics.shapes_agreement import ShapesAgreement
from tests.evaluation.conftest import TINY

DATA = Shapes(count=20, test_count=10)


def reference(data=DATA, **options):
    return Reference(data, "core/shapes", None, **{"side": 16, "samples": 8, "device": "cpu", **options})


def test_the_number_of_samples_is_that_of_captions_within_bounds(monkeypatch):
    assert reference().samples == 8
    assert reference(samples=None).samples == 1000
    monkeypatch.setattr("ganzoo.evaluation.reference.LEAST_SAMPLES", 3)
    assert reference(samples=None).samples == 10
    monkeypatch.setattr("ganzoo.evaluation.reference.MOST_SAMPLES", 6)
    assert reference(samples=None).samples == 6


@pytest.mark.parametrize("samples", [0, 1, -3])
def test_too_few_samples_are_refused(samples):
    with pytest.raises(GanzooError, match=f"{samples} samples"):
        reference(samples=samples)


def test_training_pictures_stand_in_where_held_out_ones_are_compared_with():
    found = reference()
    for metric in (KernelDistance(),):
        assert found.stand_in(metric).name == "train" and len(found.stand_in(metric)) == 8
    for metric in (DifferentBins(), Memorisation(), InceptionScore(), ShapesAgreement()):
        assert found.stand_in(metric).name == "test" and len(found.stand_in(metric)) == 8


def test_a_network_is_built_once_for_equal_options(weights):
    found = reference()
    one = KernelDistance(backbone=TINY, weights=str(weights))
    assert found.backbone(one) is found.backbone(replace(one, samples=7))
    assert found.backbone(one) is not found.backbone(KernelDistance(backbone="clip/image", options=RANDOM))


RANDOM = {"model": "random"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backbone": "inceptoin"}, "no backbone 'inceptoin'; did you mean `inception`?"),
        ({"backbone": "nowhere/image"}, "no installed plugin is called 'nowhere'"),
        ({"backbone": "clip/picture"}, "no image encoder 'clip/picture'"),
        ({"backbone": "clip/image", "weights": "x.pth"}, "backbone clip/image takes no `weights`"),
        ({"backbone": TINY, "options": {"model": "random"}}, f"backbone {TINY} takes no `options`"),
        ({"backbone": "clip/image", "options": {"modell": "random"}}, "did you mean `model`?"),
    ],
)
def test_networks_that_there_are_not(options, said):
    with pytest.raises(GanzooError) as error:
        reference().backbone(KernelDistance(**options))
    assert said in str(error.value)


def test_what_is_seen_is_one_object(weights):
    found = reference()
    network = found.backbone(KernelDistance(backbone=TINY, weights=str(weights)))
    assert found.seen(found.held_out, network) is found.seen(found.held_out, network)


@dataclass(frozen=True, kw_only=True)
class Whole(Shapes):
    """Without a test split."""

    def examples(self, split, folder, resolution):
        found = super().examples(split, folder, resolution)
        return found if split == "train" else type(found)((), (), found.image, "none")


def test_without_a_test_split_training_pictures_serve_and_it_is_said(caplog):
    with caplog.at_level(logging.WARNING, "ganzoo"):
        found = reference(Whole(count=20))
    assert "measured on what they were trained on" in caplog.text
    assert found.held_out.name == "train" and len(found.held_out) == 20


def test_other_options_of_the_data_that_make_the_same_held_out_pictures():
    found = reference()
    assert found.holds(replace(DATA, batch=3)) and not found.holds(replace(DATA, seed=1))


def test_captions_of_the_held_out_pictures_are_asked_for():
    found = reference()
    rows = found.requests.rows
    assert found.requests.captions == tuple(found.held_out.examples.captions[i][0] for i in rows)
    assert np.array_equal(rows, np.linspace(0, 9, 8).round())

"""Metrics by the names that people give them."""

import pytest

from ganzoo.assemble import assemble
from ganzoo.errors import GanzooError
from ganzoo.evaluation.asked import asked, usual


def one(name, registry):
    (found,) = asked([name], registry)
    return found


def test_names_with_and_without_prefix_and_backbone(registry):
    assert one("kid", registry) == one("core/kid", registry) == one({"use": "kid"}, registry)
    assert one("fid", registry) == one("fd@inception", registry) == one({"use": "fid"}, registry)
    assert one("is", registry).use == "core/inception_score"
    assert one({"use": "ndb@inception", "bins": 7}, registry).metric.bins == 7


def test_what_numbers_are_called(registry):
    assert one("fd", registry).called("fd") == "fd@efficientnet-lite0"
    assert one("fid", registry).called("fd") == "fid"
    assert one("kid@inception", registry).called("kid") == "kid"
    assert one("clip_score", registry).called("clip_cosine") == "clip_cosine"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["kidd"], "no metric `kidd`; did you mean `kid`?"),
        (["kid@"], "metric `kid@` names no backbone behind @"),
        (["clip_score@inception"], "core/clip_score has no option `backbone`"),
        ([{"use": "ndb", "bin": 3}], "core/ndb has no option `bin`; did you mean `bins`?"),
        ([{"use": "ndb", "bins": 0}], "core/ndb: option `bins` should be greater than 0; got 0"),
        (["fid", "fd@inception"], "metric core/fd is asked for twice"),
        ([], "no metric is asked for"),
    ],
)
def test_what_cannot_be_asked_for(registry, names, said):
    with pytest.raises(GanzooError) as error:
        asked(names, registry)
    assert said in str(error.value)


def test_two_plugins_with_one_metric_name(plugin):
    from ganzoo.plugins import load
    from tests.bench.test_speed import PARTS, PLUGIN

    plugin("mine", PLUGIN.replace('"brightness"', '"kid"'), PARTS)
    registry = load()
    with pytest.raises(GanzooError, match="metric `kid` is offered by several plugins: core/kid, mine/kid"):
        asked(["kid"], registry)
    assert one("mine/kid", registry).called("brightness") == "brightness"


def test_the_usual_metrics_know_the_data_and_the_model(plan, toy, registry):
    def names(plan):
        return [found.use for found in usual([plan], registry)]

    assert "core/shapes_agreement" in names(plan) and "core/damsm_r_precision" not in names(plan)
    emoji = assemble(toy.set("data", {"use": "emoji/emoji", "batch": 4}), registry)
    assert "core/shapes_agreement" not in names(emoji)
    from ganzoo.catalogue import recipe

    assert "core/damsm_r_precision" in names(assemble(recipe("attngan-shapes"), registry))


def test_misfits(plan, toy, registry):
    assert "has none that see in one space" in one("damsm_r_precision", registry).misfit(plan)
    emoji = assemble(toy.set("data", {"use": "emoji/emoji", "batch": 4}), registry)
    shapes = one("shapes_agreement", registry)
    assert shapes.misfit(plan) == ""
    assert "reads captions of core/shapes only, not those of emoji/emoji" in shapes.misfit(emoji)

"""One run's scores, as results."""

import pytest

from ganzoo.bench import results
from ganzoo.bench.single import evaluate_run
from ganzoo.errors import GanzooError

QUICK = {"samples": 8, "device": "cpu", "floors": False}


def test_results_of_one_row_that_read_back(trained, tmp_path):
    found = evaluate_run(trained, ["shapes_agreement"], out=tmp_path / "deep", **QUICK)
    assert results.load(tmp_path / "deep") == found
    assert found.metrics == ["agreement"]
    assert found.settings == {"data": "core/shapes", "samples": 8, "run": trained.name}
    row = found.rows[0]
    assert (row.name, row.state, row.title, row.resolution) == ("toy", "done", "A toy", 16)
    assert row.score("agreement").protocol["samples"] == 8


def test_the_order_of_metrics_is_that_asked_for(trained, looking):
    found = evaluate_run(trained, [looking("kid"), "shapes_agreement"], **QUICK)
    assert found.metrics == ["kid@timm/test_resnet", "agreement"]


def test_nothing_is_written_where_nothing_is_measured(trained, tmp_path):
    with pytest.raises(GanzooError, match="did you mean `kid`"):
        evaluate_run(trained, ["kidd"], out=tmp_path / "out", **QUICK)
    assert not (tmp_path / "out" / "results.json").exists()

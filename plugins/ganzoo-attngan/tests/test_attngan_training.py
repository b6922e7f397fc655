"""Both phases through `ganzoo.train`: encoders, then the generator; the run knows its words."""

import logging

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.metrics import r_precision


def parts(state):
    """Weights by the model's part."""
    found = {}
    for name, value in state.items():
        found.setdefault(name.split(".")[0], {})[name] = value
    return found


def same(one, other):
    return {part for part in one if all(torch.equal(one[part][k], other[part][k]) for k in one[part])}


def test_each_phase_trains_its_own(run):
    encoders, gan = (parts(run.load(f"step-0000000{step}").state_dict()) for step in (2, 4))
    assert same(encoders, gan) == {"text_encoder", "image_encoder"}
    logged = [set(line) for line in run.metrics]
    assert any("encoders/attngan/damsm" in line for line in logged)
    assert any("generator/attngan/damsm" in line for line in logged)


def test_both_phases_measure_r_precision(run):
    """Of real pictures, then of drawn ones, by the encoders as they are then."""
    model = run.load()
    examples = model.plan.data.examples("test", None, 16)
    rows = [round(place) for place in torch.linspace(0, len(examples) - 1, 6).tolist()]
    captions = [examples.captions[row][0] for row in rows]
    reals = torch.stack([torch.from_numpy(np.array(examples.image(row))) for row in rows])
    reals = reals.permute(0, 3, 1, 2) / 127.5 - 1
    classes = torch.from_numpy(examples.class_id[rows])
    expected = []
    with torch.no_grad():
        text = run.load("step-00000002").encode(captions)
        for pictures in (reals, model.generate(captions, range(6))):
            seen = run.load("step-00000002").image_encoder(pictures)
            shares = r_precision.statistics(seen.vector, text.sentence, [classes])
            expected.append(r_precision.value(shares)[0])
    logged = [line["metric/damsm_r_precision"] for line in run.metrics if "metric/damsm_r_precision" in line]
    assert logged == pytest.approx(expected)
    assert run.best == run.newest, "of the phase that draws, whatever the encoders' had"


def test_the_run_knows_the_training_captions(run, caplog):
    model = run.load()
    words = run.vocabulary.read_text().split()
    assert {"a", "red", "circle"} <= set(words)
    assert model.text_encoder.embedding.num_embeddings == len(words) + 1
    with caplog.at_level(logging.WARNING, "ganzoo"):
        pictures = model.generate(["a small red zebra", "a small red"], seed=[1, 1])
    assert torch.allclose(*pictures, atol=1e-5)
    assert [r.message for r in caplog.records] == ["left out, for attngan/rnn does not know them: zebra"]


def test_only_projections_of_a_fixed_trunk_are_trained(recipe, tmp_path):
    """Its batch norm's statistics move, as the authors'."""
    fixed = recipe.set("image.train_trunk", False).set("training.gan", None)
    run = ganzoo.train(fixed, run_dir=tmp_path / "run", device="cpu", save_every=1)
    first, last = (run.load(f"step-0000000{step}").image_encoder.state_dict() for step in (1, 2))
    moved = {name for name in first if not torch.equal(first[name], last[name])}
    assert {"region.weight", "vector.weight", "vector.bias"} <= moved
    others = moved - {"region.weight", "vector.weight", "vector.bias"}
    assert others and all("running" in name or name.endswith("num_batches_tracked") for name in others)


def test_attention_of_a_caption_in_other_company(run):
    """Each sample goes by its own padding."""
    model = run.load()
    captions = ["a red circle", "a small red circle above a large blue square"]
    noise = torch.zeros(2, model.plan.noise)
    together = model.synthesize(model.encode(captions), noise).stages[1].attention
    alone = model.synthesize(model.encode(captions[:1]), noise[:1]).stages[1].attention
    assert torch.allclose(together[:1, :3], alone, atol=1e-5) and not together[0, 3:].any()

import os

import pytest
import torch

from ganzoo import checkpoint
from ganzoo.checkpoint import Checkpoint
from ganzoo.errors import GanzooError


def some(model, total=4, averages=None):
    return Checkpoint("gan", 4, total, checkpoint.model_state(model), averages, {"generator": {"state": {}}})


def test_round_trip_is_exact(plan, tmp_path):
    model, other = plan.build(), plan.build()
    path = checkpoint.save(tmp_path, some(model, averages=model.generator.state_dict()))
    saved = checkpoint.load(path)
    checkpoint.load_model_state(other, saved.weights, path)
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert (saved.phase, saved.step, saved.total) == ("gan", 4, 4)
    assert saved.averages is not None and saved.optimizers == {"generator": {"state": {}}}


def test_encoders_that_restore_themselves_are_left_out(plan):
    assert not [name for name in checkpoint.model_state(plan.build()) if name.startswith("text_encoder")]


def test_the_newest_are_kept(plan, tmp_path):
    model = plan.build()
    for total in (1, 2, 3):
        checkpoint.save(tmp_path, some(model, total))
    assert [path.name for path in checkpoint.all_in(tmp_path)] == ["step-00000002", "step-00000003"]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".partial")]


def test_misfit_weights_are_listed(plan, tmp_path):
    model = plan.build()
    state = checkpoint.model_state(model)
    missing, _, wrong = list(state)[:3]
    state.pop(missing)
    state["unheard"] = torch.zeros(1)
    state[wrong] = torch.zeros(1, 2, 3)
    with pytest.raises(GanzooError) as error:
        checkpoint.load_model_state(model, state, tmp_path)
    for part in (f"missing {missing}", "unknown unheard", f"{wrong} has shape (1, 2, 3)"):
        assert part in str(error.value)


def test_damaged_checkpoint(plan, tmp_path):
    path = checkpoint.save(tmp_path, some(plan.build()))
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(GanzooError, match="cannot be read"):
        checkpoint.load(path)


def test_folder_that_cannot_be_written(plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GanzooError, match="cannot write the checkpoint"):
        checkpoint.save(tmp_path / "file", some(plan.build()))

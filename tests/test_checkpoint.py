import os
import shutil

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


def test_saving_the_same_step_again_replaces_it(plan, tmp_path):
    one, other = plan.build(), plan.build()
    path = checkpoint.save(tmp_path, some(one))
    assert checkpoint.save(tmp_path, some(other)) == path
    weights = checkpoint.load(path).weights
    assert all(torch.equal(value, checkpoint.model_state(other)[name]) for name, value in weights.items())
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]


def test_what_is_written_is_checked(plan, tmp_path, monkeypatch):
    """A disk that drops the last byte of what it is given is found out before the checkpoint counts."""
    kept = checkpoint.save(tmp_path, some(plan.build(), 2))
    fsync = os.fsync

    def forgetful(handle):
        size = os.fstat(handle).st_size
        if size > 10_000:
            os.truncate(f"/proc/self/fd/{handle}", size - 1)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", forgetful)
    with pytest.raises(GanzooError, match="step-00000004: the disk does not hold what was written"):
        checkpoint.save(tmp_path, some(plan.build(), 4))
    assert list(tmp_path.iterdir()) == [kept]


def test_steps_of_more_than_eight_digits(plan, tmp_path):
    model = plan.build()
    for total in (99_999_999, 100_000_000):
        checkpoint.save(tmp_path, some(model, total))
    assert [checkpoint.step_of(path) for path in checkpoint.all_in(tmp_path)] == [99_999_999, 100_000_000]


def test_deleting_that_was_cut_short_leaves_nothing_that_counts(plan, tmp_path, monkeypatch):
    """A checkpoint is out of sight before its files go one by one."""
    model = plan.build()
    for total in (1, 2):
        checkpoint.save(tmp_path, some(model, total))
    rmtree = shutil.rmtree

    def power_cut(path, *rest, **options):
        if path.name.startswith(".gone-") and path.exists():
            raise KeyboardInterrupt
        rmtree(path, *rest, **options)

    monkeypatch.setattr(shutil, "rmtree", power_cut)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(tmp_path, some(model, 3))
    monkeypatch.undo()
    assert [path.name for path in checkpoint.all_in(tmp_path)] == ["step-00000002", "step-00000003"]
    checkpoint.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]

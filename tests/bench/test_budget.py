"""Budgets in time, steps or pictures."""

import pytest

from ganzoo.bench import budget
from ganzoo.bench.budget import Budget, seconds_a_step, shortened, within
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe


@pytest.fixture
def two(toy):
    """Two phases, of 300 and of 100 steps."""
    first = toy.to_dict()["training"]["gan"]
    recipe = toy.set("training.first", {**first, "steps": 300})
    return recipe.set("training.gan.steps", 100)


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("20m", "seconds", 1200), ("1.5h", "seconds", 5400), ("90s", "seconds", 90),
        (" 2000 steps ", "steps", 2000),
        ("100000images", "images", 100_000),
    ],
)  # fmt: skip
def test_what_budgets_say(text, kind, amount):
    found = Budget.of(text)
    assert (found.kind, found.amount, found.said) == (kind, amount, text.strip())


@pytest.mark.parametrize("text", ["", "20", "m", "0m", "-5m", "20 min", "1e3steps", "20m5s", "nans"])
def test_what_cannot_be_read(text):
    with pytest.raises(GanzooError, match=r"expected time, as in 20m, 1\.5h or 90s, or 2000steps"):
        Budget.of(text)


def test_phases_keep_their_proportions():
    lengths = {"encoders": 300, "gan": 100}
    steps = Budget.of("40steps").spent_by(lengths, {"encoders": 1.0, "gan": 1.0})
    assert steps == {"encoders": 30, "gan": 10}
    dear = Budget.of("12s").spent_by(lengths, {"encoders": 0.1, "gan": 0.3})
    assert dear == {"encoders": 60, "gan": 20}  # 6 s each
    assert Budget.of("1steps").spent_by(lengths, {"encoders": 1.0, "gan": 1.0}) == {"encoders": 1, "gan": 1}


def test_steps_and_images_of_a_recipe(two):
    lengths, batches = {"first": 300, "gan": 100}, {"first": 8, "gan": 4}

    def steps(said):
        found = within(Budget.of(said), two, lengths, batches, None, "cpu")
        return {name: phase.steps for name, phase in found.phases.items()}

    assert steps("80steps") == {"first": 60, "gan": 20}
    assert steps("280images") == {"first": 30, "gan": 10}


def test_time_is_taken_of_every_phase(two, monkeypatch):
    found = seconds_a_step(two, None, "cpu")
    assert set(found) == {"first", "gan"} and all(0 < price < 10 for price in found.values())
    monkeypatch.setattr(budget, "seconds_a_step", lambda *_: {"first": 0.5, "gan": 0.5})
    short = within(Budget.of("20s"), two, {"first": 300, "gan": 100}, {}, None, "cpu")
    assert {name: phase.steps for name, phase in short.phases.items()} == {"first": 30, "gan": 10}


def test_epochs_give_way_to_steps(toy):
    epochs = toy.set("training.gan.epochs", 3)
    found = shortened(epochs, {"gan": 7}).phases["gan"]
    assert (found.steps, found.epochs) == (7, None)
    assert isinstance(Recipe.from_yaml(shortened(epochs, {"gan": 7}).to_yaml()), Recipe)


def test_a_phase_without_a_step_is_an_error(toy):
    with pytest.raises(GanzooError, match="phase gan has no step to take"):
        within(Budget.of("8steps"), toy, {"gan": 0}, {"gan": 4}, None, "cpu")

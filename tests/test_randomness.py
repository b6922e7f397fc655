import torch

from ganzoo.randomness import SampleDraws, StepDraws

CPU = torch.device("cpu")


def test_step_draws_repeat_and_differ_by_step_and_seed():
    draw = lambda seed, step: StepDraws(seed, step, CPU, torch.float32).normal(3, 5)  # noqa: E731
    assert torch.equal(draw(0, 7), draw(0, 7))
    assert not torch.equal(draw(0, 7), draw(0, 8))
    assert not torch.equal(draw(0, 7), draw(1, 7))


def test_processes_share_one_global_draw():
    whole = StepDraws(3, 1, CPU, torch.float32)
    parts = [StepDraws(3, 1, CPU, torch.float32, rank, 2) for rank in range(2)]
    for width in (4, 2):
        assert torch.equal(whole.normal(6, width), torch.cat([part.normal(3, width) for part in parts]))
    assert torch.equal(whole.uniform(6), torch.cat([part.uniform(3) for part in parts]))


def test_step_draws_are_standard_normal():
    draws = StepDraws(0, 0, CPU, torch.float32).normal(2000, 10)
    assert abs(float(draws.mean())) < 0.03 and abs(float(draws.std()) - 1) < 0.03


def test_sample_draws_depend_on_seed_and_number_only():
    together = SampleDraws([5, 6, 7]).normal(3, 4)
    alone = SampleDraws([6]).normal(1, 4)
    assert torch.equal(together[1:2], alone)
    numbered = SampleDraws([5, 5], [0, 1]).normal(2, 4)
    assert torch.equal(numbered[0], together[0]) and not torch.equal(numbered[0], numbered[1])


def test_sample_draws_of_width_zero():
    assert SampleDraws([1, 2]).normal(2, 0).shape == (2, 0)


def test_sample_uniforms_are_in_the_unit_interval():
    draws = SampleDraws(range(200)).uniform(200)
    assert draws.shape == (200,) and 0 <= float(draws.min()) < float(draws.max()) < 1

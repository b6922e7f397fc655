import math

import pytest

from ganzoo.bench import wording


@pytest.mark.parametrize(
    "value, digits, said",
    [
        (0.01234, 4, "0.0123"),
        (-0.5, 1, "−0.5"),
        (12345.6, 0, "12,346"),
        (0.0000012, 4, "1.2e−06"),
        (0.0, 2, "0.00"),
        (math.nan, 2, "not a number"),
        (-math.inf, 2, "−∞"),
    ],
)
def test_numbers(value, digits, said):
    assert wording.number(value, digits) == said


@pytest.mark.parametrize(
    "value, said", [(1234.5, "1,234"), (12.34, "12.3"), (0.01234, "0.0123"), (0, "0"), (99.96, "100")]
)
def test_three_digits(value, said):
    assert wording.short(value) == said


@pytest.mark.parametrize("value, said", [(123, "123 B"), (1_234_567, "1.23 MB"), (999_999, "1.00 MB")])
def test_prefixes(value, said):
    assert wording.scaled(value, "B") == said


@pytest.mark.parametrize(
    "seconds, said",
    [
        (0.0123, "12.3 ms"),
        (4, "4.00 s"),
        (0.0000012, "1.20 µs"),
        (119.0, "119 s"),
        (725, "12 min"),
        (12300, "3 h 25 min"),
        (0, "0 s"),
        (2.5e-8, "25.0 ns"),
    ],
)
def test_durations(seconds, said):
    assert wording.duration(seconds) == said

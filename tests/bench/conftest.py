"""What comparisons share with evaluations."""

from tests.evaluation.conftest import looking, weights

__all__ = ["looking", "weights"]

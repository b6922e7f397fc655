"""Sides of pictures, in pixels, that the networks can make and judge."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def power_of_two(side: int) -> int:
    """`side`, in pixels. Raises ValueError unless it is a power of two of at least 8."""
    if side < 8 or side & (side - 1):
        raise ValueError(f"expected a power of two of at least 8, not {side}")
    return side


Resolution = Annotated[int, AfterValidator(power_of_two)]

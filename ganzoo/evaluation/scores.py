"""A score: a number with its interval, its floor, and everything it depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Form(BaseModel):
    """What is written as JSON: nothing but its fields, never changed. NaN and Infinity become texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Score(Form):
    """One number of one model.

    `low`, `high`: its 95 % interval, over what `interval` says ("bootstrap over samples", "t over 3 seeds");
    None where there is none. `floor`: what real pictures get in the place of drawn ones, at the same number.
    `protocol`: all that it depends on; `id`: short for that. Only scores of one id may be compared. `leaks`:
    why the metric may favour this model; "" = it has not seen what it grades with.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    interval: str = ""
    floor: float | None = None
    lower_is_better: bool = False
    decides: bool = False
    id: str
    protocol: dict[str, Any]
    leaks: str = ""


def id_of(protocol: dict[str, Any]) -> str:
    """Eight digits short for a protocol: the same for the same terms, in any order."""
    return hashlib.sha256(json.dumps(protocol, sort_keys=True).encode()).hexdigest()[:8]

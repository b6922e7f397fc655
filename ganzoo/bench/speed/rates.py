"""A report at one glance: pictures (of text encoders: captions) a second, a row a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

UNITS = ("images", "captions")


def rates(report: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By model or metric, by group: how many a second, by the median.

    A model's phases are rows of their own, `model:phase`, where it has several.
    """
    benchmarks = report.get("benchmarks", [])
    phases = Counter(_owner(one) for one in benchmarks if "phase" in one["extra_info"])
    found: dict[str, dict[str, float]] = {}
    for one in benchmarks:
        alone = phases[_owner(one)] == 1
        row = found.setdefault(_owner(one) if alone else one["name"], {})
        row[one["group"]] = next(
            one["extra_info"][f"{unit}_per_second"]
            for unit in UNITS
            if f"{unit}_per_second" in one["extra_info"]
        )
    return found


def _owner(benchmark: Mapping[str, Any]) -> str:
    return str(benchmark["extra_info"]["recipe"] or benchmark["name"])

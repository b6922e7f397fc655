"""Metrics by the names that people give them: `fd`, `kid@inception`, `core/clip_score`, with options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Metric
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.metrics.backbones import INCEPTION
from ganzoo.plan import Plan
from ganzoo.plugins import Registry

# Names that the field has for a metric with the Inception of 2015.
FAMILIAR = {"fid": "fd@inception", "fid_infinity": "fd_infinity@inception", "is": "inception_score@inception"}
USUAL = ("kid", "fd", "precision_recall", "density_coverage", "diversity")


@dataclass(frozen=True)
class Asked:
    """A metric and its full name."""

    use: str
    metric: Metric

    def called(self, number: str) -> str:
        """One of its numbers with the network: `fd@efficientnet-lite0`.

        Familiar names, such as `fid` and `kid`, belong to the Inception of 2015 alone.
        """
        familiar = {"fd": "fid", "fd_infinity": "fid_infinity"}
        if self.backbone == INCEPTION:
            return familiar.get(number, number)
        return f"{number}@{self.backbone}" if self.backbone else number

    @property
    def backbone(self) -> str:
        """The network that it looks with; "" = none."""
        return str(getattr(self.metric, "backbone", "")) if "backbone" in self.metric.requires() else ""


def asked(names: Iterable[str | Mapping[str, Any]], registry: Registry) -> list[Asked]:
    """The metrics of `names`, each as `NAME`, `NAME@BACKBONE`, or a mapping {"use": NAME, option: value}.

    NAME may leave out the plugin's prefix where only one plugin has such a metric. Raises GanzooError for
    an unknown name or option, and for one metric twice.
    """
    found = []
    for name in names:
        given = dict(name) if isinstance(name, Mapping) else _options(name)
        metric = _metric(str(given.pop("use", "")), given, registry)
        if metric in found:
            raise GanzooError(f"metric {metric.use} is asked for twice with the same options; once is enough")
        found.append(metric)
    if not found:
        raise GanzooError(f"no metric is asked for; there is {', '.join(registry.components('metrics'))}")
    return found


def usual(plans: Sequence[Plan], registry: Registry) -> list[Asked]:
    """What is measured where nothing is asked for: quality, variety, and what data or models know of."""
    names = list(USUAL)
    uses = {plan.recipe.data.use for plan in plans if plan.recipe.data}
    names += ["shapes_agreement"] if uses == {"core/shapes"} else []
    if any(plan.image and plan.image.yields().vector == plan.text_spec.sentence for plan in plans):
        names += ["damsm_r_precision"]
    return asked(names, registry)


def _options(name: str) -> dict[str, Any]:
    name = FAMILIAR.get(name, name)
    use, at, backbone = name.partition("@")
    if at and not backbone:
        raise GanzooError(
            f"metric `{name}` names no backbone behind @; expected NAME@BACKBONE, as in fd@inception"
        )
    return {"use": use, "backbone": backbone} if at else {"use": use}


def _metric(name: str, options: dict[str, Any], registry: Registry) -> Asked:
    known = registry.components("metrics")
    full = [use for use in known if name in (use, use.split("/", 1)[1])]
    if len(full) > 1:
        raise GanzooError(
            f"metric `{name}` is offered by several plugins: {', '.join(full)}; name one of these"
        )
    if not full:
        short = [use.split("/", 1)[1] for use in known]
        hint = did_you_mean(name, [*known, *short, *FAMILIAR])
        raise GanzooError(f"no metric `{name}`{hint}; there is {', '.join([*short, *FAMILIAR])}")
    cls = registry.get("metrics", full[0])
    try:
        metric = TypeAdapter(cls).validate_python(options)
    except ValidationError as error:
        problem = error.errors()[0]
        option = ".".join(str(part) for part in problem["loc"])
        raise GanzooError(
            f"metric {full[0]}: option `{option}`: {problem['msg']}; got {problem['input']!r}"
        ) from error
    return Asked(full[0], cast(Metric, metric))

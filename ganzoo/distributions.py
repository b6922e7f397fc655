"""The distributions (pip packages) the catalogue knows: what each brings, and its components' prefix."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import GanzooError
from ganzoo.yaml_source import Source, read


@dataclass(frozen=True)
class Distribution:
    """One entry of `distributions:` in registry.yaml.

    `requires_no_deps`: pip requirements it needs, to be installed with `--no-deps`.
    """

    name: str
    prefix: str
    summary: str = ""
    requires_no_deps: tuple[str, ...] = ()

    @property
    def version(self) -> str | None:
        """The installed version, or None."""
        return installed_version(self.name)


def installed_version(distribution: str) -> str | None:
    """The version of a distribution in this environment, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def registry_path() -> Path:
    """registry.yaml: inside the installed package, or at the top of the repository of an editable install."""
    package = Path(__file__).parent
    for folder in (package, package.parent):
        if (path := folder / "registry.yaml").is_file():
            return path
    raise GanzooError(f"registry.yaml is neither in {package} nor beside it; install ganzoo again")


def distributions() -> dict[str, Distribution]:
    """The distributions registry.yaml lists, by name."""
    return parse_distributions(read(registry_path(), "registry.yaml"))


def parse_distributions(source: Source) -> dict[str, Distribution]:
    """The `distributions:` part of registry.yaml. GanzooError, with file:line, where one is malformed."""
    from pydantic import TypeAdapter, ValidationError

    data = source.data if isinstance(source.data, dict) else {}
    entries = data.get("distributions") or {}
    found = {}
    for name, entry in entries.items():
        where = source.where(("distributions", name))
        if not isinstance(entry, dict):
            raise GanzooError(f"{where}: distribution {name} must be a mapping with `prefix` and `summary`")
        if unknown := set(entry) - {"prefix", "summary", "requires_no_deps"}:
            raise GanzooError(f"{where}: distribution {name} has no {' or '.join(sorted(unknown))}")
        try:
            found[name] = TypeAdapter(Distribution).validate_python({"name": name, **entry})
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise GanzooError(f"{where}: distribution {name}: `{field}`: {first['msg']}") from error
    return found

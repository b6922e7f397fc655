"""`ganzoo new-plugin NAME`: a small plugin that works as it is written, to begin one's own with.

Its files are the templates in `skeleton/`; docs/write-a-plugin.md shows the same ones.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ganzoo import catalogue as catalogues
from ganzoo import plugins
from ganzoo.errors import GanzooError

TEMPLATES = Path(__file__).with_name("skeleton")
FILES: Mapping[str, str] = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "src/$package/__init__.py": "hooks.py",
    "src/$package/stages.py": "stages.py",
    "src/$package/losses.py": "losses.py",
    "src/$package/recipes.yaml": "recipes.yaml",
    "tests/test_$package.py": "test.py",
}
_NAME = re.compile(r"(?:ganzoo[-_])?(?P<short>[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)")


@dataclass(frozen=True)
class PluginNames:
    """What a plugin calls itself, all from one short name such as `my-zoo`."""

    short: str

    @property
    def distribution(self) -> str:
        """What pip installs: `ganzoo-my-zoo`."""
        return f"ganzoo-{self.short}"

    @property
    def prefix(self) -> str:
        """What stands before its components' names: `my_zoo`."""
        return self.short.replace("-", "_")

    @property
    def package(self) -> str:
        """What Python imports: `ganzoo_my_zoo`."""
        return f"ganzoo_{self.prefix}"

    @property
    def recipe(self) -> str:
        """The model it brings: `my-zoo-shapes`."""
        return f"{self.short}-shapes"


def new_plugin(name: str, into: Path | str = ".") -> Path:
    """Write a new plugin's folder `ganzoo-NAME` into the folder `into`, whole or not at all; its path.

    `name`: `my-zoo` or `ganzoo-my-zoo`. Raises GanzooError for a name that is malformed or taken, a folder
    that exists, and where nothing can be written.
    """
    names = plugin_names(name)
    _check_free(names)
    parent = Path(into).expanduser()
    folder = parent / names.distribution
    if folder.exists():
        raise GanzooError(f"{folder} exists already; choose another name, or another folder with `--into`")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=parent) as partial:
            whole = Path(partial) / folder.name
            for path, text in skeleton(names).items():
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                (whole / path).write_text(text, "utf-8")
            whole.rename(folder)
    except OSError as error:
        raise GanzooError(f"cannot write the plugin {folder}: {error.strerror or error}") from error
    return folder


def plugin_names(name: str) -> PluginNames:
    """The names of the plugin `my-zoo`, also given as `ganzoo-my-zoo`. Raises GanzooError for a bad one."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise GanzooError(
            f"a plugin cannot be called {name!r}; expected small letters, digits and single hyphens, "
            "beginning with a letter, as in `my-zoo` or `ganzoo-my-zoo`"
        )
    return PluginNames(match["short"].replace("_", "-"))


def skeleton(names: PluginNames) -> dict[str, str]:
    """The files of the new plugin: their text by their path in its folder."""
    words = {word: getattr(names, word) for word in ("distribution", "prefix", "package", "recipe")}
    return {
        Template(path).substitute(words): Template(
            (TEMPLATES / f"{template}.template").read_text("utf-8")
        ).substitute(words)
        for path, template in FILES.items()
    }


def _check_free(names: PluginNames) -> None:
    """Raises GanzooError where a plugin or a recipe is called so already."""
    registry = plugins.load()
    catalogue = catalogues.load(registry)
    taken = {plugin.prefix: plugin.distribution for plugin in registry.plugins}
    taken |= {known.prefix: known.name for known in catalogue.distributions.values()}
    if names.prefix in taken:
        raise GanzooError(
            f"the prefix `{names.prefix}` is that of {taken[names.prefix]} already; choose another name"
        )
    if names.recipe in catalogue.recipes:
        raise GanzooError(
            f"the plugin's recipe would be {names.recipe}, which {catalogue.brought_by[names.recipe]} has "
            "already; choose another name"
        )

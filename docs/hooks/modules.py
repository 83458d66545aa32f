"""The reference: a page for each module that reference.md names, which itself becomes the list of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "reference.md"
DIRECTIVE = re.compile(r"^::: (?P<name>\S+)\n(?:    options: \{ (?P<options>.*) \}\n)?", re.M)


def pages() -> dict[str, str]:
    """Markdown by module or object."""
    return {name: f"# `{name}`\n\n::: {name}\n{options}\n" for name, options in _named(SOURCE.read_text() + "\n")}


def _named(text: str) -> Iterator[tuple[str, str]]:
    for match in DIRECTIVE.finditer(text):
        # By its last word alone, a module would be called as a class in it.
        label = "toc_label: " + match["name"].removeprefix("inertialab.")
        options = ", ".join(filter(None, (label, match["options"])))
        yield match["name"], f"    options: {{ {options} }}\n"


def address(name: str) -> str:
    """Where the page of a module or object lies."""
    return f"reference/{name}.md"


def listed(text: str) -> str:
    """reference.md with a line in the place of each directive: a link, and what the module is in a sentence."""
    return DIRECTIVE.sub(lambda m: f"- [`{m['name']}`]({address(m['name'])}): {_sentence(m['name'])}\n", text + "\n")


def _sentence(name: str) -> str:
    """First line of its docstring."""
    try:
        found: object = import_module(name)
    except ModuleNotFoundError:
        home, _, attribute = name.rpartition(".")
        found = getattr(import_module(home), attribute)
    return ((found.__doc__ or "").strip().splitlines() or [""])[0]

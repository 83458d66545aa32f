"""The gallery: notebooks kept as Python files, run when the site is built, shown with what they print and draw."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from look import PLAIN
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "gallery"
KEPT = ROOT / ".cache" / "gallery"
GROUNDLESS = dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none")
FIRST = f"""
import matplotlib
from matplotlib_inline.backend_inline import set_matplotlib_formats
get_ipython().run_line_magic("matplotlib", "inline")
set_matplotlib_formats("svg", metadata={{"Date": None}})
matplotlib.rcParams.update({{**{PLAIN!r}, "svg.hashsalt": "gallery", **{GROUNDLESS!r}}})
"""
"""Run before a notebook: figures like those of the site, without ground or date, the same bytes each time."""


def names() -> list[str]:
    """The notebooks, in the order of their names."""
    return sorted(file.stem for file in SOURCES.glob("*.py"))


def pages() -> list[tuple[str, str]]:
    """Address and content of every page and figure of the gallery, and of the notebooks to be downloaded."""
    found = []
    with ThreadPoolExecutor(2) as pool:
        for name, book in zip(names(), pool.map(executed, names()), strict=True):
            found.append((f"gallery/{name}.ipynb", json.dumps(book, indent=1, ensure_ascii=False)))
            found += _shown(name, book["cells"])
    return found


def executed(name: str) -> dict[str, Any]:
    """A notebook with its outputs, taken from what was kept while neither it nor any code of the package has changed.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    kept = KEPT / f"{name}-{_digest(name)}.json"
    if not kept.exists():
        book = jupytext.read(SOURCES / f"{name}.py")
        book.cells.insert(0, nbformat.v4.new_code_cell(FIRST))
        NotebookClient(book, timeout=300, kernel_name="python3").execute()
        del book.cells[0]
        book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        for n, cell in enumerate(book.cells):
            cell.id, cell.metadata = f"cell-{n}", {}
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(book))
    return json.loads(kept.read_text())


def _digest(name: str) -> str:
    """Of a notebook, of what shows it, and of all code of the package."""
    code = sorted(
        file for part in ("theory", "optim", "experiments", "verification") for file in ROOT.glob(f"{part}/**/*.py")
    )
    whole = hashlib.sha256(FIRST.encode())
    for file in (SOURCES / f"{name}.py", *code):
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]


def _shown(name: str, cells: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    title, *others = cells
    parts = [f"{title['source']}\n", f"*[As a notebook]({name}.ipynb), run when this page was built.*\n"]
    said = ""
    for n, cell in enumerate(others):
        if cell["cell_type"] == "markdown":
            said = cell["source"]
            parts.append(f"{said}\n")
            continue
        parts.append(f"```python\n{cell['source']}\n```\n")
        for m, output in enumerate(cell["outputs"]):
            data = output.get("data", {})
            if "image/svg+xml" in data:
                yield f"gallery/{name}-{n}-{m}.svg", data["image/svg+xml"]
                parts.append(f"![{said.split('. ')[0].rstrip('.')}]({name}-{n}-{m}.svg)\n")
            else:
                parts.append(f"```text\n{data.get('text/plain', output.get('text', '')).rstrip()}\n```\n")
    yield f"gallery/{name}.md", "\n".join(parts)

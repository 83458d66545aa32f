"""MkDocs hook: pages that are only a view of the claims and of the committed results."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import claim_page
import costs
import optimizer_page
import rooms
import source_page
import tables
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from inertialab.optim import OPTIMIZERS
from inertialab.theory import CLAIMS

RESULTS = Path(__file__).parents[2] / "results"
KATEX = ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js", "fonts/*.woff2")


def results() -> tuple[dict[str, Any], dict[str, Any]]:
    """The committed board and evidence.

    Raises:
        PluginError: If there is no board; the sentence says how to make one.
    """
    path = RESULTS / "board.json"
    if not path.exists():
        raise PluginError(
            f"There is no {path.name} in results/; run `python -m inertialab.verification --out results`."
        )
    evidence = {f.stem: json.loads(f.read_text()) for f in sorted((RESULTS / "evidence").glob("*.json"))}
    return json.loads(path.read_text()), evidence


def katex_folder() -> Path:
    """Where the installed copy of KaTeX lies; the wheel that carries it is found, never imported.

    Raises:
        PluginError: If it is not installed.
    """
    spec = find_spec("djangocms_katex")
    for folder in (spec and spec.submodule_search_locations) or []:
        found = Path(folder) / "static/djangocms_katex/vendor/katex"
        if found.is_dir():
            return found
    raise PluginError("KaTeX is not installed; run `pip install --no-deps -c constraints.txt djangocms-katex`.")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, their figures, and KaTeX."""
    board, evidence = results()
    rows = {row["id"]: row for row in board["rows"]}
    for claim in CLAIMS:
        row = rows.get(claim.id)
        files.append(File.generated(config, f"claims/{claim.id}.md", content=claim_page.page(claim, row)))
        if row and row["checks"]:
            files.append(File.generated(config, f"claims/{claim.id}.svg", content=claim_page.figure(row)))
    files.append(File.generated(config, "claims/index.md", content=tables.claim_index(rows)))
    files.append(File.generated(config, "notation.md", content=tables.notation()))
    files.append(File.generated(config, "optimizers/index.md", content=optimizer_page.index()))
    for row in OPTIMIZERS.values():
        files.append(File.generated(config, f"optimizers/{row.name}.md", content=optimizer_page.page(row)))
    files.append(File.generated(config, "references.md", content=tables.references()))
    files.append(File.generated(config, "real-training.md", content=tables.real_training(evidence)))
    pointed = source_page.files()
    for file in source_page.chosen(pointed, ".py"):
        files.append(File.generated(config, source_page.address(file), content=source_page.page(file)))
    for file in source_page.chosen(pointed, ".json"):
        files.append(File.generated(config, source_page.address(file), abs_src_path=str(source_page.ROOT / file)))
    files.append(File.generated(config, "rooms.svg", content=rooms.figure()))
    benches = {f.stem: json.loads(f.read_text()) for f in sorted((RESULTS / "bench").glob("*.json"))}
    files.append(File.generated(config, "benchmarks.md", content=tables.benchmarks(benches)))
    source = katex_folder()
    for path in sorted(p for pattern in KATEX for p in source.glob(pattern)):
        files.append(File.generated(config, f"katex/{path.relative_to(source)}", abs_src_path=str(path)))
    return files


PLACES = {
    "calibration": ("calibration.json", tables.calibration),
    "costs": ("bench/measure.json", costs.costs),
    "escape": ("escape.json", tables.escape),
    "turnover": ("escape.json", tables.turnover),
}
"""What stands for a committed record on a page, its file and how it is shown."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the verdict board and other results where a page asks for them."""
    for name, (file, shown) in PLACES.items():
        if f"<!-- {name} -->" in markdown:
            markdown = markdown.replace(f"<!-- {name} -->", shown(json.loads((RESULTS / file).read_text())))
    return markdown.replace("<!-- board -->", tables.board(results()[0]))

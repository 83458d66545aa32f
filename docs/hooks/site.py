"""MkDocs hook: pages that are only a view of the claims and of the committed results."""

import json
import re
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import active
import board
import campaigns
import card
import claim_page
import compared
import costs
import findings
import gallery
import graph
import measured_figure
import mishaps
import modules
import optimizer_page
import papers
import regime_map
import regularisation
import related
import rooms
import source_page
import tables
import verdicts
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from inertialab.optim import OPTIMIZERS
from inertialab.theory import CLAIMS

RESULTS = Path(__file__).parents[2] / "results"
KATEX = ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js", "fonts/*.woff2")


@cache
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
    whole = (f for f in sorted((RESULTS / "evidence").glob("*.json")) if not f.stem.endswith(".running"))
    evidence = {f.stem: json.loads(f.read_text()) for f in whole}
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
    results.cache_clear()  # a site that is served is built again when something changed
    judged, evidence = results()
    rows = {row["id"]: row for row in judged["rows"]}
    drawn = regime_map.found(RESULTS / "maps")
    files.append(File.generated(config, "maps.md", content=regime_map.page(drawn)))
    for made in drawn:
        files.append(File.generated(config, f"maps/{made['file']}.svg", content=regime_map.figure(made)))
    for claim in CLAIMS:
        row = rows.get(claim.id)
        text = claim_page.page(claim, row, regime_map.of_claim(claim.id, drawn))
        files.append(File.generated(config, f"claims/{claim.id}.md", content=text))
        if row and row["checks"]:
            files.append(File.generated(config, f"claims/{claim.id}.svg", content=measured_figure.figure(row)))
            files.append(File.generated(config, f"claims/{claim.id}.csv", content=claim_page.points(row)))
    files.append(File.generated(config, "claims/index.md", content=tables.claim_index(rows)))
    files.append(File.generated(config, "findings.md", content=findings.page(rows)))
    files.append(File.generated(config, "findings.svg", content=findings.figure(rows)))
    files.append(File.generated(config, "graph.md", content=graph.page(rows)))
    for key in papers.cited():
        files.append(File.generated(config, f"papers/{key}.md", content=papers.page(key, rows)))
    for name, content in modules.pages().items():
        files.append(File.generated(config, modules.address(name), content=content))
    for address, content in gallery.pages():
        files.append(File.generated(config, address, content=content))
    files.append(File.generated(config, "card.png", content=card.card(judged)))
    files.append(File.generated(config, "changes.md", content=verdicts.page(RESULTS / "history", judged)))
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
    files.append(File.generated(config, "related.svg", content=related.figure(evidence)))
    for what in filter(compared.found, (*compared.EXPERIMENTS, *compared.ELSEWHERE)):
        files.append(File.generated(config, f"related-{what}.svg", content=compared.figure(what)))
    places = [*(RESULTS / "bench").glob("*.json"), *(RESULTS / "gpu").glob("bench.json")]
    benches = {"gpu" if f.stem == "bench" else f.stem: json.loads(f.read_text()) for f in sorted(places)}
    files.append(File.generated(config, "benchmarks.md", content=tables.benchmarks(benches)))
    if campaigns.found(RESULTS / "gpu"):
        files.append(File.generated(config, "campaigns.svg", content=campaigns.figure(RESULTS / "gpu")))
    if regularisation.found("regression"):
        files.append(File.generated(config, "har.svg", content=regularisation.figure()))
    if active.found(RESULTS / "arbal"):
        files.append(File.generated(config, "arbal.svg", content=active.figure(RESULTS / "arbal")))
    source = katex_folder()
    for path in sorted(p for pattern in KATEX for p in source.glob(pattern)):
        files.append(File.generated(config, f"katex/{path.relative_to(source)}", abs_src_path=str(path)))
    return files


PLACES = {
    "calibration": ("calibration.json", tables.calibration),
    "costs": ("bench/measure.json", costs.costs),
    "escape": ("escape.json", tables.escape),
    "faults": ("faults.json", mishaps.shown),
    "turnover": ("escape.json", tables.turnover),
}
"""What stands for a committed record on a page, its file and how it is shown."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the verdict board and other results where a page asks for them."""
    for name, (file, shown) in PLACES.items():
        if f"<!-- {name} -->" in markdown:
            markdown = markdown.replace(f"<!-- {name} -->", shown(json.loads((RESULTS / file).read_text())))
    if page.file.src_path == "reference.md":
        return modules.listed(markdown)
    judged, evidence = results()
    shown = {
        **{name: partial(made, evidence) for name, made in related.PLACES.items()},
        **{what: partial(compared.shown, what, {}) for what in compared.ELSEWHERE},
        "campaigns": lambda: campaigns.shown(RESULTS / "gpu"),
        "arbal": lambda: active.shown(RESULTS / "arbal"),
        "gpu": lambda: campaigns.beside(judged, RESULTS / "gpu" / "verification"),
        "har regression": lambda: regularisation.shown("regression"),
        "har labels": lambda: regularisation.shown("labels"),
        "har images": lambda: regularisation.shown("images"),
        "findings": lambda: findings.first({row["id"]: row for row in judged["rows"]}),
        "strip": lambda: board.strip(judged),
        "board": lambda: board.board(judged),
    }
    for name, made in shown.items():
        if f"<!-- {name} -->" in markdown:
            markdown = markdown.replace(f"<!-- {name} -->", made())
    return markdown


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """A page that a screen reader can tell: see `_told`."""
    return _told(output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page of what is not there."""
    return _told(output_content) if template_name == "404.html" else output_content


def _told(output: str) -> str:
    """Name the dialog of the search, which the theme leaves without a name; what heads nothing is no header."""
    role = 'data-md-component="search" role="dialog"'
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", output.replace(role, f'{role} aria-label="Search"'))

"""MkDocs hook: pages that are only a view of the claims and of the committed results."""

import json
from collections.abc import Iterator
from functools import cache, partial
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import active
import ahead
import board
import campaigns
import card
import claim_page
import compared
import costs
import dress
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
from inertialab.theory import CLAIMS, Claim

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
    with ahead.side_by_side() as begin:
        for address, content in _generated(begin):
            files.append(File.generated(config, address, content=content))
    pointed = source_page.files()
    for file in source_page.chosen(pointed, ".json"):
        files.append(File.generated(config, source_page.address(file), abs_src_path=str(source_page.ROOT / file)))
    source = katex_folder()
    for path in sorted(p for pattern in KATEX for p in source.glob(pattern)):
        files.append(File.generated(config, f"katex/{path.relative_to(source)}", abs_src_path=str(path)))
    return files


def _generated(begin: ahead.Begin) -> Iterator[tuple[str, str | bytes]]:
    """Address and content of every page and figure; what takes longest is begun first."""
    judged, evidence = results()
    rows = {row["id"]: row for row in judged["rows"]}
    drawn = regime_map.found(RESULTS / "maps")
    shown = begin(gallery.pages)
    derived = {claim.id: _begun(begin, claim.id, rows.get(claim.id)) for claim in CLAIMS}
    pictures = {address: begin(made, *args) for address, made, *args in _pictures(evidence, drawn)}
    for claim in CLAIMS:
        yield from _claim(claim, rows.get(claim.id), drawn, *derived[claim.id])
    yield "maps.md", regime_map.page(drawn)
    yield "claims/index.md", tables.claim_index(rows)
    yield "findings.md", findings.index(rows)
    yield from findings.pages(rows)
    yield "findings.svg", findings.figure(rows)
    yield "graph.md", graph.page(rows)
    yield from ((f"papers/{key}.md", papers.page(key, rows)) for key in papers.cited())
    yield from ((modules.address(name), content) for name, content in modules.pages().items())
    yield "card.png", card.card(judged)
    yield "changes.md", verdicts.page(RESULTS / "history", judged)
    yield "notation.md", tables.notation()
    yield "optimizers/index.md", optimizer_page.index()
    benches = _benches()
    for row in OPTIMIZERS.values():
        yield f"optimizers/{row.name}.md", optimizer_page.page(row, rows, benches["optim"])
    yield "references.md", tables.references()
    yield "real-training.md", tables.real_training(evidence)
    yield "benchmarks.md", tables.benchmarks(benches)
    sources = source_page.chosen(source_page.files(), ".py")
    yield from ((source_page.address(file), source_page.page(file)) for file in sources)
    yield from ((address, made()) for address, made in pictures.items())
    yield from shown()


def _begun(begin: ahead.Begin, id: str, row: Any) -> tuple[ahead.Waits, ahead.Waits | None]:
    """A claim's derivation and, where something was measured, its figure."""
    figure = begin(measured_figure.figure, row) if row and row["checks"] else None
    return begin(ahead.derivation, id), figure


def _claim(
    claim: Claim, row: Any, maps: list[Any], derived: ahead.Waits, figure: ahead.Waits | None
) -> Iterator[tuple[str, str]]:
    """A claim's page, its figure and its points."""
    ahead.derive(claim.id, derived)
    yield f"claims/{claim.id}.md", claim_page.page(claim, row, regime_map.of_claim(claim.id, maps))
    if figure:
        yield f"claims/{claim.id}.svg", figure()
        yield f"claims/{claim.id}.csv", claim_page.points(row)


def _pictures(evidence: dict[str, Any], maps: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Address of every other figure, what draws it, and what that is given."""
    yield from ((f"maps/{made['file']}.svg", regime_map.figure, made) for made in maps)
    yield "rooms.svg", rooms.figure
    yield "radam.svg", related.updates, evidence
    yield "cprop.svg", related.floors, evidence
    for what in filter(compared.found, (*compared.EXPERIMENTS, *compared.ELSEWHERE)):
        yield f"related-{what}.svg", compared.figure, what
    if campaigns.found(RESULTS / "gpu"):
        yield "campaigns.svg", campaigns.figure, RESULTS / "gpu"
    if regularisation.found("regression"):
        yield "har.svg", regularisation.figure
    if active.found(RESULTS / "arbal"):
        yield "arbal.svg", active.figure, RESULTS / "arbal"


def _benches() -> dict[str, Any]:
    """Records of speed, by name."""
    places = [*(RESULTS / "bench").glob("*.json"), *(RESULTS / "gpu").glob("bench.json")]
    return {"gpu" if f.stem == "bench" else f.stem: json.loads(f.read_text()) for f in sorted(places)}


PLACES = {
    "arbal settings": ("arbal/settings.json", active.settings),
    "arbal tools": ("bench/arbal.json", active.beside_tools),
    "calibration": ("calibration.json", tables.calibration),
    "costs": ("bench/measure.json", costs.costs),
    "escape": ("escape.json", tables.escape),
    "faults": ("faults.json", mishaps.shown),
    "traces": ("bench/measure.json", costs.traces),
    "turnover": ("escape.json", tables.turnover),
    "workers": ("bench/workers.json", costs.workers),
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
        "har labels by group": lambda: regularisation.by_group("labels"),
        "har images": lambda: regularisation.shown("images"),
        "findings": lambda: findings.first({row["id"]: row for row in judged["rows"]}),
        "strip": lambda: board.strip(judged),
        "board": lambda: board.board(judged),
    }
    for name, made in shown.items():
        if f"<!-- {name} -->" in markdown:
            markdown = markdown.replace(f"<!-- {name} -->", made())
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the lines of a source file on its page; cells say what they are, and a page what it is about."""
    address = page.file.src_uri
    if not address.startswith("source/"):
        about = _about(address) or dress.description(html) or config.site_description or ""
        page.meta.setdefault("description", escape(about))
        return dress.labelled(html)
    shown = source_page.lines(address.removeprefix("source/").removesuffix(".md") + ".py")
    page.present_anchor_ids = (page.present_anchor_ids or set()) | source_page.anchors(shown)
    return f"{html}\n{shown.rstrip()}"


def _about(address: str) -> str:
    """What a claim's page is about, empty for another page."""
    found = next((claim for claim in CLAIMS if address == f"claims/{claim.id}.md"), None)
    row = next((row for row in results()[0]["rows"] if found and row["id"] == found.id), None)
    return claim_page.about(found, row) if found else ""


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """A page that a screen reader can tell."""
    return dress.told(output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page of what is not there."""
    return dress.told(output_content) if template_name == "404.html" else output_content

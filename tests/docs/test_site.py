"""The site: a view of the claims and the results that sends no request anywhere."""

import csv
import doctest
import html
import json
import re
from pathlib import Path

import card
import claim_page
import costs
import dress
import findings
import gallery
import graph
import modules
import papers
import pytest
import regime_map
import sight
import tables

from inertialab.optim import OPTIMIZERS
from inertialab.theory import CLAIMS
from inertialab.theory import claim as named
from inertialab.verification.docket.unmapped import ONE_GROUP
from inertialab.verification.where import places

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "results" / "board.json"


@pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
def test_every_claim_has_a_page_with_formula_steps_verdict_and_figure(site, subject):
    page = (site / "claims" / f"{subject.id}.html").read_text()
    assert tables.prose(subject.title.rstrip(".")) in html.unescape(page)
    assert page.count('class="arithmatex"') > len(subject.steps)
    assert all(f"<strong>{n}.</strong>" in page for n in range(1, len(subject.steps) + 1))
    measured = {row["id"] for row in json.loads(BOARD.read_text())["rows"] if row["checks"]}
    assert (f'src="{subject.id}.svg"' in page) == (subject.id in measured)
    if subject.id in measured:
        assert (site / "claims" / f"{subject.id}.svg").read_text().startswith("<?xml")


def test_a_page_tells_what_became_of_points_outside_the_regime(monkeypatch):
    """Beside the verdict of the points inside, not in its place."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "hooks")
    from claim_page import courts

    row = dict.fromkeys(("derivation", "numerics", "simulation", "real"), "confirmed")
    outside = {"simulation": {"refuted": 2, "confirmed": 1}}
    told = courts(CLAIMS[0], {**row, "beyond": outside})
    assert told.count("outside its regime") == 1
    assert re.search(r"confirmed</span>; outside .*refuted</span> at 2 of 3 .*confirmed</span> at 1 of 3 points", told)
    assert "outside" not in courts(CLAIMS[0], row)


def test_claims_that_words_name_are_links():
    told = claim_page.linked(
        "see sgd.escape, `sgd.escape-finite-step` and `claim(sgd.escape)`, not sgd.escape-anything"
    )
    ids = ("sgd.escape", "sgd.escape-finite-step")
    one, other = (f"[`{id}`]({id}.md)" for id in ids)
    assert told == f"see {one}, {other} and `claim(sgd.escape)`, not sgd.escape-anything"


def test_the_home_page_shows_the_board_of_the_results(site):
    home = (site / "index.html").read_text()
    board = json.loads(BOARD.read_text())
    assert all(f"claims/{row['id']}.html" in home for row in board["rows"])
    assert board["commit"][:10] in home
    words = [row[layer] for row in board["rows"] for layer in ("derivation", "numerics", "simulation", "real")]
    words += [error["verdict"] for error in board["errors"]]
    for word in ("proven", "confirmed", "refuted", "contradicts"):
        assert words.count(word) > 0
        assert home.count(f'class="verdict-{word}"') == words.count(word)


def test_no_page_asks_another_machine_for_anything(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="([^"]+)"', page.read_text())
        assert loaded
        remote = [u for u in loaded if re.match(r"(https?:)?//", u) and 'rel="canonical"' not in u]
        assert remote == [], page.name
    style = (site / "katex" / "katex.min.css").read_text()
    assert "url(http" not in style
    assert list((site / "katex" / "fonts").glob("*.woff2"))


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)
def test_every_optimizer_has_a_page_with_equations_settings_and_differences(site, row):
    page = (site / f"optimizers/{row.name}.html").read_text()
    assert page.count("begin{aligned}") == 1
    assert all(f"<code>{name}</code>" in page for name in ("eta", *row.settings))
    assert ("Publication and codes" in page) == bool(row.differences)
    assert f'href="{row.name}.html"' in (site / "optimizers/index.html").read_text()


def test_the_results_speak_of_claims_that_there_are():
    """A claim that is new may wait for its evidence; whether all is there is asked of a commit, not of a change."""
    assert {row["id"] for row in json.loads(BOARD.read_text())["rows"]} <= {c.id for c in CLAIMS}


@pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
def test_a_claim_links_the_lines_where_it_is_derived_judged_and_measured(site, subject):
    page = (site / "claims" / f"{subject.id}.html").read_text()
    for place in places(subject.id):
        if place.role == "record":
            assert f'href="../evidence/{Path(place.file).name}"' in page
            assert (site / "evidence" / Path(place.file).name).is_file()
            continue
        address = f"source/{place.file.removesuffix('.py')}.html"
        assert f'href="../{address}#L-{place.line}"' in page
        assert f'id="L-{place.line}"' in (site / address).read_text()


def test_the_rooms_are_drawn(site):
    assert "rooms.svg" in (site / "built.html").read_text()
    assert (site / "rooms.svg").read_text().count("<text") + (site / "rooms.svg").read_text().count("<use") > 20


def test_findings_show_both_formulas_and_a_number_from_the_board(site):
    listed = (site / "findings.html").read_text()
    parted = findings.parted()
    assert len(parted) > 10
    for claim, _ in parted:
        assert f'href="findings/{claim.id}.html"' in listed
        page = html.unescape((site / "findings" / f"{claim.id}.html").read_text())
        assert page.count('class="arithmatex"') == 1 + bool(claim.corrected_by)
        assert tables.prose(claim.instead) in page
        worst = findings._worst(rows_of(BOARD)[claim.id])
        assert page.count(f'src="../claims/{claim.id}.svg"') == (worst is not None)
        if worst:
            assert f"<strong>{tables.ratio(worst):.3g}</strong>" in page


def test_a_finding_is_measured_inside_its_regime_where_it_was_refuted_there():
    inside = {
        "point": {},
        "predicted": 1.0,
        "verdict": "refuted",
        "scale": 1.0,
        "margin": 0.1,
        "in_regime": True,
        "measured": 1.2,
    }
    outside = inside | {"in_regime": False, "measured": 9.0}
    assert findings._worst({"checks": [outside, inside]}) is inside
    assert findings._worst({"checks": [outside, inside | {"verdict": "confirmed"}]}) is outside


def test_every_finding_says_what_it_means_for_training(site):
    assert set(findings.ADVICE) == {claim.id for claim, _ in findings.parted()}
    page = html.unescape((site / "findings" / "sgd.escape-attributed.html").read_text())
    assert findings.ADVICE["sgd.escape-attributed"] in page.split('id="when-you-train"')[1]


def test_every_claim_can_be_cited(site):
    for subject in CLAIMS:
        page = html.unescape(re.sub(r"<[^>]+>", "", (site / "claims" / f"{subject.id}.html").read_text()))
        assert f"note = {{Claim {subject.id}}}" in page
        assert not subject.source.key or f"{{{subject.source.key}," in page


def test_small_quantities_and_primes_are_written_for_reading(site):
    pages = [page.read_text() for folder in ("claims", "papers") for page in (site / folder).glob("*.html")]
    assert any(r'differs at order 1 in <span class="arithmatex">\(h \eta\)' in page for page in pages)
    for page in pages:
        assert "in eta*h" not in re.sub(r"<code>.*?</code>", "", page)
        assert "theta' =" not in page.replace(r"\theta' =", "")
        assert "published/derived =" not in page
        assert "published - derived =" not in page


def test_a_page_of_an_optimizer_says_what_holds_of_it(site):
    page = (site / "optimizers" / "adai.html").read_text()
    mine = [claim.id for claim in CLAIMS if claim.id.startswith("adai.")]
    assert all(f'href="../claims/{id}.html"' in page for id in mine)
    assert 'href="../references.html#xie2022adaptive"' in page
    assert 'href="../claims/momentum.escape.html"' in (site / "optimizers" / "heavy-ball.html").read_text()


def test_a_page_that_is_not_there_leads_on(site):
    page = (site / "404.html").read_text()
    for name in ("claims/index", "findings", "references", "index"):
        assert f'href="/{name}.html"' in page or f'href="{name}.html"' in page


def test_errors_are_no_ratios_of_times():
    row = {"case": "a", "subject": "ours", "ratio": 0.5, "low": 0.4, "high": 0.6, "n": 3}
    bench = {"rows": [row | {"peer": "exact trace"}, row | {"peer": "other"}], "machine": "m", "commit": "c"}
    page = tables.benchmarks({"measure": bench})
    times, errors = page.split("No time, but")
    assert "| a | ours | other |" in times
    assert "| a | ours | exact trace |" in errors


def test_a_certain_rival_is_told_without_its_decades():
    told = sight._rivals({"rivals": {"half": 3e12, "twice": 12.0}})
    assert "half, beyond all measure" in told
    assert "10^{12}" in told


def test_the_board_says_whom_a_claim_is_attributed_to_and_whether_that_was_checked(site):
    page = (site / "index.html").read_text()
    for claim in CLAIMS:
        if claim.source.key:
            row = page.split(f"<code>{claim.id}</code>")[1].split("</td>")[0]
            assert f'data-source="{claim.source.key}"' in row
            assert ("wording not checked" in row) != claim.source.wording_checked


def rows_of(board):
    return {row["id"]: row for row in json.loads(board.read_text())["rows"]}


def test_words_with_formulas_are_readable():
    tried = doctest.testmod(tables)
    assert tried.attempted > 1
    assert tried.failed == 0


def test_bars_in_formulas_and_words_do_not_end_a_cell(site):
    assert tables.table(("a", "b"), [(r"\(|x|\)", "p|q")]).splitlines()[2] == r"| \(\vert x\vert \) | p\|q |"
    assert tables.table(("a",), [(r"\(\|x\|\)",)]).splitlines()[2] == r"| \(\Vert x\Vert \) |"
    row = next(line for line in tables.notation().splitlines() if "trace_abs" in line)
    assert row.count(" | ") == 3


def test_references_have_no_formula_and_a_link_to_what_can_be_read(site):
    page = (site / "references.html").read_text()
    assert "arithmatex" not in page
    assert 'href="https://arxiv.org/abs/2006.15815"' in page
    assert 'id="xie2022adaptive"' in page
    assert 'href="claims/momentum.saddle-msd-drift.html"' in page


@pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
def test_a_page_ends_its_derivation_as_its_steps_do(site, subject):
    page = (site / "claims" / f"{subject.id}.html").read_text()
    proven = "follows from the assumptions. <em>(proven)</em>" in page
    row = rows_of(BOARD).get(subject.id)
    if row:
        assert proven == (row["derivation"] == "proven")
        assert ("is not what follows" in page) == (row["derivation"] == "contradicts")


def test_points_can_be_had_as_csv(site):
    for id, row in rows_of(BOARD).items():
        if row["checks"]:
            lines = list(csv.DictReader((site / "claims" / f"{id}.csv").read_text().splitlines()))
            assert [line["verdict"] for line in lines] == [check["verdict"] for check in row["checks"]]
            assert [float(line["measured"]) for line in lines] == [check["measured"] for check in row["checks"]]


def test_the_graph_names_every_claim_once_with_its_verdict_and_a_link(site):
    page = html.unescape((site / "graph.html").read_text())
    drawing = page.split('<div class="graph">')[1].split("</svg>")[0]
    tied = graph.tied()
    for claim in CLAIMS:
        assert f'href="claims/{claim.id}.html"' in (drawing if claim.id in tied else page)
    assert drawing.count("<text") == len(tied)
    names = re.findall(r">(\S) ([\w.-]+)</text>", drawing)
    rows = rows_of(BOARD)
    assert {id for sign, id in names if sign == "✗"} == {
        id for id in tied if id in rows and {"refuted", "contradicts"} & {rows[id][layer] for layer in tables.COLUMNS}
    }
    assert "var(--graph-bad)" in drawing


def test_the_graph_leads_from_what_is_used_to_what_uses_it():
    where = graph.places(graph.tied())
    assert all(where[used][0] < where[claim.id][0] for claim in CLAIMS for used in claim.uses)
    assert len(set(where.values())) == len(where)  # no name lies on another


@pytest.mark.parametrize("key", papers.cited())
def test_a_paper_has_a_page_with_each_statement_and_what_became_of_it(site, key):
    page = (site / "papers" / f"{key}.html").read_text()
    mine = [claim for claim in CLAIMS if claim.source.key == key]
    assert all(f'href="../claims/{claim.id}.html"' in page for claim in mine)
    assert page.count(">not checked<") == sum(not claim.source.wording_checked for claim in mine)
    assert f'href="papers/{key}.html"' in (site / "references.html").read_text()
    assert f"{{{key}," in html.unescape(re.sub(r"<[^>]+>", "", page))  # the entry, to be copied


def test_pages_say_what_they_are_about_and_cells_what_column_they_are_of(site):
    assert doctest.testmod(dress).failed == 0
    page = html.unescape((site / "claims" / "sgd.escape.html").read_text())
    assert f'content="{claim_page.about(named("sgd.escape"), rows_of(BOARD)["sgd.escape"])}"' in page
    assert 'data-label="verdict"' in page
    labels = {label for file in site.rglob("*.html") for label in re.findall(r'data-label="([^"]*)"', file.read_text())}
    assert len(labels) > 20
    assert not [label for label in labels if "\\" in label]  # formulas would stand there as they are written
    descriptions = [
        re.search('name="description" content="(.*?)"', file.read_text()) for file in (site / "claims").glob("*.html")
    ]
    assert all(descriptions)
    assert len({found[1] for found in descriptions if found}) == len(descriptions)


def test_every_module_of_the_reference_has_a_page_and_a_line(site):
    listed = (site / "reference.html").read_text()
    named = modules.pages()
    assert len(named) > 50
    for name in named:
        assert f'href="reference/{name}.html"' in listed
        assert f'id="{name}' in (site / "reference" / f"{name}.html").read_text()


def test_a_missed_aim_is_marked():
    pair = {"case": "studies", "subject": "two workers", "peer": "one worker", "bar": 1.8, "low": 1.7, "high": 1.9}
    empty = {"case": "a task", "subject": "18 ms", "peer": "60 ms aimed at", "bar": 0.06}
    free = pair | {"subject": "two runs apart", "bar": 2.0, "ratio": 1.8}
    made = [pair | {"ratio": r} for r in (1.75, 1.85)] + [empty | {"ratio": r} for r in (0.9, 3.3)] + [free]
    _, _, *lines = costs.workers({"rows": made}).splitlines()
    assert ["(missed)" in line for line in lines] == [True, False, True, False, False]
    assert "two workers are 1.75 (1.70 … 1.90) times as fast" in lines[0]
    assert "two runs apart are 1.80 (1.70 … 1.90) times as fast as one" in lines[4]
    assert "2 at best" in lines[4]


def test_no_picture_is_drawn_over_the_order_of_a_table(site):
    drawn = [path.read_text() for path in (site / "claims").glob("*.svg")]
    assert len(drawn) > 80
    assert not [text for text in drawn if "order of the table" in text]
    assert sum("η h" in text for text in drawn) > 10


def test_every_map_is_on_its_page_and_on_that_of_its_claim(site):
    page = (site / "maps.html").read_text()
    drawn = regime_map.found(ROOT / "results" / "maps")
    assert len(drawn) > 10
    for made in drawn:
        assert f'src="maps/{made["file"]}.svg"' in page
        assert f'src="../maps/{made["file"]}.svg"' in (site / "claims" / f"{made['claim']}.html").read_text()
        picture = (site / "maps" / f"{made['file']}.svg").read_text()
        assert picture.count("font-weight: 700") == sum(map(sum, made["inside"]))


def test_a_map_shows_each_ratio_in_the_shade_of_its_size():
    made = {"file": "x", "across": {"name": "a", "values": [1, 2]}, "up": {"name": "b", "values": [1, 2]}}
    made |= {"ratio": [[1.0, 1.04], [1.1, 3.0]], "error": [[0.0] * 2] * 2, "inside": [[True, False], [False, False]]}
    picture = regime_map.figure(made)
    assert all(text in picture for text in (">1.000<", ">1.040<", ">1.100<", ">3.000<"))
    assert regime_map.figure(made) == picture  # the same bytes again
    assert "±" not in picture
    loud = regime_map.figure({**made, "error": [[0.01, 0.0], [0.05, 0.0]]})
    assert loud.count("±") == 1  # an error of 1% blurs no contour
    assert ">±0.05<" in loud


def test_every_claim_that_ends_somewhere_is_told_of_among_the_maps(site):
    page = (site / "maps.html").read_text()
    told = re.findall(r'<td[^>]*><a href="claims/[^"]+"><code>([^<]+)</code></a></td>', page)
    assert told == [claim.id for claim in CLAIMS if claim.kind in regime_map.MAPPED]
    assert "not measured yet" not in page
    assert all((site / "claims" / f"{id}.svg").exists() for id in ONE_GROUP)
    anchors = set(re.findall(r'href="#(map-[^"]+)"', page))
    assert len(anchors) > 50
    assert all(f'id="{anchor}"' in page for anchor in anchors)


def test_the_gallery_shows_what_was_printed_and_drawn(site):
    for name in gallery.names():
        page = (site / "gallery" / f"{name}.html").read_text()
        drawn = list((site / "gallery").glob(f"{name}-*.svg"))
        assert drawn
        assert all(f'src="{picture.name}"' in page for picture in drawn)
        book = json.loads((site / "gallery" / f"{name}.ipynb").read_text())
        assert any(cell.get("outputs") for cell in book["cells"])


def test_what_changed_between_boards_is_told_newest_first(site):
    page = (site / "changes.html").read_text()
    last = max((ROOT / "results" / "history").glob("*.json"))
    boards = len(list(last.parent.glob("*.json")))
    assert page.count("<h2") in {boards, boards - 1}  # what is newer than the last published board comes on top
    assert page.index(last.stem[4:]) < page.index("2026-11-23")
    assert "refuted" in page


def test_a_shared_link_has_a_card(site):
    assert (site / "card.png").read_bytes() == card.card(json.loads(BOARD.read_text()))
    page = (site / "claims" / "sgd.escape.html").read_text()
    assert 'property="og:image" content="../card.png"' in page
    assert '<meta name="description"' in page

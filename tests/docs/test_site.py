"""The site: a view of the claims and the results that sends no request anywhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inertialab.optim import OPTIMIZERS
from inertialab.theory import CLAIMS
from inertialab.verification.where import places

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "results" / "board.json"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
def test_every_claim_has_a_page_with_formula_steps_verdict_and_figure(site, subject):
    page = (site / "claims" / f"{subject.id}.html").read_text()
    assert subject.title.rstrip(".") in page
    assert page.count('class="arithmatex"') > len(subject.steps)
    assert all(f"<strong>{n}.</strong>" in page for n in range(1, len(subject.steps) + 1))
    measured = {row["id"] for row in json.loads(BOARD.read_text())["rows"] if row["checks"]}
    assert (f'src="{subject.id}.svg"' in page) == (subject.id in measured)
    if subject.id in measured:
        assert (site / "claims" / f"{subject.id}.svg").read_text().startswith("<?xml")


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

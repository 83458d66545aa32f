"""Power in words: on the terminal's board, in its closing line, on a claim's page."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
from rich.console import Console

from inertialab.theory import claim
from inertialab.verification.court.report import percent, print_board, strongest, summary, surprises

HOOKS = Path(__file__).parents[2] / "docs" / "hooks"
STRONG = {"prefactor": 0.0123, "power of h": None}
BLIND = {"prefactor": 0.136, "power of h": 0.04, "power of C": None, "term -eta*h of -eta*h + 2": None}
CHECK = {
    "check": "made-up",
    "verdict": "confirmed",
    "expected": "confirmed",
    "used": 0.1,
    "registered": True,
    "out_of_budget": False,
}


def row(**fields):
    """A row of a board whose real layer is weak."""
    return {
        "id": "sgd.stationary-variance",
        "kind": "exact",
        "derivation": "proven",
        "numerics": "not measured",
        "simulation": "confirmed",
        "real": "confirmed",
        "power": 1.0,
        "variants": 13,
        "survivors": [],
        "power_by_layer": {"simulation": STRONG, "real": BLIND},
        "survivors_by_layer": {"simulation": [], "real": ["without -eta*h in 2 - eta*h"]},
        "weak": ["real"],
        "checks": [CHECK],
        **fields,
    }


def printed(*rows):
    console = Console(width=100, record=True)
    content = {"tier": "quick", "device": "cpu", "seed": 0, "absent": {}, "errors": [], "rows": rows}
    print_board(console, content, lambda id: "Made up")
    return console.export_text()


@pytest.mark.parametrize(
    ("size", "text"), [(0.0123, "1.2%"), (0.136, "14%"), (1.0, "100%"), (0.00042, "0.042%"), (1e-6, "<0.0001%")]
)
def test_a_size_is_told_in_percent_with_two_digits(size, text):
    assert percent(size) == text


def test_the_board_marks_a_weak_layer_and_shows_the_strongest_prefactor():
    text = printed(row())
    (line,) = [line for line in text.splitlines() if "sgd.stationary-variance" in line]
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells == ["sgd.stationary-variance", "exact", "✓", "·", "✓", "w", "1", "1.2%"]
    assert "w weak: misses 10% in the prefactor (3%" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"simulation": "refuted"}, "14%"),  # a refuted layer has no power to show
        ({"power_by_layer": {"real": {"prefactor": None}}}, "none"),
        ({"power_by_layer": {}}, ""),
    ],
)
def test_the_power_shown_is_that_of_a_layer_that_confirms(fields, shown):
    assert strongest(row(**fields)) == shown


def test_the_closing_line_counts_weak_cells():
    assert summary([row()]).endswith("1 of 3 applicable cells not measured; 1 of 2 confirmed cells weak")
    assert summary([row(weak=[])]).endswith("0 of 2 confirmed cells weak")
    assert "power 100.0% of 13 wrong variants refuted" in summary([row()])


def test_what_wants_more_samples_is_counted_apart_from_surprises():
    short = {**CHECK, "verdict": "undecided", "out_of_budget": True}
    assert "0 of 1 verdicts as expected" in summary([row(checks=[short])])
    assert "1 undecided for want of budget" in summary([row(checks=[short])])
    assert surprises([row(checks=[short])]) == []
    odd = {**short, "out_of_budget": False}
    assert surprises([row(checks=[odd])]) == [("sgd.stationary-variance", odd)]


def test_a_board_without_layers_is_shown_all_the_same():
    before = {k: v for k, v in row().items() if k not in ("power_by_layer", "survivors_by_layer", "weak")}
    assert "sgd.stationary-variance" in printed(before)


def test_a_claims_page_says_it_of_every_layer(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(HOOKS), *sys.path])
    page, sight = import_module("claim_page"), import_module("sight")
    text = sight.section(claim("sgd.stationary-variance"), row())
    assert "| prefactor | 1.2% | 14% |\n" in text
    assert "| power of \\(h\\) | not seen | 4.0% |\n" in text
    assert "| power of \\(C\\) | – | not seen |\n" in text
    assert "| \\(- h \\eta\\) | \\(2 - h \\eta\\) | – | not seen |\n" in text
    assert "| wrong variants let pass | 0 of 13 | 1 of 13 |\n" in text
    assert "**Let pass by real alone**\n\n- `without -eta*h in 2 - eta*h`" in text
    tiny = row(power_by_layer={"real": {"prefactor": 1e-6}})
    assert sight.prefactor(tiny, "real") == "&lt;0.0001%"
    verdicts = page.courts(claim("sgd.stationary-variance"), row()).splitlines()
    assert [("weakly" in line) for line in verdicts if line.startswith("| Do")] == [False, False, False, True]
    assert [line.split("|")[3].strip() for line in verdicts if line.startswith("| Do")] == ["", "", "1.2%", "14%"]
    before = {k: v for k, v in row().items() if k not in ("power_by_layer", "survivors_by_layer", "weak")}
    assert sight.section(claim("sgd.stationary-variance"), before).endswith("measurements together: 100%.\n")

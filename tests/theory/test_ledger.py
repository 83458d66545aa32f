"""Statuses of steps, comparison with publications, and `python -m inertialab.theory check`."""

from dataclasses import replace

import pytest
import sympy as sp

import inertialab.theory.__main__ as command
from inertialab.theory import CLAIMS, NotProvenError, Step, claim
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, PUBLISHED_OVER_DERIVED, agreeing
from inertialab.theory.ledger import entry, ledger, summary
from inertialab.theory.notation import C, eta, h
from inertialab.theory.parting import parting
from inertialab.theory.statement import Order

PARTINGS = {
    "sgd.escape-attributed": "differs by a factor",
    "momentum.escape-attributed": "differs by a factor",
    "adam.escape-attributed": "differs by a factor",
    "noise.hessian-proportional": "identical",
    "momentum.saddle-msd-drift": "contradicts",
    "adam.saddle-msd": "contradicts",
    "adai.saddle-msd-attributed": "contradicts",
    "adai.convergence-attributed": "contradicts",
    "radam.mean-factor-bound": "differs by a factor",
    "radam.variance-first-order": "differs by a factor",
    "radam.centre-of-mass": "contradicts",
    "radam.rectification": "differs by a factor",
    "sgd.power-law": "identical",
    "sgd.isotropy": "same to order 0, differs at order 1 in eta*h",
    "sgd.fluctuation-dissipation-2": "same to order 1, differs at order 2 in eta",
}


@pytest.fixture(scope="module")
def entries():
    return [entry(c) for c in CLAIMS]


def test_a_step_says_how_far_it_is_checked():
    x = sp.Symbol("x", positive=True)
    integral = sp.Integral(sp.exp(-(x**2)) * sp.cos(x), (x, 0, sp.oo))
    value = sp.sqrt(sp.pi) / 2 * sp.exp(-sp.Rational(1, 4))
    assert Step("a number", None, value, numerically=integral).status == "checked numerically"
    assert Step("the world is so", None, eta * C, assumed=True).status == "assumed"
    assert Step("a name", None, eta * C).status == "definition"
    with pytest.raises(NotProvenError, match="Not so at"):
        Step("a wrong number", None, value * (1 + sp.Rational(1, 10**25)), numerically=integral)


def test_numbers_are_compared_at_points_and_prove_nothing():
    agreeing(sp.sin(2 * h), numerically=2 * sp.sin(h) * sp.cos(h))
    with pytest.raises(NotProvenError):
        agreeing(eta, numerically=eta + sp.Rational(1, 10**28))


@pytest.mark.parametrize(("id", "relation"), PARTINGS.items())
def test_published_formulas_are_classified(id, relation):
    found = parting(claim(id))
    assert found is not None
    assert found.relation == relation
    assert found.step.status == "proven"


def test_the_class_follows_from_the_derivation():
    def derive(lhs, rhs):
        def steps():
            yield Step("compared", lhs, rhs, equals=rhs)
            return rhs

        return replace(claim("sgd.stationary-variance"), derive=steps, order=Order(eta * h, 2, sp.Integer(3)))

    assert parting(derive(PUBLISHED_OVER_DERIVED, sp.Integer(1))).relation == "identical"
    assert "same to order 1" in parting(derive(PUBLISHED_OVER_DERIVED, 1 + 3 * (eta * h) ** 2)).relation
    assert parting(derive(PUBLISHED_MINUS_DERIVED, eta * h)).relation == "contradicts"
    assert parting(derive(None, eta * h)) is None
    with pytest.raises(NotProvenError, match=r"is not 1 \+"):
        parting(derive(PUBLISHED_OVER_DERIVED, 1 + 2 * (eta * h) ** 2))


def test_nine_steps_of_ten_are_proven_and_every_derivation_holds(entries):
    assert not [e.failure for e in entries if e.failure]
    derived = [e for e in entries if e.kind != "attributed"]
    steps = sum(e.proven + e.numerical + e.assumed for e in derived)
    assert sum(e.proven for e in derived) >= 0.9 * steps


def test_every_place_where_a_publication_and_the_derivation_part_is_listed(entries):
    listing = "\n".join(summary(entries))
    for c in CLAIMS:
        found = parting(c)
        parts = found is not None and (found.relation != "identical" or c.instead != "")
        assert (f"  {c.id} (" in listing) == parts
    assert "published/derived = Ha/Hb" in listing


def test_check_prints_every_claim_and_takes_the_second_run_from_its_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    few = (claim("sgd.stationary-variance"), claim("sgd.boundary-shift"))
    monkeypatch.setattr(command, "CLAIMS", few)
    assert command.main(["check"]) == 0
    out = capsys.readouterr().out
    assert "sgd.stationary-variance                  3 proven   0 checked numerically   0 assumed" in out
    assert "2 claims: 9 steps proven, 2 checked numerically, 1 assumed" in out
    assert "derived now" in out
    monkeypatch.setattr("inertialab.theory.ledger.entry", lambda c: pytest.fail("derived again"))
    assert command.main(["check"]) == 0
    assert "taken from the record" in capsys.readouterr().out
    with pytest.raises(pytest.fail.Exception):
        ledger(few, fresh=True)


def test_a_failing_derivation_is_named_and_is_exit_code_1(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def wrong():
        yield Step("wrong", None, eta, equals=2 * eta)
        return eta

    monkeypatch.setattr(command, "CLAIMS", (replace(claim("sgd.stationary-variance"), derive=wrong),))
    assert command.main(["check"]) == 1
    assert "FAILS: Not proven: eta differs from the derived 2*eta" in capsys.readouterr().out

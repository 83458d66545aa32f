"""What must hold for every claim, run over the table of claims."""

import ast
import importlib
import inspect
import pkgutil
import random
import re
import textwrap
from pathlib import Path

import pytest
import sympy as sp

from inertialab import theory
from inertialab.theory import CLAIMS, Claim, claim
from inertialab.theory.notation import NOTATION, quantity
from inertialab.theory.parting import parting

every_claim = pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
WRONG_UNITS = {"adam.escape-attributed"}
"""Published formulas whose two sides are not of one unit; that they are refuted is no surprise."""
ROOT = Path(__file__).parents[2]


@every_claim
def test_every_step_of_the_derivation_is_proven(subject):
    assert len(subject.steps) >= 1
    assert subject.rhs.free_symbols <= {q.symbol for q in NOTATION.values()}


@every_claim
def test_both_sides_have_the_same_units(subject):
    """In units of the parameter 2 times and of the loss 3 times as small, predictions change as units say."""
    if subject.functional:
        return  # held by the tests of its own topic
    symbols = sorted(subject.formula.free_symbols | {subject.lhs}, key=str)
    draw = random.Random(0)
    at = {s: sp.Integer(4) if s.is_integer else sp.Rational(draw.randint(20, 90), 100) for s in symbols}

    def unit(symbol):
        a, c = (sp.sympify(p).subs(at) for p in quantity(symbol).dimension)
        return 2**a * 3**c

    before, after = (complex(subject.formula.subs(x).evalf(30)) for x in (at, {s: at[s] * unit(s) for s in symbols}))
    same = after == pytest.approx(before * complex(unit(subject.lhs)), rel=1e-12)
    assert same == (subject.id not in WRONG_UNITS)


@every_claim
def test_a_claim_stands_after_those_it_uses(subject):
    ids = [c.id for c in CLAIMS]
    before = ids[: ids.index(subject.id)]
    assert set(subject.uses) <= set(before)
    assert subject.corrected_by in ("", *ids)


@every_claim
def test_every_source_is_in_the_bibliography(subject):
    keys = set(re.findall(r"@\w+\{(\w+),", (ROOT / "references.bib").read_text()))
    assert subject.source.key in keys | {""}


def test_every_claim_object_is_in_the_table():
    found = pkgutil.walk_packages(theory.__path__, "inertialab.theory.")
    modules = [importlib.import_module(m.name) for m in found if not m.name.endswith("__main__")]
    written = [x for module in modules for x in vars(module).values() if isinstance(x, Claim)]
    assert set(map(id, written)) == set(map(id, CLAIMS))
    assert len({c.id for c in CLAIMS}) == len(CLAIMS)


@every_claim
def test_no_derivation_ends_without_proof(subject):
    """A derivation may only return what `proven` has compared with something derived."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(subject.derive)))
    body = [node for node in tree.body[0].body if not isinstance(node, ast.FunctionDef)]
    returns = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Return)]
    assert returns
    assert all(isinstance(r.value, ast.Call) and r.value.func.id == "proven" for r in returns)


@every_claim
def test_a_published_formula_is_compared_with_the_derived_one(subject):
    found = parting(subject)
    if subject.kind == "attributed":
        assert found is not None
        assert subject.instead or found.relation == "identical"
    if subject.corrected_by:
        assert found is not None
    if found and found.relation.startswith("same to order"):
        assert subject.order is not None


def test_the_docstring_of_a_claim_is_its_prose():
    assert claim("sgd.stationary-variance").title == "Stationary variance of SGD, exact in the learning rate."
    assert str(claim("sgd.stationary-variance").source).endswith("(wording not checked)")

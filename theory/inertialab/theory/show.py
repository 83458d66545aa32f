"""A claim as text for the terminal."""

import textwrap

import sympy as sp

from inertialab.theory.parting import parting
from inertialab.theory.statement import Claim


def _equation(lhs: sp.Basic | None, rhs: sp.Expr) -> str:
    shown = rhs if lhs is None else sp.Eq(lhs, rhs, evaluate=False)
    return textwrap.indent(sp.pretty(shown, use_unicode=True, wrap_line=False, order="none"), "    ")


def _where(claim: Claim) -> list[str]:
    return (
        ["  with", *(_equation(symbol, expression) for symbol, expression in claim.where.items())]
        if claim.where
        else []
    )


def _regime(claim: Claim) -> str:
    conditions = " and ".join(sp.sstr(c) for c in (*claim.regime.conditions, *claim.regime.beside))
    return f"{conditions}. {claim.regime.note}".strip() if conditions else "all allowed values"


def show(claim: Claim) -> str:
    """Statement, regime, derivation step by step and source.

    Args:
        claim: Any row of `CLAIMS`; its derivation is run and checked.

    Returns:
        Text of several lines.
    """
    lines = [f"{claim.id}: {claim.title}", "", _equation(claim.lhs, claim.rhs), *_where(claim), ""]
    lines += [f"kind      {claim.kind}", f"regime    {_regime(claim)}", f"source    {claim.source}"]
    lines += [f"uses      {', '.join(claim.uses) or 'nothing'}"]
    lines += [f"corrected by {claim.corrected_by}"] if claim.corrected_by else []
    found = parting(claim)
    lines += [f"published {found.relation}. {found.instead}".rstrip()] if found and claim.kind == "attributed" else []
    lines += ["", *claim.prose.splitlines()[2:], "", "Derivation"]
    for number, step in enumerate(claim.steps, 1):
        lines += [f"{number}. {step.text} [{step.status}]", _equation(step.lhs, step.rhs)]
    return "\n".join([*lines, f"{len(claim.steps) + 1}. So the statement follows from the assumptions [proven]"])

"""Where a published formula and its derivation part: the difference, and what sort of difference it is."""

from dataclasses import dataclass

import sympy as sp

from inertialab.theory.derivation import (
    PUBLISHED_MINUS_DERIVED,
    PUBLISHED_OVER_DERIVED,
    NotProvenError,
    Step,
)
from inertialab.theory.statement import Claim, Order


@dataclass(frozen=True)
class Parting:
    """A published formula beside the derived one.

    Attributes:
        relation: identical, same to order n, differs by a factor, or contradicts.
        step: The step of the derivation in which the machine compared the two.
        instead: What is true instead, in one line.
    """

    relation: str
    step: Step
    instead: str


def parting(claim: Claim) -> Parting | None:
    """Compare a claim with what corrects it, as its derivation has worked out.

    A step whose left-hand side is `PUBLISHED_OVER_DERIVED` or `PUBLISHED_MINUS_DERIVED` holds the comparison.
    A ratio of 1 is identical; one that tends to 1 at the claim's own `Order`, verified here, is the same to that
    order; any other ratio is a factor; a difference contradicts.

    Args:
        claim: Any claim; its derivation is run and checked.

    Returns:
        The comparison; None when the derivation makes none.

    Raises:
        NotProvenError: If the ratio does not tend to 1 as the claim's `Order` says.
    """
    for step in claim.steps:
        if step.lhs == PUBLISHED_OVER_DERIVED:
            return Parting(_relation(step.rhs, claim.order), step, claim.instead)
        if step.lhs == PUBLISHED_MINUS_DERIVED:
            return Parting("identical" if step.rhs == 0 else "contradicts", step, claim.instead)
    return None


def _relation(ratio: sp.Expr, order: Order | None) -> str:
    if ratio == 1:
        return "identical"
    if order is None:
        return "differs by a factor"
    small = min(order.parameter.free_symbols, key=str)
    leading = order.coefficient * order.parameter**order.exponent
    if sp.simplify(sp.limit((ratio - 1) / leading, small, 0)) != 1:
        raise NotProvenError(f"Not proven: {ratio} is not 1 + {leading} as {small} vanishes.")
    return f"same to order {order.exponent - 1}, differs at order {order.exponent} in {sp.sstr(order.parameter)}"

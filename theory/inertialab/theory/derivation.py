"""Steps of a derivation, each checked by the machine when it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sympy as sp

Status = Literal["definition", "proven"]


class NotProvenError(ValueError):
    """A step that does not follow: its difference from what was derived is not zero."""


def proven(readable: sp.Expr, *, equals: sp.Expr, where: Mapping[sp.Symbol, sp.Expr] | None = None) -> sp.Expr:
    """Return the readable form of a derived expression, after checking that both are the same.

    Args:
        readable: The form to show, as a textbook would print it.
        equals: What the derivation arrived at.
        where: Relations between symbols to insert on both sides before comparing.

    Returns:
        `readable`, unchanged.

    Raises:
        NotProvenError: If the difference does not simplify to zero.

    >>> x = sp.Symbol("x")
    >>> proven((x + 1) ** 2, equals=x**2 + 2 * x + 1)
    (x + 1)**2
    """
    difference = sp.simplify(sp.expand(sp.together((readable - equals).subs(where or {}))))
    if difference != 0:
        raise NotProvenError(f"Not proven: {readable} differs from the derived {equals} by {difference}.")
    return readable


@dataclass(frozen=True)
class Step:
    """One line of a derivation: `lhs = rhs` and the sentence that leads to it.

    Attributes:
        text: Why the line holds or what it defines.
        lhs: Left-hand side; None for a line that is only an expression.
        rhs: Right-hand side.
        equals: What the machine derived for `rhs`; None marks a definition or an assumption.

    Raises:
        NotProvenError: If `equals` is given and differs from `rhs`.
    """

    text: str
    lhs: sp.Basic | None
    rhs: sp.Expr
    equals: sp.Expr | None = None

    def __post_init__(self) -> None:
        if self.equals is not None:
            proven(self.rhs, equals=self.equals)

    @property
    def status(self) -> Status:
        """`proven` when the machine checked the line, `definition` when there is nothing to check."""
        return "definition" if self.equals is None else "proven"

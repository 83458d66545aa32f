"""Steps of a derivation, each checked by the machine when it is made."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import sympy as sp

Status = Literal["definition", "assumed", "checked numerically", "proven"]

PUBLISHED_OVER_DERIVED = sp.Symbol("published/derived")
"""Left-hand side of the step that divides a published formula by the derived one."""
PUBLISHED_MINUS_DERIVED = sp.Symbol("published - derived")
"""Left-hand side of the step that subtracts the derived formula from a published one that contradicts it."""

DIGITS = 30
LONG = 100
"""Operations of a difference above which it is not shortened before it is shown."""
_POINTS = 2


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
    difference = _reduced((readable - equals).subs(where or {}))
    if difference != 0:
        raise NotProvenError(f"Not proven: {readable} differs from the derived {equals} by {difference}.")
    return readable


def _reduced(difference: sp.Expr) -> sp.Expr:
    """The difference in its simplest form; cheap rewriting first, SymPy's search only where that is not enough.

    A long one that has a value somewhere is not zero, and is shown as it stands: the search for a shorter form of it
    may take minutes.
    """
    difference = sp.expand(difference)
    if difference == 0:
        return difference
    numerator, denominator = sp.fraction(sp.together(difference))
    numerator = sp.expand(sp.powsimp(sp.expand(numerator)))
    if numerator == 0:
        return numerator
    long = sp.count_ops(numerator) > LONG and _has_a_value(numerator)
    return numerator / denominator if long else sp.simplify(numerator / denominator)


def _has_a_value(expression: sp.Expr) -> bool:
    """Whether an expression is plainly not zero at a point that the assumptions about its symbols allow."""
    if any(s.is_negative for s in expression.free_symbols):
        return False
    value = sp.N(expression.subs(_drawn(expression.free_symbols, random.Random(0))), DIGITS)
    return bool(value.is_finite and abs(value) > sp.Float(10) ** -(DIGITS // 2))


def _drawn(symbols: Iterable[sp.Symbol], draw: random.Random) -> dict[sp.Symbol, sp.Rational]:
    """A value for each symbol, rational, whole where it must be."""
    ordered = sorted(symbols, key=str)
    return {s: sp.Rational(draw.randint(3, 9), 1 if s.is_integer else draw.randint(10, 13)) for s in ordered}


def agreeing(readable: sp.Expr, *, numerically: sp.Expr) -> sp.Expr:
    """Return the readable form after comparing both to 30 digits at random rational points; this proves nothing.

    Args:
        readable: The form to show.
        numerically: What it is compared with, such as an integral that SymPy cannot do.

    Returns:
        `readable`, unchanged.

    Raises:
        NotProvenError: If the two differ anywhere.
    """
    draw = random.Random(0)
    symbols = readable.free_symbols | numerically.free_symbols
    for _ in range(_POINTS if symbols else 1):
        at = _drawn(symbols, draw)
        one, other = (sp.N(side.subs(at), DIGITS + 5) for side in (readable, numerically))
        if not abs(one - other) <= abs(one) * sp.Float(10) ** -DIGITS:
            raise NotProvenError(f"Not so at {at}: {readable} is {one}, but {numerically} is {other}.")
    return readable


@dataclass(frozen=True)
class Step:
    """One line of a derivation: `lhs = rhs` and the sentence that leads to it.

    Attributes:
        text: Why the line holds or what it defines.
        lhs: Left-hand side; None for a line that is only an expression.
        rhs: Right-hand side.
        equals: What the machine derived for `rhs`.
        numerically: What `rhs` is compared with to 30 digits where the machine cannot derive it.
        assumed: Whether the line is an assumption about the world or a result taken from elsewhere. A line that
            is neither checked nor assumed only introduces a name.

    Raises:
        NotProvenError: If `equals` or `numerically` is given and differs from `rhs`.
    """

    text: str
    lhs: sp.Basic | None
    rhs: sp.Expr
    equals: sp.Expr | None = None
    numerically: sp.Expr | None = None
    assumed: bool = False

    def __post_init__(self) -> None:
        if self.equals is not None:
            proven(self.rhs, equals=self.equals)
        if self.numerically is not None:
            agreeing(self.rhs, numerically=self.numerically)

    @property
    def status(self) -> Status:
        """How far the machine vouches for the line; one that says of a name that it is itself proves nothing."""
        if self.lhs is not None and self.lhs == self.rhs:
            return "definition"
        if self.equals is not None:
            return "proven"
        if self.numerically is not None:
            return "checked numerically"
        return "assumed" if self.assumed else "definition"

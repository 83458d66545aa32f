"""The physical variable that a claim's points are drawn over, and where the claim ends along it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from inertialab.theory import Claim

Values = list[float]
GROUPS: dict[str, str] = {
    "η h": "eta*h",
    "η λ₁": "eta*lambda1",
    "T η |h|": "T*eta*Abs(h)",
    "D / barrier": "D/dL",
    "barrier": "barrier",
    "1 - β₂": "1 - beta2",
    "β": "beta",
}
"""Groups that govern laws, and what they are made of."""
MADE = {
    name: sp.sympify(made, {word: sp.Symbol(word) for word in re.findall(r"[a-z]\w*", made, re.I) if word != "Abs"})
    for name, made in GROUPS.items()
}
NAMES = {
    **{"eta": "η", "beta": "β", "beta2": "β₂", "beta0": "β₀", "kappa": "κ", "lam": "λ", "gamma": "γ", "alpha": "α"},
    **{"sigma": "σ", "sigma2": "σ²", "delta": "δ", "rho": "ρ", "n_samples": "N"},
}
NO_VARIABLE = ("direction", "n", "case", "unit")
"""Numbers that say which measurement a point is."""
SHARE = 0.5
"""Of the points inside the regime that must have a variable; those without it are counted in the title."""
STEPS = 400
"""Places along an axis at which a regime is asked."""


def governing(checks: Sequence[Mapping[str, Any]], subject: Claim | None = None) -> tuple[str, Values]:
    """The variable that a claim's points are drawn over, and its value at each, nan where a point does not have it.

    A group of `GROUPS` that all points inside the regime have, else an argument of theirs; else what most of them
    have; in each, what takes three values, else two. What is predicted where nothing varies.

    Args:
        checks: Rows of the board.
        subject: Whose arguments go before other conditions of the measurement.
    """
    points = [check["point"] for check in checks]
    inside = [n for n, check in enumerate(checks) if check.get("in_regime", True)] or list(range(len(checks)))
    choices = list(_choices(points, [str(s) for s in subject.arguments] if subject else []))
    for share, fewest in ((1.0, 3), (SHARE, 3), (1.0, 2), (SHARE, 2)):
        for name, values in choices:
            known = [values[n] for n in inside if np.isfinite(values[n])]
            if len(known) >= share * len(inside) and len({float(f"{x:.3g}") for x in known}) >= fewest:
                return name, values
    return "predicted", [abs(check["predicted"]) for check in checks]


def _choices(points: Sequence[Mapping[str, Any]], first: Sequence[str]) -> Iterator[tuple[str, Values]]:
    """Groups, then a claim's arguments, then other conditions, those that vary the most before others."""
    for name, made in MADE.items():
        needed = sorted(map(str, made.free_symbols))
        f = sp.lambdify(needed, made)
        known = [all(_number(p.get(n)) for n in needed) for p in points]
        yield name, [float(f(*(p[n] for n in needed))) if k else np.nan for k, p in zip(known, points, strict=True)]
    names = list(dict.fromkeys(n for p in points for n in p if n not in NO_VARIABLE))
    values = {n: [float(p[n]) if _number(p.get(n)) else np.nan for p in points] for n in names}
    for name in sorted(names, key=lambda n: (n not in first, -len({x for x in values[n] if np.isfinite(x)}))):
        yield NAMES.get(name, name), values[name]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def outside(subject: Claim, name: str, low: float, high: float, *, log: bool) -> list[tuple[float, float]]:
    """Stretches of an axis on which the claim's own conditions do not hold, those that speak of the variable alone.

    Args:
        subject: The claim.
        name: The variable, from `governing`.
        low: Where the axis begins.
        high: Where it ends.
        log: Whether it is logarithmic.
    """
    grid = np.geomspace(low, high, STEPS) if log else np.linspace(low, high, STEPS)
    holds = np.all([np.broadcast_to(f(grid), grid.shape) for f in _along(subject, name)] or [grid == grid], axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate(([True], holds, [True])).astype(int)))
    return [(float(grid[a]), float(grid[min(b, STEPS - 1)])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _along(subject: Claim, name: str) -> Iterator[Any]:
    """Conditions of a regime as functions of one variable."""
    spoken = {spoken: plain for plain, spoken in NAMES.items()}
    made = MADE.get(name, sp.Symbol(spoken.get(name, name)))
    x = sp.Symbol("x", positive=True)
    for condition in (*subject.regime.conditions, *subject.regime.beside):
        own = {str(s): s for s in condition.free_symbols}
        group = made.subs({s: own[str(s)] for s in made.free_symbols if str(s) in own})
        if not group.free_symbols <= condition.free_symbols:
            continue
        pivot = min(group.free_symbols, key=str)
        turned = sp.simplify(condition.subs(pivot, sp.solve(group - x, pivot)[0]))
        if turned.free_symbols == {x}:
            yield sp.lambdify(x, turned)

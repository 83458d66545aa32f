"""Landscapes of escape studies: a well whose curvatures at minimum and saddle are chosen apart."""

import numpy as np
import sympy as sp
from scipy import integrate, optimize

from inertialab.theory.landscapes import Landscape

x = sp.Symbol("x", real=True)
EDGE, VALLEY_EDGE = 0.8, 0.5
"""Where a particle has left: so far below the saddle that none comes back; and in a valley, whose walls may close."""


def metastable(barrier: float, ratio: float) -> Landscape:
    """A polynomial well around -1 with a saddle at 0 and no bottom behind it, third derivatives unequal at both.

    The slope is -k x(x + 1) times 1 + c x² or 1 + c(x + 1)², which raises the curvature of the minimum or of the saddle
    alone.

    Args:
        barrier: Height of the saddle over the minimum, units of L.
        ratio: Curvature of the minimum over that of the saddle.

    Raises:
        ValueError: If one of them is not positive.
    """
    if not (barrier > 0 and ratio > 0):
        raise ValueError(f"Barrier and ratio of curvatures must be > 0, got {barrier:g} and {ratio:g}.")
    exact = sp.nsimplify(ratio)
    raised = 1 + (exact - 1) * x**2 if ratio >= 1 else 1 + (1 / exact - 1) * (x + 1) ** 2
    shape = sp.integrate(-x * (x + 1) * raised, x)
    rise = shape.subs(x, 0) - shape.subs(x, -1)
    loss = sp.expand(sp.Float(barrier, 17) * (shape - shape.subs(x, -1)) / rise)
    return Landscape(f"metastable {ratio:g}", loss, (x,), minimum=(-sp.S.One,), saddle=(sp.S.Zero,))


def curvatures(well: Landscape) -> dict[str, float]:
    """Ha, Hb and dL of an escape over the saddle of a well."""
    minimum, saddle = (well.numbers(p) for p in (well.minimum, well.saddle))
    rise = well.value(list(saddle)) - well.value(list(minimum))
    Ha, Hb = (abs(float(well.hessian(list(p))[0, 0])) for p in (minimum, saddle))
    return {"Ha": Ha, "Hb": Hb, "dL": float(rise)}


def at_height(well: Landscape, share: float) -> float:
    """Place between minimum and saddle of a line where the loss has risen by a share of the barrier."""
    minimum, saddle = (float(well.numbers(p)[0]) for p in (well.minimum, well.saddle))
    low, high = (float(well.value([p])) for p in (minimum, saddle))
    goal = low + share * (high - low)
    for _ in range(200):
        middle = (minimum + saddle) / 2
        minimum, saddle = (middle, saddle) if well.value([middle]) < goal else (minimum, middle)
    return (minimum + saddle) / 2


def orbit_action(well: Landscape) -> float:
    """∮√(2(L_b - L))dθ of the orbit at the height of the saddle, there and back, units θ√L; the well on its left."""
    (saddle,), (minimum,) = well.numbers(well.saddle), well.numbers(well.minimum)
    top = float(well.value([saddle]))
    wall = 2 * minimum - saddle
    while well.value([wall]) < top:
        wall -= saddle - minimum
    back = optimize.brentq(lambda place: float(well.value([place])) - top, wall, minimum)
    # From the wall by the square of u, as the root vanishes there.
    there = integrate.quad(
        lambda u: 2 * u * np.sqrt(2 * max(0.0, top - float(well.value([back + u**2])))), 0, (saddle - back) ** 0.5
    )
    return 2 * float(there[0])


def two_levels(
    well: Landscape, C_a: float, C_b: float, s: float, power: sp.Rational = sp.S.One
) -> tuple[sp.Expr, tuple[float, float]]:
    """Noise of one strength around the minimum and of another around the saddle, changing over at a height.

    In between 1/C, or a power of it, is a smooth odd step of the loss around the share s of the barrier, half as wide
    as there is room, so that the noise changes little within a step, and as much of the way has the one strength as
    the other.

    Args:
        well: A landscape on a line.
        C_a: Variance of the gradient at the minimum and left of it, (L/θ)².
        C_b: At the saddle and right of it.
        s: Share of the barrier in the middle of the step, between 0 and 1.
        power: Of 1/C.

    Returns:
        The variance as a function of the position, and the ends of the step.
    """
    room = min(s, 1 - s) / 2
    ends = at_height(well, s - room), at_height(well, s + room)
    rise = curvatures(well)["dL"]
    height = (well.loss / sp.Float(rise, 17) - sp.Float(s, 17)) / sp.Float(room, 17)
    u = sp.Max(-1, sp.Min(1, height))
    step = sp.Rational(1, 2) + u * (15 - 10 * u**2 + 3 * u**4) / 16
    first, last = (sp.Float(c, 17) for c in (C_a, C_b))
    between = (first**-power + (last**-power - first**-power) * step) ** (-1 / power)
    low, high = (sp.Float(float(well.numbers(p)[0]), 17) for p in (well.minimum, well.saddle))
    return sp.Piecewise((first, x < low), (between, x < high), (last, True)), ends

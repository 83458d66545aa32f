"""Two minima of one depth that share a saddle, each of its own curvature, width and noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape, coordinates

SIDES = (("H1", "C1", "w1"), ("H2", "C2", "w2"))
"""Names of curvature, noise and width of each side."""
WALL = 0.7
"""How far the quintic goes on behind a minimum, in widths."""


def two_minima(point: Mapping[str, Any]) -> tuple[Landscape, Noise]:
    """The landscape, the first minimum at 0 and the second on the right, and the noise of a gradient.

    Between minimum and saddle the loss is the quintic that has their curvatures, and a little beyond the minimum, where
    another third derivative would be felt by the root of the temperature; farther out, where hardly a particle comes, a
    parabola. 1/C is a smooth odd step of the height around the share s, half as wide as there is room, from that of
    the minimum to that of the saddle.

    Args:
        point: Curvatures `H1`, `H2` and `Hb` of minima and saddle, widths `w1` and `w2`, height `dL`; noise `C1`, `C2`
            and `C_b`, and `s`.

    Raises:
        ValueError: If the loss does not rise all the way from a minimum to the saddle.
    """
    (x,) = coordinates(1)
    (bend, noise, width), (bend_far, noise_far, width_far) = ([_number(point[n]) for n in names] for names in SIDES)
    height, saddle, top, s = (_number(point[name]) for name in ("dL", "Hb", "C_b", "s"))
    end = width + width_far
    up = height * _rise(x, width, bend / height, saddle / height)
    down = height * _rise(end - x, width_far, bend_far / height, saddle / height)
    parabolas = bend * x**2 / 2, bend_far * (x - end) ** 2 / 2
    ends = -WALL * width, end + WALL * width_far
    parts = (parabolas[0], x < ends[0]), (up, x < width), (down, x < ends[1]), (parabolas[1], True)
    well = Landscape("two minima", sp.Piecewise(*parts), (x,), minimum=(sp.S.Zero,), saddle=(width,))
    _rising(well, [float(e) for e in (ends[0], 0, width, end, ends[1])])

    def strength(climbed: sp.Expr, own: sp.Expr) -> sp.Expr:
        share = sp.Max(-1, sp.Min(1, (climbed / height - s) / (sp.Min(s, 1 - s) / 2)))
        step = sp.Rational(1, 2) + share * (3 - share**2) / 4
        return 1 / (1 / own + (1 / top - 1 / own) * step)

    over = (strength(up, noise), x < width), (strength(down, noise_far), x < end)
    return well, Noise((sp.Piecewise((noise, x < 0), *over, (noise_far, True)),))


def system(optimizer: str, point: Mapping[str, Any], settings: Mapping[str, float]) -> System:
    """An optimizer around the two minima; the point as for `two_minima`."""
    well, noise = two_minima(point)
    return System(well, noise, optimizer, settings)


def _number(value: float) -> sp.Expr:
    return sp.Float(value, 17)


def _rise(way: sp.Expr, width: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Quintic in the way from a minimum, from 0 to 1 with flat ends, curvatures `low` and -`high` there."""
    u = sp.Symbol("u")
    rest = 1 - u
    shape = u**3 * (10 - 15 * u + 6 * u**2) + width**2 * u**2 * rest**2 * (low * rest - high * u) / 2
    return sum((c * (way / width) ** p for (p,), c in sp.Poly(shape, u).terms()), sp.S.Zero)


def _rising(well: Landscape, marks: list[float]) -> None:
    """Refuse a further minimum: between these places the slope is negative, positive, negative and positive."""
    shares = np.linspace(0.01, 0.99, 99)
    for low, high, sign in zip(marks[:-1], marks[1:], (-1, 1, -1, 1), strict=True):
        if (sign * well.gradient([low + (high - low) * shares])[0]).min() <= 0:
            raise ValueError("The curvatures do not fit the height and the widths: there are further minima.")

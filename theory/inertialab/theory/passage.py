"""Numbers for claims about functions: first-passage integrals and corrections along a path."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial import chebyshev as cheb

PANELS, NODES = 256, 16


def _panel() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes on [-1, 1] and the matrices that differentiate there and integrate from -1."""
    x = np.cos(np.pi * np.arange(NODES, -1, -1) / NODES)
    to_series = np.linalg.inv(cheb.chebvander(x, NODES))
    columns = np.eye(NODES + 1)
    slope = np.stack([cheb.chebval(x, cheb.chebder(c)) for c in columns], -1) @ to_series
    area = np.stack([cheb.chebval(x, cheb.chebint(c, lbnd=-1)) for c in columns], -1) @ to_series
    return x, slope, area


_X, _SLOPE, _AREA = _panel()


Field = Callable[[np.ndarray], np.ndarray]


def field(given: Any) -> Any:
    """A function as it is; a number or coefficients of a polynomial, lowest power first, as that polynomial."""
    return given if callable(given) else Polynomial(np.atleast_1d(given))


def first_passage(potential: Any, D: Any, x0: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    """Mean first-passage time in one dimension, Ito, by spectral panels and in logarithms.

    Args:
        potential: L, a function of an array of parameters, or coefficients of a polynomial; units of L.
        D: Diffusion, a number, or like the potential; units of L.
        x0: Start, between the boundaries; shape broadcasts with the leading shape of `boundaries`.
        boundaries: Absorbing and reflecting end, shape (..., 2).

    Returns:
        Time, θ²/L; infinite where it exceeds the largest float.

    Raises:
        ValueError: If the boundaries are no pair, the start lies outside, or D is not positive everywhere.
    """
    if boundaries.shape[-1:] != (2,):
        raise ValueError("langevin.mean-first-passage: boundaries must be the pair (absorbing, reflecting).")
    ends = np.broadcast_to(boundaries, (*np.broadcast_shapes(x0.shape, boundaries.shape[:-1]), 2))
    starts = np.broadcast_to(x0, ends.shape[:-1])
    times = [
        _passage(field(potential), field(D), float(x), *map(float, pair))
        for x, pair in zip(starts.flat, ends.reshape(-1, 2), strict=True)
    ]
    return np.array(times).reshape(starts.shape)


def _passage(potential: Field, D: Field, start: float, absorbing: float, reflecting: float) -> float:
    if not min(absorbing, reflecting) <= start <= max(absorbing, reflecting):
        raise ValueError(
            f"langevin.mean-first-passage: x0 = {start:g} must lie between {absorbing:g} and {reflecting:g}."
        )
    # From the reflecting end to the absorbing one, with a panel edge at the start.
    share = max(1, min(PANELS - 1, round(PANELS * abs(start - reflecting) / abs(absorbing - reflecting))))
    edges = np.concatenate(
        [np.linspace(reflecting, start, share + 1), np.linspace(start, absorbing, PANELS - share + 1)[1:]]
    )
    half = np.diff(edges)[:, None] / 2
    x = (edges[1:] + edges[:-1])[:, None] / 2 + half * _X
    diffusion = np.broadcast_to(D(x), x.shape)
    if not (diffusion > 0).all():
        raise ValueError(f"langevin.mean-first-passage: D must be > 0 everywhere, its least is {diffusion.min():g}.")
    exponent = _cumulated((np.broadcast_to(potential(x), x.shape) @ _SLOPE.T) / diffusion, np.ones_like(half))
    low = exponent.min()
    inner = _cumulated(np.exp(low - exponent) / diffusion, np.abs(half))
    high = exponent[share:].max()
    outer = _cumulated(np.exp(exponent[share:] - high) * inner[share:], np.abs(half[share:]))
    with np.errstate(over="ignore"):
        return float(np.exp(high - low + np.log(outer[-1, -1]))) if outer[-1, -1] > 0 else 0.0


def _cumulated(values: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Integral from the first node, at all nodes; values of shape (panels, nodes)."""
    inside = values @ _AREA.T * half
    before = np.concatenate([[0.0], np.cumsum(inside[:, -1])[:-1]])
    return inside + before[:, None]


def step_corrections(eta: np.ndarray, potential: Any, D: Any) -> np.ndarray:
    """Escape time of the chain over that of its diffusion, first order in the learning rate.

    Args:
        eta: Learning rate, θ²/L.
        potential: `numpy.polynomial.Polynomial` or its coefficients, lowest power first; the path goes from its
            leftmost minimum to the saddle on the right.
        D: Diffusion, a positive number, or like the potential; units of L.

    Returns:
        The factor, in the shape of eta.

    Raises:
        ValueError: If the potential is no polynomial or has no minimum with a saddle on its right.
    """
    landscape, diffusion = field(potential), field(D)
    if not (isinstance(landscape, Polynomial) and isinstance(diffusion, Polynomial)):
        raise ValueError(
            "sgd.escape-finite-step: potential and D must be polynomials, numpy.polynomial.Polynomial or coefficients."
        )
    slope, bend = landscape.deriv(), landscape.deriv(2)
    places = np.sort([r.real for r in slope.roots() if abs(r.imag) < 1e-9])
    ends = [(a, b) for a, b in pairwise(places) if bend(a) > 0 > bend(b)]
    if not ends:
        raise ValueError("sgd.escape-finite-step: the potential has no minimum with a saddle on its right.")
    a, b = ends[0]
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x, w = (a + b) / 2 + (b - a) / 2 * nodes, (b - a) / 2 * weights
    fall = diffusion.deriv()(x)
    q = slope(x) / diffusion(x)
    turn = (bend(x) * diffusion(x) - slope(x) * fall) / diffusion(x) ** 2
    exponent, prefactor = w @ (fall * q**2) / 4, w @ (fall * turn) / 2
    return (1 + eta * ((-bend(b) - bend(a)) / 4 + prefactor)) * np.exp(eta * exponent)

"""Numbers for claims about functions: first-passage integrals and corrections along a path."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

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

    def slope(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(potential(x), x.shape) @ _SLOPE.T / _half(x)

    with np.errstate(over="ignore"):
        return float(np.exp(log_passage(slope, D, (start, absorbing, reflecting))))


def log_passage(
    slope: Field,
    D: Field,
    ends: tuple[float, float, float],
    convention: Literal["ito", "anti-ito"] = "ito",
    panels: int = PANELS,
) -> float:
    """Logarithm of the mean first-passage time of dθ = -L'dt + √(2D)dW, finite where the time overflows.

    From the reflecting end r to the absorbing one, in Ito's convention, τ = ∫ e^{φ(y)} ∫_r^y e^{-φ(z)}/D(z) dz dy with
    φ = ∫L'/D, y from the start on; anti-Ito has 1/D in the outer integral instead.

    Args:
        slope: L' at the nodes of all panels, shape (panels, nodes), units L/θ.
        D: Diffusion at the same nodes, units of L.
        ends: Start, absorbing end and reflecting end.
        convention: Which product of state-dependent noise is meant.
        panels: Number of pieces, at least 2, each with 17 Chebyshev nodes; the start is the end of one.

    Raises:
        ValueError: If D is not positive everywhere.
    """
    start, absorbing, reflecting = ends
    share = max(1, min(panels - 1, round(panels * abs(start - reflecting) / abs(absorbing - reflecting))))
    edges = np.concatenate(
        [np.linspace(reflecting, start, share + 1), np.linspace(start, absorbing, panels - share + 1)[1:]]
    )
    x = (edges[1:] + edges[:-1])[:, None] / 2 + np.diff(edges)[:, None] / 2 * _X
    diffusion, half = np.broadcast_to(D(x), x.shape), _half(x)
    if not (diffusion > 0).all():
        raise ValueError(f"The diffusion D must be > 0 everywhere, its least is {diffusion.min():g}.")
    inside, outside = (diffusion, 1.0) if convention == "ito" else (1.0, diffusion)
    exponent = _cumulated(slope(x) / diffusion, half)
    low, high = exponent.min(), exponent[share:].max()
    inner = _cumulated(np.exp(low - exponent) / inside, np.abs(half))
    outer = (np.exp(np.minimum(exponent - high, 0)) * inner / outside)[share:]
    with np.errstate(divide="ignore"):
        return float(high - low + np.log(_cumulated(outer, np.abs(half[share:]))[-1, -1]))


def _half(x: np.ndarray) -> np.ndarray:
    """Half the width of each panel, with its sign, shape (panels, 1)."""
    return (x[:, -1:] - x[:, :1]) / 2


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


def stationary_density(potential: Any, D: Any, x: np.ndarray, x0: np.ndarray) -> np.ndarray:
    """Stationary density of dθ = -L'dt + √(2D)dW (Ito) at a place over that at another, by spectral panels.

    Args:
        potential: As for `first_passage`.
        D: Likewise.
        x: Place, broadcasts.
        x0: Reference.

    Raises:
        ValueError: If D is not positive between the two.
    """
    at, origin = np.broadcast_arrays(np.asarray(x, float), np.asarray(x0, float))
    ratios = [
        _density(field(potential), field(D), *map(float, pair)) for pair in zip(at.flat, origin.flat, strict=True)
    ]
    return np.array(ratios).reshape(at.shape)


def _density(potential: Field, D: Field, x: float, x0: float) -> float:
    if x == x0:
        return 1.0
    edges = np.linspace(x0, x, PANELS + 1)
    nodes = (edges[1:] + edges[:-1])[:, None] / 2 + np.diff(edges)[:, None] / 2 * _X
    diffusion = np.broadcast_to(D(nodes), nodes.shape)
    if not (diffusion > 0).all():
        raise ValueError(f"The diffusion D must be > 0 everywhere, its least is {diffusion.min():g}.")
    half = _half(nodes)
    slope = np.broadcast_to(potential(nodes), nodes.shape) @ _SLOPE.T / half
    exponent = _cumulated(slope / diffusion, half)[-1, -1]
    with np.errstate(over="ignore"):
        return float(np.exp(-exponent) * diffusion[0, 0] / diffusion[-1, -1])

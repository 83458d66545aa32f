"""Numbers for claims about functions: first-passage integrals and corrections along a path."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial import chebyshev as cheb

PANELS, NODES = 256, 16


def _panel(degree: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes on [-1, 1] and the matrices that differentiate there and integrate from -1."""
    x = np.cos(np.pi * np.arange(degree, -1, -1) / degree)
    to_series = np.linalg.inv(cheb.chebvander(x, degree))
    columns = np.eye(degree + 1)
    slope = np.stack([cheb.chebval(x, cheb.chebder(c)) for c in columns], -1) @ to_series
    area = np.stack([cheb.chebval(x, cheb.chebint(c, lbnd=-1)) for c in columns], -1) @ to_series
    return x, slope, area


_X, _SLOPE, _AREA = _panel(NODES)
_FINE_X, _FINE_SLOPE, _FINE_AREA = _panel(64)


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
    a, b = climb(landscape, "sgd.escape-finite-step")
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x, w = (a + b) / 2 + (b - a) / 2 * nodes, (b - a) / 2 * weights
    fall = diffusion.deriv()(x)
    q = slope(x) / diffusion(x)
    turn = (bend(x) * diffusion(x) - slope(x) * fall) / diffusion(x) ** 2
    exponent, prefactor = w @ (fall * q**2) / 4, w @ (fall * turn) / 2
    return (1 + eta * ((-bend(b) - bend(a)) / 4 + prefactor)) * np.exp(eta * exponent)


def inertial_correction(eta: np.ndarray, potential: Any, D: Any, kappa: np.ndarray) -> np.ndarray:
    """Escape time of Adai with frozen inertia over that of SGD's diffusion, first order in the inertia.

    Args:
        eta: Learning rate, θ²/L; broadcasts with kappa.
        potential: As for `step_corrections`.
        D: As for `step_corrections`.
        kappa: 1 - β₁ of the coordinate.

    Returns:
        The factor, in the broadcast shape.

    Raises:
        ValueError: If the potential is no polynomial or has no minimum with a saddle on its right.
    """
    landscape, diffusion = field(potential), field(D)
    if not (isinstance(landscape, Polynomial) and isinstance(diffusion, Polynomial)):
        raise ValueError("adai.escape-inertial: potential and D must be polynomials or coefficients.")
    a, b = climb(landscape, "adai.escape-inertial")
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x, w = (a + b) / 2 + (b - a) / 2 * nodes, (b - a) / 2 * weights
    integral = w @ (diffusion.deriv()(x) * (landscape.deriv()(x) / diffusion(x)) ** 2)
    unstable = -landscape.deriv(2)(b)
    return (1 + np.sqrt(1 + 4 * eta * unstable / kappa)) / 2 * np.exp(eta * (2 - kappa) / (4 * kappa) * integral)


def transverse_factor(potential: Any, transverse: Any, D: Any, eta: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Escape time of SGD with a transverse direction, C = H/B across, over that of the path alone, low temperature.

    exp(½∫h'/(ck)dx) with U'k' = h'U'/c + 2hk(1 - k), which is regular at both ends, where k = 1: by Newton's method at
    Chebyshev nodes.

    Args:
        potential: U along the path, `numpy.polynomial.Polynomial` or its coefficients, lowest power first.
        transverse: h, like the potential, positive on the path.
        D: Diffusion along the path, a number or like the potential; c = 2BD/η.
        eta: Learning rate, θ²/L.
        B: Batch size of C = H/B across.

    Returns:
        The factor, in the broadcast shape of eta and B.

    Raises:
        ValueError: If one is no polynomial, there is no saddle to the right of a minimum, or k does not stay positive,
            so that the path leaves the axis.
    """
    well, across, along = (field(f) for f in (potential, transverse, D))
    if not all(isinstance(f, Polynomial) for f in (well, across, along)):
        raise ValueError("sgd.entropic-riccati: potential, transverse and D must be polynomials or coefficients.")
    start, end = climb(well, "sgd.entropic-riccati")
    ratios = np.broadcast_arrays(np.asarray(eta, dtype=float), np.asarray(B, dtype=float))
    found = [
        _one_transverse((well, across, along), (start, end), float(2 * b / e))
        for e, b in zip(*(r.ravel() for r in ratios), strict=True)
    ]
    return np.array(found).reshape(ratios[0].shape)


def _one_transverse(fields: tuple[Polynomial, Polynomial, Polynomial], ends: tuple[float, float], unit: float) -> float:
    """The factor at one value of 2B/η."""
    well, across, along = fields
    x = (ends[0] + ends[1]) / 2 + (ends[1] - ends[0]) / 2 * _FINE_X
    half = (ends[1] - ends[0]) / 2
    slope, h, growth, c = well.deriv()(x), across(x), across.deriv()(x), along(x) * unit
    slope[[0, -1]] = 0.0
    if min(h.min(), c.min()) <= 0:
        raise ValueError("sgd.entropic-riccati: curvature across and diffusion along the path must be positive on it.")
    k = 1 + growth * slope / (2 * c * h)
    for _ in range(50):
        residual = slope * (_FINE_SLOPE @ k) / half - growth * slope / c - 2 * h * k * (1 - k)
        step = np.linalg.solve(slope[:, None] * _FINE_SLOPE / half - np.diag(2 * h * (1 - 2 * k)), residual)
        k = k - step
        if np.abs(step).max() < 1e-12:
            break
    if not k.min() > 0:
        raise ValueError("sgd.entropic-riccati: the stiffness k turns negative; the path leaves the axis.")
    return float(np.exp(_FINE_AREA[-1] @ (growth / (2 * c * k)) * half))


def climb(landscape: Polynomial, claim_id: str) -> tuple[float, float]:
    """Leftmost minimum that has a saddle on its right, and that saddle."""
    places = np.sort([r.real for r in landscape.deriv().roots() if abs(r.imag) < 1e-9])
    bend = landscape.deriv(2)
    ends = [(a, b) for a, b in pairwise(places) if bend(a) > 0 > bend(b)]
    if not ends:
        raise ValueError(f"{claim_id}: the potential has no minimum with a saddle on its right.")
    return float(ends[0][0]), float(ends[0][1])


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

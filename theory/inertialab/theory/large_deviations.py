"""Numbers for escape under noise of any law: the exponent of a chain, and what cumulants change."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial

from inertialab.theory.passage import climb, field

NODES = 200
_DOUBLINGS, _HALVINGS = 200, 60

Cumulant = Callable[[np.ndarray, np.ndarray], np.ndarray]


def escape_exponent(eta: np.ndarray, potential: Any, cumulant: Any, boundaries: np.ndarray) -> np.ndarray:
    """Exponent of the escape time of θ' = θ - η(L' + ξ): ∫p dx/η with ln E e^{-pξ} = pL', p > 0.

    Args:
        eta: Learning rate, θ²/L.
        potential: L, `numpy.polynomial.Polynomial` or its coefficients, lowest power first.
        cumulant: ln E e^{-pξ} as a function of p and x, or two rows: values of the noise and their probabilities.
        boundaries: Minimum and saddle, a pair with the minimum on the left.

    Returns:
        The exponent, in the shape of eta.

    Raises:
        ValueError: If the potential is no polynomial or does not rise in between, the noise has a mean or its
            probabilities do not add up to 1, or bounded noise does not carry a particle up.
    """
    well = field(potential)
    if not isinstance(well, Polynomial):
        raise ValueError("sgd.quasi-potential: the potential must be a polynomial or its coefficients.")
    low, high = (float(b) for b in np.asarray(boundaries, dtype=float).ravel())
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    x, w = (low + high) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights
    slope = well.deriv()(x)
    if not (high > low and (slope > 0).all()):
        raise ValueError(f"sgd.quasi-potential: the loss must rise all the way from {low:g} to {high:g}.")
    return np.asarray(eta, dtype=float) ** -1 * float(w @ _momenta(_cumulant(cumulant), slope, x))


def _cumulant(given: Any) -> Any:
    if callable(given):
        return given
    table = np.asarray(given, dtype=float)
    if table.ndim != 2 or len(table) != 2 or abs(table[1].sum() - 1) > 1e-9:
        raise ValueError("sgd.quasi-potential: noise must be a function, or two rows, values and probabilities.")
    values, chances = table
    if abs(values @ chances) > 1e-9 * np.abs(values).max():
        raise ValueError(f"sgd.quasi-potential: the noise must have mean 0, it has {values @ chances:g}.")

    def logarithm(p: np.ndarray, x: np.ndarray) -> np.ndarray:
        powers = -p[..., None] * values
        top = powers.max(-1)
        return top + np.log(np.exp(powers - top[..., None]) @ chances)

    return logarithm


def _momenta(cumulant: Cumulant, slope: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Positive roots p of ln E e^{-pξ} = pL', by doubling and halving: the excess is convex and starts downwards."""
    high = np.full_like(slope, 1e-6) * slope
    for _ in range(_DOUBLINGS):
        below = cumulant(high, x) < high * slope
        if not below.any():
            break
        high = np.where(below, 2 * high, high)
        if high.max() > 1e12:
            raise ValueError("sgd.quasi-potential: bounded noise does not carry a particle up this slope.")
    low = high / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = cumulant(middle, x) < middle * slope
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def cumulant_change(eta: np.ndarray, potential: Any, C: np.ndarray, k3: np.ndarray, k4: np.ndarray) -> np.ndarray:
    """Change of ln τ by third and fourth cumulants of noise that is the same everywhere.

    Args:
        eta: Learning rate, θ²/L; all but the potential broadcast.
        potential: L, a polynomial or its coefficients, lowest power first; from its leftmost minimum that has a saddle
            on the right to that saddle.
        C: Variance of the gradient, (L/θ)².
        k3: Third cumulant, (L/θ)³.
        k4: Fourth cumulant, (L/θ)⁴.

    Returns:
        The change, dimensionless.

    Raises:
        ValueError: If the potential is no polynomial or has no minimum with a saddle on its right.
    """
    well = field(potential)
    if not isinstance(well, Polynomial):
        raise ValueError("sgd.escape-skewed: the potential must be a polynomial or its coefficients.")
    low, high = climb(well, "sgd.escape-skewed")
    slope = well.deriv()
    square, cube = ((slope**n).integ() for n in (2, 3))
    first, second = square(high) - square(low), cube(high) - cube(low)
    return (4 * k3 * first / (3 * C**3) + 2 * (8 * k3**2 - 3 * C * k4) * second / (9 * C**5)) / eta


def minibatch_exponent(eta: np.ndarray, B: np.ndarray, gradients: Any, shares: Any, lengths: Any) -> np.ndarray:
    """Exponent of the escape time of SGD with batches drawn with replacement: (B/η)∫π dx with ⟨e^{-πg_n}⟩ = 1, π > 0.

    Args:
        eta: Learning rate, θ²/L; broadcasts with B.
        B: Batch size.
        gradients: Of the samples, uphill, shape (places, samples).
        shares: Of the samples, shape (samples,).
        lengths: Of the path at each place, shape (places,): weights of a quadrature.

    Returns:
        The exponent, in the shape of eta and B.

    Raises:
        ValueError: If shapes do not fit, shares do not add up to 1, or the loss does not rise or no sample pushes up.
    """
    g, w, dx = (np.asarray(x, dtype=float) for x in (gradients, shares, lengths))
    if g.ndim != 2 or w.shape != g.shape[1:] or dx.shape != g.shape[:1] or abs(w.sum() - 1) > 1e-6:
        raise ValueError(
            "sgd.escape-minibatch: gradients must have one row for each length and one column for each share, and the "
            f"shares must add up to 1; got shapes {g.shape}, {w.shape}, {dx.shape} and a sum of {w.sum():g}."
        )
    slope = g @ w
    if not (slope > 0).all() or not (g[:, w > 0].min(axis=1) < 0).all():
        raise ValueError("sgd.escape-minibatch: the loss must rise at every place, and some sample must push up there.")

    def logarithm(p: np.ndarray, x: np.ndarray) -> np.ndarray:
        powers = -p[:, None] * (g - slope[:, None])
        top = powers.max(1)
        return top + np.log(np.exp(powers - top[:, None]) @ w)

    momenta = _momenta(logarithm, slope, slope)
    return np.asarray(B, dtype=float) / np.asarray(eta, dtype=float) * float(dx @ momenta)

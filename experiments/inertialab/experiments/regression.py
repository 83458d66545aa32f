"""A slice of a least-squares loss on real data, with the noise of its minibatches: both as exact polynomials."""

from __future__ import annotations

from typing import Literal

import numpy as np
import sympy as sp

from inertialab.experiments.system import Noise
from inertialab.theory.landscapes import Landscape, coordinates


def regression_slice(
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    batch: int,
    directions: np.ndarray | None = None,
    origin: np.ndarray | None = None,
    sampling: Literal["with replacement", "without replacement"] = "with replacement",
) -> tuple[Landscape, Noise]:
    """L(θ) = |X(w₀ + Vᵀθ) - y|²/2N in a few directions V, and the covariance of its minibatch gradient.

    With uᵢ = Vxᵢ and what w₀ leaves over, tᵢ = yᵢ - xᵢ·w₀, the gradient of a sample is gᵢ = uᵢ(uᵢ·θ - tᵢ). The
    landscape is quadratic with H = VXᵀXVᵀ/N, and C(θ) = (⟨ggᵀ⟩ - ⟨g⟩⟨g⟩ᵀ)/B has entries quadratic in θ: nothing is
    approximated. Without replacement C is smaller by (N - B)/(N - 1). The noise is Gaussian; as the gradient is linear
    and C quadratic, means and covariances of linear optimizers are nevertheless those of true minibatches, see
    `least_squares_paths`, while higher moments are not. Shuffled epochs correlate steps and have no such noise.

    Args:
        inputs: X, shape (N, D).
        targets: y, shape (N,).
        batch: Batch size B.
        directions: V, shape (d, D), of any length; the D coordinates themselves by default. Two make a plane.
        origin: w₀, where θ = 0, shape (D,); zero by default.
        sampling: How batches are drawn; independent from step to step.

    Returns:
        The landscape with its minimum, and the noise to go with it.

    Raises:
        ValueError: If shapes or batch do not fit, the sampling is another, or directions are dependent on the data.
    """
    X, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"Wanted inputs of shape (N, D) and targets of shape (N,), got {X.shape} and {y.shape}.")
    N, D = X.shape
    V = np.eye(D) if directions is None else np.asarray(directions, dtype=float)
    if V.ndim != 2 or V.shape[1] != D:
        raise ValueError(f"directions must have shape (number, {D}), one row a direction; got {V.shape}.")
    if np.linalg.matrix_rank(X @ V.T) < len(V):
        raise ValueError("Along some direction the loss is flat: directions depend on each other, or on too few data.")
    u, t = X @ V.T, y - (X @ np.asarray(origin, dtype=float) if origin is not None else 0)
    theta = sp.Matrix(coordinates(len(V)))
    H, b = u.T @ u / N, u.T @ t / N
    loss = _polynomial(float(t @ t) / (2 * N), -b, H / 2, theta)
    place = Landscape("regression slice", loss, tuple(theta), minimum=tuple(map(_number, np.linalg.solve(H, b))))
    return place, Noise.covariance(_covariance(u, t, theta, _share(N, batch, sampling)))


def _share(samples: int, batch: int, sampling: str) -> float:
    """Covariance of a batch over that of a sample."""
    factors = {"with replacement": 1.0, "without replacement": (samples - batch) / (samples - 1)}
    if sampling not in factors:
        raise ValueError(f"Sampling must be one of {', '.join(factors)}, independent steps; got {sampling!r}.")
    if not 1 <= batch <= samples or not factors[sampling]:
        raise ValueError(
            f"A batch must hold from 1 to fewer than {samples} samples, or there is no noise; got {batch}."
        )
    return factors[sampling] / batch


def _covariance(u: np.ndarray, t: np.ndarray, theta: sp.Matrix, share: float) -> sp.Matrix:
    """Cov(u(u·θ - t)) over samples, times `share`; from centred products, so that no digits cancel."""
    d = u.shape[1]
    slopes = u[:, :, None] * u[:, None, :]
    slopes, offsets = slopes - slopes.mean(0), u * t[:, None] - (u * t[:, None]).mean(0)
    C = sp.zeros(d, d)
    for j in range(d):
        for k in range(j + 1):
            constant = offsets[:, j] @ offsets[:, k]
            linear = -(slopes[:, j].T @ offsets[:, k] + slopes[:, k].T @ offsets[:, j])
            square = slopes[:, j].T @ slopes[:, k]
            scale = share / len(u)
            C[j, k] = C[k, j] = _polynomial(scale * constant, scale * linear, scale * (square + square.T) / 2, theta)
    return C


def _polynomial(constant: float, linear: np.ndarray, square: np.ndarray, theta: sp.Matrix) -> sp.Expr:
    terms = [_number(constant), *(_number(c) * s for c, s in zip(linear, theta, strict=True))]
    for i in range(len(linear)):
        terms += [_number(square[i, j] * (1 if i == j else 2)) * theta[i] * theta[j] for j in range(i + 1)]
    return sp.Add(*terms)


def _number(value: float) -> sp.Float:
    return sp.Float(float(value), 17)

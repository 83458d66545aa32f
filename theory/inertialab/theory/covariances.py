"""Covariances after a number of steps, entry by entry in an eigenbasis, and the basis in which Adam is momentum."""

import numpy as np

from inertialab.theory.numerics import doubled, heavy_ball_step, in_eigenbasis
from inertialab.theory.statement import Change


def sgd_covariance(eta: np.ndarray, h_i: np.ndarray, h_j: np.ndarray, C_ij: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Covariance of two directions under SGD after T steps, η²C_ij Σ_k ((1 - ηh_i)(1 - ηh_j))^k.

    Args:
        eta: Learning rate, θ²/L; all arguments broadcast.
        h_i: Curvature of the one direction, L/θ².
        h_j: Curvature of the other.
        C_ij: Covariance of their noises, (L/θ)².
        T: Number of steps.

    Returns:
        Covariance, units θ², in the broadcast shape.
    """
    eta, h_i, h_j, C_ij, T = np.broadcast_arrays(eta, h_i, h_j, C_ij, T)
    one, other, noise = ((x)[..., None, None] for x in (1 - eta * h_i, 1 - eta * h_j, eta**2 * C_ij))
    return doubled(one, noise, np.zeros_like(noise), T.astype(np.int64), other)[..., 0, 0]


def warm_covariance(
    eta: np.ndarray, h_i: np.ndarray, h_j: np.ndarray, C_ij: np.ndarray, beta: np.ndarray, T: np.ndarray
) -> np.ndarray:
    """Covariance of two directions under EMA momentum after T steps, its buffers warm.

    Args:
        eta: Learning rate; all arguments broadcast.
        h_i: Curvature of the one direction.
        h_j: Curvature of the other.
        C_ij: Covariance of their noises.
        beta: Momentum.
        T: Number of steps.

    Returns:
        Covariance, in the broadcast shape.
    """
    eta, h_i, h_j, C_ij, beta, T = np.broadcast_arrays(eta, h_i, h_j, C_ij, beta, T)
    kick = np.stack([-eta * (1 - beta), 1 - beta], -1)[..., None]
    moments = np.zeros((*eta.shape, 2, 2))
    moments[..., 1, 1] = (1 - beta) / (1 + beta) * C_ij
    noise = C_ij[..., None, None] * kick @ kick.swapaxes(-1, -2)
    one, other = (heavy_ball_step(eta, h, beta) for h in (h_i, h_j))
    return doubled(one, noise, moments, T.astype(np.int64), other)[..., 0, 0]


def preconditioned(claim_id: str, eta: np.ndarray, H: np.ndarray, C: np.ndarray, **scalars: np.ndarray) -> Change:
    """Write a covariance statement about Adam in the eigenbasis of the Hessian between the roots of its preconditioner.

    With the frozen preconditioner P = diag(C)^{-1/2} that is P^{1/2}HP^{1/2}; parameters are P^{1/2} times those there.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        H: Hessian, shape (..., d, d), symmetric.
        C: Noise covariance, shape (..., d, d), symmetric, positive on the diagonal.
        **scalars: Further arguments without directions, such as beta.

    Returns:
        As `in_eigenbasis` does.

    Raises:
        ValueError: As `in_eigenbasis` does, or if a coordinate has no noise.
    """
    in_eigenbasis(claim_id, eta, H, C)
    variances = np.diagonal(C, axis1=-2, axis2=-1)
    if variances.min() <= 0:
        raise ValueError(
            f"{claim_id}: every coordinate needs noise, or its second moment is zero; the smallest variance in C is "
            f"{variances.min():g}. Leave such coordinates out."
        )
    root = variances**-0.25  # of P
    both = root[..., :, None] * root[..., None, :]
    arrays, back = in_eigenbasis(claim_id, eta, both * H, both * C, **scalars)
    return arrays, lambda matrix: both * back(matrix)

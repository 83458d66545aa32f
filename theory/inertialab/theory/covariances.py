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


def mode_covariance(
    lambda_i: np.ndarray, lambda_j: np.ndarray, start_ij: np.ndarray, kick_ij: np.ndarray, T: np.ndarray
) -> np.ndarray:
    """Second moment of two modes after T steps, by doubling; nothing is special where a product of eigenvalues is 1.

    Args:
        lambda_i: Eigenvalue of the one mode; all arguments broadcast, and may be complex.
        lambda_j: Eigenvalue of the other.
        start_ij: Second moment at the start.
        kick_ij: What one step adds.
        T: Number of steps, whole.

    Returns:
        Second moment, in the broadcast shape.
    """
    arrays = np.broadcast_arrays(lambda_i, lambda_j, start_ij, kick_ij, T)
    one, other, start, kick = (x[..., None, None] for x in arrays[:4])
    return doubled(one, kick, start, arrays[4].astype(np.int64), other)[..., 0, 0]


def adai_modes(
    claim_id: str,
    eta: np.ndarray,
    H: np.ndarray,
    C: np.ndarray,
    beta0: np.ndarray,
    eps: np.ndarray,
    **scalars: np.ndarray,
) -> Change:
    """Write a covariance statement about Adai in the modes of its step of parameters and buffers, inertia frozen.

    Inertia 1 - κ_i belongs to the parameter axes, κ_i = β₀C_ii over the mean of all C_jj between ε and 1, and commutes
    with no H; so the modes are those of both together, and complex.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        H: Hessian, shape (d, d), symmetric.
        C: Noise covariance, shape (d, d), symmetric.
        beta0: Mean of κ before clipping.
        eps: Smallest κ.
        **scalars: Further arguments without directions, such as T.

    Returns:
        Arrays lambda_i, lambda_j, start_ij, kick_ij and the scalars, and the map of second moments of modes to those
        of parameters.

    Raises:
        ValueError: As `in_eigenbasis` does, or if there is no noise or no inertia below 1.
    """
    in_eigenbasis(claim_id, eta, H, C)
    second = np.diagonal(C, axis1=-2, axis2=-1)
    if not second.any() or (eps > 1).any() or (eps <= 0).any():
        raise ValueError(f"{claim_id}: C must not vanish and eps must lie in (0, 1], got eps = {eps}.")
    kappa = np.clip(beta0 * second / second.mean(-1, keepdims=True), eps, 1)
    step, kick = adai_step(float(eta), H, kappa)
    d = len(kappa)
    start = np.zeros((2 * d, 2 * d))
    forgotten = 1 - np.multiply.outer(1 - kappa, 1 - kappa)
    start[d:, d:] = np.multiply.outer(kappa, kappa) / forgotten * C
    values, R = np.linalg.eig(step)
    inverse = np.linalg.inv(R)
    arrays = {
        "lambda_i": values[:, None],
        "lambda_j": values[None, :],
        "start_ij": inverse @ start @ inverse.T,
        "kick_ij": inverse @ kick @ C @ kick.T @ inverse.T,
    }
    return arrays | scalars, lambda moments: np.real(R @ moments @ R.T)[..., :d, :d]


def adai_step(eta: float, H: np.ndarray, kappa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step of parameters and buffers, shape (2d, 2d), and what a noise moves, shape (2d, d)."""
    one, K = np.eye(len(kappa)), np.diag(kappa)
    step = np.block([[one - eta * K @ H, -eta * (one - K)], [K @ H, one - K]])
    return step, np.vstack([-eta * K, K])


def second_moment_modes(
    claim_id: str, eta: np.ndarray, B: np.ndarray, H: np.ndarray, K2: np.ndarray, M0: np.ndarray, **scalars: np.ndarray
) -> Change:
    """Write a statement about second moments of deviations in the modes of their linear map M → AMA + (η²/B)⟨KMK⟩.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        B: Batch size, a scalar.
        H: Hessian, shape (d, d), symmetric.
        K2: Mean Kronecker square of the deviations of the samples' Hessians, shape (d*d, d*d).
        M0: Second moments at the start, shape (d, d), symmetric.
        **scalars: Further arguments without directions, such as T.

    Returns:
        Arrays mode_factor and mode_start, shape (d, d) each, and the scalars, and the map of modes to moments.

    Raises:
        ValueError: If a matrix has another shape or is not symmetric.
    """
    d = len(np.atleast_1d(H))
    for name, matrix, size in (("H", H, d), ("M0", M0, d), ("K2", K2, d * d)):
        if matrix.shape != (size, size) or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12):
            raise ValueError(
                f"{claim_id}: {name} must be a symmetric matrix of {size} rows, as H has {d}; got shape {matrix.shape}."
            )
    A = np.eye(d) - float(eta) * H
    values, R = np.linalg.eigh(np.kron(A, A) + float(eta) ** 2 / float(B) * K2)
    arrays = {"mode_factor": values.reshape(d, d), "mode_start": (R.T @ M0.reshape(-1)).reshape(d, d)}

    def back(modes: np.ndarray) -> np.ndarray:
        flat = modes.reshape(*modes.shape[:-2], d * d)
        return (flat @ R.T).reshape(modes.shape)

    return arrays | scalars, back

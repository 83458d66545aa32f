"""Adam and Adai at rest around a minimum: the bases in which their matrix laws hold entry by entry.

Their second moments v are those of the gradients, v = diag(C + HΣH), and Σ depends on them; both are found together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from inertialab.theory.covariances import adai_step
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import OutsideRegimeError
from inertialab.theory.statement import Change

ROUNDS = 200
"""Most repetitions of v → Σ → v; each brings v nearer by a factor of the order of the step."""


def ema_entry(eta: np.ndarray, h_i: np.ndarray, h_j: np.ndarray, C_ij: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Stationary covariance of two directions under EMA momentum.

    Args:
        eta: Learning rate; all arguments broadcast.
        h_i: Curvature of the one direction.
        h_j: Curvature of the other.
        C_ij: Covariance of their noises.
        beta: Momentum.
    """
    squares = (beta * (h_i**2 + h_j**2) - (1 + beta**2) * h_i * h_j) / (1 - beta**2)
    return eta * C_ij / (h_i + h_j + eta * squares)


def decayed_entry(
    eta: np.ndarray, h_i: np.ndarray, h_j: np.ndarray, C_ij: np.ndarray, beta: np.ndarray, decay: np.ndarray
) -> np.ndarray:
    """Stationary covariance of two directions under EMA momentum whose parameters shrink by 1 - eta·decay a step.

    Args:
        eta: Learning rate; all arguments broadcast.
        h_i: Curvature of the one direction.
        h_j: Curvature of the other.
        C_ij: Covariance of their noises.
        beta: Momentum.
        decay: Coefficient of the decay, in units of the curvatures.
    """
    kept = beta * (1 - eta * decay)
    return ema_entry(eta * (1 - beta) / (1 - kept), h_i + decay, h_j + decay, C_ij, kept)


def mode_entry(lambda_i: np.ndarray, lambda_j: np.ndarray, kick_ij: np.ndarray) -> np.ndarray:
    """Stationary second moment of two modes of a linear step.

    Args:
        lambda_i: Eigenvalue of the one mode; all arguments broadcast, and may be complex.
        lambda_j: Eigenvalue of the other.
        kick_ij: What one step adds.
    """
    return kick_ij / (1 - lambda_i * lambda_j)


def adamw_at_rest(
    claim_id: str,
    eta: np.ndarray,
    H: np.ndarray,
    C: np.ndarray,
    beta: np.ndarray,
    decay: np.ndarray,
    theta_rest: np.ndarray,
) -> Change:
    """As `adam_at_rest`, with the mean gradient that decay holds up at rest in the second moment.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        H: Hessian, shape (d, d), symmetric.
        C: Noise covariance, shape (d, d), symmetric, positive on the diagonal.
        beta: Momentum.
        decay: Coefficient of the decoupled decay.
        theta_rest: Means of the parameters, shape (d,), or one number for all.

    Raises:
        ValueError: As `adam_at_rest` does, or if there are not as many parameters.
        OutsideRegimeError: If decay·theta_rest is 1 or more in size.
    """
    if theta_rest.shape not in ((), C.shape[-1:]):
        raise ValueError(f"{claim_id}: theta_rest must have a number for each of {len(C)}, got {theta_rest.shape}.")
    pull = float(np.abs(decay * theta_rest).max())
    if pull >= 1:
        raise OutsideRegimeError(f"{claim_id} holds for abs(decay*theta_rest) < 1, but it is {pull:.4g}.")
    return adam_at_rest(claim_id, eta, H, C, 1 / (1 - (decay * theta_rest) ** 2), beta=beta, decay=decay)


def adam_at_rest(
    claim_id: str,
    eta: np.ndarray,
    H: np.ndarray,
    C: np.ndarray,
    louder: np.ndarray | float = 1.0,
    **scalars: np.ndarray,
) -> Change:
    """Write a stationary statement about Adam in the eigenbasis of the Hessian between the roots of its preconditioner.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        H: Hessian, shape (d, d), symmetric and positive definite.
        C: Noise covariance, shape (d, d), symmetric, positive on the diagonal.
        louder: Second moments over the variances of the gradients, shape (d,) or one number for all.
        **scalars: Further arguments, beta among them.

    Returns:
        As `in_eigenbasis` does, for parameters P^{1/2} times smaller, P = diag(v)^{-1/2}.

    Raises:
        ValueError: As `in_eigenbasis` does, or if a coordinate has no noise.
    """
    _check(claim_id, eta, H, C)
    if np.diagonal(C).min() <= 0:
        raise ValueError(
            f"{claim_id}: every coordinate needs noise, or its second moment may vanish; the smallest variance in C is "
            f"{np.diagonal(C).min():g}. Leave such coordinates out."
        )
    beta, decay = float(scalars["beta"]), float(scalars.get("decay", 0.0))
    kept = 1 - float(eta) * decay

    def written(v: np.ndarray) -> Change:
        both = np.multiply.outer(v**-0.25, v**-0.25)
        arrays, back = in_eigenbasis(claim_id, eta, both * H, both * C, **scalars)
        return arrays, lambda matrix: both * back(matrix)

    def covariance(v: np.ndarray) -> np.ndarray:
        arrays, back = written(v)
        pull = arrays["h_i"] + decay
        if kept <= 0 or (pull * eta * (1 - beta) >= 2 * (1 + beta * kept)).any() or (pull <= 0).any():
            return np.full_like(C, np.nan)
        return back(decayed_entry(**{"decay": np.asarray(decay), **arrays}))

    key = ("adam", float(eta), H.tobytes(), C.tobytes(), beta, decay, np.asarray(louder).tobytes())
    return written(_second_moments(key, covariance, H, C, louder))


def adai_at_rest(
    claim_id: str, eta: np.ndarray, H: np.ndarray, C: np.ndarray, beta0: np.ndarray, eps: np.ndarray
) -> Change:
    """Write a stationary statement about Adai in the modes of its step of parameters and buffers, inertia frozen.

    κ_i = β₀v_i over the mean of all v between ε and 1, of the parameter axes; see `adai_modes` for a saddle.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        H: Hessian, shape (d, d), symmetric and positive definite.
        C: Noise covariance, shape (d, d), symmetric.
        beta0: Mean of κ before clipping.
        eps: Smallest κ.

    Returns:
        Arrays lambda_i, lambda_j and kick_ij, and the map of second moments of modes to those of parameters.

    Raises:
        ValueError: As `in_eigenbasis` does, or if there is no noise or no inertia below 1.
    """
    _check(claim_id, eta, H, C)
    if not np.diagonal(C).any() or not 0 < float(eps) <= 1:
        raise ValueError(f"{claim_id}: C must not vanish and eps must lie in (0, 1], got eps = {eps}.")

    def written(v: np.ndarray) -> Change:
        kappa = np.clip(float(beta0) * v / v.mean(), float(eps), 1)
        step, kick = adai_step(float(eta), H, kappa)
        values, R = np.linalg.eig(step)
        inverse, d = np.linalg.inv(R), len(v)
        arrays = {
            "lambda_i": values[:, None],
            "lambda_j": values[None, :],
            "kick_ij": inverse @ kick @ C @ kick.T @ inverse.T,
        }
        return arrays, lambda moments: np.real(R @ moments @ R.T)[..., :d, :d]

    def covariance(v: np.ndarray) -> np.ndarray:
        arrays, back = written(v)
        if np.abs(arrays["lambda_i"]).max() >= 1:
            return np.full_like(C, np.nan)
        return back(mode_entry(**arrays))

    key = ("adai", float(eta), H.tobytes(), C.tobytes(), float(beta0), float(eps))
    v = _second_moments(key, covariance, H, C)
    if not np.isfinite(covariance(v)).all():
        raise OutsideRegimeError(f"{claim_id}: there is no stationary state; the step is unstable, take a smaller eta.")
    return written(v)


def _check(claim_id: str, eta: np.ndarray, H: np.ndarray, C: np.ndarray) -> None:
    if H.ndim != 2:
        raise ValueError(f"{claim_id}: give one H and one C at a time, got H of shape {H.shape}.")
    in_eigenbasis(claim_id, eta, H, C)


_KNOWN: dict[Any, np.ndarray] = {}


def _second_moments(
    key: Any,
    covariance: Callable[[np.ndarray], np.ndarray],
    H: np.ndarray,
    C: np.ndarray,
    louder: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Second moments v = louder·diag(C + HΣH), Σ that under these v; of the noise where there is no such state."""
    if key not in _KNOWN:
        noise = v = np.diagonal(C) * louder  # a copy
        for _ in range(ROUNDS):
            S = covariance(v)
            if not np.isfinite(S).all():
                v = noise
                break
            new = noise + np.diagonal(H @ S @ H) * louder
            done, v = np.allclose(new, v, rtol=1e-13, atol=0), new
            if done:
                break
        if len(_KNOWN) > 64:
            _KNOWN.clear()
        _KNOWN[key] = v
    return _KNOWN[key]

"""Numbers for exits from ellipsoids around a minimum, of ellipses in the plane among them."""

import numpy as np

from inertialab.theory.statement import Change


def stationary(eta: float, H: np.ndarray, C: np.ndarray) -> np.ndarray:
    """Stationary covariance of SGD, Σ = (1 - ηH)Σ(1 - ηH) + η²C, shape (d, d)."""
    d = len(H)
    A = np.eye(d) - eta * H
    return np.linalg.solve(np.eye(d * d) - np.kron(A, A), eta**2 * C.ravel()).reshape(d, d)


def across(claim_id: str, eta: np.ndarray, H: np.ndarray, C: np.ndarray, level: np.ndarray) -> Change:
    """As `across_ellipsoid`, in the plane alone."""
    if np.shape(H) != (2, 2):
        raise ValueError(f"{claim_id}: H must be a symmetric positive definite matrix of two rows.")
    numbers, back = across_ellipsoid(claim_id, eta, H, C, level)
    return {name: x for name, x in numbers.items() if name != "n_dims"}, back


def across_ellipsoid(claim_id: str, eta: np.ndarray, H: np.ndarray, C: np.ndarray, level: np.ndarray) -> Change:
    """Diffusion across an ellipsoid of the stationary state, in the two directions that stand for all.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a number.
        H: Hessian, shape (n, n), symmetric and positive definite.
        C: Noise covariance, shape (n, n), symmetric and positive definite.
        level: ½θᵀΣ⁻¹θ of the ellipsoid, a number.

    Returns:
        The symbols of the formula, and the map back, which changes nothing.

    Raises:
        ValueError: If a matrix is of another kind, a number is none, or SGD does not settle.
    """
    rows = np.shape(H)[0] if np.ndim(H) else 0
    for name, matrix in (("H", H), ("C", C)):
        if matrix.shape != (rows, rows) or not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0:
            raise ValueError(f"{claim_id}: {name} must be a symmetric positive definite matrix, of as many rows as H.")
    if np.ndim(eta) or np.ndim(level):
        raise ValueError(f"{claim_id}: eta and level must be numbers, one ellipsoid at a time.")
    if float(eta) * np.linalg.eigvalsh(H)[-1] >= 2:
        raise ValueError(f"{claim_id}: SGD does not settle at eta = {float(eta):g}.")
    values, vectors = np.linalg.eigh(stationary(float(eta), H, C))
    scale = vectors / np.sqrt(values)
    D = np.linalg.eigvalsh(float(eta) / 2 * scale.T @ C @ scale)
    mean, half = D.mean(), D.std() * np.sqrt(2 / (rows + 2))
    numbers = {"eta": eta, "level": level, "D_plus": mean + half, "D_minus": mean - half, "n_dims": rows}
    return {name: np.asarray(x, dtype=float) for name, x in numbers.items()}, lambda array: array

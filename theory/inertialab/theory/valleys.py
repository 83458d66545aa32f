"""State across a valley of zero loss, of networks that fit all their samples and train on noisy labels."""

import numpy as np

from inertialab.theory.statement import Change


def along_valley(claim_id: str, H: np.ndarray, H_along: np.ndarray, eta: np.ndarray, **numbers: np.ndarray) -> Change:
    """The trace that stands for all directions across, where the noise is that of labels alone.

    Args:
        claim_id: Named in error messages.
        H: Hessian, shape (n, n), symmetric.
        H_along: Its change with the way along the valley, shape (n, n), symmetric.
        eta: Learning rate, a number.
        **numbers: Further arguments without directions.

    Returns:
        The symbols of the formula, and the map back, which changes nothing.

    Raises:
        ValueError: If a matrix is of another kind, a number is none, or SGD does not settle.
    """
    _check(claim_id, len(H) if np.ndim(H) else 0, {"H": H, "H_along": H_along}, {"eta": eta, **numbers})
    if not 0 < float(eta) * np.linalg.eigvalsh(H)[-1] < 2:
        raise ValueError(f"{claim_id}: SGD does not settle at eta = {float(eta):g}, or no direction is curved.")
    slope = np.trace(np.linalg.solve(2 * np.eye(len(H)) - float(eta) * H, H_along))
    return {"eta": eta, **numbers, "damped_slope": np.asarray(slope)}, lambda array: array


def along_sampled_valley(
    claim_id: str, eta: np.ndarray, slopes: np.ndarray, H_along: np.ndarray, sigma: np.ndarray, B: np.ndarray
) -> Change:
    """The trace that stands for all directions across, where batches are drawn as well as labels.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a number.
        slopes: Gradient of each sample's output in coordinates across, shape (N, n).
        H_along: Change of the Hessian with the way along the valley, shape (n, n), symmetric.
        sigma: Standard deviation of the noise of a label, a number.
        B: Batch size, a number.

    Returns:
        The symbol of the formula, and the map back, which changes nothing.

    Raises:
        ValueError: If a matrix is of another kind, a number is none, or SGD has no variance.
    """
    if np.ndim(slopes) != 2:
        raise ValueError(f"{claim_id}: slopes must be a matrix, a row for each sample.")
    _check(claim_id, np.shape(slopes)[1], {"H_along": H_along}, {"eta": eta, "sigma": sigma, "B": B})
    spread = state_across(float(eta), np.asarray(slopes), float(sigma), float(B))
    if spread is None:
        raise ValueError(f"{claim_id}: SGD has no variance at eta = {float(eta):g}, or a direction is not curved.")
    return {"spread_slope": np.asarray(np.trace(spread @ H_along))}, lambda array: array


def state_across(eta: float, slopes: np.ndarray, sigma: float, B: float) -> np.ndarray | None:
    """Covariance across a valley under batches drawn with replacement and noisy labels, shape (n, n); None if none.

    The second moments map linearly: (1 - ηH)S(1 - ηH) + (η²/B)((1/N)Σ(aSa + σ²)aaᵀ - HSH), a the slopes of a sample.

    Args:
        eta: Learning rate.
        slopes: Gradient of each sample's output in coordinates across, shape (N, n).
        sigma: Standard deviation of the noise of a label.
        B: Batch size.
    """
    n, H = slopes.shape[1], slopes.T @ slopes / len(slopes)
    step, one = np.eye(n) - eta * H, np.eye(n * n)
    pairs = np.einsum("ki,kj->kij", slopes, slopes).reshape(len(slopes), -1)
    drawn = pairs.T @ pairs / len(slopes) - np.kron(H, H)
    linear = np.kron(step, step) + eta**2 / B * drawn
    if np.abs(np.linalg.eigvals(linear)).max() >= 1 - 1e-12:
        return None
    return np.linalg.solve(one - linear, eta**2 * sigma**2 / B * H.reshape(-1)).reshape(n, n)


def _check(claim_id: str, size: int, matrices: dict[str, np.ndarray], numbers: dict[str, np.ndarray]) -> None:
    for name, matrix in matrices.items():
        if np.shape(matrix) != (size, size) or not size or not np.allclose(matrix, matrix.T):
            raise ValueError(f"{claim_id}: {name} must be a symmetric matrix with a row for each direction across.")
    if any(np.ndim(x) for x in numbers.values()):
        raise ValueError(f"{claim_id}: all but the matrices must be numbers, one valley at a time.")

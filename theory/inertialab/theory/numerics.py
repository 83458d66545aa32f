"""Float evaluation of formulas where their printed form cancels, overflows or degenerates."""

import numpy as np

from inertialab.theory.statement import Change


def geometric_sum(log_ratio: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Σ_{k<n} x^k from ln x, accurate for x near 1 as well.

    Args:
        log_ratio: ln x, any shape; -inf stands for x = 0.
        terms: n >= 0, broadcasts.

    Returns:
        The sum, in the broadcast shape.
    """
    log_ratio, terms = np.broadcast_arrays(np.asarray(log_ratio, float), np.asarray(terms, float))
    out = terms.copy()
    regular = (log_ratio != 0) & (terms > 0)
    with np.errstate(over="ignore"):  # beyond the largest float a saddle's spread is infinite
        out[regular] = np.expm1(terms[regular] * log_ratio[regular]) / np.expm1(log_ratio[regular])
    return out


def log_abs_one_minus(x: np.ndarray) -> np.ndarray:
    """ln|1 - x| without cancellation for small x; -inf at x = 1."""
    x = np.asarray(x, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x < 1, np.log1p(-x), np.log(x - 1))


def heavy_ball_msd(
    eta: np.ndarray, h: np.ndarray, C: np.ndarray, beta: np.ndarray, T: np.ndarray, v0sq: np.ndarray
) -> np.ndarray:
    """Mean squared displacement of EMA momentum after T steps, by doubling the number of steps.

    P(n + k) = Aⁿ P(k) Aⁿᵀ + P(n), so T steps need O(log T) products of 2x2 matrices. Unlike the closed form it
    has no difference of roots in a denominator: critical damping and h = 0 need no special case.

    Args:
        eta: Learning rate, units θ²/L; all arguments broadcast.
        h: Curvature, L/θ².
        C: Noise variance, (L/θ)².
        beta: Momentum, dimensionless.
        T: Number of steps.
        v0sq: Mean squared initial buffer, (L/θ)².

    Returns:
        ⟨θ²⟩, units θ², in the broadcast shape.
    """
    eta, h, C, beta, T, v0sq = np.broadcast_arrays(eta, h, C, beta, T, v0sq)
    A = heavy_ball_step(eta, h, beta)
    kick = np.stack([-eta * (1 - beta), 1 - beta], -1)[..., None]
    moments = np.zeros_like(A)
    moments[..., 1, 1] = v0sq
    noise, steps = C[..., None, None] * kick @ kick.swapaxes(-1, -2), T.astype(np.int64)
    return doubled(A, noise, moments, steps)[..., 0, 0]


def heavy_ball_step(eta: np.ndarray, h: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Transition matrices of EMA momentum on (θ, m), shape (..., 2, 2); arguments of one shape."""
    row = np.stack([1 - eta * (1 - beta) * h, -eta * beta], -1)
    return np.stack([row, np.stack([(1 - beta) * h, beta], -1)], -2)


def doubled(
    A: np.ndarray, noise: np.ndarray, moments: np.ndarray, steps: np.ndarray, other: np.ndarray | None = None
) -> np.ndarray:
    """Second moments after many steps of P' = A P Bᵀ + noise, by doubling the number of steps.

    Args:
        A: Transition matrices, shape (..., k, k).
        noise: Covariance added by one step, shape (..., k, k).
        moments: Second moments at the start, shape (..., k, k).
        steps: Number of steps, whole, shape (...).
        other: B, of the same shape; A by default.

    Returns:
        Second moments, shape (..., k, k).
    """
    B = A if other is None else other
    # Entries that are done go on being computed beside longer ones and are not used; they may overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        while steps.any():
            odd = (steps % 2 == 1)[..., None, None]
            moments = np.where(odd, A @ moments @ B.swapaxes(-1, -2) + noise, moments)
            steps = steps // 2
            A, B, noise = A @ A, B @ B, A @ noise @ B.swapaxes(-1, -2) + noise
    return moments


def heavy_ball_displacement(
    eta: np.ndarray, h: np.ndarray, beta: np.ndarray, T: np.ndarray, m0: np.ndarray
) -> np.ndarray:
    """Mean displacement of EMA momentum after T steps from a critical point, by repeated squaring.

    Args:
        eta: Learning rate, θ²/L; all arguments broadcast.
        h: Curvature, L/θ².
        beta: Momentum.
        T: Number of steps.
        m0: Initial buffer, L/θ.

    Returns:
        Displacement, units θ.
    """
    eta, h, beta, T, m0 = np.broadcast_arrays(eta, h, beta, T, m0)
    state = np.stack([np.zeros_like(m0), m0], -1)[..., None]
    A, steps = heavy_ball_step(eta, h, beta), T.astype(np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        while steps.any():
            state = np.where((steps % 2 == 1)[..., None, None], A @ state, state)
            steps, A = steps // 2, A @ A
    return state[..., 0, 0]


def adai_msd(eta: np.ndarray, h: np.ndarray, C: np.ndarray, kappa: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Mean squared displacement of warm Adai with frozen inertia: EMA momentum with β = 1 - κ."""
    return heavy_ball_msd(eta, h, C, 1 - kappa, T, kappa * C / (2 - kappa))


def underdamped_msd(
    D: np.ndarray, h: np.ndarray, gamma: np.ndarray, M: np.ndarray, t: np.ndarray, v0sq: np.ndarray
) -> np.ndarray:
    """Mean squared displacement of a damped particle, without the formula's differences of rates.

    One short step of time is expanded in a power series; doubling does the rest. Critical damping and vanishing
    curvature need no special case.

    Args:
        D: Diffusion, L; all arguments broadcast.
        h: Curvature, L/θ².
        gamma: Friction, L/θ².
        M: Inertia, θ²/L.
        t: Time, θ²/L.
        v0sq: Mean squared initial velocity, (L/θ)².

    Returns:
        Mean squared displacement, units θ².
    """
    D, h, gamma, M, t, v0sq = np.broadcast_arrays(D, h, gamma, M, t, v0sq)
    rate = np.maximum(gamma, np.sqrt(np.abs(h) / M))  # unit of inverse time in which the matrix is of order one
    A = np.stack([np.stack([0 * h, 1 + 0 * h], -1), np.stack([-h / (M * rate**2), -gamma / rate], -1)], -2)
    doublings = np.ceil(np.log2(np.maximum(rate * t / 0.1, 1))).astype(np.int64)
    short = rate * t / 2.0**doublings
    source = np.zeros_like(A)
    source[..., 1, 1] = 2 * D / M**2 / rate**3
    start = np.zeros_like(A)
    start[..., 1, 1] = v0sq / rate**2
    step, noise = _short_time(A * short[..., None, None], source * short[..., None, None])
    return doubled(step, noise, start, 2**doublings)[..., 0, 0]


def _short_time(A: np.ndarray, source: np.ndarray, terms: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """e^A and ∫₀¹ e^{As} source e^{Aᵀs} ds by power series, for small A."""
    step, power = np.eye(A.shape[-1]) + A, A
    noise, term = source, source
    for i in range(2, terms):
        power = power @ A / i
        step = step + power
        term = (A @ term + term @ A.swapaxes(-1, -2)) / i
        noise = noise + term
    return step, noise


def drift_and_diffusion(D: np.ndarray, h: np.ndarray, gamma: np.ndarray, M: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The published drift plus diffusion of momentum, with its limit at h = 0."""
    y = 2 * h * t / (gamma * M)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Without noise nothing spreads, however fast a deviation would grow.
        spread = np.where(D == 0, 0.0, np.where(y == 0, 1.0, -np.expm1(-y) / y))
    return D / (gamma**3 * M**2) * np.expm1(-gamma * t) ** 2 + 2 * D * t / (gamma * M) ** 2 * spread


def drift_share(x: np.ndarray) -> np.ndarray:
    """Published drift over published diffusion of momentum, without the cancellation at small x."""
    return np.expm1(-x) ** 2 / (2 * x)


def bias_corrected_msd(beta: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Σ c_k² of bias-corrected momentum, by recursion over the steps.

    Args:
        beta: Momentum, 0 <= beta <= 1; broadcasts.
        T: Number of steps, >= 1.

    Returns:
        The sum, in the broadcast shape.
    """
    beta, T = np.broadcast_arrays(beta, T)
    weight, total, cross, squares = (np.zeros(beta.shape) for _ in range(4))
    result = np.zeros(beta.shape)
    for step in range(1, int(T.max()) + 1):
        weight = beta * weight + 1  # (1 - β^step)/(1 - β)
        squares = beta**2 * squares + 1
        total = total + 2 * beta * cross / weight + squares / weight**2
        cross = beta * cross + squares / weight
        result = np.where(step == T, total, result)
    return result


def shuffled_variance(eta: np.ndarray, h: np.ndarray, C: np.ndarray, n_batches: np.ndarray) -> np.ndarray:
    """Stationary variance of SGD under shuffled epochs, mean over an epoch, without the formula's cancellations.

    Args:
        eta: Learning rate, θ²/L; all arguments broadcast.
        h: Curvature, L/θ².
        C: Noise variance, (L/θ)².
        n_batches: Minibatches in an epoch.

    Returns:
        Variance, units θ², in the broadcast shape.
    """
    points = np.broadcast(eta, h, C, n_batches)
    out = [e**2 * c * _mean_over_epoch(e * x, int(n)) for e, x, c, n in points]
    return np.array(out).reshape(points.shape)


def _mean_over_epoch(rate: float, n: int) -> float:
    """Mean over an epoch of the variance in units of η²C, by sums of squared deviations."""
    powers = (1 - rate) ** np.arange(n)
    if rate < 0.5:  # powers close to 1: their differences are what counts
        powers_less_one = np.expm1(np.arange(n) * np.log1p(-rate))
        whole = np.sum((powers_less_one - powers_less_one.mean()) ** 2)
    else:
        whole = np.sum((powers - powers.mean()) ** 2)
    squares, sums = np.cumsum(powers**2), np.cumsum(powers)
    inside = np.sum((squares - sums**2 / n)[:-1])
    start = whole / -np.expm1(2 * n * log_abs_one_minus(np.asarray(rate)))
    return float(n / (n - 1) * (start * squares[-1] + inside) / n)


def in_eigenbasis(claim_id: str, eta: np.ndarray, H: np.ndarray, C: np.ndarray, **scalars: np.ndarray) -> Change:
    """Write a covariance statement in the eigenbasis of the Hessian, where it holds entry by entry.

    Args:
        claim_id: Named in error messages.
        eta: Learning rate, a scalar.
        H: Hessian, shape (..., d, d), symmetric.
        C: Noise covariance, shape (..., d, d), symmetric positive semidefinite.
        **scalars: Further arguments without directions, such as beta.

    Returns:
        Arrays for the scalars, eta, h_i, h_j, C_ij, and the map of a matrix in the eigenbasis back to the given basis.

    Raises:
        ValueError: If a matrix is not square, not symmetric, of another size, or C has a negative variance.
    """
    for name, matrix in {"H": H, "C": C}.items():
        if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
            raise ValueError(f"{claim_id}: {name} must be a square matrix, got shape {matrix.shape}.")
        if not np.allclose(matrix, matrix.swapaxes(-1, -2), rtol=1e-8, atol=1e-12 * np.abs(matrix).max()):
            raise ValueError(f"{claim_id}: {name} must be symmetric; pass (A + A.T) / 2 if it is so up to rounding.")
    if H.shape[-1] != C.shape[-1]:
        raise ValueError(f"{claim_id}: H and C must be of one size, got {H.shape[-1]} and {C.shape[-1]}.")
    variances = np.linalg.eigvalsh(C)
    if variances.min() < -1e-10 * max(np.abs(variances).max(), 1e-300):
        raise ValueError(f"{claim_id}: C must have no negative variance, its lowest eigenvalue is {variances.min():g}.")
    curvature, U = np.linalg.eigh(H)
    arrays = {
        **{name: x[..., None, None] if x.ndim else x for name, x in {"eta": eta, **scalars}.items()},
        "h_i": curvature[..., :, None],
        "h_j": curvature[..., None, :],
    }
    return arrays | {"C_ij": U.swapaxes(-1, -2) @ C @ U}, lambda matrix: U @ matrix @ U.swapaxes(-1, -2)


def averaged_in_eigenbasis(claim_id: str, eta: np.ndarray, H_mean: np.ndarray, C_mean: np.ndarray) -> Change:
    """As `in_eigenbasis`, for Hessian and noise that are averages over a state."""
    return in_eigenbasis(claim_id, eta, H_mean, C_mean)

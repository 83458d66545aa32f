"""Stationary laws around a quadratic minimum: exact numerics and simulation.

Points are chosen by eta*h, the only dimensionless group beside beta that matters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import simulate
from inertialab.experiments.exact import recursion, stationary_moments
from inertialab.verification.check import Check, OrderCheck
from inertialab.verification.interval import Estimate
from inertialab.verification.measure import mean_product, mean_square
from inertialab.verification.study import Findings, Measurement, Study
from inertialab.verification.verdict import Verdict

Tick = Callable[[], None]
Points = Sequence[Mapping[str, float]]


def relaxation_steps(A: np.ndarray, remainder: float = 1e-6) -> int:
    """Steps after which the variance of a linear recursion is this close to its stationary value, relatively."""
    radius = np.abs(np.linalg.eigvals(A)).max()
    return max(1, int(np.ceil(np.log(remainder) / (2 * np.log(radius))))) if radius > 0 else 1


def solved(optimizer: str, points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary variance from SciPy's discrete Lyapunov solver."""
    found = []
    for point in points:
        A, kick = recursion(optimizer, **{k: v for k, v in point.items() if k != "C"})
        moments = stationary_moments(A, point["C"] * kick @ kick.T)
        found.append(Measurement("variance", point, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


def solved_matrix(
    problems: Sequence[Mapping[str, Any]], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary covariance from SciPy's discrete Lyapunov solver."""
    found = []
    for point in problems:
        H = np.array(point["H"])
        S = stationary_moments(np.eye(len(H)) - point["eta"] * H, point["eta"] ** 2 * np.array(point["C"]))
        entries = [(i, j) for i in range(len(H)) for j in range(i + 1)]
        found += [Measurement("covariance", point, Estimate(float(S[e])), entry=e) for e in entries]
    return Findings(tuple(found))


def equilibrium(
    optimizer: str, points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary variance of particles under the real optimizer, from rest, after the variance has relaxed."""
    found = []
    for point in points:
        settings = {k: v for k, v in point.items() if k not in ("h", "C")}
        A, _ = recursion(optimizer, h=point["h"], **settings)
        end = [relaxation_steps(A)]
        shape = {"hessian": point["h"], "noise_covariance": point["C"], "particles": particles, "times": end}
        positions = simulate(optimizer, settings, **shape, rng=rng, device=device, tick=tick)[0]
        found.append(Measurement("variance", point, mean_square(positions[:, 0])))
    return Findings(tuple(found))


def equilibrium_matrix(
    problems: Sequence[Mapping[str, Any]],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Stationary covariance of SGD when Hessian and noise covariance do not commute."""
    found = []
    for point in problems:
        H, C = np.array(point["H"]), np.array(point["C"])
        end = [relaxation_steps(np.eye(len(H)) - point["eta"] * H)]
        shape = {"hessian": H, "noise_covariance": C, "particles": particles, "times": end}
        positions = simulate("sgd", {"eta": point["eta"]}, **shape, rng=rng, device=device, tick=tick)[0]
        entries = [(i, j) for i in range(len(H)) for j in range(i + 1)]
        found += [Measurement("covariance", point, mean_product(positions, *e), entry=e) for e in entries]
    return Findings(tuple(found))


def _sgd_points(*curvatures: float) -> list[dict[str, float]]:
    return [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in curvatures]


def _momentum_points(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"eta": 0.5, "h": h, "C": 0.7, "beta": beta} for h, beta in pairs]


def _rotated(angle: float, eigenvalues: tuple[float, float]) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    return R @ np.diag(eigenvalues) @ R.T


MATRICES = [
    {"eta": 0.5, "H": _rotated(0.6, (0.4, 3.0)).tolist(), "C": _rotated(-0.5, (0.2, 2.0)).tolist()},
    {"eta": 0.1, "H": _rotated(1.2, (1.0, 4.0)).tolist(), "C": _rotated(0.3, (1.5, 0.1)).tolist()},
    {"eta": 1.0, "H": _rotated(0.2, (0.5, 1.5)).tolist(), "C": _rotated(0.9, (1.0, 0.3)).tolist()},
]
EMA_POINTS = _momentum_points((0.2, 0.9), (2.0, 0.9), (2.0, 0.5), (6.0, 0.3), (0.4, 0.6))
TORCH_POINTS = _momentum_points((0.02, 0.9), (0.2, 0.9), (2.0, 0.9), (3.0, 0.5), (0.4, 0.6))
MANY = 400_000

STUDIES = (
    Study("sgd-lyapunov", solved, {"optimizer": "sgd", "points": _sgd_points(0.001, 0.1, 1.0, 1.5, 1.99)}),
    Study("ema-lyapunov", solved, {"optimizer": "momentum-ema", "points": EMA_POINTS}),
    Study("torch-lyapunov", solved, {"optimizer": "momentum-torch", "points": TORCH_POINTS}),
    Study("sgd-lyapunov-matrix", solved_matrix, {"problems": MATRICES}),
    Study(
        "sgd-minimum",
        equilibrium,
        {"optimizer": "sgd", "points": _sgd_points(0.02, 0.05, 0.2, 0.4, 0.8, 1.0, 1.5), "particles": MANY},
        full={"particles": 4 * MANY},
    ),
    Study(
        "ema-minimum",
        equilibrium,
        {"optimizer": "momentum-ema", "points": EMA_POINTS, "particles": MANY},
        full={"particles": 4 * MANY},
    ),
    Study(
        "torch-minimum",
        equilibrium,
        {"optimizer": "momentum-torch", "points": TORCH_POINTS, "particles": MANY},
        full={"particles": 4 * MANY},
    ),
    Study(
        "sgd-minimum-matrix",
        equilibrium_matrix,
        {"problems": MATRICES, "particles": MANY},
        full={"particles": 4 * MANY},
    ),
)

CHECKS = (
    Check("sgd.stationary-variance", "numerics", "sgd-lyapunov", "variance", 1e-9),
    Check("sgd.stationary-variance", "simulation", "sgd-minimum", "variance", 0.02),
    Check("sgd.stationary-covariance", "numerics", "sgd-lyapunov-matrix", "covariance", 1e-9),
    Check("sgd.stationary-covariance", "simulation", "sgd-minimum-matrix", "covariance", 0.02),
    Check("momentum.stationary-variance", "numerics", "ema-lyapunov", "variance", 1e-9),
    Check("momentum.stationary-variance", "simulation", "ema-minimum", "variance", 0.02),
    Check("momentum.stationary-variance-torch", "numerics", "torch-lyapunov", "variance", 1e-9),
    Check("momentum.stationary-variance-torch", "simulation", "torch-minimum", "variance", 0.02),
    Check(
        "sgd.stationary-variance-ou",
        "simulation",
        "sgd-minimum",
        "variance",
        0.05,
        where=lambda p: p["eta"] * p["h"] <= 0.05,
    ),
    # Negative control: outside its regime, eta*h = 1 among the points, continuous time must be refuted.
    Check(
        "sgd.stationary-variance-ou",
        "simulation",
        "sgd-minimum",
        "variance",
        0.05,
        where=lambda p: p["eta"] * p["h"] >= 0.2,
        expected=Verdict.REFUTED,
    ),
    OrderCheck(
        "sgd.stationary-variance-ou",
        "simulation",
        "sgd-minimum",
        "variance",
        0.1,
        where=lambda p: p["eta"] * p["h"] >= 0.2,
    ),
)

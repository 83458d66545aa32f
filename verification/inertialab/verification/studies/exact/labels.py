"""SGD on noisy labels along the valley of the product model uv: its drift from the chain itself."""

from collections.abc import Mapping
from math import factorial
from typing import Any

import numpy as np
import torch
from numpy.polynomial import hermite_e

from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

DEGREE = 8
NODES = 11


def drifts(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean velocity along the valley uv = target, per dynamical time, and the place where it was found.

    The mean change of the imbalance u² - v² in a step is carried backwards, as a polynomial around the place of the
    start, until what the start was across the valley is forgotten.

    Args:
        points: `eta`, `sigma`, `B` labels in a batch, and place `u`, `v` of the start, on the valley.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        imbalance, change = _drift(point)
        about = {**point, **place(point, imbalance + change / 2)}
        velocity = change / (2 * about["h"] ** 0.5) / point["eta"]
        found.append(Measurement("velocity", about, Estimate(float(velocity))))
        tick()
    return Findings(tuple(found))


def place(point: Mapping[str, float], imbalance: float) -> dict[str, float]:
    """Sharpness, its slope by arc length towards larger imbalance, and largest second derivative of uv.

    Args:
        point: `u`, `v` of any place of the valley.
        imbalance: u² - v² of the place meant.
    """
    h = float(np.hypot(imbalance, 2 * point["u"] * point["v"]))
    return {"h": h, "h_slope": 2 * imbalance / h**0.5, "bend": 1.0}


def relaxation(point: Mapping[str, float]) -> float:
    """Steps in which a deviation across the valley falls to 1/e, by the Hessian of the loss without noise."""
    rate = point["eta"] * (point["u"] ** 2 + point["v"] ** 2)
    return 1 / max(-np.log(abs(1 - rate)), 1e-9) if rate != 1 else 0.0


def _drift(point: Mapping[str, float]) -> tuple[float, float]:
    """Mean imbalance after the start is forgotten, and its mean change in the step that follows."""
    start = np.array([point["u"], point["v"]])
    across = start[::-1] / np.linalg.norm(start)
    h = float(start @ start)
    width = (point["eta"] / (point["B"] * (2 - point["eta"] * h))) ** 0.5 * point["sigma"]
    frame = width * np.stack([across, [across[1], -across[0]]])
    nodes, share = _gauss(NODES)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    places = start + grid @ frame
    project = _basis(grid).T * np.outer(share, share).ravel()
    labels, weights = _gauss(NODES)
    operator = np.zeros((len(project), len(project)))
    change = np.zeros(len(places))
    for label, weight in zip(labels, weights, strict=True):
        moved = _step(point, places, label * point["sigma"] / point["B"] ** 0.5)
        operator += weight * project @ _basis((moved - start) @ np.linalg.inv(frame))
        change += weight * (_imbalance(moved) - _imbalance(places))
    here = _basis(np.zeros((1, 2)))[0]
    gone, rate = 0.0, project @ change
    for _ in range(int(np.ceil(10 * relaxation(point))) + 1):
        gone += float(here @ rate)
        rate = operator @ rate
    return float(_imbalance(start) + gone), float(here @ rate)


def _imbalance(places: np.ndarray) -> np.ndarray:
    return places[..., 0] ** 2 - places[..., 1] ** 2


def _gauss(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the mean over a standard normal number."""
    nodes, weights = hermite_e.hermegauss(number)
    return nodes, weights / weights.sum()


def _basis(grid: np.ndarray) -> np.ndarray:
    """Normalised products of Hermite polynomials of limited total degree."""
    sizes = np.sqrt([factorial(n) for n in range(DEGREE + 1)])
    one, two = (hermite_e.hermevander(x, DEGREE) / sizes for x in grid.T)
    return np.stack([one[:, i] * two[:, j] for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)], axis=1)


def _step(point: Mapping[str, Any], places: np.ndarray, label: float) -> np.ndarray:
    """Places after a step of SGD on the squared loss of one noisy label."""
    theta = torch.tensor(places, requires_grad=True)
    residual = theta.prod(1) - point["u"] * point["v"] - label
    (residual**2 / 2).sum().backward()
    OPTIMIZERS["sgd"].make([theta], eta=point["eta"]).step()
    return theta.detach().numpy()

"""Points of escape studies from what does not depend on units: ratios of curvatures, exponents, how slow and how long.

The distance of minimum and saddle is 1, which is a choice of unit.
"""

from typing import Any

import numpy as np

from inertialab.verification.studies.wells import curvatures, metastable, orbit_action

Point = dict[str, float]


def sgd_climb(ratio: float, share: float, exponent: float, height: float, barrier: float = 1.0) -> Point:
    """SGD in minibatch noise.

    Args:
        ratio: Curvature of the minimum over that of the saddle.
        share: Of the exponent that is climbed with the noise of the minimum.
        exponent: Of the escape time.
        height: BΔL.
        barrier: ΔL.
    """
    Ha, Hb = _ends(ratio, barrier)
    s = _level(share, Ha / Hb)
    eta = 2 * height / exponent * (s / Ha + (1 - s) / Hb)
    return {"ratio": ratio, "barrier": barrier, "s": s, "B": height / barrier, "eta": eta}


def adam_climb(ratio: float, share: float, exponent: float, memory: float, slow: float, barrier: float = 1.0) -> Point:
    """Adam whose second moment follows the noise.

    Args:
        ratio: As for `sgd_climb`.
        share: As for `sgd_climb`.
        exponent: As for `sgd_climb`.
        memory: 1 - β₂, times the exponent.
        slow: η√(BH), over 1 - β₂ and what the law allows at these curvatures.
        barrier: ΔL.
    """
    Ha, Hb = _ends(ratio, barrier)
    s = _level(share, (Ha / Hb) ** 0.5)
    forgotten = memory / exponent
    rate = slow * forgotten / (8 + 250 * abs(np.log(ratio)))
    climb = barrier * (s / Ha**0.5 + (1 - s) / Hb**0.5)
    given = {"ratio": ratio, "barrier": barrier, "s": s, "beta2": 1 - forgotten}
    return given | _adam(exponent, climb, rate, max(Ha, Hb))


def even_climb(uneven: float, share: float, exponent: float, memory: float, rate: float, barrier: float = 1.0) -> Point:
    """Adam between a minimum and a saddle of nearly the same curvature, where the second moment has little to follow.

    Args:
        uneven: Logarithm of the ratio of curvatures, over what the law allows.
        share: As for `sgd_climb`.
        exponent: As for `sgd_climb`.
        memory: 1 - β₂, times the exponent.
        rate: Rate of relaxation, times the exponent.
        barrier: ΔL.
    """
    forgotten, relaxed = memory / exponent, rate / exponent
    ratio = float(np.exp(uneven * forgotten / relaxed / 250))
    Ha, Hb = _ends(ratio, barrier)
    s = _level(share, (Ha / Hb) ** 0.5)
    climb = barrier * (s / Ha**0.5 + (1 - s) / Hb**0.5)
    given = {"ratio": ratio, "barrier": barrier, "s": s, "beta2": 1 - forgotten}
    return given | _adam(exponent, climb, relaxed, max(Ha, Hb))


def frozen_climb(
    ratio: float, share: float, exponent: float, memory: float, slow: float, barrier: float = 1.0
) -> Point:
    """Adam whose second moment stays that of the minimum.

    Args:
        ratio: As for `sgd_climb`.
        share: As for `sgd_climb`.
        exponent: As for `sgd_climb`.
        memory: 1 - β₂, over the rate of relaxation.
        slow: The larger rate of relaxation, of minimum and saddle, times the exponent.
        barrier: ΔL.
    """
    Ha, Hb = _ends(ratio, barrier)
    s = _level(share, Ha / Hb)
    rate = slow / exponent * min(1.0, Ha / Hb)
    climb = barrier * (s / Ha**0.5 + (1 - s) * Ha**0.5 / Hb)
    given = {"ratio": ratio, "barrier": barrier, "s": s, "beta2": 1 - memory * rate}
    return given | _adam(exponent, climb, rate, Ha)


def batch_climb(rise: float, rate: float, memory: float, B: float, Ha: float, beta: float) -> Point:
    """Adam on a parabola.

    Args:
        rise: 2BΔL, the squared slope at the top over the noise.
        rate: Of relaxation, η√(BH).
        memory: 1 - β₂.
        B: Batch size.
        Ha: Curvature.
        beta: β.
    """
    return {"B": B, "Ha": Ha, "dL": rise / (2 * B), "eta": rate / (B * Ha) ** 0.5, "beta": beta, "beta2": 1 - memory}


def _adam(exponent: float, climb: float, rate: float, H: float) -> Point:
    """B and η from the exponent 2√B·climb/η and the rate η√(BH)."""
    B = rate * exponent / (2 * climb * H**0.5)
    return {"B": float(B), "eta": float(rate / (B * H) ** 0.5)}


def loss_climb(ratio: float, power: float, exponent: float) -> Point:
    """SGD under noise in proportion to the loss: power B/(ηh), exponent its product with ln(L_b/L_a)."""
    return {"ratio": ratio, "eta": 1e-5, "B": 1.0, "h": 1e5 / power, "L_a": float(1 / np.expm1(exponent / power))}


def inertial_climb(ratio: float, kappa: float, small: float, D: list[float]) -> dict[str, Any]:
    """Inertia 1 - κ with the diffusion D(x), a polynomial; `small` is 4ηH/κ at the larger curvature."""
    return {"ratio": ratio, "kappa": kappa, "eta": kappa * small / (4 * max(_ends(ratio))), "D": D}


def weak_climb(ratio: float, loss: float, exponent: float, friction: float) -> Point:
    """EMA momentum at weak friction over a barrier of one.

    Args:
        ratio: As for `sgd_climb`.
        loss: Δ, what an orbit at the height of the barrier loses, over the temperature: γ√M·action·exponent.
        exponent: ΔL/D.
        friction: 1 - β, of a step.
    """
    eta = friction * (orbit_action(metastable(1.0, ratio)) * exponent / loss) ** 2
    return {"ratio": ratio, "eta": eta, "beta": 1 - friction, "D": 1 / exponent}


def _ends(ratio: float, barrier: float = 1.0) -> tuple[float, float]:
    found = curvatures(metastable(barrier, ratio))
    return found["Ha"], found["Hb"]


def _level(share: float, ratio: float) -> float:
    """The s at which the first part of the way has this share of an exponent s + (1 - s)·ratio."""
    return share * ratio / (share * ratio + 1 - share)

"""Points of escape studies from what does not depend on units: ratios of curvatures, exponents, how slow and how long.

The barrier is 1, which is a choice of unit.
"""

from typing import Any

import numpy as np

from inertialab.verification.studies.wells import curvatures, metastable

Point = dict[str, float]


def sgd_climb(ratio: float, share: float, exponent: float, height: float) -> Point:
    """SGD in minibatch noise.

    Args:
        ratio: Curvature of the minimum over that of the saddle.
        share: Of the exponent that is climbed with the noise of the minimum.
        exponent: Of the escape time.
        height: BΔL.
    """
    Ha, Hb = _ends(ratio)
    s = _level(share, Ha / Hb)
    return {"ratio": ratio, "s": s, "B": height, "eta": 2 * height / exponent * (s / Ha + (1 - s) / Hb)}


def adam_climb(ratio: float, share: float, exponent: float, memory: float, slow: float) -> Point:
    """Adam whose second moment follows the noise.

    Args:
        ratio: As for `sgd_climb`.
        share: As for `sgd_climb`.
        exponent: As for `sgd_climb`.
        memory: 1 - β₂, times the exponent.
        slow: η√(BH), over 1 - β₂ and what the law allows at these curvatures.
    """
    Ha, Hb = _ends(ratio)
    s = _level(share, (Ha / Hb) ** 0.5)
    forgotten = memory / exponent
    rate = slow * forgotten / (8 + 250 * abs(np.log(ratio)))
    return _adam(ratio, s, exponent, s / Ha**0.5 + (1 - s) / Hb**0.5, rate, max(Ha, Hb)) | {"beta2": 1 - forgotten}


def frozen_climb(ratio: float, share: float, exponent: float, memory: float, slow: float) -> Point:
    """Adam whose second moment stays that of the minimum.

    Args:
        ratio: As for `sgd_climb`.
        share: As for `sgd_climb`.
        exponent: As for `sgd_climb`.
        memory: 1 - β₂, over the rate of relaxation.
        slow: The larger rate of relaxation, of minimum and saddle, times the exponent.
    """
    Ha, Hb = _ends(ratio)
    s = _level(share, Ha / Hb)
    rate = slow / exponent * min(1.0, Ha / Hb)
    climb = s / Ha**0.5 + (1 - s) * Ha**0.5 / Hb
    return _adam(ratio, s, exponent, climb, rate, Ha) | {"beta2": 1 - memory * rate}


def _adam(ratio: float, s: float, exponent: float, climb: float, rate: float, H: float) -> Point:
    """B and η from the exponent 2√B·climb/η and the rate η√(BH)."""
    B = rate * exponent / (2 * climb * H**0.5)
    return {"ratio": ratio, "s": s, "B": float(B), "eta": float(rate / (B * H) ** 0.5)}


def loss_climb(ratio: float, power: float, exponent: float) -> Point:
    """SGD under noise in proportion to the loss: power B/(ηh), exponent its product with ln(L_b/L_a)."""
    return {"ratio": ratio, "eta": 1e-5, "B": 1.0, "h": 1e5 / power, "L_a": float(1 / np.expm1(exponent / power))}


def inertial_climb(ratio: float, kappa: float, small: float, D: list[float]) -> dict[str, Any]:
    """Inertia 1 - κ with the diffusion D(x), a polynomial; `small` is 4ηH/κ at the larger curvature."""
    return {"ratio": ratio, "kappa": kappa, "eta": kappa * small / (4 * max(_ends(ratio))), "D": D}


def _ends(ratio: float) -> tuple[float, float]:
    found = curvatures(metastable(1.0, ratio))
    return found["Ha"], found["Hb"]


def _level(share: float, ratio: float) -> float:
    """The s at which the first part of the way has this share of an exponent s + (1 - s)·ratio."""
    return share * ratio / (share * ratio + 1 - share)

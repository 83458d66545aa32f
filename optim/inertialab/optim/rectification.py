"""The factor by which RAdam rectifies its step for the variance of its adaptive factor.

Source: liu2020variance, section 4 (wording not checked).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

Freedom = Literal["centre-of-mass", "satterthwaite"]
Variance = Literal["first-order", "exact"]


def degrees_of_freedom(beta2: float, step: int, kind: Freedom = "centre-of-mass") -> float:
    """Degrees of freedom ρ of the averaged squared gradient after some steps.

    Args:
        beta2: Decay of the second moment, in [0, 1).
        step: k >= 1.
        kind: "centre-of-mass": length of the plain average with the same centre of mass (liu2020variance);
            "satterthwaite": that with the same variance, (1 + β₂)/(1 - β₂) · (1 - β₂ᵏ)/(1 + β₂ᵏ).

    Returns:
        ρ, dimensionless; 1 after the first step, 2/(1 - β₂) - 1 after many.
    """
    power = beta2**step
    if kind == "satterthwaite":
        return (1 + beta2) / (1 - beta2) * (1 - power) / (1 + power)
    return 2 / (1 - beta2) - 1 - 2 * step * power / (1 - power)


def factor_variance(rho: float, kind: Variance = "first-order") -> float:
    """Variance of 1/√(χ²_ρ/ρ), the adaptive factor under Gaussian noise of variance one.

    Args:
        rho: Degrees of freedom; > 4 for "first-order", > 2 for "exact".
        kind: "first-order": the delta method, ρ/(2(ρ - 2)(ρ - 4)) (liu2020variance, eq. 5); "exact":
            ρ/(ρ - 2) - (ρ/2)[Γ((ρ - 1)/2)/Γ(ρ/2)]².

    Returns:
        The variance, dimensionless.
    """
    if kind == "first-order":
        return rho / (2 * (rho - 2) * (rho - 4))
    if rho > 1e4:
        # The two terms cancel to many digits; their expansion in 1/ρ is more accurate than lgamma.
        return 1 / (2 * rho) + 15 / (8 * rho**2)
    return rho / (rho - 2) - rho / 2 * math.exp(2 * (math.lgamma((rho - 1) / 2) - math.lgamma(rho / 2)))


def rectification(beta2: float, step: int, threshold: float, freedom: Freedom, variance: Variance) -> float | None:
    """The factor r, None where the degrees of freedom do not exceed the threshold.

    Args:
        beta2: Decay of the second moment.
        step: k >= 1.
        threshold: Degrees of freedom that must be exceeded.
        freedom: How they are counted.
        variance: Which variance is held constant.
    """
    rho = degrees_of_freedom(beta2, step, freedom)
    limit = 2 / (1 - beta2) - 1
    if rho <= threshold or limit <= threshold:
        return None
    return math.sqrt(factor_variance(limit, variance) / factor_variance(rho, variance))


def rectification_on_device(step: Tensor, settings: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """The factor r where the host does not know the step, and whether the degrees of freedom exceed the threshold.

    Args:
        step: k >= 1, one number.
        settings: Those of `RAdam`.
    """
    (_, beta2), threshold, exact = settings["betas"], settings["threshold"], settings["variance"] == "exact"
    limit = 2 / (1 - beta2) - 1
    power = beta2**step
    if settings["freedom"] == "satterthwaite":
        rho = (1 + beta2) / (1 - beta2) * (1 - power) / (1 + power)
    else:
        rho = limit - 2 * step * power / (1 - power)
    adaptive = (rho > threshold) & (limit > threshold)
    safe = torch.where(adaptive, rho, 5.0)
    if exact:
        ratio = 2 * (torch.lgamma((safe - 1) / 2) - torch.lgamma(safe / 2))
        variance = safe / (safe - 2) - safe / 2 * ratio.exp()
        variance = torch.where(safe > 1e4, 1 / (2 * safe) + 15 / (8 * safe**2), variance)
    else:
        variance = safe / (2 * (safe - 2) * (safe - 4))
    final = factor_variance(limit, settings["variance"]) if limit > threshold else 0.0
    return (final / variance).sqrt(), adaptive

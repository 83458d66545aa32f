"""How inert Adai makes the coordinates of a network."""

from __future__ import annotations

from typing import Any

import torch

from inertialab.optim import Adai

EDGES = [round(0.05 * i, 2) for i in range(21)]


def inertia(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Distribution of β₁ = clip(1 - β₀ v/v̄, 0, 1-ε) over all coordinates, as Adai's next step would have it.

    Args:
        optimizer: Adai or AdaiW with dampening 1.

    Returns:
        Edges of 20 bins, counts, mean, and the shares at 0 and at the bound 1-ε; nothing for other optimizers.
    """
    if not isinstance(optimizer, Adai):
        return {}
    group = optimizer.param_groups[0]
    parts = [optimizer.state[p]["exp_avg_sq"] for g in optimizer.param_groups for p in g["params"]]
    v = torch.cat([part.double().reshape(-1) for part in parts])
    bound = 1 - group["eps"]
    mean = v.mean().clamp_min(torch.finfo(v.dtype).tiny)  # gradients that are all zero make every coordinate inert
    beta1 = (1 - group["betas"][0] * v / mean).clamp(0, bound)
    counts = torch.histc(beta1.float().cpu(), len(EDGES) - 1, 0, 1)
    return {
        "inertia": {
            "edges": EDGES,
            "counts": [int(n) for n in counts],
            "mean": float(beta1.mean()),
            "at 0": float((beta1 == 0).double().mean()),
            "at the bound": float((beta1 == bound).double().mean()),
        }
    }

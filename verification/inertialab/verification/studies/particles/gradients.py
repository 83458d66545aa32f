"""Noisy gradients of one parameter for independent particles: losses to the fourth order, noise of several laws."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Law = Callable[[Tensor, torch.Generator], Tensor]


def _uniform01(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(like.shape, dtype=like.dtype, device=like.device, generator=generator)


def _gaussian(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, dtype=like.dtype, device=like.device, generator=generator)


def _exponential(like: Tensor, generator: torch.Generator) -> Tensor:
    return -torch.log1p(-_uniform01(like, generator)) - 1


def _uniform(like: Tensor, generator: torch.Generator) -> Tensor:
    return (_uniform01(like, generator) - 0.5) * 12**0.5


def _laplace(like: Tensor, generator: torch.Generator) -> Tensor:
    place = 2 * _uniform01(like, generator) - 1
    return -place.sign() * torch.log1p(-place.abs()) / 2**0.5


def _two_valued(chance: float) -> tuple[Law, float, float]:
    """A rare value below the mean with this chance, and what it has of moments."""
    low, high = -(((1 - chance) / chance) ** 0.5), (chance / (1 - chance)) ** 0.5

    def law(like: Tensor, generator: torch.Generator) -> Tensor:
        rare = _uniform01(like, generator) < chance
        return high + (low - high) * rare.to(like.dtype)

    skewness = (2 * chance - 1) / (chance * (1 - chance)) ** 0.5
    return law, skewness, 1 + skewness**2


LAWS: dict[str, tuple[Law, float, float]] = {
    "gaussian": (_gaussian, 0.0, 3.0),
    "exponential": (_exponential, 2.0, 9.0),
    "uniform": (_uniform, 0.0, 1.8),
    "laplace": (_laplace, 0.0, 6.0),
    "two-valued": _two_valued(0.2),
    "uneven": _two_valued(0.34),
}
"""Noise of mean zero and variance one, with its third moment and its fourth, the kurtosis."""


def noisy_gradient(point: Mapping[str, Any], generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Gradient of hθ²/2 + L3 θ³/6 + L4 θ⁴/24 with noise of variance C + c2 θ².

    Args:
        point: `h`, `C`, and where they are not zero `L3`, `L4`, `c2`; the `law` of the noise, Gaussian by default.
        generator: Source of the noise.
    """
    number, *_ = LAWS[point.get("law", "gaussian")]
    spread = point.get("c2", 0.0)

    def gradient(x: Tensor) -> Tensor:
        size = (point["C"] + spread * x**2).sqrt() if spread else point["C"] ** 0.5
        return slope(point, x) + size * number(x, generator)

    return gradient


def slope(point: Mapping[str, Any], x: Tensor) -> Tensor:
    """L', shape of x."""
    return x * (point["h"] + x * (point.get("L3", 0.0) / 2 + x * point.get("L4", 0.0) / 6))


def curvature(point: Mapping[str, Any], x: Tensor) -> Tensor:
    """L'', shape of x."""
    return point["h"] + x * (point.get("L3", 0.0) + x * point.get("L4", 0.0) / 2)

"""Extreme eigenpairs of a symmetric operator by Lanczos iteration, each with its residual."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.krylov import Krylov, Ritz
from inertialab.verification.measure.operators import Operator

Which = Literal["LA", "SA", "LM"]
SIGNS: dict[str, tuple[int, ...]] = {"LA": (1,), "SA": (-1,), "LM": (1, -1)}  # ends of the spectrum that count
FEWEST_STEPS = 4  # of a challenge that may end without a proof
SETTLED = 1.2  # growth of a tolerance with a product below which a share is mixed in: early, since it needs to grow
LEFT = 0.3  # residual that a direction mixed into a sequence may leave behind, in units of the tolerance


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenpairs with their errors.

    Attributes:
        values: Eigenvalues in the order asked for, shape (k,), units of the operator.
        vectors: Orthonormal eigenvectors as columns, shape (P, k).
        residuals: |A v - λ v| of each, shape (k,); an eigenvalue of A lies within it of every value.
        matvecs: Number of products used.
        converged: Whether every residual is within the tolerance asked for, and a search for further copies ended.
        resolution: Rounding error of an eigenvalue: eight units of rounding of the largest magnitude seen.
        record: What was measured, and how.
        runner_up: Approximate eigenvector of the pair that comes next, shape (P,); None where the basis has no more.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    matvecs: int
    converged: bool
    resolution: float
    record: Mapping[str, Any]
    runner_up: Tensor | None = None

    @property
    def signs_known(self) -> Tensor:
        """Whether the sign of each value is beyond its residual and the rounding error, shape (k,)."""
        return self.values.abs() > self.residuals.clamp(min=self.resolution)

    @property
    def note(self) -> str:
        """What must be known before the numbers are used; empty when there is nothing to say."""
        sentences = [self.record["note"]] if "note" in self.record else []
        if not self.converged:
            sentences.append(
                f"Not converged: a residual of {float(self.residuals.max()):.1e} remains, or products did not suffice "
                "to look for further copies."
            )
        if not self.signs_known.all():
            sentences.append(
                f"In {self.record.get('dtype', 'this precision')} the sign of an eigenvalue below "
                f"{self.resolution:.1e}, or below its residual, is not known."
            )
        return " ".join(sentences)


@unrounded
def top_eigenpairs(
    operator: Operator,
    k: int,
    which: Which = "LA",
    rtol: float = 1e-3,
    *,
    generator: torch.Generator,
    start: Tensor | None = None,
    max_matvecs: int | None = None,
) -> Eigenpairs:
    """Extreme eigenpairs by Lanczos iteration with full reorthogonalisation and a residual stop.

    The basis is kept orthogonal to rounding, so no ghost copies appear. A Krylov space holds one vector of each
    eigenspace, and one that is spoilt by its start may miss some, so pairs that have converged are challenged: by a
    sequence from a random vector that is orthogonal to all before, until an eigenvalue beyond the last of them, of
    which that vector has a usual share, would have shown itself. What it finds is kept, and challenged again. So
    repeated eigenvalues are found as often as they occur. Without a `start` it takes no sequence of its own to see
    whether there are any: a little of a second random vector, so little that it leaves no residual that counts, is
    mixed into the sequence on its way, and shows copies beside the values that the first has found. The whole
    projection QᵀAQ is kept instead of its tridiagonal part, so the residuals hold without further products, and hold
    also for what rounding adds. Source: parlett1998symmetric, chapter 13.

    Args:
        operator: Symmetric operator.
        k: Number of pairs, 1 <= k <= P.
        which: "LA" largest, "SA" smallest, "LM" largest in magnitude.
        rtol: Largest residual relative to |λ| of the pair; for pairs under a hundredth of the largest
            |eigenvalue| seen, relative to that hundredth.
        generator: Source of the start vector.
        start: Start vector, shape (P,), in the place of a random one: a sum of earlier eigenvectors saves products. Of
            two rows, (2, P), the second is mixed into the vectors of challenges, as an earlier `runner_up`. By default
            several pairs start from `operator.start` where there is one.
        max_matvecs: Most products; by default P, or as many as vectors fit into the operator's memory.

    Returns:
        Pairs with residuals; `converged` says whether the tolerance is met. A challenge of pairs that do not stand out
        from what is below them ends without a proof: the record's "none hidden beyond" is the level from which on
        nothing is missing, None where all directions are exhausted or a random start made a challenge needless.

    Raises:
        ValueError: If k or which is out of range, a product is not finite, or the operator is not symmetric.

    Example:
        >>> A = Operator.of_matrix(torch.diag(torch.tensor([3.0, 1.0, -4.0], dtype=torch.float64)))
        >>> pairs = top_eigenpairs(A, 1, "LM", generator=torch.Generator().manual_seed(0))
        >>> round(float(pairs.values), 9), pairs.matvecs
        (-4.0, 3)
    """
    if not 1 <= k <= operator.size:
        raise ValueError(f"k must be between 1 and the number of parameters, {operator.size}; got {k}.")
    if which not in ("LA", "SA", "LM"):
        raise ValueError(f"which must be 'LA', 'SA' or 'LM', got {which!r}.")
    limit = operator.vectors(min(operator.size, max_matvecs or operator.size))
    if limit < k:
        raise ValueError(f"{k} pairs need as many vectors; products or memory suffice for {limit}. Allow more.")
    # The other end of a spectrum may lie at zero, of which an image has nothing; one pair is not challenged.
    begin = operator.start if start is None and k > 1 and which != "SA" else start
    krylov = Krylov(operator, generator, begin)
    ritz, chosen, converged = _iterated(krylov, k, which, rtol, limit, start is None)
    record = {**operator.record, "estimator": "Lanczos", "which": which, "rtol": rtol, "matvecs": krylov.products}
    rest = [i for i in _select(ritz.values, which).tolist() if i not in set(chosen.tolist())][:1]
    return Eigenpairs(
        ritz.values[chosen].to(operator.device),
        krylov.lift(ritz.vectors[:, chosen]).T,
        ritz.residuals[chosen].to(operator.device),
        krylov.products,
        converged,
        8 * torch.finfo(operator.dtype).eps * ritz.scale,
        {**record, "none hidden beyond": _shown(krylov, ritz, which)},
        krylov.lift(ritz.vectors[:, rest])[0] if rest else None,
    )


def _iterated(krylov: Krylov, k: int, which: Which, rtol: float, limit: int, cold: bool) -> tuple[Ritz, Tensor, bool]:
    """Grow the basis until k pairs are found or the products are used up: all pairs, which are meant, whether found."""
    challenged: Tensor | None = None  # the pairs that the last sequence challenges
    look = min(3 * k // 2, k + 1)  # products at which residuals are looked at next
    narrow = 0.0  # tolerance of the narrowest pair at the last look
    while True:
        krylov.grow()
        if krylov.products < min(look, limit) and not krylov.closed:
            continue
        ritz = krylov.ritz()
        chosen = _select(ritz.values, which)[:k]
        values = ritz.values[chosen]
        tolerance = rtol * values.abs().clamp(min=0.01 * ritz.scale)
        ratios = (ritz.residuals[chosen] / tolerance).nan_to_num()
        worst = int(ratios.argmax())
        excess = float(ratios[worst]) if len(chosen) == k else math.inf
        found = excess <= 1
        if krylov.products == krylov.operator.size:
            return ritz, chosen, found
        single = cold and k == 1 and krylov.products > 1 and not krylov.closed
        stood = found and (single or _stood(krylov, values, tolerance, challenged))
        if stood and (single or krylov.closed or _excluded(krylov, ritz, which, values[-1], tolerance[-1])):
            return ritz, chosen, True
        if krylov.products == limit:
            return ritz, chosen, False
        if found and not stood:
            challenged = values
            krylov.turn()
        elif cold and k > 1 and krylov.begun == 0 and len(chosen) == k:
            before, narrow = narrow, float(tolerance.min())
            if narrow <= SETTLED * before:
                krylov.turn(min(0.5, LEFT * narrow / krylov.beta) ** 2)
            look = krylov.products + 1
            continue
        elif not found and len(chosen) == k:
            krylov.resume(ritz.vectors[:, chosen[worst]], float(tolerance[worst]))
        # Residuals seldom fall by more than a factor e with a product.
        look = krylov.products + max(1, int(math.log(min(max(excess, 1), 1e9))))


def _stood(krylov: Krylov, values: Tensor, tolerance: Tensor, challenged: Tensor | None) -> bool:
    """Whether the last sequence has shown none but the pairs that it challenged, or none twice where it was mixed."""
    if krylov.share == 0:
        return False  # the last sequence was none of a challenge
    if challenged is not None:
        return bool(((values - challenged).abs() <= tolerance).all())
    if krylov.share == 1 or _missing(krylov) > max(FEWEST_STEPS, krylov.products // 4):
        return False  # a sequence of its own is shorter
    order = values.argsort()
    return bool((values[order].diff() > tolerance[order][1:]).all())


def _excluded(krylov: Krylov, ritz: Ritz, which: Which, value: Tensor, tolerance: Tensor) -> bool:
    """Whether the challenge has shown, or gone on long enough to give up showing, that nothing beyond is missing."""
    if _missing(krylov) <= 0:
        return True  # the pairs do not stand out, and neither does what may be missing
    level = float(value.abs() if which == "LM" else SIGNS[which][0] * value) + float(tolerance)
    return all(_shows(krylov, ritz, sign, level) for sign in SIGNS[which])


def _missing(krylov: Krylov) -> float:
    """Products until a challenge may end without a proof; the less of the random vector it holds, the later."""
    return max(FEWEST_STEPS, krylov.begun // 4) + math.log(1 / krylov.share) - (krylov.products - krylov.begun)


def _shows(krylov: Krylov, ritz: Ritz, sign: int, level: float) -> bool:
    """Whether an eigenvalue beyond a level would have shown itself in the last sequence.

    Let a sequence of j products reach up to t, and the spectrum down to a. If there were an eigenvalue μ >= l > t whose
    vector has a share c in the start, the filter by the Chebyshev polynomial of degree j - 1 on [a, t] would give a
    Rayleigh quotient above t as soon as c² T(μ)² (l - t) > t - a. It has not. A random vector in P dimensions has
    c² > 0.01/P in 92% of cases; mixed into another, it has its share of that.
    """
    reached, lowest = float((sign * ritz.outside).max()), float((sign * ritz.values).min()) - krylov.beta
    width, gap = max(reached - lowest, 1e-300), level - reached
    if gap <= 0:
        return False
    growth = (krylov.products - krylov.begun - 1) * math.acosh(1 + 2 * gap / width)
    return 2 * (growth - math.log(2)) + math.log(gap / width) >= math.log(100 * krylov.operator.size / krylov.share)


def _shown(krylov: Krylov, ritz: Ritz, which: Which) -> float | None:
    """The level beyond which an eigenvalue would have shown itself; None where no challenge was made."""
    if krylov.begun == 0 or krylov.share == 0 or krylov.products - krylov.begun < 2:
        return None
    low, high = -ritz.scale, 2 * ritz.scale
    while not all(_shows(krylov, ritz, sign, high) for sign in SIGNS[which]):
        low, high = high, 2 * high
        if high > 1e6 * ritz.scale:
            return None
    while high - low > 1e-3 * ritz.scale:
        middle = (low + high) / 2
        shows = all(_shows(krylov, ritz, sign, middle) for sign in SIGNS[which])
        low, high = (low, middle) if shows else (middle, high)
    return -high if which == "SA" else high


def _select(values: Tensor, which: Which) -> Tensor:
    key = {"LA": values, "SA": -values, "LM": values.abs()}[which]
    return key.argsort(descending=True)

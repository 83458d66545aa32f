"""Trace by leaving each random vector out of the sketch that it tests."""

from __future__ import annotations

import torch
from torch import Tensor

from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.trace import TraceEstimate, products


@unrounded
def xtrace(operator: Operator, pairs: int = 100, *, generator: torch.Generator) -> TraceEstimate:
    """Trace by XTrace: every vector serves the sketch and, left out of it, tests what the others miss.

    With Q_i an orthonormal basis of A Ω without its column i and r_i = (I - Q_iQ_iᵀ)ω_i, value i is
    Tr Q_iᵀAQ_i + (P - m + 1) r_iᵀAr_i/|r_i|². The mean over i is unbiased for Gaussian ω; where the spectrum decays its
    error falls faster than that of Hutch++ for the same products. Values share their sketches and are not independent:
    the standard error made from their spread is of the right size, and no interval is promised. Source:
    epperly2024xtrace, exchangeable estimators (wording not checked).

    Args:
        operator: Symmetric operator of size P.
        pairs: Number m of random vectors, at least 2 and at most P; each takes two products.
        generator: Source of the random vectors.

    Returns:
        The trace; `converged` is always true, since no tolerance is asked for.

    Raises:
        ValueError: If there are too few or too many vectors, or a product is not finite.

    Example:
        What has a rank below the number of vectors is exact:

        >>> A = Operator.of_matrix(torch.diag(torch.tensor([5.0, 2.0, 0.0, 0.0, 0.0], dtype=torch.float64)))
        >>> round(xtrace(A, 4, generator=torch.Generator().manual_seed(0)).estimate.value, 9)
        7.0
    """
    if not 2 <= pairs <= operator.size:
        raise ValueError(f"XTrace needs between 2 and {operator.size} vectors, as many as parameters; got {pairs}.")
    omega = operator.random(pairs, generator)
    image = products(operator, omega)
    Q, R = torch.linalg.qr(image.T)
    H = (Q.T @ products(operator, Q.T.contiguous()).T).double()
    values = _left_out(omega @ Q, (omega * image).sum(1, dtype=torch.float64), R.double(), H, omega)
    record = {**operator.record, "estimator": "XTrace", "pairs": pairs, "matvecs": 2 * pairs}
    return TraceEstimate(Estimate.mean(values.cpu().numpy()), 2 * pairs, True, record)


def _left_out(W: Tensor, quadratic: Tensor, R: Tensor, H: Tensor, omega: Tensor) -> Tensor:
    """Values of all vectors from the one sketch, shape (m,).

    Args:
        W: ω_iᵀQ, shape (m, m).
        quadratic: ω_iᵀAω_i.
        R: QᵀAΩ.
        H: QᵀAQ.
        omega: Random vectors as rows.
    """
    m, P = omega.shape
    # Without column i the range loses the direction s_i, orthogonal to the images of all other vectors.
    # Of a range that is already complete it loses what QR has filled up with; a floor keeps the inverse finite.
    lowest = torch.finfo(R.dtype).eps * R.abs().max()
    R = R + torch.diag(torch.where(R.diagonal().abs() < lowest, lowest, 0.0))
    S = torch.linalg.solve_triangular(R, torch.eye(m, dtype=R.dtype, device=R.device), upper=True).T
    S = S / S.norm(dim=0)
    W = W.double().T
    inside = W - S * (S * W).sum(0)
    length = omega.double().square().sum(1) - inside.square().sum(0)
    rest = quadratic - 2 * (inside * R).sum(0) + (inside * (H @ inside)).sum(0)
    return torch.trace(H) - (S * (H @ S)).sum(0) + (P - m + 1) * rest / length

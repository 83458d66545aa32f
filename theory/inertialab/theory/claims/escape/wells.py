"""Curvatures of an escape as arguments: numbers, or arrays over the directions."""

import numpy as np

from inertialab.theory.regime import OutsideRegimeError
from inertialab.theory.statement import Change


def escape_curvatures(claim_id: str, Ha: np.ndarray, Hb: np.ndarray, **others: np.ndarray) -> Change:
    """Split curvatures into that of the escape direction and the ratio of determinants.

    Args:
        claim_id: Named in error messages.
        Ha: Curvatures at the minimum, L/θ²: a number, or shape (..., d) with the escape direction first.
        Hb: Magnitudes of the curvatures at the saddle, like Ha.
        **others: Arguments without directions, of the leading shape.

    Returns:
        Arrays for Ha and Hb of the escape direction, det_ratio and the others; results are not changed back.

    Raises:
        ValueError: If the numbers of directions differ.
    """
    a, b = _directions(claim_id, Ha, Hb)
    ratio = np.prod(b, axis=-1) / np.prod(a, axis=-1)
    return {**others, "Ha": a[..., 0], "Hb": b[..., 0], "det_ratio": ratio}, _unchanged


def straight_path(claim_id: str, Ha: np.ndarray, Hb: np.ndarray, **others: np.ndarray) -> Change:
    """The escape direction alone, if the others have the same curvature at both ends.

    Raises:
        ValueError: If the numbers of directions differ.
        OutsideRegimeError: If a transverse curvature changes; the escape is then not one-dimensional.
    """
    a, b = _directions(claim_id, Ha, Hb)
    if not np.allclose(a[..., 1:], b[..., 1:], rtol=1e-9):
        raise OutsideRegimeError(
            f"{claim_id} holds where transverse curvatures are the same at minimum and saddle, but they are "
            f"{a[..., 1:].tolist()} and {b[..., 1:].tolist()}. Pass the escape direction alone and multiply by the "
            "factor of sgd.entropic-factor, which needs the whole path."
        )
    return {**others, "Ha": a[..., 0], "Hb": b[..., 0]}, _unchanged


def _directions(claim_id: str, Ha: np.ndarray, Hb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.atleast_1d(x) for x in (Ha, Hb))
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"{claim_id}: Ha and Hb need one curvature for each direction, got {a.shape[-1]} and {b.shape[-1]}."
        )
    return a, b


def _unchanged(array: np.ndarray) -> np.ndarray:
    return array

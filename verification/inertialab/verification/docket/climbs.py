"""Points of escape studies: drawn by a fixed seed from what the laws allow, in numbers without units."""

from collections.abc import Iterator, Mapping

import numpy as np

from inertialab.verification.studies.wells import curvatures, metastable

RATIO = (0.25, 4.0)
"""Curvature of the minimum over that of the saddle."""
SHARE = (0.36, 0.64)
"""Share of the exponent that is climbed with the noise of the minimum."""


def drawn(name: str, count: int, **ranges: tuple[float, float]) -> Iterator[Mapping[str, float]]:
    """Points with logarithmically uniform values; the name of a study is the seed.

    Args:
        name: Of the study.
        count: Number of points.
        **ranges: Ends of the range of each value.
    """
    rng = np.random.default_rng([*name.encode()])
    for _ in range(count):
        yield {key: float(np.exp(rng.uniform(*np.log(ends)))) for key, ends in ranges.items()}


def sgd_climbs(name: str, count: int, **ranges: tuple[float, float]) -> list[dict[str, float]]:
    """Points for SGD in minibatch noise, from ratio, share, exponent and the size of BΔL."""
    points = []
    for p in drawn(
        name, count, **{"ratio": RATIO, "share": SHARE, "exponent": (12, 16), "height": (0.005, 0.02)} | ranges
    ):
        Ha, Hb = _ends(p)
        s = _share(p["share"], Ha / Hb)
        B = p["height"]  # in units in which the barrier is 1
        points.append({"ratio": p["ratio"], "s": s, "B": B, "eta": 2 * B / p["exponent"] * (s / Ha + (1 - s) / Hb)})
    return points


def adam_climbs(
    name: str, count: int, *, frozen: bool = False, **ranges: tuple[float, float]
) -> list[dict[str, float]]:
    """Points for Adam, from ratio, share, exponent, memory of the second moment, and how slowly the parameter moves.

    Args:
        name: Of the study.
        count: Number of points.
        frozen: Whether the second moment keeps its value; `memory` is then 1 - β₂ over the rate of relaxation, else
            times the exponent, and `slow` is the rate of relaxation times the exponent, else over 1 - β₂ and what the
            law allows.
        **ranges: Of these values.
    """
    usual = (
        {"memory": (0.0002, 0.002), "slow": (0.004, 0.02)} if frozen else {"memory": (0.01, 0.025), "slow": (0.3, 1)}
    )
    points = []
    for p in drawn(name, count, **{"ratio": RATIO, "share": SHARE, "exponent": (12, 15)} | usual | ranges):
        Ha, Hb = _ends(p)
        s = _share(p["share"], Ha / Hb if frozen else (Ha / Hb) ** 0.5)
        climb = s / Ha**0.5 + (1 - s) * (Ha**0.5 / Hb if frozen else Hb**-0.5)  # ηΦ/2√B
        if frozen:
            rate = p["slow"] / p["exponent"] * min(1.0, Ha / Hb)
            forgotten, H = p["memory"] * rate, Ha
        else:
            forgotten, H = p["memory"] / p["exponent"], max(Ha, Hb)
            rate = p["slow"] * forgotten / (8 + 250 * abs(np.log(p["ratio"])))
        B = rate * p["exponent"] / (2 * climb * H**0.5)
        eta = rate / (B * H) ** 0.5
        points.append({"ratio": p["ratio"], "s": s, "B": float(B), "eta": float(eta), "beta2": float(1 - forgotten)})
    return points


def _ends(point: Mapping[str, float]) -> tuple[float, float]:
    found = curvatures(metastable(1.0, point["ratio"]))
    return found["Ha"], found["Hb"]


def _share(share: float, ratio: float) -> float:
    """The s at which the first part of the way has this share of an exponent s + (1 - s)·ratio."""
    return share * ratio / (share * ratio + 1 - share)

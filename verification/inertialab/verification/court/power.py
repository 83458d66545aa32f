"""Can the court say no? Stored measurements judged again against wrong variants of each formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from inertialab.theory import claim
from inertialab.verification.court.families import Family, families
from inertialab.verification.court.judgement import Judgement, confirmed_values, value_judgements
from inertialab.verification.court.material import Material
from inertialab.verification.court.variants import variants

BAR = 0.95
"""Share of wrong variants that must be refuted."""
EXACT, OTHER, EXITS = 0.03, 0.1, 0.2
"""Errors of the prefactor from which on numerics and simulation of exact claims must refute, everything else, and exits
from minima of networks."""
COUNTED = frozenset({"minima.exits-linear", "sgd.quasi-potential-ellipsoid", "sgd.quasi-potential-plane"})
"""Claims whose exits are counted in real training. There third derivatives and noise that grows with the distance, of
which these laws say nothing, change a time by several percent: more counting would not bring a tenth into sight."""
OCTAVES = 20
"""Halvings of the largest error that are tried; what is seen a million times smaller is not resolved further."""
FLOOR = 1e-6
"""Size below which effects are not resolved."""
RESOLUTION = 1.05
"""How far above the true one a detectable effect may lie, as a factor."""


@dataclass(frozen=True)
class LayerPower:
    """What one layer's own measurements would have refuted.

    Attributes:
        effects: Size from which on each kind of error is refuted, in either direction; None for one that is not seen.
        survivors: Names of the wrong variants that the layer alone does not refute.
    """

    effects: Mapping[str, float | None]
    survivors: tuple[str, ...]


@dataclass(frozen=True)
class Power:
    """What wrong variants of one formula met.

    Attributes:
        tried: Number of variants.
        survivors: Names of those that no measurement refuted.
        layers: The same layer by layer, with the effects that each would have seen.
    """

    tried: int
    survivors: tuple[str, ...]
    layers: Mapping[str, LayerPower] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share refuted; 1 when the formula has no variant."""
        return 1 - len(self.survivors) / self.tried if self.tried else 1.0


def bar(id: str, kind: str, layer: str) -> float:
    """Error of the prefactor from which on a layer must refute; one that would miss it confirms weakly.

    Args:
        id: Of the claim.
        kind: Of the claim.
        layer: numerics, simulation or real; real training is never exactly what a claim assumes.
    """
    if layer == "real":
        return EXITS if id in COUNTED else OTHER
    return EXACT if kind == "exact" else OTHER


def power_of(id: str, judgements: Sequence[Judgement]) -> Power | None:
    """Judge the measurements that confirmed a claim against its wrong variants.

    A variant is refuted when at least one of them refutes it, at the level it was judged at. Measurements
    that did not confirm the claim are left out: they would refute a variant for free.

    Args:
        id: The claim.
        judgements: All of this claim.

    Returns:
        None if none of them is point by point and confirmed.
    """
    subject, mine = claim(id), value_judgements(judgements)
    if not mine:
        return None
    wrong = variants(subject)

    def survivors(material: Material) -> tuple[str, ...]:
        return tuple(name for name, e in wrong.items() if not material.refutes(material.predictions(e))[0])

    layers = {}
    for layer, its in confirmed_values(judgements).items():
        material = Material(subject, its)
        effects = {family.name: detectable_effect(family, material) for family in families(material)}
        layers[layer] = LayerPower(effects, survivors(material))
    return Power(len(wrong), survivors(Material(subject, mine)), layers)


def detectable_effect(family: Family, material: Material) -> float | None:
    """The size from which on every error of a family is refuted, in both directions.

    Args:
        family: Errors by size.
        material: Measurements.

    Returns:
        The larger of the two directions, to three digits; None if not even the largest error is refuted.
    """
    sizes = [_smallest_refuted(family, end, material) for end in (family.low, family.high)]
    return None if None in sizes else float(f"{max(filter(None, sizes)):.3g}")


def _smallest_refuted(family: Family, largest: float, material: Material) -> float | None:
    """Bisection down from the largest error, as far as all larger ones are refuted too; the size without its sign."""
    sizes = largest * 0.5 ** np.arange(OCTAVES + 1)
    seen = material.refutes(family.predictions(sizes))
    if not seen[0]:
        return None
    if seen.all():
        return float(abs(sizes[-1]))
    first_unseen = int(np.argmin(seen))
    refuted, missed = sizes[first_unseen - 1], sizes[first_unseen]
    while refuted / missed > RESOLUTION:
        middle = np.copysign(np.sqrt(refuted * missed), largest)
        if material.refutes(family.predictions(np.array([middle])))[0]:
            refuted = middle
        else:
            missed = middle
    return float(abs(refuted))

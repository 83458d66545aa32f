"""Heteroskedastic adaptive regularisation: penalties of the derivative, stronger where labels are noisy and rare."""

from typing import TYPE_CHECKING

from inertialab.theory.names import lazily

if TYPE_CHECKING:
    from inertialab.experiments.har.fit import HarFit, Recipe, har_fit
    from inertialab.experiments.har.penalty import JacobianPenalty
    from inertialab.experiments.har.strengths import GroupNoise, group_noise, har_strengths

_HOMES = {
    "inertialab.experiments.har.fit": ("HarFit", "Recipe", "har_fit"),
    "inertialab.experiments.har.penalty": ("JacobianPenalty",),
    "inertialab.experiments.har.strengths": ("GroupNoise", "group_noise", "har_strengths"),
}
__all__ = ["GroupNoise", "HarFit", "JacobianPenalty", "Recipe", "group_noise", "har_fit", "har_strengths"]

__getattr__, __dir__ = lazily(__name__, _HOMES)

"""Statements about the dynamics of optimizers, derived by SymPy and evaluated as numbers.

>>> import inertialab.theory
>>> round(inertialab.theory.claim("sgd.stationary-variance").predict(eta=0.1, h=1.0, C=0.5), 6)
0.026316
"""

from difflib import get_close_matches

from inertialab.theory import (
    adaptive,
    continuous,
    escape,
    fluctuation,
    minibatch,
    noise,
    saddle,
    stationary,
    transients,
)
from inertialab.theory.claim import Claim, Source
from inertialab.theory.derivation import NotProvenError, Step, proven
from inertialab.theory.regime import OutsideRegimeError, Regime

__all__ = [
    "CLAIMS",
    "Claim",
    "NotProvenError",
    "OutsideRegimeError",
    "Regime",
    "Source",
    "Step",
    "claim",
    "proven",
]

CLAIMS: tuple[Claim, ...] = (
    stationary.sgd_stationary_variance,
    stationary.sgd_stationary_covariance,
    stationary.sgd_stationary_variance_ou,
    stationary.momentum_conventions,
    stationary.momentum_stationary_variance,
    stationary.momentum_stationary_variance_torch,
    fluctuation.sgd_fluctuation_dissipation,
    fluctuation.sgd_fluctuation_dissipation_2,
    fluctuation.momentum_stationary_velocity,
    fluctuation.momentum_stationary_covariance_torch,
    fluctuation.sgd_shuffled_variance,
    continuous.sgd_isotropy,
    continuous.sgd_stationary_covariance_mandt,
    continuous.sgd_modified_equation_2,
    continuous.momentum_modified_equation,
    continuous.adam_stationary_variance,
    continuous.adai_stationary_variance,
    continuous.langevin_stationary_density,
    saddle.sgd_saddle_variance,
    saddle.sgd_saddle_variance_ou,
    saddle.momentum_saddle_msd,
    transients.momentum_saddle_msd_continuous,
    transients.momentum_saddle_msd_drift,
    transients.momentum_drift_bound,
    transients.momentum_growth_slower,
    transients.momentum_ballistic,
    transients.momentum_bias_correction,
    transients.adam_saddle_msd,
    transients.adai_saddle_msd,
    transients.adai_saddle_msd_attributed,
    escape.langevin_mean_first_passage,
    escape.langevin_eyring_kramers,
    escape.momentum_escape,
    escape.momentum_only_rescales,
    escape.sgd_escape_finite_step,
    escape.sgd_boundary_shift,
    minibatch.sgd_escape,
    minibatch.sgd_escape_attributed,
    minibatch.sgd_entropic_factor,
    minibatch.sgd_noise_cannot_vanish,
    minibatch.momentum_escape_attributed,
    minibatch.adam_escape,
    minibatch.adam_escape_attributed,
    minibatch.adam_batch_crossover,
    minibatch.adai_escape,
    minibatch.sgd_power_law,
    minibatch.levy_exit,
    minibatch.scaling_identity,
    noise.noise_hessian_proportional,
    noise.noise_squared_loss,
    noise.noise_saddle_zero,
    noise.noise_sampling,
    adaptive.adai_inertia_mean,
    adaptive.adai_scale_invariance,
    adaptive.adai_momentum_bias,
    adaptive.adai_convergence_attributed,
)
"""Every claim, in reading order: a claim stands after those it uses."""


def claim(id: str) -> Claim:
    """The claim of this id.

    Args:
        id: Permanent name such as `sgd.stationary-variance`.

    Raises:
        ValueError: If there is none; the sentence offers the nearest names.
    """
    by_id = {c.id: c for c in CLAIMS}
    if id in by_id:
        return by_id[id]
    nearest = get_close_matches(id, by_id, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(nearest)}?" if nearest else f"Known claims: {', '.join(by_id)}."
    raise ValueError(f"There is no claim {id!r}. {hint}")

"""Statements about the dynamics of optimizers, derived by SymPy and evaluated as numbers.

>>> import inertialab.theory
>>> round(inertialab.theory.claim("sgd.stationary-variance").predict(eta=0.1, h=1.0, C=0.5), 6)
0.026316
"""

from difflib import get_close_matches

from inertialab.theory import (
    adaptive,
    adaptive_escape,
    adaptive_saddle,
    continuous,
    escape,
    finite_step,
    fluctuation,
    inertia,
    minibatch,
    momentum_saddle,
    noise,
    power_laws,
    saddle,
    scaling,
    stationary,
    transients,
    turnover,
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
    momentum_saddle.momentum_growth_slower,
    momentum_saddle.momentum_ballistic,
    momentum_saddle.momentum_bias_correction,
    adaptive_saddle.adam_saddle_msd,
    adaptive_saddle.adai_saddle_msd,
    adaptive_saddle.adai_saddle_msd_attributed,
    escape.langevin_mean_first_passage,
    escape.langevin_eyring_kramers,
    inertia.momentum_escape,
    turnover.momentum_turnover,
    inertia.momentum_only_rescales,
    finite_step.sgd_escape_finite_step,
    finite_step.sgd_boundary_shift,
    minibatch.sgd_escape,
    minibatch.sgd_escape_attributed,
    minibatch.sgd_entropic_factor,
    minibatch.sgd_noise_cannot_vanish,
    inertia.momentum_escape_attributed,
    adaptive_escape.adam_escape,
    adaptive_escape.adam_escape_attributed,
    adaptive_escape.adam_batch_crossover,
    adaptive_escape.adai_escape,
    power_laws.sgd_power_law,
    power_laws.levy_exit,
    scaling.scaling_identity,
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

"""Real training: to a critical point, and along many independent chains around it."""

from inertialab.experiments.training.chains import Chains, run_chains
from inertialab.experiments.training.critical import NotConvergedError, Saddle, hessian_matrix, minimise, saddle
from inertialab.experiments.training.observers import Average, Crossings, Projections

__all__ = [
    "Average",
    "Chains",
    "Crossings",
    "NotConvergedError",
    "Projections",
    "Saddle",
    "hessian_matrix",
    "minimise",
    "run_chains",
    "saddle",
]

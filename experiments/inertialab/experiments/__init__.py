"""Raw data: simulations, exact numerics and real training. Nothing here judges.

>>> from inertialab.experiments import LANDSCAPES, Noise, System, simulate
>>> well = LANDSCAPES["double-well"].at()
>>> system = System(well, Noise.constant(well, 1.0), "adai", {"eta": 0.1, "beta0": 0.1, "beta2": 0.99, "eps": 1e-3})
>>> simulate(system, particles=1000, times=[100], seed=0).square.shape
(1, 1)
"""

from typing import TYPE_CHECKING

from inertialab.theory.names import lazily

if TYPE_CHECKING:
    from inertialab.experiments.codegen import torch_step, torch_steps
    from inertialab.experiments.data import DATASETS, load
    from inertialab.experiments.escape import count_escapes, first_passages
    from inertialab.experiments.flux import forward_flux
    from inertialab.experiments.laws import LAWS
    from inertialab.experiments.models import MODELS
    from inertialab.experiments.passage import chain_passage, diffusion_passage, pair_chain_passage
    from inertialab.experiments.plane import plane_passage
    from inertialab.experiments.problem import Problem
    from inertialab.experiments.regression import regression_slice
    from inertialab.experiments.simulation import simulate
    from inertialab.experiments.system import Noise, System
    from inertialab.experiments.training import minimise, run_chains
    from inertialab.theory.landscapes import LANDSCAPES

_HOMES = {
    "inertialab.experiments.codegen": ("torch_step", "torch_steps"),
    "inertialab.experiments.data": ("DATASETS", "load"),
    "inertialab.experiments.escape": ("count_escapes", "first_passages"),
    "inertialab.experiments.flux": ("forward_flux",),
    "inertialab.experiments.laws": ("LAWS",),
    "inertialab.experiments.models": ("MODELS",),
    "inertialab.experiments.passage": ("chain_passage", "diffusion_passage", "pair_chain_passage"),
    "inertialab.experiments.plane": ("plane_passage",),
    "inertialab.experiments.problem": ("Problem",),
    "inertialab.experiments.regression": ("regression_slice",),
    "inertialab.experiments.simulation": ("simulate",),
    "inertialab.experiments.system": ("Noise", "System"),
    "inertialab.experiments.training": ("minimise", "run_chains"),
    "inertialab.theory.landscapes": ("LANDSCAPES",),
}
__all__ = [
    "DATASETS",
    "LANDSCAPES",
    "LAWS",
    "MODELS",
    "Noise",
    "Problem",
    "System",
    "chain_passage",
    "count_escapes",
    "diffusion_passage",
    "first_passages",
    "forward_flux",
    "load",
    "minimise",
    "pair_chain_passage",
    "plane_passage",
    "regression_slice",
    "run_chains",
    "simulate",
    "torch_step",
    "torch_steps",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)

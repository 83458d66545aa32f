"""One row an optimizer; generic tests, simulations and pages run over the rows."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from inertialab.optim.adai import adai
from inertialab.optim.adam import adam, adamw, amsgrad
from inertialab.optim.adashift import adashift_coordinatewise
from inertialab.optim.cprop import conform_sgd
from inertialab.optim.momentum import heavy_ball, momentum_ema, momentum_torch, sgd
from inertialab.optim.radam import rectified_adam


@dataclass(frozen=True)
class OptimizerRow:
    """An optimizer as the rest of the package sees it.

    Attributes:
        name: Also the name of its symbolic map in `inertialab.theory.dynamics.MAPS`.
        make: Constructor, `make(params, eta=..., **settings)`.
        settings: Names of its settings beside the learning rate `eta`.
        idle: Number of first steps in which it only collects gradients.
    """

    name: str
    make: Callable[..., torch.optim.Optimizer]
    settings: tuple[str, ...] = ()
    idle: int = 0


OPTIMIZERS: dict[str, OptimizerRow] = {
    row.name: row
    for row in (
        OptimizerRow("sgd", sgd),
        OptimizerRow("momentum-torch", momentum_torch, ("beta",)),
        OptimizerRow("momentum-ema", momentum_ema, ("beta",)),
        OptimizerRow("heavy-ball", heavy_ball, ("beta",)),
        OptimizerRow("adam", adam, ("beta", "beta2", "delta")),
        OptimizerRow("adamw", adamw, ("beta", "beta2", "delta", "decay")),
        OptimizerRow("amsgrad", amsgrad, ("beta", "beta2", "delta")),
        OptimizerRow("radam", rectified_adam, ("beta", "beta2", "delta")),
        OptimizerRow("adashift", adashift_coordinatewise, ("beta", "beta2", "delta"), idle=10),
        OptimizerRow("cprop-sgd", conform_sgd, ("beta", "c", "delta")),
        OptimizerRow("adai", adai, ("beta0", "beta2", "eps")),
    )
}

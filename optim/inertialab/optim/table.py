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
    """An optimizer as the rest of the package and its page see it.

    Attributes:
        name: Also the name of its symbolic map in `inertialab.theory.dynamics.MAPS`.
        make: Constructor, `make(params, eta=..., **settings)`; its defaults are those of the optimizer.
        settings: Names of its settings beside the learning rate `eta`.
        idle: Number of first steps in which it only collects gradients.
        momentum: Convention of its momentum; empty without any.
        sources: Keys of references.bib.
        runs: Where the class that runs it is, dotted.
        paths: Arguments of that class that choose how a step is carried out.
        differences: Where the publication and public codes part, and what is done here.
    """

    name: str
    make: Callable[..., torch.optim.Optimizer]
    settings: tuple[str, ...] = ()
    idle: int = 0
    momentum: str = ""
    sources: tuple[str, ...] = ()
    runs: str = "torch.optim.SGD"
    paths: tuple[str, ...] = ("foreach", "fused", "capturable", "differentiable")
    differences: tuple[str, ...] = ()


_SGD_PATHS = ("foreach", "fused", "differentiable")
_OWN_PATHS = ("foreach", "capturable", "differentiable", "stochastic_rounding")

OPTIMIZERS: dict[str, OptimizerRow] = {
    row.name: row
    for row in (
        OptimizerRow("sgd", sgd, paths=_SGD_PATHS),
        OptimizerRow("momentum-torch", momentum_torch, ("beta",), momentum="PyTorch buffer", paths=_SGD_PATHS),
        OptimizerRow(
            "momentum-ema",
            momentum_ema,
            ("beta",),
            momentum="exponential moving average (EMA)",
            paths=_SGD_PATHS,
            differences=(
                "`torch.optim.SGD(dampening=beta)` alone is not this rule: it fills an absent buffer with the undamped "
                "first gradient, so that its first step is 1/(1 - beta) times too long. Here buffers start as zeros.",
                "A scheduler that cycles the momentum (`OneCycleLR`) changes the dampening with it, which it does not "
                "do for `torch.optim.SGD`.",
            ),
        ),
        OptimizerRow(
            "heavy-ball",
            heavy_ball,
            ("beta",),
            momentum="heavy ball",
            sources=("polyak1964some",),
            paths=_SGD_PATHS,
            differences=(
                "At a constant learning rate the trajectory is that of PyTorch's buffer, which runs it; when the rate "
                "changes the two differ, since a buffer holds gradients and the heavy ball displacements.",
            ),
        ),
        OptimizerRow("adam", adam, ("beta", "beta2", "delta"), momentum="EMA, bias-corrected", runs="torch.optim.Adam"),
        OptimizerRow(
            "adamw",
            adamw,
            ("beta", "beta2", "delta", "decay"),
            momentum="EMA, bias-corrected",
            runs="torch.optim.AdamW",
        ),
        OptimizerRow(
            "amsgrad",
            amsgrad,
            ("beta", "beta2", "delta"),
            momentum="EMA, bias-corrected",
            runs="torch.optim.Adam",
            differences=(
                "PyTorch takes the largest second moment before its bias correction and corrects afterwards; taking it "
                "of corrected moments gives other steps early on.",
            ),
        ),
        OptimizerRow(
            "radam",
            rectified_adam,
            ("beta", "beta2", "delta"),
            momentum="EMA, bias-corrected",
            sources=("liu2020variance",),
            runs="inertialab.optim.radam.RAdam",
            paths=_OWN_PATHS,
            differences=(
                "Three conventions: the publication adapts where the degrees of freedom exceed 4 and falls back to "
                "momentum (wording not checked); its authors' code adapts from 5 on and does nothing before; "
                "`torch.optim.RAdam` adapts above 5 and falls back to momentum. Switches: `threshold`, `fallback`.",
                "The authors' code decouples weight decay from the step; `torch.optim.RAdam` and this class take it as "
                "an L2 penalty unless `decoupled_weight_decay=True`, which their checkpoints switch on.",
                "The fallback step is not normalised, so a gradient far from size one makes it far too long or short.",
                "The first-order variance of the publication is infinite at 4 degrees of freedom, where the exact one "
                '(`variance="exact"`) is finite down to 2.',
            ),
        ),
        OptimizerRow(
            "adashift",
            adashift_coordinatewise,
            ("beta", "beta2", "delta"),
            idle=10,
            momentum="EMA over a window of n gradients",
            sources=("zhou2019adashift",),
            runs="inertialab.optim.adashift.AdaShift",
            paths=_OWN_PATHS,
            differences=(
                "During the first n steps nothing moves. The average of gradients has to run then too: a code that "
                "starts it later subtracts gradients that it never added.",
                "A coordinate whose first gradient comes late (a rare row of an embedding, a frozen block) has a "
                "second moment of zero for n steps more, while the average already sees it: the step is the "
                "learning rate times that average over ε, for a gradient of 1e-6 and the default ε up to 1e4 "
                "learning rates. Later ones are too long until the common bias correction has been forgotten. With "
                "`start='own'` the correction counts from the first gradient of each coordinate, or block with a "
                "reduction, and nothing moves before its second moment has seen one.",
                "Codes take squares before the reduction over a block, and so does this; a reproduction report says "
                "that the publication reduces first (not checked).",
                'One of the authors\' codes reduces by the maximum, another by the mean; both are switches. "none", '
                "the row of this table, has one second moment for each coordinate.",
            ),
        ),
        OptimizerRow(
            "cprop-sgd",
            conform_sgd,
            ("beta", "c", "delta"),
            sources=("preechakul2019cprop",),
            runs="inertialab.optim.cprop.CProp",
            paths=(),
            differences=(
                "At the first step the variance is zero and the scale must be one; the authors' code takes the "
                "difference of two averages, and in float32 about one coordinate in seventy is scaled down.",
                "Its exact normal law raises an error on a current PyTorch; here it is `erf`.",
            ),
        ),
        OptimizerRow(
            "adai",
            adai,
            ("beta0", "beta2", "eps"),
            momentum="EMA with a coefficient for each coordinate and step, bias-corrected",
            sources=("xie2022adaptive",),
            runs="inertialab.optim.adai.Adai",
            paths=("fused", *_OWN_PATHS),
            differences=(
                "`weight_decay` is an L2 penalty that the second moment sees, as in the authors' code; decoupled decay "
                "is `AdaiW` (`decoupled=True` there, also in checkpoints), applied before the momentum step. Their "
                "code writes the penalty into the stored gradient; here gradients are never changed.",
                "`AdaiV2` is the name of their code with a dampening; its decay is decoupled unless told otherwise.",
                "Where all second moments are zero, because gradients have died or their squares underflow, every "
                "coordinate has the inertia of equal second moments; public codes divide zero by zero.",
                "The mean of second moments is one number over all parameters that have a gradient. A popular "
                "collection floors it by `eps`, which makes it depend on the scale of the loss.",
                "The authors' code carries the product of β₁ and takes 1 - β₁; for a small α both lose their digits in "
                "float32. Here α and 1 minus the product are carried themselves. Its checkpoints can be loaded.",
            ),
        ),
    )
}

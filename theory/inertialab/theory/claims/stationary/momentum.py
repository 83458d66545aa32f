"""Stationary variance of momentum around a minimum, and the two conventions it is written in."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import (
    HEAVY_BALL,
    MOMENTUM_EMA,
    MOMENTUM_TORCH,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    beta,
    eta,
    eta_ema,
    g,
    h,
    theta,
    theta_prev,
    var,
)
from inertialab.theory.notation import b as buffer
from inertialab.theory.notation import m as average
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "momentum.conventions",
    eta_ema,
    (eta, beta),
    kind="exact",
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    layers=("numerics",),
    slips=(("{average: (1 - beta) * buffer}", "{average: buffer}"),),
)
def momentum_conventions() -> Derivation:
    """PyTorch momentum at η is EMA momentum at η/(1 - β), step by step.

    If the EMA buffer equals (1 - β) times PyTorch's before a step, it does so after it, and both rules
    move the parameter by the same amount when their learning rates differ by the factor 1 - β. Both
    buffers start at zero, so the trajectories coincide for any sequence of gradients. Heavy ball is
    PyTorch's rule with the buffer eliminated. (`torch.optim.SGD` with `dampening=beta` follows the EMA
    rule only from its second step on: it fills the buffer with the undamped first gradient.)
    """
    torch_step = MOMENTUM_TORCH.step(g)
    ema_step = {s: e.subs(eta, eta_ema) for s, e in MOMENTUM_EMA.step(g, {average: (1 - beta) * buffer}).items()}
    yield Step(
        "EMA buffer after a step, from m = (1 - β)b",
        average,
        (1 - beta) * (beta * buffer + g),
        equals=ema_step[average],
    )
    yield Step(
        "which is (1 - β) times PyTorch's new buffer",
        None,
        ema_step[average],
        equals=(1 - beta) * torch_step[buffer],
    )
    (rate,) = sp.solve(ema_step[theta] - torch_step[theta], eta_ema)
    ball = HEAVY_BALL.step(g, {theta_prev: theta + eta * buffer})[theta]
    yield Step(
        "Heavy ball, whose last displacement was -ηb, moves as PyTorch does",
        None,
        torch_step[theta],
        equals=ball,
    )
    return proven(eta / (1 - beta), equals=rate)


@claim(
    "momentum.stationary-variance",
    var,
    (eta, h, C, beta),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (h > 0, beta < 1, eta * (1 - beta) * h < 2 * (1 + beta)),
        "A stationary state needs a minimum and a stable step.",
    ),
    source=Source("liu2021noise", "SGD with momentum, one dimension, EMA convention"),
    limits=(
        ({"beta": 0.0}, "sgd.stationary-variance"),
        ({"C": 0.0}, 0.0),
    ),
    slips=(("linear_recursion(MOMENTUM_EMA", "linear_recursion(MOMENTUM_TORCH"),),
)
def momentum_stationary_variance() -> Derivation:
    """Stationary variance of EMA momentum, exact in the learning rate.

    Parameter and buffer together obey a linear recursion with independent noise. Its stationary second
    moments are the solution of three linear equations.
    """
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    moments = stationary_moments(A, noise)
    yield Step(
        "Mean squared buffer in the stationary state",
        sp.Symbol("<m^2>"),
        2 * (1 - beta) * C / (2 * (1 + beta) - eta * (1 - beta) * h),
        equals=moments[1, 1],
    )
    yield Step(
        "Correlation of parameter and buffer",
        sp.Symbol("<theta*m>"),
        -eta * (1 - beta) * C / (2 * (1 + beta) - eta * (1 - beta) * h),
        equals=moments[0, 1],
    )
    readable = eta * C * (1 + beta) / (h * (2 * (1 + beta) - eta * (1 - beta) * h))
    yield Step(
        "Without momentum it is the law of SGD",
        None,
        sgd_stationary_variance.formula,
        equals=readable.subs(beta, 0),
    )
    return proven(readable, equals=moments[0, 0])


@claim(
    "momentum.stationary-variance-torch",
    var,
    (eta, h, C, beta),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime((h > 0, beta < 1, eta * h < 2 * (1 + beta)), "A stationary state needs a minimum and a stable step."),
    source=Source("liu2021noise", "SGD with momentum, one dimension"),
    uses=("momentum.conventions", "momentum.stationary-variance"),
    limits=(
        ({"beta": 0.0}, "sgd.stationary-variance"),
        ({"C": 0.0}, 0.0),
    ),
    slips=(("subs(eta, momentum_conventions.formula)", "subs(eta, eta * (1 - beta))"),),
)
def momentum_stationary_variance_torch() -> Derivation:
    """Stationary variance of PyTorch momentum, exact in the learning rate.

    The same linear equations for PyTorch's buffer. The result is that of the EMA convention at the
    learning rate η/(1 - β).
    """
    A, noise = linear_recursion(MOMENTUM_TORCH, QUADRATIC)
    fixed = stationary_moments(A, noise)[0, 0]
    readable = eta * C * (1 + beta) / (h * (1 - beta) * (2 * (1 + beta) - eta * h))
    converted = momentum_stationary_variance.formula.subs(eta, momentum_conventions.formula)
    yield Step("The EMA law at the converted learning rate", None, readable, equals=converted)
    return proven(readable, equals=fixed)

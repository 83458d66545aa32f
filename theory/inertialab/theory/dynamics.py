"""Symbolic update maps of the optimizers: the rule that `inertialab.optim` runs, written once in SymPy.

A map is a list of assignments executed in order, so a later line sees the values that earlier lines
have just written, as in code. Momentum comes in three conventions, which are different maps:

- heavy ball:     θ' = θ + β(θ - θ₋) - η g
- PyTorch buffer: b' = βb + g,            θ' = θ - η b'
- EMA:            m' = βm + (1 - β) g,    θ' = θ - η m'

Adai is the EMA rule with a momentum coefficient 1 - κ for each coordinate and step.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from inertialab.theory.landscapes import gradient
from inertialab.theory.symbols import (
    C,
    b,
    beta,
    beta0,
    beta2,
    c,
    decay,
    delta,
    eps,
    eta,
    g,
    g_mean,
    g_var,
    k,
    kappa,
    m,
    q,
    rectified,
    rho,
    theta,
    theta_prev,
    v,
    v_hat,
    v_max,
    v_mean,
    w,
    xi,
    z,
)


@dataclass(frozen=True)
class UpdateMap:
    """One step of an optimizer for one coordinate.

    Attributes:
        name: Row of `inertialab.optim.OPTIMIZERS` that runs this rule.
        state: Symbols carried from step to step, the parameter first.
        assignments: `(symbol, expression)` pairs executed in order; `g` is the minibatch gradient at the
            parameter before the step.
        mean: `(symbol, symbol)`: once the first has its value in every coordinate, the second is its mean over
            all coordinates. None where coordinates do not see each other.
    """

    name: str
    state: tuple[sp.Symbol, ...]
    assignments: tuple[tuple[sp.Symbol, sp.Expr], ...]
    mean: tuple[sp.Symbol, sp.Symbol] | None = None

    def step(self, gradient: sp.Expr, state: Mapping[sp.Symbol, sp.Expr] | None = None) -> dict[sp.Symbol, sp.Expr]:
        """State after one step.

        Args:
            gradient: Minibatch gradient in terms of the state symbols.
            state: Values of the state before the step; the symbols themselves by default.

        Returns:
            Each state symbol with its new value.
        """
        values: dict[sp.Symbol, sp.Expr] = {s: s for s in self.state} | dict(state or {})
        values[g] = gradient.subs(values, simultaneous=True)
        for symbol, expression in self.assignments:
            values[symbol] = sp.expand(expression.subs(values, simultaneous=True))
        return {s: values[s] for s in self.state}


SGD = UpdateMap("sgd", (theta,), ((theta, theta - eta * g),))
MOMENTUM_TORCH = UpdateMap("momentum-torch", (theta, b), ((b, beta * b + g), (theta, theta - eta * b)))
MOMENTUM_EMA = UpdateMap("momentum-ema", (theta, m), ((m, beta * m + (1 - beta) * g), (theta, theta - eta * m)))
_moved = sp.Symbol("theta_moved", real=True)
HEAVY_BALL = UpdateMap(
    "heavy-ball",
    (theta, theta_prev),
    ((_moved, theta + beta * (theta - theta_prev) - eta * g), (theta_prev, theta), (theta, _moved)),
)
ADAI = UpdateMap(
    "adai",
    (theta, m, v, q, k),
    (
        (k, k + 1),
        (v, beta2 * v + (1 - beta2) * g**2),
        (v_hat, v / (1 - beta2**k)),
        (kappa, sp.Min(sp.Max(beta0 * v_hat / v_mean, eps), 1)),
        (q, q + kappa * (1 - q)),
        (m, m + kappa * (g - m)),
        (theta, theta - eta * m / q),
    ),
    mean=(v_hat, v_mean),
)

_averages = ((k, k + 1), (m, beta * m + (1 - beta) * g), (v, beta2 * v + (1 - beta2) * g**2))
_adam_step = eta * m / (1 - beta**k) / (sp.sqrt(v / (1 - beta2**k)) + delta)
ADAM = UpdateMap("adam", (theta, m, v, k), (*_averages, (theta, theta - _adam_step)))
ADAMW = UpdateMap("adamw", (theta, m, v, k), (*_averages, (theta, theta * (1 - eta * decay) - _adam_step)))
AMSGRAD = UpdateMap(
    "amsgrad",
    (theta, m, v, v_max, k),
    (*_averages, (v_max, sp.Max(v_max, v)), (theta, theta - _adam_step.subs(v, v_max))),
)

_limit = 2 / (1 - beta2) - 1
_variances = (rho - 4) * (rho - 2) * _limit / ((_limit - 4) * (_limit - 2) * rho)
RADAM = UpdateMap(
    "radam",
    (theta, m, v, k),
    (
        *_averages,
        (rho, _limit - 2 * k * beta2**k / (1 - beta2**k)),
        (rectified, sp.sqrt(sp.Max(_variances, 0))),
        (
            theta,
            theta
            - eta
            * m
            / (1 - beta**k)
            * sp.Piecewise((rectified * sp.sqrt(1 - beta2**k) / (sp.sqrt(v) + delta), rho > 4), (1, True)),
        ),
    ),
)

SHIFT = 10
_window = [sp.Symbol(f"g_{i}", real=True) for i in range(1, SHIFT + 1)]
_weight = (1 - beta) / (1 - beta**SHIFT)
ADASHIFT = UpdateMap(
    "adashift",
    (theta, m, v, k, *_window),
    (
        (k, k + 1),
        (m, beta * (m - _weight * beta ** (SHIFT - 1) * _window[-1]) + _weight * g),
        (v, sp.Piecewise((beta2 * v + (1 - beta2) * _window[-1] ** 2, k > SHIFT), (v, True))),
        *((new, old) for new, old in zip(_window[:0:-1], _window[-2::-1], strict=True)),
        (_window[0], g),
        (v_hat, v / (1 - beta2 ** sp.Max(k - SHIFT, 1))),
        (theta, sp.Piecewise((theta - eta * m / (sp.sqrt(v_hat) + delta), k > SHIFT), (theta, True))),
    ),
)

CPROP_SGD = UpdateMap(
    "cprop-sgd",
    (theta, g_mean, g_var, k),
    (
        (k, k + 1),
        (w, (1 - beta) / (1 - beta**k)),
        (g_var, (1 - w) * (g_var + w * (g - g_mean) ** 2)),
        (g_mean, g_mean + w * (g - g_mean)),
        (z, sp.Abs(g_mean) / (sp.sqrt(g_var / (1 / w - 1 + delta)) + delta)),
        (theta, theta - sp.Min(1, c * sp.erf(z / sp.sqrt(2))) * eta * g),
    ),
)

MAPS = {
    update.name: update
    for update in (
        SGD,
        MOMENTUM_TORCH,
        MOMENTUM_EMA,
        HEAVY_BALL,
        ADAM,
        ADAMW,
        AMSGRAD,
        RADAM,
        ADASHIFT,
        CPROP_SGD,
        ADAI,
    )
}


def linear_recursion(update: UpdateMap, loss: sp.Expr) -> tuple[sp.Matrix, sp.Matrix]:
    """Transition matrix A and noise vector b of `state' = A state + b ξ`.

    Args:
        update: Map of the optimizer.
        loss: Loss of one coordinate; the minibatch gradient is its derivative plus ξ.

    Returns:
        A of shape (k, k) and b of shape (k, 1), k the number of state symbols.

    Raises:
        ValueError: If the step is not affine in state and noise, as for a loss beyond quadratic.
    """
    new = sp.Matrix(list(update.step(gradient(loss) + xi).values()))
    A, noise = new.jacobian(update.state), new.jacobian([xi])
    if sp.simplify(new - A * sp.Matrix(update.state) - noise * xi) != sp.zeros(*new.shape):
        raise ValueError(f"{update.name} on the loss {loss} is not a linear recursion; use a quadratic loss.")
    return A, noise


def stationary_moments(A: sp.Matrix, noise: sp.Matrix) -> sp.Matrix:
    """Second moments P that one step maps to themselves, P = A P Aᵀ + C b bᵀ.

    The noise has variance C and is independent of the state, so no cross term appears.

    Args:
        A: Transition matrix, shape (k, k).
        noise: Noise vector, shape (k, 1).

    Returns:
        The unique symmetric solution, shape (k, k).
    """
    size = A.shape[0]
    P = sp.Matrix(size, size, lambda i, j: sp.Symbol(f"P_{min(i, j)}{max(i, j)}"))
    unknowns = sorted(P.free_symbols, key=str)
    (solution,) = sp.linsolve(list(A * P * A.T + C * noise * noise.T - P), *unknowns)
    return P.subs(dict(zip(unknowns, solution, strict=True)))

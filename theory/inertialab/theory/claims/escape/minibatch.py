"""Leaving a minimum by minibatches: the exponent from the samples themselves."""

import itertools

import sympy as sp

from inertialab.theory.claims.escape.any_noise import sgd_quasi_potential
from inertialab.theory.derivation import Step, proven
from inertialab.theory.large_deviations import minibatch_exponent
from inertialab.theory.notation import B_count, Phi, eta, gradients, lengths, shares, x_a, x_b
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

x = sp.Symbol("x", real=True)
p, root = sp.symbols("p pi", positive=True)
up, down, share = sp.symbols("u v w", positive=True)


@claim(
    "sgd.escape-minibatch",
    Phi,
    (eta, B_count, gradients, shares, lengths),
    kind="asymptotic",
    regime=Regime(
        (),
        "Low learning rates at a fixed batch size, batches drawn with replacement, one direction. The "
        "logarithm of a time grows by it from one learning rate to a lower one, with a relative error like 1/Phi^2.",
    ),
    uses=("sgd.quasi-potential",),
    layers=("numerics", "real"),
    numerics=minibatch_exponent,
    slips=(("{p: size * root}", "{p: root}"), ("lambda e: B_count * pi(x)", "lambda e: pi(x)")),
)
def sgd_escape_minibatch() -> Derivation:
    """Exponent of the escape time of SGD from the gradients of the samples: (B/η)∫π dx with ⟨e^{-πg_n}⟩ = 1.

    What carries a chain over a barrier is a long run of unlikely batches, and of these the cheapest. Their chances are
    those of the samples, not of a Gaussian of the same variance: where the mean gradient is no longer small beside a
    sample's, π is not 2L'/C, and the exponent of the diffusion is off by a factor that no small learning rate mends. π
    is Lundberg's adjustment coefficient of the samples. Batches of B samples act like single ones at rate η/B.
    """
    for size in (2, 3):
        single = _over_batches(size).subs({p: size * root})
        yield Step(
            f"Mean of e^(-pg) over batches of {size} samples of two kinds, p = Bπ: a power of that of one sample",
            None,
            _mean(root) ** size,
            equals=single,
        )
    of_one = sp.Symbol("m", positive=True)
    yield Step(
        "It is 1 where that of one sample is", of_one, sp.Integer(1), equals=sp.solve(of_one**B_count - 1, of_one)[0]
    )
    even = _mean(root).subs({share: sp.Rational(1, 2), up: 2, down: 1})
    (positive,) = [s for s in sp.solve(sp.expand(even) - 1, root) if s > 0]
    yield Step(
        "Gradients 2 and -1, one as frequent as the other: the golden ratio",
        root,
        sp.log((1 + sp.sqrt(5)) / 2),
        equals=positive,
    )
    slope, variance = sp.Rational(1, 2), sp.Rational(9, 4)
    yield Step("where the diffusion has 2L'/C", None, sp.Rational(4, 9), equals=2 * slope / variance)
    pi = sp.Function("pi")
    path = sp.Function("p")(x)
    whole = sgd_quasi_potential.rhs.replace(lambda e: e == path, lambda e: B_count * pi(x))
    readable = B_count / eta * sp.Integral(pi(x), (x, x_a, x_b))
    return proven(readable, equals=_taken_out(whole, pi(x)))


def _mean(power: sp.Expr) -> sp.Expr:
    """Mean of e^(-power·g) over samples of gradients u and -v."""
    return share * sp.exp(-power * up) + (1 - share) * sp.exp(power * down)


def _over_batches(size: int) -> sp.Expr:
    """Mean of e^(-p·g) over batches, each written out."""
    total = sp.Integer(0)
    for kinds in itertools.product((0, 1), repeat=size):
        push = sum(up if kind == 0 else -down for kind in kinds)
        chance = sp.Mul(*(share if kind == 0 else 1 - share for kind in kinds))
        total += chance * sp.exp(-p * push / size)
    return total


def _taken_out(whole: sp.Expr, integrand: sp.Expr) -> sp.Expr:
    """The batch size in front of the integral."""
    return whole.replace(
        lambda e: isinstance(e, sp.Integral),
        lambda e: e.function / integrand * sp.Integral(integrand, *e.limits),
    )

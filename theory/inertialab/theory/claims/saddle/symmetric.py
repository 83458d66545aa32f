"""Leaving a saddle that a symmetry of every sample's loss fixes: no noise, but a random growth."""

import itertools

import sympy as sp

from inertialab.theory.claims.stationary.multiplicative import second_moment
from inertialab.theory.covariances import second_moment_modes
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import K2, M0, B_count, C, H, T, V, c2, eta, g, h, mode_factor, mode_start, moment_T
from inertialab.theory.notation import theta as place
from inertialab.theory.statement import Derivation, claim


@claim(
    "sgd.symmetric-saddle",
    moment_T,
    (eta, B_count, H, K2, M0, T),
    kind="exact",
    uses=("sgd.stationary-variance-multiplicative",),
    layers=("numerics", "real"),
    change=second_moment_modes,
    slips=(
        ("sp.eye(2) - eta * batch", "sp.eye(2) + eta * batch"),
        ("eta**2 / B_count * kicked", "eta**2 * kicked"),
        ("mode_factor * V(T)", "mode_factor + V(T)"),
    ),
)
def sgd_symmetric_saddle() -> Derivation:
    """Growth of small deviations at a saddle that a symmetry fixes: M → AMA + (η²/B)⟨K_n M K_n⟩ with A = 1 - ηH.

    A symmetry S of every sample's loss that leaves a point where it is makes all gradients there invariant. Along
    directions that S reverses they vanish, sample by sample: SGD that starts at the point never leaves it that way.
    Examples are the origin of a two-layer network of odd units and a unit that occurs twice. What grows is a deviation,
    by I - ηH_b with the Hessian H_b of the batch: in the mean by 1 - ηH, in the mean square faster, because batches
    differ by K_n = H_n - H. The map of second moments is linear and symmetric, and multiplies each of its modes by μ_k.
    """
    x, y, z = sp.symbols("x y z", real=True)
    odd, any_loss = (x, y), sp.Function("l")
    invariant = any_loss(x, y, z) + any_loss(-x, -y, z)  # what is the same at both places
    at = dict.fromkeys(odd, 0)
    slopes = [sp.diff(invariant, u).doit().subs(at).doit() for u in odd]
    yield Step("Slope of a sample along what the symmetry reverses", None, sp.Integer(0), equals=sum(slopes))
    mixed = [sp.diff(invariant, u, z).doit().subs(at).doit() for u in odd]
    yield Step("and so the curvature between such a direction and others", None, sp.Integer(0), equals=sum(mixed))
    kept, kicked = _two_directions()
    following = _after_a_step(2)
    expected = kept + (eta**2 / B_count * kicked).subs(B_count, 2)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        yield Step(
            f"Second moment {i + 1}{j + 1} after a step, batches of two samples of two kinds",
            None,
            expected[i, j],
            equals=following[i, j],
        )
    larger = _after_a_step(3) - kept - (eta**2 / B_count * kicked).subs(B_count, 3)
    yield Step("Batches of three: the difference", None, sp.Integer(0), equals=sum(e**2 for e in larger))
    grown = sp.diff(second_moment(), V(0)).subs(C, 0)
    yield Step("One direction alone, c₂ = ⟨K_n²⟩/B", None, (1 - eta * h) ** 2 + eta**2 * c2, equals=grown)
    yield Step("The mean grows by", None, 1 - eta * h, equals=sp.diff(SGD.step(g)[place].subs(g, h * place), place))
    following = mode_factor * V(T)
    readable = mode_start * mode_factor**T
    yield Step("A mode of the second moments at the start", V(0), mode_start, equals=readable.subs(T, 0))
    residual = readable.subs(T, T + 1) - following.subs(V(T), readable)
    yield Step("Residual of a step", None, sp.Integer(0), equals=residual)
    (ratio,) = sp.solve(following - V(T + 1), V(T + 1))
    return proven(readable, equals=mode_start * (ratio / V(T)) ** T)


_MEAN = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"H_{min(i, j)}{max(i, j)}"))
_OFF = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"K_{min(i, j)}{max(i, j)}"))
_START = sp.Matrix(2, 2, lambda i, j: sp.Symbol(f"M_{min(i, j)}{max(i, j)}"))


def _two_directions() -> tuple[sp.Matrix, sp.Matrix]:
    """What 1 - ηH makes of second moments, and ⟨K_n M K_n⟩ for K_n = ±K."""
    mean = sp.eye(2) - eta * _MEAN
    return (mean * _START * mean).expand(), (_OFF * _START * _OFF).expand()


def _after_a_step(batch_size: int) -> sp.Matrix:
    """Second moments after a step, averaged over all batches of samples of two kinds, drawn with replacement."""
    draws = list(itertools.product((1, -1), repeat=batch_size))
    total = sp.zeros(2, 2)
    for signs in draws:
        batch = _MEAN + _OFF * sp.Rational(sum(signs), batch_size)
        step = sp.eye(2) - eta * batch
        total += step * _START * step.T
    return (total / len(draws)).expand()

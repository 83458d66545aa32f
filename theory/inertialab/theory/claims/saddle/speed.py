"""Does Adai leave saddles faster than SGD? What follows from its publication, and what does from its update rule."""

import numpy as np
import sympy as sp

from inertialab.theory.claims.saddle.adai import adai_saddle_msd_attributed
from inertialab.theory.claims.saddle.rotation import WARM
from inertialab.theory.claims.saddle.sgd import sgd_saddle_variance
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import MOMENTUM_EMA, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import B, C, T, beta, beta0, eta, h, kappa, n, speed, trace_abs
from inertialab.theory.numerics import adai_msd
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


def _speed(kappa: np.ndarray, T: np.ndarray) -> np.ndarray:
    """The spread by doubling, which does not cancel where the memory is long."""
    return adai_msd(np.ones_like(kappa), 0 * kappa, np.ones_like(kappa), kappa, T) / T


_HOLDS = Regime((kappa <= 1, T >= 1), "Inertia 1 - kappa lies between 0 and 1.")


@claim(
    "adai.saddle-speed",
    speed,
    (kappa, T),
    kind="asymptotic",
    regime=_HOLDS,
    uses=("adai.saddle-msd", "sgd.saddle-variance"),
    layers=("simulation", "real"),
    numerics=_speed,
    limits=(({"kappa": 1.0}, 1.0),),
    slips=(("WARM.subs(beta, 1 - kappa) / T", "WARM.subs(beta, 1 - kappa) / (T + 1)"),),
)
def adai_saddle_speed() -> Derivation:
    """Spread of warm Adai over that of SGD at the same learning rate, without curvature: never above 1.

    Averaging correlates the steps, so that the first of them are small: after one step the ratio is κ/(2 - κ). It
    reaches 1 only after many times the memory 1/κ of the coordinate, which is longest where the curvature is small. A
    cold start is another matter: there bias correction enlarges the first steps, see momentum.bias-correction. So is a
    saddle that is entered at speed, see momentum.ballistic with β = 1 - κ: a buffer m₀ carries on, and SGD has none.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    A, noise = (matrix.subs({h: 0, beta: 1 - kappa}) for matrix in linear_recursion(MOMENTUM_EMA, QUADRATIC))
    spread = WARM.subs(beta, 1 - kappa)
    cross, buffer = -eta * (1 - (1 - kappa) ** T) / (2 - kappa), kappa / (2 - kappa)
    moments = sp.Matrix([[eta**2 * spread, cross], [cross, buffer]])
    residual = A * moments * A.T + noise * noise.T - moments.subs(T, T + 1)
    yield Step("Warm start, spread: residual of one step", None, sp.Integer(0), equals=residual[0, 0])
    free = sp.limit(sgd_saddle_variance.formula, h, 0)
    yield Step("SGD without curvature", None, eta**2 * C * T, equals=free)
    ratio = moments[0, 0] * C / free
    yield Step("After one step", None, kappa / (2 - kappa), equals=ratio.subs(T, 1))
    late = sp.limit((WARM.subs(beta, 1 - kappa) - T).subs((1 - kappa) ** T, 0), T, sp.oo)
    yield Step("Steps that are lost for good", None, -2 * (1 - kappa) / (kappa * (2 - kappa)), equals=late)
    readable = 1 - 2 * (1 - kappa) * (1 - (1 - kappa) ** T) / (kappa * (2 - kappa) * T)
    yield Step("In the notation of the spread", None, readable, equals=WARM.subs(beta, 1 - kappa) / T)
    return proven(readable, equals=ratio)


@claim(
    "adai.faster-than-sgd",
    speed,
    (kappa, T),
    kind="attributed",
    regime=_HOLDS,
    source=Source("xie2022adaptive", "Adai at saddle points"),
    uses=("adai.saddle-msd-attributed", "adai.saddle-speed"),
    corrected_by="adai.saddle-speed",
    expected="refuted",
    instead="Noise drives warm Adai away from a saddle more slowly than SGD: by a factor κ/(2 - κ) in the first step, "
    "nearer to 1 later. It is faster from a cold start, by its bias correction, or when it enters with a buffer.",
    layers=("simulation", "real"),
    limits=(({"kappa": 1.0, "T": 1000000000000.0}, 1.0),),
    slips=(("/ (eta**2 * size * T / B)", "/ (eta**2 * size / B)"),),
)
def adai_faster_than_sgd() -> Derivation:
    """Adai leaves saddles faster than SGD: published drift and diffusion over the diffusion of SGD.

    The published drift does not contain the curvature of its direction, and comes on top of the diffusion of SGD.
    """
    size = sp.Symbol("|h|", positive=True)
    published = adai_saddle_msd_attributed.formula.subs(sp.Abs(h), size)
    inertia = sp.Symbol("kappa", positive=True)
    over = published / (eta**2 * size * T / B)
    readable = 1 + (1 - sp.exp(-kappa * T)) ** 2 / (2 * kappa * T)
    by_inertia = over.subs(trace_abs, beta0 * n * size / inertia)
    written = readable.subs(kappa, inertia)
    yield Step("In the inertia κ = β₀n|h|/Σ|h_j| of the coordinate", speed, written, equals=by_inertia)
    derived = adai_saddle_speed.formula
    yield Step(
        "Divided by what follows",
        PUBLISHED_OVER_DERIVED,
        readable / derived,
        equals=by_inertia.subs(inertia, kappa) / derived,
    )
    return proven(readable, equals=by_inertia.subs(inertia, kappa))

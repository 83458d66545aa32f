"""The size of Adam's steps, in which first and second moment are not independent."""

import sympy as sp

from inertialab.theory.claims.optimizers.radam import inverse_power
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAM
from inertialab.theory.notation import T, beta, beta2, buffer_square, dof, g, mean_update
from inertialab.theory.notation import m as average
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

_x, _step = sp.symbols("x T", positive=True)
SQUARES = (1 - beta) * (1 + beta**T) / ((1 + beta) * (1 - beta**T))


@claim(
    "radam.mean-update",
    mean_update,
    (beta, beta2, T),
    kind="asymptotic",
    source=Source("ma2021adequacy", "magnitude of Adam's updates"),
    regime=Regime(
        (beta < 1, beta2 < 1, 1 - beta2 <= sp.Rational(1, 50), T >= 1),
        "The second moment must be slow: what a moving average weighs differently is (1 - beta2)/4 at the most.",
    ),
    uses=("radam.mean-factor",),
    layers=("numerics", "simulation"),
    where={buffer_square: SQUARES},
    limits=(({"T": 1.0}, 1.0),),
    slips=(("sp.sqrt(2 / sp.pi) / radius", "sp.sqrt(1 / sp.pi) / radius"), ("weight**2", "weight")),
)
def radam_mean_update() -> Derivation:
    """Mean size of Adam's step under pure noise: a learning rate at first, falling to that of an average.

    After T steps the direction of the gradients so far is uniform on a sphere and independent of their length, which
    the second moment is. The step is √(T S) times one coordinate of that direction. Were first and second moment
    independent, the first steps would be infinite; as it is the very first has no variance at all, and there is
    nothing for a rectification to mend.
    """
    rule = dict(ADAM.assignments)[average]
    age = sp.Symbol("j", integer=True, nonnegative=True)
    weight = sp.diff(rule, g) * sp.diff(rule, average) ** age / (1 - beta**T)
    total = sp.summation(weight**2, (age, 0, T - 1))
    total = total.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[-1].expr)
    yield Step("Sum of the squared weights in the corrected average", buffer_square, SQUARES, equals=sp.simplify(total))
    density = _x ** (_step - 1) * sp.exp(-(_x**2) / 2) * 2 ** (1 - _step / 2) / sp.gamma(_step / 2)
    radius = sp.simplify(sp.integrate(_x * density, (_x, 0, sp.oo)))
    mean_radius = sp.sqrt(2) * sp.gamma((_step + 1) / 2) / sp.gamma(_step / 2)
    yield Step("Mean length of T Gaussian numbers", None, mean_radius, equals=radius)
    gaussian = 2 * sp.integrate(_x * sp.exp(-(_x**2) / 2) / sp.sqrt(2 * sp.pi), (_x, 0, sp.oo))
    yield Step("Mean size of one: length and direction are independent", None, sp.sqrt(2 / sp.pi), equals=gaussian)
    coordinate = (sp.sqrt(2 / sp.pi) / radius).subs(_step, T)
    readable = sp.sqrt(T * buffer_square / sp.pi) * sp.gamma(T / 2) / sp.gamma((T + 1) / 2)
    derived = sp.sqrt(T * buffer_square) * coordinate
    yield Step("The first step", None, sp.Integer(1), equals=readable.subs(buffer_square, SQUARES).subs(T, 1))
    split = sp.sqrt(2 * buffer_square / sp.pi) * inverse_power(1).subs(dof, T)
    ratio = sp.gammasimp((split / derived).subs(T, 2))
    yield Step("Independent moments would give after two steps, over this", None, sp.pi / 2, equals=sp.simplify(ratio))
    return proven(readable, equals=derived)

"""What directions across the path of an escape do to its time."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import B, D, D_x, entropic, entropic_factor, eta, potential, transverse, x_a, x_b
from inertialab.theory.passage import transverse_factor
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

x, y = sp.symbols("x y", real=True)
d = sp.Symbol("d", positive=True)
U = sp.Function("U")(x)
h, c, k, K, G = (sp.Function(name, positive=True)(x) for name in ("h", "c", "k", "K", "G"))


def _stationary_density() -> tuple[sp.Expr, sp.Expr]:
    """Orders y⁰d⁰ and y² of the stationary Fokker-Planck equation over K exp(-(S + ky²/2)/d), with S' = U'/c.

    Drift is minus the gradient of U + hy²/2; diffusion d·c along the path, d·h across it, both Ito.
    """
    S = sp.Function("S")(x)
    density = K * sp.exp(-(S + k * y**2 / 2) / d)
    loss = U + h * y**2 / 2
    flow = sum(
        sp.diff(sp.diff(loss, q) * density, q) + d * sp.diff(noise * density, q, 2) for q, noise in ((x, c), (y, h))
    )
    climb = {sp.Derivative(S, (x, 2)): sp.diff(sp.diff(U, x) / c, x), sp.Derivative(S, x): sp.diff(U, x) / c}
    whole = sp.expand(sp.expand((flow / density).doit()).subs(climb).doit())
    return whole.coeff(d, 0).coeff(y, 0), whole.coeff(d, -1).coeff(y, 2)


def _riccati() -> Derivation:
    """Steps that end with what a transverse direction adds to the slope of the exponent, in k."""
    plain, square = _stationary_density()
    rate = sp.diff(h, x) / c + 2 * h * k * (1 - k) / sp.diff(U, x)
    follows = {sp.Derivative(k, x): rate}
    yield Step(
        "Terms in y² vanish if k' = h'/c + 2hk(1 - k)/U'", None, sp.Integer(0), equals=sp.simplify(square.subs(follows))
    )
    alone = plain.subs(h, 0).doit()
    joined = sp.expand(plain.subs(K, K * G).doit() - alone)
    fall = sp.solve(joined.subs(sp.Derivative(G, x), G * y), y)[0]
    yield Step("Beside the path alone K falls as", sp.diff(sp.log(G), x), h * (1 - k) / sp.diff(U, x), equals=fall)
    readable = sp.diff(h, x) / (2 * c * k) - sp.diff(sp.log(k), x) / 2
    yield Step("In k: h'/2ck less the slope of half its logarithm", None, readable.subs(follows).doit(), equals=-fall)
    ends = max(sp.solve(h * k * (1 - k), k))
    yield Step("At minimum and saddle, where U' = 0, k is 1", None, sp.Integer(1), equals=ends)
    yield Step("so that its logarithm drops out", None, sp.Integer(0), equals=sp.log(k).subs(k, ends))
    return sp.diff(h, x) / (2 * c * k)


@claim(
    "sgd.entropic-riccati",
    entropic_factor,
    (potential, transverse, D_x, eta, B),
    kind="asymptotic",
    regime=Regime(
        (),
        "Low temperature, small steps: the map shows how low and small. Where k would turn negative the path leaves "
        "the axis. Gaussian noise.",
    ),
    uses=("sgd.escape", "langevin.mean-first-passage"),
    layers=("numerics", "simulation"),
    numerics=transverse_factor,
    slips=(("2 * h * k * (1 - k) / sp.diff(U, x)\n    follows", "h * k * (1 - k) / sp.diff(U, x)\n    follows"),),
)
def sgd_entropic_riccati() -> Derivation:
    """Transverse directions of any stiffness multiply SGD's escape time by exp(½∫h'/(ck)dx), k by a Riccati equation.

    With C = H/B across the path the stationary density around it is K exp(-(S + ky²/2)/d), d = η/2B, S' = U'/c with c
    = B times the noise along the path. Order by order k' = h'/c + 2hk(1 - k)/U' and K falls as exp(-∫h(k - 1)/U'). At
    minimum and saddle k = 1. Where h'U' is small beside 2ch, k stays near 1 and the law is sgd.entropic-factor.
    """
    slope = yield from _riccati()
    exponent = sp.Integral(sp.diff(h, x) / (2 * c * k), (x, x_a, x_b))
    return proven(sp.exp(exponent), equals=sp.exp(sp.Integral(slope, (x, x_a, x_b))))


@claim(
    "sgd.entropic-factor",
    entropic,
    (),
    kind="asymptotic",
    regime=Regime(
        (),
        "The transverse curvature is large, |h'U'| << 2ch on the path, the map shows how large; else see "
        "sgd.entropic-riccati.",
    ),
    uses=("sgd.entropic-riccati",),
    layers=("numerics", "simulation"),
    slips=(("sp.diff(h, x) * path / (2 * c * h)", "sp.diff(h, x) * path / (c * h)"),),
)
def sgd_entropic_factor() -> Derivation:
    """Stiff transverse directions multiply SGD's escape time by exp(½∫h'/c dx) when C = H/B; no determinants appear.

    The limit of sgd.entropic-riccati for a path that is slow beside the direction across it, |h'U'| << 2ch: k is 1, and
    the transverse variance η/2B everywhere. In white noise the variance is D/h instead, and the same push along the
    path integrates to the determinants of Eyring and Kramers.
    """
    slope = yield from _riccati()
    slow, path = sp.symbols("epsilon U_1", positive=True)
    first = 1 + slow * sp.diff(h, x) * path / (2 * c * h)
    balance = sp.diff(h, x) / c + 2 * h * first * (1 - first) / (slow * path)
    yield Step(
        "With U' of order ε: k = 1 + h'U'/2ch leaves nothing of order 1 in the Riccati equation",
        None,
        sp.Integer(0),
        equals=sp.simplify(sp.limit(balance, slow, 0)),
    )
    change = sp.limit((h * (k - 1) / (slow * path)).subs(k, first), slow, 0)
    yield Step("Added slope of the exponent", None, sp.diff(h, x) / (2 * c), equals=change)
    second = sp.series(slope.subs(k, first), slow, 0, 2).removeO().coeff(slow, 1)
    lost = -(sp.diff(h, x) ** 2) * path / (4 * c**2 * h)
    yield Step("Its first correction, of the order of U'", None, lost, equals=second)
    pushed = (sp.diff(h, x) * (D / h) / 2) / D
    log_root = sp.diff(sp.log(sp.sqrt(h)), x)
    yield Step("In white noise, variance D/h, the slope of ln√h: determinants", None, log_root, equals=pushed)
    same = (sp.diff(h, x) / (2 * c)).subs(c, h)
    yield Step("With C = H/B that happens only where c = h", None, log_root, equals=same)
    return proven(sp.Integer(1), equals=sp.simplify(change / (slope.subs(k, 1))))

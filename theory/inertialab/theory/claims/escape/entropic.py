"""What directions across the path of an escape do to its time."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import B, D, entropic, eta
from inertialab.theory.statement import Derivation, claim

x = sp.Symbol("x", real=True)


@claim(
    "sgd.entropic-factor",
    entropic,
    (),
    kind="asymptotic",
    uses=("sgd.escape", "langevin.mean-first-passage"),
    layers=("numerics", "simulation"),
    slips=(("variance = noise / transverse", "variance = noise"),),
)
def sgd_entropic_factor() -> Derivation:
    """Transverse directions multiply SGD's escape time by exp(½∫h'/c dx) when C = H/B; no determinants appear.

    With C = H/B a transverse direction of curvature h(x) has the variance η/2B everywhere on the path. Its energy
    h(x)y²/2 then pushes along the path with a mean force h'(x)η/4B, which adds to the exponent. In white noise the
    variance is D/h instead and the same push integrates to the determinants of Eyring and Kramers.
    """
    y, c = sp.Symbol("y", real=True), sp.Function("c", positive=True)(x)
    transverse, U = sp.Function("h", positive=True)(x), sp.Function("L")(x)
    loss = U + transverse * y**2 / 2
    yield Step(
        "Force along the path", None, -sp.diff(U, x) - sp.diff(transverse, x) * y**2 / 2, equals=-sp.diff(loss, x)
    )
    noise = eta * transverse / (2 * B)
    variance = noise / transverse
    yield Step(
        "Transverse fluctuations are fast: their mean square is the stationary one", y**2, variance, assumed=True
    )
    yield Step("Fast transverse variance D/h with D = ηh/2B", None, eta / (2 * B), equals=variance)
    mean = sp.expand(sp.diff(loss, x).subs(y**2, variance))
    extra = (mean - sp.diff(U, x)) / (eta * c / (2 * B))
    yield Step(
        "Additional slope of the exponent, noise ηc/2B along the path",
        None,
        sp.diff(transverse, x) / (2 * c),
        equals=extra,
    )
    white = (sp.diff(transverse, x) * (D / transverse) / 2) / D
    log_root = sp.diff(sp.log(sp.sqrt(transverse)), x)
    yield Step("In white noise it is the slope of ln√h: the ratio of determinants", None, log_root, equals=white)
    same = (sp.diff(transverse, x) / (2 * c)).subs(c, transverse)
    yield Step("With C = H/B that happens only where c = h", None, log_root, equals=same)
    return proven(sp.Integer(1), equals=extra / (sp.diff(transverse, x) / (2 * c)))

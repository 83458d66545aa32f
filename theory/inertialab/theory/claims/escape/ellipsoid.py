"""Leaving an ellipsoid around a minimum, in any number of directions."""

import sympy as sp

from inertialab.theory.claims.escape.ellipse import felt, layer
from inertialab.theory.derivation import Step, proven
from inertialab.theory.ellipses import across_ellipsoid
from inertialab.theory.notation import C_matrix, D, D_minus, D_plus, H, eta, h, level, n_dims, tau
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

mean, half, pull, radius, squares = sp.symbols("m s t r q", positive=True)
ENDS = (D_plus, D_minus)


@claim(
    "sgd.quasi-potential-ellipsoid",
    tau,
    (eta, H, C_matrix, level),
    kind="asymptotic",
    regime=Regime(
        (level**2 >= 18 * n_dims, 18 * eta * D_plus <= 1),
        "High levels, next orders are n/(2E²) and .7η times a curvature; quadratic loss and Gaussian noise, the same "
        "everywhere.",
    ),
    uses=("sgd.quasi-potential-plane", "sgd.boundary-shift", "sgd.stationary-covariance"),
    layers=("numerics", "real"),
    change=across_ellipsoid,
    slips=(
        ("(S * Hn + Hn * S) / 2", "(S * Hn + Hn * S)"),
        ("3 / fourth", "2 / fourth"),
        ("radius**n_dims * (D - pull / radius**2)", "radius ** (n_dims - 1) * (D - pull / radius**2)"),
        ("2 * (squares - n_dims * mean**2)", "(squares - n_dims * mean**2)"),
    ),
)
def sgd_quasi_potential_ellipsoid() -> Derivation:
    """Mean time in which SGD leaves ½θᵀΣ⁻¹θ < E in n directions, H and C of any directions; one of them is a level.

    A set of eigen-directions of the Hessian follows a linear chain of its own, whatever the noise along the others, so
    that the law speaks of any few directions of a network around its minimum. As in the plane the quasi-potential is
    ½θᵀΣ⁻¹θ, drift and noise balance across its ellipsoids, and what is left of the noise is tr H. Density, area and
    flux are those of a sphere; a direction and its opposite, n = 1, are the two ends of an interval. The diffusion
    across, of mean m over directions, varies by 2(q - nm²)/(n(n+2)), q = tr D², and two values stand for all.

    Measured in one and two directions; for more the derivation speaks alone, as counting would not see a tenth.
    """
    yield from _balance()
    yield from layer()
    fourth = n_dims * (n_dims + 2)
    x, dims = sp.Symbol("x", positive=True), sp.Symbol("n", positive=True)
    weight = x ** (dims - 1) * sp.exp(-(x**2) / 2)
    moment = sp.simplify(sp.integrate(weight * x**4, (x, 0, sp.oo)) / sp.integrate(weight, (x, 0, sp.oo)))
    yield Step("⟨r⁴⟩ of a normal vector", None, fourth, equals=sp.simplify(moment.subs(dims, n_dims)))
    # A normal vector is its length times a direction: ⟨x₁⁴⟩ = 3, ⟨x₁²x₂²⟩ = 1.
    squared = 3 / fourth * squares + (n_dims**2 * mean**2 - squares) / fourth
    spread = 2 * (squares - n_dims * mean**2) / fourth
    yield Step("Variance of D = Σᵢ D_i n_i² over directions", half**2, spread, equals=sp.simplify(squared - mean**2))
    nodes = [mean + half, mean - half]
    for power, whole in ((1, mean), (2, mean**2 + half**2)):
        two = sp.expand(sum(node**power for node in nodes) / 2)
        yield Step(f"Mean of power {power} over all directions, by two", None, two, equals=whole)
    area = 2 * sp.pi ** (n_dims / 2) / sp.gamma(n_dims / 2)
    density = sp.exp(-(radius**2) / 2) / (2 * sp.pi) ** (n_dims / 2)
    one = area * density * radius**n_dims * (D - pull / radius**2)
    outer = one.subs(radius, sp.sqrt(2 * level))
    shown = 2 * level ** (n_dims / 2) * sp.exp(-level) / sp.gamma(n_dims / 2) * (D - pull / (2 * level))
    yield Step("Rate through the sphere of radius √(2E), by density, slope and area", None, shown, equals=outer)
    interval = 2 * h * sp.sqrt(level / sp.pi) * sp.exp(-level) * (1 - 1 / (2 * level))
    yield Step("Of one direction, D = tr H = h", None, interval, equals=shown.subs({D: h, pull: h, n_dims: 1}))
    trace, F = n_dims * (D_plus + D_minus) / 2, sp.Symbol("F", positive=True)
    share = F ** (n_dims / 2 - 1) * sp.exp(-F) * (F * D - pull / 2)  # of a direction, where F is felt
    yield Step("The same, times Γ(n/2)/2", None, share, equals=shown.subs(level, F) * sp.gamma(n_dims / 2) / 2)
    plane = sp.exp(-F) * (F * D - (D_plus + D_minus) / 2)
    yield Step(
        "In the plane that of sgd.quasi-potential-plane", None, plane, equals=share.subs(pull, trace).subs(n_dims, 2)
    )
    parts = [share.subs({D: d, pull: trace}).subs(F, felt(d)) for d in ENDS]
    flux = sum(shown.subs({D: d, pull: trace}).subs(level, F).subs(F, felt(d)) for d in ENDS) / 2
    return proven(sp.gamma(n_dims / 2) / sum(parts), equals=1 / flux)


def _balance() -> Derivation:
    """In three directions as in the plane, S = Σ⁻¹: Lyapunov's equation is S(ηC/2)S = (SH + HS)/2."""
    Hn, S = (
        sp.Matrix(3, 3, lambda i, j, name=name: sp.Symbol(f"{name}_{min(i, j)}{max(i, j)}", real=True)) for name in "HS"
    )
    place = sp.Matrix(sp.symbols("x y z", real=True))
    kick = (S * Hn + Hn * S) / 2
    cost = sp.expand((-(place.T * Hn * S * place) + place.T * kick * place)[0])
    yield Step(
        "-θᵀHp + ½ηpᵀCp with p = Sθ, which is also what is not balanced across", None, sp.Integer(0), equals=cost
    )
    kept = sp.cancel((S.adjugate() * kick).trace() / S.det(method="berkowitz"))
    yield Step("tr(Σ⁻¹D) with D = ηC/2", None, Hn.trace(), equals=kept)

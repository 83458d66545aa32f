"""Leaving an ellipse around a minimum in the plane, Hessian and noise of any directions."""

import sympy as sp

from inertialab.theory.claims.escape.finite_step import sgd_boundary_shift
from inertialab.theory.derivation import Step, proven
from inertialab.theory.ellipses import across
from inertialab.theory.notation import C_matrix, D, D_minus, D_plus, H, eta, level, tau
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

phi, u = sp.symbols("phi u", real=True)
mean, half, pull, radius, a = sp.symbols("m d t r a", positive=True)
SHIFT = -sp.zeta(sp.Rational(1, 2)) / sp.sqrt(2 * sp.pi)
ENDS = (D_plus, D_minus)


def felt(strength: sp.Expr) -> sp.Expr:
    """Level at which a sharp boundary is felt, where the diffusion across it has this strength."""
    return (sp.sqrt(level) + SHIFT * sp.sqrt(eta * strength)) ** 2


@claim(
    "sgd.quasi-potential-plane",
    tau,
    (eta, H, C_matrix, level),
    kind="asymptotic",
    regime=Regime(
        (level >= 6, 12 * eta * D_plus <= 1),
        "High levels, next orders are 1/E² and η times a curvature; a quadratic loss and Gaussian noise, the same "
        "everywhere.",
    ),
    uses=("sgd.stationary-covariance", "sgd.boundary-shift", "sgd.quasi-potential"),
    layers=("numerics", "simulation", "real"),
    change=across,
    slips=(
        ("cost = -H1 * p[0]", "cost = H1 * p[0]"),
        ("pull / a * u", "2 * pull / a * u"),
        ("turned - 2 * mean", "turned + 2 * mean"),
    ),
)
def sgd_quasi_potential_plane() -> Derivation:
    """Mean time in which SGD leaves ½θᵀΣ⁻¹θ < E in the plane, H and C of any directions: about e^E/((E - 1) tr H).

    The quasi-potential of a quadratic loss is ½θᵀΣ⁻¹θ with the stationary covariance Σ, and its ellipses are left
    everywhere at one cost. Where H and C do not commute the state turns, but along the ellipses: across them drift and
    noise balance, and the noise drops out of the leading rate, E e^{-E} tr H. Exits are as frequent as the diffusion
    across, D, is large. A sharp boundary is felt .5826 standard deviations of a step farther out, on the ellipse of
    level (√E + .5826 √(ηD))²; the mean over directions is that over two, D_+ and D_-, up to fourth order of their
    difference.
    """
    yield from _balance()
    yield from layer()
    turned = mean + half * sp.cos(phi)
    rate = sp.integrate(turned, (phi, -sp.pi, sp.pi)) / (2 * sp.pi)
    yield Step("Diffusion across, mean over directions: half of tr(Σ⁻¹D) = tr H", None, mean, equals=rate)
    weight = sp.exp(-(radius**2) / 2) / (2 * sp.pi)
    flux = sp.simplify(sp.integrate(weight * radius * radius * (turned - 2 * mean / radius**2), (phi, -sp.pi, sp.pi)))
    yield Step(
        "Rate over the circle θᵀΣ⁻¹θ = r²: density, slope and length times D(1 - tr H/(r²D))",
        None,
        mean * (radius**2 - 2) * sp.exp(-(radius**2) / 2),
        equals=flux,
    )
    plain = flux.subs(radius, sp.sqrt(2 * level)).subs(mean, pull / 2)
    yield Step("that is, tr H = t", None, (level - 1) * pull * sp.exp(-level), equals=plain)
    step = sp.sqrt(2 * eta * D)
    moved = (sp.sqrt(2 * level) + SHIFT * step) ** 2 / 2
    known = sgd_boundary_shift.formula
    yield Step("Threshold of sgd.boundary-shift, in standard deviations of a step", None, SHIFT, equals=known / step)
    yield Step("The circle farther out has the level", None, sp.expand(felt(D)), equals=sp.expand(moved))
    nodes = [mean + half / sp.sqrt(2), mean - half / sp.sqrt(2)]
    for power in (1, 2, 3):
        whole = sp.integrate(turned**power, (phi, -sp.pi, sp.pi)) / (2 * sp.pi)
        two = sp.expand(sum(x**power for x in nodes) / 2)
        yield Step(f"Mean of power {power} over all directions, by two", None, two, equals=sp.expand(whole))
    parts = [sp.exp(-felt(d)) * (felt(d) * d - (D_plus + D_minus) / 2) for d in ENDS]
    one = 2 * sp.pi * weight * radius**2 * (D - 2 * mean / radius**2)  # of the rate, in a direction
    found = [one.subs(radius, sp.sqrt(2 * felt(D))).subs(D, d) for d in ENDS]
    derived = sp.Add(*found).subs(mean, (D_plus + D_minus) / 2) / 2
    return proven(1 / sum(parts), equals=1 / derived)


def _balance() -> Derivation:
    """Σ solves Lyapunov's equation; ½θᵀΣ⁻¹θ then solves that of the quasi-potential, and turns nothing across."""
    H1, H2, H3, s1, s2, s3 = sp.symbols("H_1 H_2 H_3 S_1 S_2 S_3", real=True)
    bend, spread = sp.Matrix([[H1, H2], [H2, H3]]), sp.Matrix([[s1, s2], [s2, s3]])
    kick = (bend * spread + spread * bend) / 2  # ηC/2, by Lyapunov's equation at small steps
    q = sp.Matrix(sp.symbols("x y", real=True))
    p = spread.inv() * q
    cost = -H1 * p[0] * q[0] - H2 * p[0] * q[1] - H2 * p[1] * q[0] - H3 * p[1] * q[1] + (p.T * kick * p)[0]
    yield Step("-θᵀHp + ½ηpᵀCp with p = Σ⁻¹θ", None, sp.Integer(0), equals=sp.simplify(cost))
    yield Step("tr(Σ⁻¹D) with D = ηC/2", None, H1 + H3, equals=sp.simplify((spread.inv() * kick).trace()))
    current = -bend * q + kick * p
    yield Step(
        "What is not balanced runs along the ellipse", None, sp.Integer(0), equals=sp.simplify((p.T * current)[0])
    )


def layer() -> Derivation:
    """Chance not to have left, at u below the level: 1 - e^{-u}(1 + f), where a = θᵀΣ⁻¹DΣ⁻¹θ."""
    first = pull / a * u
    residual = a * (sp.diff(first, u, 2) - sp.diff(first, u)) + pull
    yield Step("Next to the boundary: a(f″ - f′) + tr H, f = u tr H/a", None, sp.Integer(0), equals=residual)
    chance = 1 - sp.exp(-u) * (1 + first)
    yield Step("Slope there", None, 1 - pull / a, equals=sp.diff(chance, u).subs(u, 0))

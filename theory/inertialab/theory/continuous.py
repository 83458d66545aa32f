"""Stationary laws of continuous-time and frozen-state descriptions, beside the exact discrete ones."""

import sympy as sp

from inertialab.theory.claim import Derivation, Order, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import (
    ADAI,
    MOMENTUM_EMA,
    MOMENTUM_TORCH,
    SGD,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    B,
    C,
    C_ij,
    C_matrix,
    D,
    H,
    M,
    beta,
    cov_ij,
    eta,
    eta_adam,
    flatness,
    gamma,
    h,
    h_i,
    h_j,
    kappa,
    theta,
    var,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import Regime
from inertialab.theory.stationary import (
    STABLE,
    momentum_stationary_variance,
    momentum_stationary_variance_torch,
    sgd_stationary_covariance,
    sgd_stationary_variance,
    sgd_stationary_variance_ou,
)

x, v = sp.symbols("x v", real=True)


@claim(
    "sgd.isotropy",
    var,
    (eta, B),
    kind="attributed",
    source=Source("jastrzebski2017three", "stationary density when the noise covariance equals the Hessian"),
    uses=("sgd.stationary-variance",),
    corrected_by="sgd.stationary-variance",
    order=Order(eta * h, 1, -sp.Rational(1, 2)),
    instead="Even with C = H/B steep directions spread more, by 1/(1 - ηh/2); without C = H/B nothing is isotropic.",
    layers=("simulation", "real"),
)
def sgd_isotropy() -> Derivation:
    """Stationary variance η/2B in every direction, if the noise is the Hessian divided by the batch size.

    The variance of the Ornstein-Uhlenbeck process with C = h/B does not depend on h. Whether C = H/B holds is
    another claim; this one takes it for granted.
    """
    yield Step("Noise in proportion to the curvature", C, h / B, assumed=True)
    derived = sgd_stationary_variance_ou.formula.subs(C, h / B)
    exact = sgd_stationary_variance.formula.subs(C, h / B)
    yield Step("Exact variance under the same assumption", None, eta / (B * (2 - eta * h)), equals=exact)
    readable = eta / (2 * B)
    yield Step("Divided by it", PUBLISHED_OVER_DERIVED, 1 - eta * h / 2, equals=readable / exact)
    return proven(readable, equals=derived)


@claim(
    "sgd.stationary-covariance-mandt",
    cov_ij,
    (eta, H, C_matrix),
    kind="asymptotic",
    regime=Regime(
        (h_i > 0, eta * h_i <= sp.Rational(1, 10)),
        "Beyond it the relative error exceeds 5 %; use sgd.stationary-covariance.",
    ),
    source=Source("mandt2017stochastic", "Lyapunov equation of the stationary covariance"),
    uses=("sgd.stationary-covariance",),
    corrected_by="sgd.stationary-covariance",
    order=Order(eta, 1, -h_i * h_j / (h_i + h_j)),
    instead="The discrete Lyapunov equation has the term -η²HΣH beside these.",
    layers=("numerics", "simulation"),
    change=in_eigenbasis,
)
def sgd_stationary_covariance_mandt() -> Derivation:
    """Stationary covariance of SGD in continuous time: HΣ + ΣH = ηC.

    The matrix Ornstein-Uhlenbeck process drifts by -Hθ and its noise has covariance ηC a unit of time. In the
    eigenbasis of H each entry of Σ decays at the rate h_i + h_j and is fed by ηC_ij.
    """
    entry = sp.Symbol("P")
    (fixed,) = sp.solve(-(h_i + h_j) * entry + eta * C_ij, entry)
    cos, sin, S = *sp.symbols("c s", real=True), sp.symbols("S_11 S_12 S_22", real=True)
    R = sp.Matrix([[cos, -sin], [sin, cos]])
    solution, curvature = sp.Matrix([[S[0], S[1]], [S[1], S[2]]]), sp.diag(h_i, h_j)
    hessian, covariance = R * curvature * R.T, R * solution * R.T
    noise = R * (curvature * solution + solution * curvature) * R.T
    rotated = hessian * covariance + covariance * hessian - noise
    rest = sum((sp.rem(sp.expand(r), sin**2 + cos**2 - 1, sin) ** 2 for r in rotated), sp.Integer(0))
    yield Step("Residual of the matrix equation in a rotated basis", None, sp.Integer(0), equals=rest)
    readable = eta * C_ij / (h_i + h_j)
    ratio = 1 - eta * h_i * h_j / (h_i + h_j)
    yield Step(
        "Divided by the exact entry", PUBLISHED_OVER_DERIVED, ratio, equals=readable / sgd_stationary_covariance.rhs
    )
    return proven(readable, equals=fixed)


@claim(
    "sgd.modified-equation-2",
    var,
    (eta, h, C),
    kind="attributed",
    regime=STABLE,
    source=Source("li2019stochastic", "stochastic modified equation of second order"),
    uses=("sgd.stationary-variance", "sgd.stationary-variance-ou"),
    corrected_by="sgd.stationary-variance",
    expected="refuted",
    order=Order(eta * h, 1, -sp.Integer(1)),
    instead="The second-order drift needs the noise variance times 1 + ηh to match; alone it doubles the error.",
    layers=("numerics",),
)
def sgd_modified_equation_2() -> Derivation:
    """Stationary variance of the second-order modified equation of SGD: its error is twice the first order's.

    The modified loss is L + (η/4)L'², the noise that of the first-order equation. The extra drift is right, a
    step of SGD contracts more than e^{-ηh}, but a larger contraction needs a larger noise to keep the variance.
    """
    modified = QUADRATIC + eta / 4 * sp.diff(QUADRATIC, theta) ** 2
    rate = sp.diff(modified, theta, 2)
    yield Step("The published modified loss", sp.Symbol("L_2"), modified, assumed=True)
    yield Step("Curvature of the modified loss", None, h * (1 + eta * h / 2), equals=rate)
    contraction = sp.log(1 - eta * h)
    yield Step(
        "The rate of contraction, minus that of SGD, is of second order",
        None,
        sp.Integer(0),
        equals=sp.series(rate + contraction / eta, eta, 0, 2).removeO(),
    )
    readable = eta * C / (h * (2 + eta * h))
    exact = sgd_stationary_variance.formula
    first = sgd_stationary_variance_ou.formula / exact - 1
    second_order = sp.series(readable / exact - 1, eta, 0, 2).removeO()
    yield Step(
        "Its relative error, leading order, is twice that of the first order", None, 2 * first, equals=second_order
    )
    ratio = (2 - eta * h) / (2 + eta * h)
    yield Step("Divided by the exact variance", PUBLISHED_OVER_DERIVED, ratio, equals=readable / exact)
    return proven(readable, equals=eta * C / (2 * rate))


@claim(
    "momentum.modified-equation",
    var,
    (eta, h, C, beta),
    kind="attributed",
    regime=Regime((h > 0, beta < 1, eta * h <= (1 + beta) / 10), "Beyond it the variance is more than 5 % low."),
    source=Source("kunin2021limiting", "underdamped equation of SGD with momentum"),
    uses=("momentum.stationary-variance-torch", "momentum.stationary-velocity"),
    corrected_by="momentum.stationary-variance-torch",
    order=Order(eta * h, 1, -1 / (2 * (1 + beta))),
    instead="Variances of position and of velocity are both larger, by 1/(1 - ηh/(2(1 + β))).",
    layers=("numerics", "simulation"),
)
def momentum_modified_equation() -> Derivation:
    """Stationary variance by the equation (η/2)(1 + β)θ'' + (1 - β)θ' = -ĝ, PyTorch convention.

    A damped oscillator with inertia (η/2)(1 + β) and friction coefficient 1 - β, driven by white noise of
    strength 2D with D = ηC/2. Its stationary moments solve three linear equations.
    """
    inertia, drag = eta * (1 + beta) / 2, 1 - beta
    yield Step("The published inertia", M, inertia, assumed=True)
    xx, xv, vv = sp.symbols("xx xv vv")
    drift = sp.Matrix([[0, 1], [-h / inertia, -drag / inertia]])
    moments = sp.Matrix([[xx, xv], [xv, vv]])
    noise = sp.diag(0, eta * C / inertia**2)
    (solution,) = sp.linsolve(list(drift * moments + moments * drift.T + noise), (xx, xv, vv))
    velocity = sp.Symbol("<v^2>")
    yield Step("Stationary mean squared velocity", velocity, C / (1 - beta**2), equals=solution[2])
    exact = 2 * C / ((1 - beta) * (2 * (1 + beta) - eta * h))
    step = stationary_moments(*linear_recursion(MOMENTUM_TORCH, QUADRATIC))[1, 1]
    yield Step("Exact mean squared displacement of a step over η²", None, exact, equals=step)
    ratio = 1 - eta * h / (2 * (1 + beta))
    yield Step("Ratio of the velocities", None, ratio, equals=solution[2] / exact)
    readable = eta * C / (2 * h * (1 - beta))
    over = readable / momentum_stationary_variance_torch.formula
    yield Step("Position: divided by the exact variance", PUBLISHED_OVER_DERIVED, ratio, equals=over)
    return proven(readable, equals=solution[0])


@claim(
    "adam.stationary-variance",
    var,
    (eta_adam, h, B),
    kind="asymptotic",
    regime=Regime(
        (h > 0, eta_adam * sp.sqrt(B * h) <= sp.Rational(1, 5)),
        "Beyond it the relative error exceeds 5 %.",
    ),
    source=Source("xie2022adaptive", "second moment v = H/B near a minimum"),
    uses=("momentum.stationary-variance",),
    order=Order(eta_adam * sp.sqrt(B * h), 1, sp.Rational(1, 4) - (1 - beta) / (2 * (1 + beta))),
    layers=("simulation", "real"),
)
def adam_stationary_variance() -> Derivation:
    """Stationary variance of Adam when the noise is the Hessian divided by the batch size.

    A slow second moment is a fixed preconditioner 1/√v: EMA momentum with curvature h/√v and noise C/v. It is
    the mean squared gradient v = C + h²⟨θ²⟩, so the variance obeys an equation of its own.
    """
    ratio = sp.Symbol("epsilon", positive=True)  # η√(Bh), the step relative to the width of the minimum
    yield Step("Noise in proportion to the curvature", C, h / B, assumed=True)
    yield Step("Second moment frozen at its mean", second, C + h**2 * var, assumed=True)
    frozen = momentum_stationary_variance.formula.subs({h: h / sp.sqrt(second), C: C / second}, simultaneous=True)
    leading = eta * C / (2 * h * sp.sqrt(second))
    yield Step(
        "Preconditioned law of momentum, leading order in η",
        None,
        leading,
        equals=sp.series(frozen, eta, 0, 2).removeO(),
    )
    readable = eta_adam / (2 * sp.sqrt(B * h))
    first = leading.subs({eta: eta_adam, second: h / B, C: h / B}, simultaneous=True)
    # Next order: insert the variance into v, with θ² in units of readable and η√(Bh) = ε.
    units = {eta: ratio, h: 1, C: 1, second: 1 + var}
    correction = sp.Symbol("c")
    trial = ratio / 2 * (1 + correction * ratio)
    residual = sp.series(frozen.subs(units, simultaneous=True).subs(var, trial) - trial, ratio, 0, 3).removeO()
    (found,) = sp.solve(residual.coeff(ratio, 2), correction)
    stated = (1 - beta) / (2 * (1 + beta)) - sp.Rational(1, 4)
    yield Step("Coefficient of η√(Bh) in the self-consistent variance", correction, stated, equals=found)
    return proven(readable, equals=first)


@claim(
    "adai.stationary-variance",
    var,
    (eta, h, C, kappa),
    kind="asymptotic",
    regime=Regime(
        (h > 0, kappa <= 1, eta * kappa * h < 2 * (2 - kappa)),
        "A stationary state needs a minimum and a stable step.",
    ),
    source=Source("xie2022adaptive", "Adai with frozen inertia"),
    uses=("momentum.stationary-variance",),
    layers=("simulation", "real"),
)
def adai_stationary_variance() -> Derivation:
    """Stationary variance of Adai with frozen inertia: EMA momentum with β = 1 - κ.

    The inertia of a coordinate follows a slow second moment, relative to the mean over all coordinates. Where it
    hardly fluctuates, and once the correction of the start has died away, the update is that of EMA momentum.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    new = dict(ADAI.assignments)[average]
    ema = dict(MOMENTUM_EMA.assignments)[average].subs(beta, 1 - kappa)
    yield Step("Adai's buffer is that of EMA momentum", average, ema, equals=new)
    derived = momentum_stationary_variance.formula.subs(beta, 1 - kappa)
    readable = eta * C * (2 - kappa) / (h * (2 * (2 - kappa) - eta * kappa * h))
    yield Step(
        "No inertia at κ = 1: the law of SGD", None, sgd_stationary_variance.formula, equals=readable.subs(kappa, 1)
    )
    return proven(readable, equals=derived)


@claim(
    "langevin.stationary-density",
    flatness,
    (),
    kind="exact",
    source=Source("gardiner2009stochastic", "stationary solutions of the Fokker-Planck equation"),
    layers=("numerics", "simulation"),
)
def langevin_stationary_density() -> Derivation:
    """Stationary densities: Gibbs for constant diffusion, D⁻¹exp(-∫L'/D) in Ito's sense for diffusion D(x).

    Minibatch noise is evaluated before the step, which is Ito's sense: the current is -L'p - (Dp)'. Without current
    the density is not that of the energy alone, it is small where the noise is large. In the anti-Ito sense the
    current is -L'p - Dp' and the factor 1/D is missing. With friction γ and inertia M the velocity joins in.
    """
    L, D_of, Phi_of = (sp.Function(name)(x) for name in ("L", "D", "Phi"))
    slope = {sp.Derivative(Phi_of, x): sp.diff(L, x) / D_of}
    ito = sp.exp(-Phi_of) / D_of
    current = -sp.diff(L, x) * ito - sp.diff(D_of * ito, x)
    yield Step("Current of D⁻¹exp(-Φ) with Φ' = L'/D, Ito", None, sp.Integer(0), equals=current.subs(slope).doit())
    anti = -sp.diff(L, x) * sp.exp(-Phi_of) - D_of * sp.diff(sp.exp(-Phi_of), x)
    yield Step("Current of exp(-Φ), anti-Ito", None, sp.Integer(0), equals=anti.subs(slope).doit())
    energy = sp.Function("L")(x, v)
    gibbs = sp.exp(-energy / D)
    residual = sum(sp.diff(sp.diff(energy, q) * gibbs + D * sp.diff(gibbs, q), q) for q in (x, v)) / gibbs
    yield Step("Constant diffusion, two dimensions: residual over Gibbs' density", None, sp.Integer(0), equals=residual)
    kinetic = sp.exp(-gamma * M * (M * v**2 / 2 + L) / D)
    kramers = (
        -v * sp.diff(kinetic, x)
        + sp.diff((gamma * v + sp.diff(L, x) / M) * kinetic, v)
        + D / M**2 * sp.diff(kinetic, v, 2)
    ) / kinetic
    yield Step("With inertia: residual over exp(-γM(Mv²/2 + L)/D)", None, sp.Integer(0), equals=sp.expand(kramers))
    A, noise = linear_recursion(SGD, QUADRATIC)
    wide = sp.limit(sp.solve(A[0] ** 2 * var + C * noise[0] ** 2 - var, var)[0] / eta, eta, 0) * eta
    yield Step("Its variance on a quadratic, D = ηC/2, is SGD's for small η", None, eta * C / (2 * h), equals=wide)
    flat = sp.diff(ito * D_of * sp.exp(Phi_of), x)
    return proven(sp.Integer(1), equals=1 + flat)

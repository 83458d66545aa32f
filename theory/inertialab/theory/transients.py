"""Leaving a saddle beyond the exact spread of SGD and momentum: drift, ballistic entry, bias correction, Adam, Adai."""

import sympy as sp

from inertialab.theory.claim import Derivation, Source, claim
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAM, MOMENTUM_EMA, SGD, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    B,
    C,
    D,
    M,
    T,
    beta,
    beta0,
    beta2,
    bias_corrected,
    delta,
    drift_ratio,
    eta,
    eta_adam,
    g,
    gamma,
    growth,
    h,
    k,
    kappa,
    lambda_minus,
    lambda_plus,
    m0,
    moved_T,
    msd_T,
    msd_t,
    n,
    r_minus,
    r_plus,
    t,
    theta,
    trace_abs,
    v0sq,
    x,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.numerics import (
    adai_msd,
    bias_corrected_msd,
    drift_and_diffusion,
    heavy_ball_displacement,
    underdamped_msd,
)
from inertialab.theory.regime import Regime
from inertialab.theory.saddle import momentum_saddle_msd

FREE_THERMAL = 2 * D / (gamma**2 * M**2) * (t - (1 - sp.exp(-gamma * t)) / gamma)
"""Mean squared displacement without curvature from a thermal start (Ornstein and Fürth)."""


@claim(
    "momentum.saddle-msd-continuous",
    msd_t,
    (D, h, gamma, M, t, v0sq),
    kind="exact",
    source=Source("risken1989fokker", "Brownian motion of the harmonic oscillator"),
    layers=("numerics", "simulation"),
    where={
        lambda_plus: -gamma / 2 + sp.sqrt(gamma**2 / 4 - h / M),
        lambda_minus: -gamma / 2 - sp.sqrt(gamma**2 / 4 - h / M),
    },
    numerics=underdamped_msd,
)
def momentum_saddle_msd_continuous() -> Derivation:
    """Mean squared displacement of a damped particle in white noise, all damping regimes, minimum or saddle.

    Mθ'' = -γMθ' - hθ + √(2D)ζ from the critical point with mean squared velocity v0sq. The rates λ₊ and λ₋ solve
    λ² + γλ + h/M = 0; written by them the moment equations have polynomial residuals in exponentials, whatever the
    damping. Complex rates oscillate; the result is real. At a saddle λ₊ > 0.
    """
    a, c = lambda_plus, lambda_minus
    friction, stiffness = -(a + c), a * c  # γ and h/M
    solved = {
        lambda_plus: -gamma / 2 + sp.sqrt(gamma**2 / 4 - h / M),
        lambda_minus: -gamma / 2 - sp.sqrt(gamma**2 / 4 - h / M),
    }
    yield Step("Friction by the rates", gamma, gamma, equals=friction.subs(solved))
    yield Step("Stiffness by the rates", h / M, h / M, equals=stiffness.subs(solved))
    G = (sp.exp(a * t) - sp.exp(c * t)) / (a - c)
    response = sp.diff(G, t, 2) + friction * sp.diff(G, t) + stiffness * G
    yield Step(
        "Response G to a unit velocity: residual of the equation of motion", None, sp.Integer(0), equals=response
    )
    start, rise = G.subs(t, 0), sp.diff(G, t).subs(t, 0)
    yield Step("G starts at 0", None, sp.Integer(0), equals=start)
    yield Step("with velocity 1", None, sp.Integer(1), equals=rise)
    strength = 2 * D / M**2

    def grown(rate: sp.Expr) -> sp.Expr:
        return (sp.exp(rate * t) - 1) / rate

    spread = strength / (a - c) ** 2 * (grown(2 * a) - 2 * grown(a + c) + grown(2 * c))
    cross = strength / 2 * G**2
    speed = strength / (a - c) ** 2 * (a**2 * grown(2 * a) - 2 * a * c * grown(a + c) + c**2 * grown(2 * c))
    moments = (
        ("spread", spread, 2 * cross),
        ("correlation", cross, speed - friction * cross - stiffness * spread),
        ("velocity", speed, -2 * friction * speed - 2 * stiffness * cross + strength),
    )
    for name, value, following in moments:
        residual = sp.diff(value, t) - following
        yield Step(f"Noise from rest, {name}: residual of the moment equation", None, sp.Integer(0), equals=residual)
        yield Step(f"{name.capitalize()} at time zero", None, sp.Integer(0), equals=value.subs(t, 0))
    kicked = v0sq * G**2
    thermal = (spread + kicked.subs(v0sq, D / (gamma * M**2))).subs(a, -gamma - c)
    free = sp.limit(thermal, c, -gamma)
    yield Step("Without curvature, from a thermal start D/(γM²)", None, FREE_THERMAL, equals=free)
    readable = v0sq * G**2 + strength / (a - c) ** 2 * (
        (sp.exp(2 * a * t) - 1) / (2 * a) + 2 * (sp.exp(-gamma * t) - 1) / gamma + (sp.exp(2 * c * t) - 1) / (2 * c)
    )
    return proven(readable, equals=kicked + spread, where={gamma: friction})


@claim(
    "momentum.saddle-msd-drift",
    msd_t,
    (D, h, gamma, M, t),
    kind="attributed",
    source=Source("xie2022adaptive", "Theorem 2"),
    uses=("momentum.saddle-msd-continuous",),
    corrected_by="momentum.saddle-msd-continuous",
    expected="refuted",
    instead="From a thermal start the free spread is 2D/(γ²M²)(t - (1 - e^{-γt})/γ), from rest less: inertia delays "
    "the spread, where the published drift hastens it.",
    layers=("simulation",),
    numerics=drift_and_diffusion,
)
def momentum_saddle_msd_drift() -> Derivation:
    """Mean squared displacement of momentum as a drift plus the diffusion of SGD.

    The published drift is the answer v0sq·G² to a thermal velocity v0sq = D/(γM²) without curvature; the published
    diffusion is the overdamped limit. Their sum counts the start-up of the diffusion as if it took no time: the
    transient costs more than the drift brings, so the correction to 2Dt/(γM)² has the wrong sign.
    """
    drift = D / (gamma**3 * M**2) * (1 - sp.exp(-gamma * t)) ** 2
    response = (1 - sp.exp(-gamma * t)) / gamma
    yield Step("Thermal velocity met by the free response", None, drift, equals=D / (gamma * M**2) * response**2)
    rate = sp.Symbol("r")
    solution = sp.dsolve(sp.diff(_V(t), t) + 2 * rate * _V(t) - 2 * D / (gamma * M) ** 2, _V(t), ics={_V(0): 0}).rhs
    diffusion = D / (gamma * M * h) * (1 - sp.exp(-2 * h * t / (gamma * M)))
    yield Step("Overdamped spread", _V(t), diffusion, equals=solution.subs(rate, h / (gamma * M)))
    yield Step("The two are added", msd_t, drift + diffusion, assumed=True)
    free = drift + sp.limit(diffusion, h, 0)
    u = sp.exp(-gamma * t)
    excess = D / (gamma**3 * M**2) * (1 - u) * (3 - u)
    yield Step("Without curvature, from a thermal start", PUBLISHED_MINUS_DERIVED, excess, equals=free - FREE_THERMAL)
    late = sp.limit(FREE_THERMAL - 2 * D * t / (gamma * M) ** 2, t, sp.oo)
    yield Step("Late correction to 2Dt/(γM)², derived", None, -2 * D / (gamma**3 * M**2), equals=late)
    late = sp.limit(free - 2 * D * t / (gamma * M) ** 2, t, sp.oo)
    yield Step("and published", None, D / (gamma**3 * M**2), equals=late)
    return proven(drift + diffusion, equals=D / (gamma * M**2) * response**2 + solution.subs(rate, h / (gamma * M)))


_V = sp.Function("V", real=True)


@claim("momentum.drift-bound", drift_ratio, (x,), kind="exact", layers=("numerics",))
def momentum_drift_bound() -> Derivation:
    """Published drift over published diffusion, (1 - e^{-x})²/2x: never more than 0.203632, reached at x = 1.256431.

    The published mean squared displacements of momentum, Adam and Adai share this ratio at small curvature, with x
    the time in units of the memory of momentum. Even by its own formula the drift is at most a fifth of the diffusion.
    """
    drift = D / (gamma**3 * M**2) * (1 - sp.exp(-gamma * t)) ** 2
    ratio = drift / (2 * D * t / (gamma * M) ** 2)
    readable = (1 - sp.exp(-x)) ** 2 / (2 * x)
    slope = sp.diff(readable, x)
    sign = (1 + 2 * x) * sp.exp(-x) - 1
    yield Step(
        "Its slope has the sign of (1 + 2x)e^{-x} - 1",
        None,
        (1 - sp.exp(-x)) / (2 * x**2) * sign,
        equals=slope,
    )
    yield Step("which starts at 0", None, sp.Integer(0), equals=sp.limit(sign, x, 0))
    yield Step("rises while x < 1/2 and falls after", None, (1 - 2 * x) * sp.exp(-x), equals=sp.diff(sign, x))
    yield Step("and tends to -1, so it vanishes once", None, sp.Integer(-1), equals=sp.limit(sign, x, sp.oo))
    w = sp.LambertW(-sp.exp(-sp.Rational(1, 2)) / 2, -1)
    where = -sp.Rational(1, 2) - w
    # e^x = 1 + 2x is w e^w = -e^{-1/2}/2, the definition of Lambert's function.
    branch = sp.Symbol("w")
    product = (sp.exp(-sp.Rational(1, 2) - branch) - 1 - 2 * (-sp.Rational(1, 2) - branch)) * sp.exp(branch)
    defining = 2 * (branch * sp.exp(branch) + sp.exp(-sp.Rational(1, 2)) / 2)
    yield Step("The maximum, x = -1/2 - w, solves Lambert's equation", None, defining, equals=sp.expand(product))
    found = sp.nsolve(sp.exp(x) - 1 - 2 * x, x, 1.25, prec=50)
    yield Step("Where the maximum lies", None, where, numerically=found)
    peak = 2 * where / (1 + 2 * where) ** 2
    yield Step("Its height, with e^{-x} = 1/(1 + 2x)", None, peak, numerically=readable.subs(x, where))
    rounded = sp.floor(10**6 * peak + sp.Rational(1, 2))
    yield Step("Its height in millionths, rounded", None, sp.Integer(203632), numerically=rounded)
    return proven(readable, equals=ratio.subs(t, x / gamma))


@claim(
    "momentum.growth-slower",
    growth,
    (eta, h, beta),
    kind="exact",
    regime=Regime((h < 0, beta < 1), "A statement about saddles."),
    uses=("momentum.saddle-msd",),
    layers=("numerics", "simulation"),
)
def momentum_growth_slower() -> Derivation:
    """Growth of EMA momentum at a saddle, per step: always below SGD's 1 + η|h| at the same learning rate.

    The growth is the larger root of the characteristic polynomial. At r = 1 + η|h| the polynomial is βη²h² > 0, and
    that point lies beyond the vertex, so the root is smaller, for every η, h < 0 and 0 < β < 1. Both grow: at r = 1 it
    is negative. PyTorch's momentum at η is EMA momentum at η/(1 - β), and is beaten by SGD at that rate.
    """
    r, q, b = sp.Symbol("r"), sp.Symbol("q", positive=True), sp.Symbol("beta", positive=True)
    A, _ = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    polynomial = A.charpoly(r).as_expr()
    at_saddle = polynomial.subs({h: -q / eta, beta: b}, simultaneous=True)
    (sgd,) = SGD.step(h * theta).values()
    yield Step("SGD's growth with q = η|h|", None, 1 + q, equals=sp.diff(sgd, theta).subs(h, -q / eta))
    value = sp.factor(sp.expand(at_saddle.subs(r, 1 + q)))
    yield Step("The polynomial there", None, b * q**2, equals=value)
    yield Step("is positive", None, sp.Integer(1), equals=sp.sign(value))
    slack = sp.Symbol("1-beta", positive=True)
    beyond = sp.expand(sp.diff(at_saddle, r).subs(r, 1 + q).subs(b, 1 - slack))
    yield Step("Its slope there, with 1 - β = f", None, 2 * q + slack - slack * q, equals=beyond)
    yield Step("is positive for f < 1: q + q(1 - f) + f", None, q + q * b + (1 - b), equals=beyond.subs(slack, 1 - b))
    yield Step("At r = 1 it is negative", None, -(1 - b) * q, equals=at_saddle.subs(r, 1))
    epsilon = eta * (1 - beta)
    root = (1 + beta - epsilon * h + sp.sqrt((1 + beta - epsilon * h) ** 2 - 4 * beta)) / 2
    yield Step("The larger root solves it", None, sp.Integer(0), equals=sp.expand(polynomial.subs(r, root)))
    leading = sp.series((root - 1).subs({h: -q / eta, beta: 1 - slack}), q, 0, 3).removeO()
    yield Step("Growth beyond 1, small η|h|", None, q - (1 - slack) / slack * q**2, equals=leading)
    other = (1 + beta - epsilon * h - sp.sqrt((1 + beta - epsilon * h) ** 2 - 4 * beta)) / 2
    return proven(root, equals=beta / other)


@claim(
    "momentum.ballistic",
    moved_T,
    (eta, h, beta, T, m0),
    kind="exact",
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    uses=("momentum.saddle-msd",),
    where=momentum_saddle_msd.where,
    numerics=heavy_ball_displacement,
)
def momentum_ballistic() -> Derivation:
    """Mean displacement of EMA momentum that enters a critical point with a buffer: -ηβG_T m₀.

    Noise has mean zero, so the mean obeys the recursion without noise. With G_T = (r₊ᵀ - r₋ᵀ)/(r₊ - r₋) the
    displacement starts at zero and obeys the second-order recursion of heavy ball.
    """
    epsilon = eta * (1 - beta)
    A, _ = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    yield Step("First step from the critical point", None, -eta * beta * m0, equals=A[0, 1] * m0)
    roots = {beta: r_plus * r_minus, h: (1 - r_plus) * (1 - r_minus) / (eta * (1 - r_plus * r_minus))}
    trace, determinant = A.trace().subs(roots), A.det().subs(roots)
    yield Step("Sum of the roots is the trace", None, r_plus + r_minus, equals=trace)
    yield Step("Their product is the determinant", None, r_plus * r_minus, equals=determinant)

    def moved(count: sp.Expr) -> sp.Expr:
        return -eta * r_plus * r_minus * m0 * (r_plus**count - r_minus**count) / (r_plus - r_minus)

    # Cayley and Hamilton: every entry of Aᵀ obeys the recursion of the characteristic polynomial.
    residual = moved(T + 2) - trace * moved(T + 1) + determinant * moved(T)
    yield Step("Residual of the recursion", None, sp.Integer(0), equals=residual)
    yield Step("No displacement at the start", None, sp.Integer(0), equals=moved(sp.S(0)))
    yield Step("After one step", None, A[0, 1].subs(roots) * m0, equals=moved(sp.S(1)))
    free = sp.limit(sp.limit(moved(T), r_plus, 1).subs(r_minus, beta), h, 0)
    yield Step("Without curvature", None, -eta * m0 * beta * (1 - beta**T) / (1 - beta), equals=free)
    squared = momentum_saddle_msd.rhs.subs({C: 0, v0sq: m0**2})
    yield Step(
        "Its square is the mean squared displacement without noise",
        None,
        squared.subs(roots),
        equals=(moved(T) ** 2).subs(roots),
    )
    readable = -eta * beta * m0 * (r_plus**T - r_minus**T) / (r_plus - r_minus)
    yield Step("Learning rate times 1 - β is the step of heavy ball", None, epsilon, equals=eta * (1 - beta))
    return proven(readable, equals=moved(T), where={beta: r_plus * r_minus})


_j = sp.Symbol("j", integer=True, positive=True)
_i = sp.Symbol("i", integer=True, positive=True)


@claim(
    "momentum.bias-correction",
    bias_corrected,
    (beta, T),
    kind="exact",
    regime=Regime((beta <= 1, T >= 1), "Momentum beyond 1 diverges."),
    layers=("numerics", "simulation"),
    numerics=bias_corrected_msd,
)
def momentum_bias_correction() -> Derivation:
    """Free spread from a cold start with bias correction, in units of η²C; 2T - H_T as β → 1.

    The buffer starts empty and the step divides it by 1 - βᵗ, as in Adam and Adai. Noise ξ_k then moves the parameter
    by -ηc_kξ_k. As β → 1 the step is the mean of all gradients so far, c_k is a piece of the harmonic series, and the
    spread is 2T - H_T with the harmonic number H_T: nearly twice that of SGD.
    """
    rule = dict(ADAM.assignments)
    kept, taken = sp.diff(rule[average], average), sp.diff(rule[average], g)
    answer = sp.Function("y")
    memory = sp.rsolve(answer(_i + 1) - kept * answer(_i), answer(_i), {answer(0): taken})
    yield Step("What a buffer remembers of a gradient i steps ago", None, (1 - beta) * beta**_i, equals=memory)
    divisor = average / (theta - rule[theta]) * eta / (sp.sqrt(second / (1 - beta2**k)) + delta)
    yield Step("The i-th step divides the buffer by", None, 1 - beta**_i, equals=sp.simplify(divisor).subs(k, _i))
    limit = sp.limit((1 - beta) / (1 - beta**_i), beta, 1)
    yield Step("Weight of a gradient in the mean of i, as β → 1", None, 1 / _i, equals=limit)
    N = sp.Symbol("N", integer=True, positive=True)
    total = sp.Function("S")
    # Σ_k c_k over k <= N: gradient i is counted in the i pieces that contain 1/i.
    yield Step("Sum of all c_k over k = 1 … N", None, N, equals=sp.summation(_i * (1 / _i), (_i, 1, N)))
    grown = 2 / (N + 1) * N + (N + 1) / (N + 1) ** 2
    yield Step(
        "Increment of Σc_k² when every c_k gains 1/(N + 1) and one is new",
        total(N + 1) - total(N),
        2 - 1 / (N + 1),
        equals=grown,
    )
    harmonic = (2 * (N + 1) - sp.harmonic(N + 1)) - (2 * N - sp.harmonic(N))
    yield Step("2N - H_N has that increment", None, 2 - 1 / (N + 1), equals=sp.expand_func(harmonic))
    yield Step("and starts at 1, as one step does", None, sp.Integer(1), equals=2 - sp.harmonic(1))
    first = sp.Sum(sp.Sum((1 - beta) * beta ** (_i - _j) / (1 - beta**_i), (_i, _j, T)) ** 2, (_j, 1, T))
    response = memory.subs(_i, _i - _j) / (1 - beta**_i)
    return proven(first, equals=sp.Sum(sp.Sum(response, (_i, _j, T)) ** 2, (_j, 1, T)))


@claim(
    "adam.saddle-msd",
    msd_T,
    (eta_adam, beta, T),
    kind="attributed",
    regime=Regime(
        (beta < 1, (1 - beta) * T >= 50),
        "Sooner it is more than 5 % too large. It also needs a slow second moment, noise in proportion to the "
        "curvature, axes along the eigenvectors of the Hessian, and eta*sqrt(B*h)*T << 1.",
    ),
    source=Source("xie2022adaptive", "Theorem 3"),
    uses=("momentum.saddle-msd-drift",),
    corrected_by="momentum.saddle-msd-continuous",
    instead="Independence of the Hessian follows; the transient does not: warm Adam spreads by "
    "η²(T - (1 - e^{-x})/(1 - β)), x = (1 - β)T, in continuous time, less than the published value at any time.",
    layers=("simulation", "real"),
)
def adam_saddle_msd() -> Derivation:
    """Mean squared displacement of Adam at a saddle, independent of the Hessian.

    With a frozen second moment v = C Adam is momentum whose noise has variance 1, so the curvature is gone wherever
    growth can be neglected. The rest is the published drift and diffusion of momentum, and shares their fault.
    """
    yield Step("Second moment frozen at the variance of the noise", sp.Symbol("v"), C, assumed=True)
    matched = {M: eta / (1 - beta), gamma: (1 - beta) / eta, t: eta * T, D: eta / 2}
    published = sp.limit(momentum_saddle_msd_drift.formula, h, 0).subs(matched)
    readable = eta_adam**2 / (2 * (1 - beta)) * (1 - sp.exp(-(1 - beta) * T)) ** 2 + eta_adam**2 * T
    derived = FREE_THERMAL.subs(matched)
    u = sp.exp(-(1 - beta) * T)
    warm = eta**2 * (T - (1 - u) / (1 - beta))
    yield Step("Warm start by the derived law of momentum", msd_T, warm, equals=derived)
    excess = eta**2 / (2 * (1 - beta)) * (1 - u) * (3 - u)
    yield Step("Warm start, no curvature", PUBLISHED_MINUS_DERIVED, excess, equals=published - derived)
    return proven(readable, equals=published.subs(eta, eta_adam))


@claim(
    "adai.saddle-msd",
    msd_T,
    (eta, h, C, kappa, T),
    kind="asymptotic",
    regime=Regime((kappa <= 1,), "Inertia 1 - kappa lies between 0 and 1."),
    source=Source("xie2022adaptive", "Adai with frozen inertia"),
    uses=("momentum.saddle-msd", "adai.stationary-variance"),
    layers=("simulation", "real"),
    where={symbol: root.subs(beta, 1 - kappa) for symbol, root in momentum_saddle_msd.where.items()},
    numerics=adai_msd,
)
def adai_saddle_msd() -> Derivation:
    """Mean squared displacement of warm Adai from a critical point, inertia frozen.

    Adai with frozen inertia is EMA momentum with β = 1 - κ. Warm means that the buffer has the mean square it has
    without curvature, κC/(2 - κ), and that bias correction has died away.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    free = (A[1, 1] ** 2 * v0sq + C * noise[1] ** 2 - v0sq).subs({h: 0, beta: 1 - kappa})
    (warm,) = sp.solve(free, v0sq)
    yield Step("Stationary mean square of the buffer without curvature", v0sq, kappa * C / (2 - kappa), equals=warm)
    derived = momentum_saddle_msd.rhs.subs({v0sq: warm, beta: 1 - kappa})
    G = (r_plus**T - r_minus**T) / (r_plus - r_minus)
    series = [q * (1 - q**T) / (1 - q) for q in (r_plus**2, 1 - kappa, r_minus**2)]
    kicks = (series[0] - 2 * series[1] + series[2]) / (r_plus - r_minus) ** 2
    readable = eta**2 * C * (kappa**2 * kicks + (1 - kappa) ** 2 * kappa / (2 - kappa) * G**2)
    roots = {kappa: 1 - r_plus * r_minus}
    return proven(readable, equals=derived, where=roots)


@claim(
    "adai.saddle-msd-attributed",
    msd_T,
    (eta, h, B, n, trace_abs, beta0, T),
    kind="attributed",
    source=Source("xie2022adaptive", "Adai at saddle points"),
    uses=("adai.saddle-msd", "momentum.saddle-msd-drift"),
    corrected_by="adai.saddle-msd",
    expected="refuted",
    instead="The isotropic drift is the thermal velocity's share of the spread, and the start-up of the diffusion "
    "costs more: warm Adai spreads less than SGD, in flat directions much less.",
    layers=("simulation",),
)
def adai_saddle_msd_attributed() -> Derivation:
    """Mean squared displacement of Adai at a saddle as an isotropic drift plus the diffusion of SGD.

    With C = |h|/B a coordinate has κ = β₀|h|n/Σ|h_j|, and momentum's drift D/(γ³M²) = ηD/κ no longer contains |h|.
    It inherits the fault of momentum's drift and diffusion.
    """
    size = sp.Symbol("|h|", positive=True)
    inertia = beta0 * n * size / trace_abs
    yield Step("Noise in proportion to the curvature", C, size / B, assumed=True)
    yield Step("Inertia of the coordinate", kappa, inertia, equals=beta0 * (size / B) / (trace_abs / (n * B)))
    matched = {M: eta / kappa, gamma: kappa / eta, t: eta * T, D: eta * size / (2 * B)}
    published = sp.limit(momentum_saddle_msd_drift.formula, h, 0).subs(matched).subs(kappa, inertia)
    derived = FREE_THERMAL.subs(matched).subs(kappa, inertia)
    u = sp.exp(-inertia * T)
    drift = eta**2 * trace_abs / (2 * beta0 * n * B) * (1 - u) ** 2
    yield Step(
        "The drift does not contain the curvature of its direction",
        None,
        drift,
        equals=published - eta**2 * size * T / B,
    )
    excess = eta**2 * trace_abs / (2 * beta0 * n * B) * (1 - u) * (3 - u)
    yield Step("Warm start, no growth", PUBLISHED_MINUS_DERIVED, excess, equals=published - derived)
    sizes = {size: sp.Abs(h)}
    return proven((drift + eta**2 * size * T / B).subs(sizes), equals=published.subs(sizes))

"""Leaving a minimum by minibatch noise, whose strength depends on the place."""

import sympy as sp

from inertialab.theory.claim import Derivation, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAI, ADAM, HEAVY_BALL, MOMENTUM_EMA, MOMENTUM_TORCH, SGD, UpdateMap
from inertialab.theory.escape import LOW, momentum_escape
from inertialab.theory.notation import (
    B,
    B_count,
    D,
    D_a,
    D_b,
    Ha,
    Hb,
    L_a,
    L_b,
    M,
    Phi,
    a_exit,
    alpha,
    b_exit,
    beta,
    beta2,
    delta,
    det_ratio,
    detHa,
    detHb,
    divergence,
    dL,
    entropic,
    eps_levy,
    eta,
    eta_adam,
    g,
    gamma,
    h,
    height_factor,
    k,
    k_sharp,
    kappa,
    s,
    same_rate,
    tau,
    tau_adam,
    theta,
    v_mean,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.numerics import adam_exponent
from inertialab.theory.regime import Regime
from inertialab.theory.wells import straight_path

x = sp.Symbol("x", real=True)
SGD_EXPONENT = 2 * B * dL / eta * (s / Ha + (1 - s) / Hb)
ADAM_EXPONENT = 2 * sp.sqrt(B) * dL / eta_adam * (s / sp.sqrt(Ha) + (1 - s) / sp.sqrt(Hb))
SGD_REGIME = Regime(
    (s > 0, s < 1, SGD_EXPONENT >= 4),
    LOW + " The path is straight, transverse curvatures do not change along it, the noise switches between the ends.",
)


def _noise_steps() -> Derivation:
    """The assumptions of the published escape laws, and the exponent they give for drift L' and diffusion D."""
    yield Step("Noise in proportion to the curvature at both ends", D_a, eta * Ha / (2 * B), assumed=True)
    switch = (1 - s) * L_a + s * L_b
    yield Step(
        "and frozen: it has the minimum's value up to this loss, the saddle's beyond",
        sp.Symbol("L(c)"),
        switch,
        assumed=True,
    )
    exponent = s * dL / (eta * Ha / (2 * B)) + (1 - s) * dL / (eta * Hb / (2 * B))
    yield Step("Exponent ∫L'/D", Phi, SGD_EXPONENT, equals=exponent)


def _ito_prefactor() -> sp.Expr:
    """Laplace's method in the first-passage integral with 1/D in the inner integral, Ito."""
    w = sp.Symbol("w", positive=True)
    bell = sp.exp(-(w**2) / 2)
    minimum, top = (sp.integrate(bell, (w, -sp.oo, sp.oo)) * sp.sqrt(d / c) for d, c in ((D_a, Ha), (D_b, Hb)))
    return minimum * top / D_a


@claim(
    "sgd.escape",
    tau,
    (eta, B, Ha, Hb, dL, s),
    kind="asymptotic",
    regime=SGD_REGIME,
    source=Source("xie2021diffusion", "exponent; prefactor derived here"),
    uses=("langevin.mean-first-passage",),
    layers=("numerics", "simulation"),
    change=straight_path,
)
def sgd_escape() -> Derivation:
    """Mean escape time of SGD with noise in proportion to the curvature: prefactor 2π/H_a.

    Minibatch noise is evaluated before the step (Ito), so 1/D stands in the inner integral of the first-passage time,
    at the minimum. Laplace's method then gives 2π√(D_b/(D_aH_aH_b)); with D in proportion to the curvature the
    curvature of the saddle drops out. The exponent is that of noise frozen at two values; the true one is ∫L'/D.
    """
    yield from _noise_steps()
    local = 2 * sp.pi * sp.sqrt(D_b / (D_a * Ha * Hb))
    yield Step("Both integrals by Laplace's method, Ito", None, local, equals=_ito_prefactor())
    proportional = {D_a: eta * Ha / (2 * B), D_b: eta * Hb / (2 * B)}
    anti = (_ito_prefactor() * D_a / D_b).subs(proportional)
    yield Step("Were 1/D in the outer integral (anti-Ito)", None, 2 * sp.pi / Hb, equals=anti)
    same = (_ito_prefactor()).subs({D_a: D, D_b: D})
    yield Step("Where D is constant both are Kramers'", None, 2 * sp.pi / sp.sqrt(Ha * Hb), equals=same)
    readable = 2 * sp.pi / Ha * sp.exp(SGD_EXPONENT)
    exponent = s * dL / D_a + (1 - s) * dL / D_b
    return proven(readable, equals=(_ito_prefactor() * sp.exp(exponent)).subs(proportional))


@claim(
    "sgd.escape-attributed",
    tau,
    (eta, B, Ha, Hb, dL, s),
    kind="attributed",
    regime=SGD_REGIME,
    source=Source("xie2021diffusion", "Theorem on SGD escaping minima"),
    uses=("sgd.escape",),
    corrected_by="sgd.escape",
    expected="refuted",
    instead="Ito's prefactor is 2π/H_a: the curvature of the minimum, not of the saddle. They agree where H_a = H_b.",
    layers=("numerics", "simulation"),
    change=straight_path,
)
def sgd_escape_attributed() -> Derivation:
    """Mean escape time of SGD with prefactor 2π/H_b, as published.

    The published prefactor is what the anti-Ito rule gives, with 1/D in the outer integral, at the saddle.
    """
    yield from _noise_steps()
    yield Step("1/D is taken at the saddle (anti-Ito)", None, 1 / D_b, assumed=True)
    proportional = {D_a: eta * Ha / (2 * B), D_b: eta * Hb / (2 * B)}
    anti = _ito_prefactor() * D_a / D_b
    readable = 2 * sp.pi / Hb * sp.exp(SGD_EXPONENT)
    yield Step("Divided by the Ito law", PUBLISHED_OVER_DERIVED, Ha / Hb, equals=readable / sgd_escape.rhs)
    exponent = s * dL / D_a + (1 - s) * dL / D_b
    return proven(readable, equals=(anti * sp.exp(exponent)).subs(proportional))


@claim(
    "sgd.entropic-factor",
    entropic,
    (),
    kind="asymptotic",
    uses=("sgd.escape", "langevin.mean-first-passage"),
    layers=("numerics", "simulation"),
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


@claim(
    "sgd.noise-cannot-vanish",
    divergence,
    (),
    kind="exact",
    uses=("langevin.mean-first-passage",),
    layers=("numerics",),
)
def sgd_noise_cannot_vanish() -> Derivation:
    """Noise in proportion to |L''| on the whole path gives an infinite escape time: it vanishes at the inflection.

    Between minimum and saddle L'' changes sign at a point c, where D = ηC/2 vanishes as d|x - c| with
    d = η|L'''|/2B, while the drift -L'(c) still points back. The exponent ∫L'/D grows without bound, as (4B/η)|L'/L'''|
    times the logarithm of any floor put under |L''|. The diffusion itself cannot pass: near c the distance
    w = c - x > 0 obeys dw = L'dt + √(2dw)dW, whose Laplace transform is explicit and stays below 1 for every
    argument, so w never becomes negative.
    """
    third, slope, floor = sp.symbols("L_3 L_1 delta", positive=True)
    d = eta * third / (2 * B)
    # |L''| = max(L₃|w|, δ): logarithms of both sides of c and a constant in between.
    reach = sp.Symbol("w_0", positive=True)
    w = sp.Symbol("w", positive=True)
    outside = 2 * sp.integrate(slope / (d * w), (w, floor / third, reach))
    inside = 2 * sp.integrate(slope / (eta * floor / (2 * B)), (w, 0, floor / third))
    yield Step("Exponent within the floor", None, 4 * B * slope / (eta * third), equals=inside)
    exponent = outside + inside
    growth = sp.simplify(-floor * sp.diff(exponent, floor))
    readable = 4 * B / eta * slope / third
    yield Step("Growth of the exponent with ln(1/δ)", None, readable, equals=growth)
    vanishing = sp.limit(1 / sp.expand_log(outside), floor, 0)
    yield Step("so it diverges: its inverse vanishes with the floor", 1 / Phi, sp.Integer(0), equals=vanishing)
    lam, time, start = sp.symbols("lambda t w_1", positive=True)
    d_symbol = sp.Symbol("d", positive=True)
    spread = 1 + d_symbol * lam * time
    transform = spread ** (-slope / d_symbol) * sp.exp(-lam * start / spread)
    evolution = sp.diff(transform, time) + slope * lam * transform + d_symbol * lam**2 * sp.diff(transform, lam)
    yield Step(
        "Mean of e^{-λw}: residual of its equation over itself",
        None,
        sp.Integer(0),
        equals=sp.simplify(evolution / transform),
    )
    yield Step("At time zero it is e^{-λw₁}", None, sp.exp(-lam * start), equals=transform.subs(time, 0))
    power = sp.Symbol("p", positive=True)
    far = sp.limit(transform.subs(slope, power * d_symbol).subs({time: 1, d_symbol: 1, start: 1}), lam, sp.oo)
    yield Step(
        "As λ → ∞ it tends to 0; any weight on w < 0 would make it grow (units with d = t = w₁ = 1)",
        None,
        sp.Integer(0),
        equals=far,
    )
    return proven(sp.Integer(1), equals=growth / readable)


@claim(
    "momentum.escape-attributed",
    tau,
    (gamma, M, eta, B, Ha, Hb, dL, s),
    kind="attributed",
    regime=Regime((s > 0, s < 1, gamma * M * SGD_EXPONENT >= 4), LOW),
    source=Source("xie2022adaptive", "Theorem 4"),
    uses=("momentum.escape", "sgd.escape-attributed"),
    corrected_by="momentum.escape",
    expected="refuted",
    instead="The prefactor lacks γM: 1 in the EMA convention, 1 - β in PyTorch's. Its 1/H_b is the anti-Ito value.",
    layers=("numerics", "simulation"),
    change=straight_path,
)
def momentum_escape_attributed() -> Derivation:
    """Mean escape time of momentum with noise in proportion to the curvature, as published.

    Compared with Langer's law at H_a = H_b, where the noise is the same at both ends and no question of Ito arises.
    """
    yield from _noise_steps()
    rate = (sp.sqrt(gamma**2 + 4 * Hb / M) - gamma) / 2
    published = sp.pi * (sp.sqrt(1 + 4 * Hb / (gamma**2 * M)) + 1) / Hb
    yield Step("The prefactor is 2π/λ₊ over γM", None, 2 * sp.pi / rate / (gamma * M), equals=published)
    yield Step("published without that factor", None, published, assumed=True)
    readable = published * sp.exp(gamma * M * SGD_EXPONENT)
    white = momentum_escape.rhs.subs(det_ratio, Hb / Ha).subs(D, eta * Ha / (2 * B))
    ratio = (readable / white).subs(Ha, Hb)
    yield Step("Divided by Langer's law at H_a = H_b", PUBLISHED_OVER_DERIVED, 1 / (gamma * M), equals=ratio)
    return proven(readable, equals=2 * sp.pi / rate / (gamma * M) * sp.exp(gamma * M * SGD_EXPONENT))


def _adam_drift_and_noise() -> tuple[sp.Expr, sp.Expr]:
    """Mobility and diffusion of Adam long after its start, with a given second moment and no memory of momentum."""
    late = {beta**k: 0, beta2**k: 0, delta: 0}
    step = (dict(ADAM.assignments)[theta] - theta).subs(late).subs(average, g)
    mobility = -step / (eta * g)
    noise = sp.Symbol("C", positive=True)
    return mobility, eta_adam * noise * mobility**2 / 2


@claim(
    "adam.escape",
    tau_adam,
    (eta_adam, B, Ha, Hb, dL, s),
    kind="asymptotic",
    regime=Regime(
        (s > 0, s < 1, ADAM_EXPONENT >= 4, 2 * B * dL <= sp.Rational(1, 2)),
        "Beyond 2*B*dL ~ 1 the gradient itself enters the second moment; see adam.batch-crossover.",
    ),
    source=Source("xie2022adaptive", "Theorem 5, exponent; prefactor derived here"),
    uses=("langevin.mean-first-passage", "langevin.eyring-kramers"),
    layers=("numerics", "simulation"),
    change=straight_path,
)
def adam_escape() -> Derivation:
    """Mean escape time of Adam whose second moment follows the noise: √B in the exponent, 1/√B in the prefactor.

    With v = C(x) the drift is -L'/√C and the diffusion η/2, the same everywhere: Ito and anti-Ito agree, and
    Kramers' law holds with the curvatures of ∫L'/√C. If instead v keeps its value at the minimum during the climb, the
    exponent's second term has √H_a/H_b in the place of 1/√H_b.
    """
    noise, slope = sp.Symbol("C", positive=True), sp.Symbol("L_1", positive=True)
    mobility, diffusion = _adam_drift_and_noise()
    yield Step("Mobility of Adam", None, 1 / sp.sqrt(second), equals=mobility)
    yield Step("Its diffusion", D, eta_adam * noise / (2 * second), equals=diffusion)
    yield Step("Second moment equal to the noise of the place", second, noise, assumed=True)
    adiabatic = (mobility * slope / diffusion).subs(second, noise)
    yield Step("Slope of the exponent", None, 2 * slope / (eta_adam * sp.sqrt(noise)), equals=adiabatic)
    yield Step("Noise in proportion to the curvature, frozen at two values as for SGD", noise, Ha / B, assumed=True)
    ends = [adiabatic.subs(noise, c / B) / slope for c in (Ha, Hb)]
    yield Step("Exponent", Phi, ADAM_EXPONENT, equals=dL * (s * ends[0] + (1 - s) * ends[1]))
    frozen = [(mobility / diffusion).subs({second: Ha / B, noise: c / B}, simultaneous=True) for c in (Ha, Hb)]
    kept = 2 * sp.sqrt(B) * dL / eta_adam * (s / sp.sqrt(Ha) + (1 - s) * sp.sqrt(Ha) / Hb)
    yield Step(
        "Exponent if the second moment stays at the minimum's",
        None,
        kept,
        equals=dL * (s * frozen[0] + (1 - s) * frozen[1]),
    )
    yield Step("Diffusion, adiabatic", D, eta_adam / 2, equals=diffusion.subs(second, noise))
    rates = [c * mobility.subs(second, c / B) for c in (Ha, Hb)]
    yield Step("Rate of relaxation at the minimum", None, sp.sqrt(B * Ha), equals=rates[0])
    readable = 2 * sp.pi / (sp.sqrt(B) * (Ha * Hb) ** sp.Rational(1, 4)) * sp.exp(ADAM_EXPONENT)
    kramers = 2 * sp.pi / sp.sqrt(rates[0] * rates[1])
    return proven(readable, equals=kramers * sp.exp(dL * (s * ends[0] + (1 - s) * ends[1])))


@claim(
    "adam.escape-attributed",
    tau_adam,
    (eta_adam, B, Ha, Hb, dL, s, detHa, detHb, beta),
    kind="attributed",
    regime=Regime((s > 0, s < 1, beta < 1, ADAM_EXPONENT >= 4), LOW),
    source=Source("xie2022adaptive", "Theorem 5"),
    uses=("adam.escape", "momentum.escape"),
    corrected_by="adam.escape",
    expected="refuted",
    instead="1/H_b must be 1/√(BH_b), also by its units; and a transverse direction contributes exp(∫(√h)'/√c dx), not "
    "the fourth root of the determinants.",
    layers=("numerics", "simulation"),
)
def adam_escape_attributed() -> Derivation:
    """Mean escape time of Adam as published.

    The root in the prefactor shows that the unstable rate is √(BH_b) in Adam's time; the factor before it is 1/H_b all
    the same. Compared in one dimension, where the determinants are the curvatures themselves, with Langer's factor
    for inertia on the derived side.
    """
    yield Step("The published prefactor", None, 1 / Hb, assumed=True)
    inertia = 1 + sp.sqrt(1 + 4 * eta_adam * sp.sqrt(B * Hb) / (1 - beta))
    readable = sp.pi * inertia * (detHb / detHa) ** sp.Rational(1, 4) / Hb * sp.exp(ADAM_EXPONENT)
    langer = momentum_escape.rhs.subs({det_ratio: 1, dL: 0}).subs({gamma: (1 - beta) / eta, M: eta / (1 - beta)})
    matched = langer.subs({Hb: sp.sqrt(B * Hb), eta: eta_adam}, simultaneous=True)
    yield Step(
        "Langer's factor with the unstable rate √(BH_b)", None, sp.pi * inertia / sp.sqrt(B * Hb), equals=matched
    )
    derived = adam_escape.rhs * matched / (2 * sp.pi / sp.sqrt(B * Hb))
    one = readable.subs({detHa: Ha, detHb: Hb})
    yield Step(
        "Divided by the derived law in one dimension", PUBLISHED_OVER_DERIVED, sp.sqrt(B / Hb), equals=one / derived
    )
    h_of, c = sp.Function("h", positive=True)(x), sp.Function("c", positive=True)(x)
    variance = eta_adam / (2 * sp.sqrt(B * h_of))
    push = sp.diff(h_of, x) * variance / 2 / sp.sqrt(c / B) / (eta_adam / 2)
    root = sp.diff(sp.sqrt(h_of), x) / sp.sqrt(c)
    yield Step("What a transverse direction adds to the slope of the exponent", None, root, equals=push)
    return proven(readable, equals=one * (detHb / detHa / (Hb / Ha)) ** sp.Rational(1, 4))


@claim(
    "adam.batch-crossover",
    Phi,
    (eta_adam, B, Ha, dL),
    kind="asymptotic",
    uses=("adam.escape",),
    layers=("numerics", "simulation"),
    numerics=adam_exponent,
)
def adam_batch_crossover() -> Derivation:
    """Exponent of Adam's escape when the gradient enters the second moment: √B turns into B around 2BΔL = 1.

    The second moment is the mean squared minibatch gradient, v = C + L'². On a parabola with C = H_a/B climbed to the
    height ΔL the integral of 2L'√v/(ηC) is elementary. For small BΔL it grows as √B, for large as B.
    """
    slope, noise, top = sp.symbols("L_1 C q", positive=True)
    mobility, diffusion = _adam_drift_and_noise()
    integrand = (mobility * slope / diffusion).subs(second, noise + slope**2)
    whole = 2 * slope * sp.sqrt(noise + slope**2) / (eta_adam * noise)
    yield Step("Second moment follows the mean squared gradient of the place", second, noise + slope**2, assumed=True)
    yield Step("Slope of the exponent with v = C + L'²", None, whole, equals=integrand)
    # On a parabola dx = dL'/H_a.
    primitive = 2 * (noise + slope**2) ** sp.Rational(3, 2) / (3 * eta_adam * noise * Ha)
    yield Step("Its integral over the parabola", None, whole / Ha, equals=sp.diff(primitive, slope))
    exponent = primitive.subs(slope, top) - primitive.subs(slope, 0)
    yield Step("Squared gradient at the height ΔL", None, 2 * Ha * dL, equals=(Ha * sp.sqrt(2 * dL / Ha)) ** 2)
    derived = exponent.subs(top, sp.sqrt(2 * Ha * dL)).subs(noise, Ha / B)
    readable = 2 / (3 * eta_adam * sp.sqrt(B * Ha)) * ((1 + 2 * B * dL) ** sp.Rational(3, 2) - 1)
    few = sp.limit(readable / (2 * sp.sqrt(B) * dL / (eta_adam * sp.sqrt(Ha))), B, 0)
    yield Step("Few samples: over 2√BΔL/(η√H_a)", None, sp.Integer(1), equals=few)
    many = sp.limit(readable / B, B, sp.oo)
    yield Step(
        "Many samples: over B",
        None,
        4 * sp.sqrt(2) * dL ** sp.Rational(3, 2) / (3 * eta_adam * sp.sqrt(Ha)),
        equals=many,
    )
    return proven(readable, equals=derived)


@claim(
    "adai.escape",
    tau,
    (eta, B, Ha, Hb, dL, s, kappa),
    kind="asymptotic",
    regime=Regime((*SGD_REGIME.conditions, kappa <= 1, eta * Hb <= kappa), SGD_REGIME.note),
    source=Source("xie2022adaptive", "Adai escaping minima, exponent; prefactor derived here"),
    uses=("sgd.escape", "momentum.escape", "adai.stationary-variance"),
    layers=("simulation",),
    change=straight_path,
)
def adai_escape() -> Derivation:
    """Mean escape time of Adai with frozen inertia: SGD's exponent, a larger prefactor.

    EMA momentum has γM = 1, so temperature and exponent are SGD's. Inertia matters at the saddle alone, where the
    noise is locally constant: Langer's growing root replaces H_b.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    yield Step("Away from the saddle friction is strong: this is small", None, 4 * eta * Ha / kappa, assumed=True)
    matched = {M: eta / kappa, gamma: kappa / eta}
    yield Step("Friction times inertia", None, sp.Integer(1), equals=(gamma * M).subs(matched))
    slower = (1 + sp.sqrt(1 + 4 * eta * Hb / kappa)) / 2
    strong = 2 * sp.pi / Hb * sp.sqrt(det_ratio) * sp.exp(dL / D)
    factor = (momentum_escape.rhs / strong).subs(matched)
    yield Step("Langer over Kramers at the saddle", None, slower, equals=factor)
    readable = sp.pi / Ha * (1 + sp.sqrt(1 + 4 * eta * Hb / kappa)) * sp.exp(SGD_EXPONENT)
    yield Step(
        "Without inertia, small steps: SGD", None, sgd_escape.rhs, equals=sgd_escape.rhs * sp.limit(slower, Hb, 0)
    )
    return proven(readable, equals=sgd_escape.rhs * factor)


@claim(
    "scaling.identity",
    same_rate,
    (k_sharp,),
    kind="exact",
    layers=("numerics", "real"),
)
def scaling_identity() -> Derivation:
    """On L(√k θ) SGD, heavy ball, momentum and Adai at η do what they do on L at kη; Adam what it does at √k η.

    With φ = √k θ the gradient on the sharpened loss is √k times that on L at φ. Every rule, written for φ with its
    buffers rescaled, is the same rule with another learning rate, step by step and for any loss and noise. Testing
    an escape law by sharpening a loss in this way is therefore a test of its dependence on η, of nothing else.
    """
    rules = ((SGD, k_sharp), (HEAVY_BALL, k_sharp), (MOMENTUM_TORCH, k_sharp), (MOMENTUM_EMA, k_sharp), (ADAI, k_sharp))
    for update, factor in (*rules, (ADAM, sp.sqrt(k_sharp))):
        yield Step(
            f"{update.name}: rescaled step minus the step at the other rate",
            None,
            sp.Integer(0),
            equals=_commutes(update, factor),
        )
    (new,) = SGD.step(g).values()
    (sharp,) = SGD.step(sp.sqrt(k_sharp) * g, {theta: theta / sp.sqrt(k_sharp)}).values()
    rate = sp.Symbol("rate", positive=True)
    (solution,) = sp.solve(sp.sqrt(k_sharp) * sharp - new.subs(eta, rate), rate)
    return proven(k_sharp, equals=solution / eta)


_POWERS = {"theta": -1, "theta_prev": -1, "theta_moved": -1, "m": 1, "b": 1, "v": 2, "v_hat": 2, "v_mean": 2, "g": 1}


def _commutes(update: UpdateMap, factor: sp.Expr) -> sp.Expr:
    """Sum of squares of what a rescaled step differs by, over all state variables; δ = 0 in Adam."""
    root = sp.sqrt(k_sharp)

    def rescaled(symbol: sp.Basic) -> sp.Expr:
        return root ** _POWERS.get(str(symbol), 0)

    total = sp.Integer(0)
    for symbol, expression in update.assignments:
        expression = expression.subs(delta, 0)
        # Second moments are positive here: √v² is v.
        roots = {second: sp.Symbol("V", positive=True) ** 2, v_mean: sp.Symbol("W", positive=True)}
        units = {symbol: symbol * rescaled(symbol) for symbol in expression.free_symbols}
        sharp = expression.subs(units, simultaneous=True).subs(roots) / rescaled(symbol)
        total += sp.simplify(sharp - expression.subs(eta, eta * factor).subs(roots)) ** 2
    return total


@claim(
    "levy.exit",
    tau,
    (alpha, eps_levy, a_exit, b_exit),
    kind="asymptotic",
    regime=Regime((alpha < 2,), "Gaussian noise, alpha = 2, has no large jumps."),
    source=Source("simsekli2019tail", "exit by one large jump, after Imkeller and Pavlyukevich"),
    layers=("numerics", "simulation"),
)
def levy_exit() -> Derivation:
    """Mean time of exit from (-a, b) under α-stable noise of small scale ε: one large jump, no barrier in the law.

    Small noise sits near the minimum until one jump carries it out. Jumps larger than y come at the rate
    ε^α∫c_α z^{-1-α}dz over z > y, so height and shape of the barrier do not matter, only its distance. With the
    characteristic function exp(-t|q|^α) the constant is c_α = Γ(1 + α) sin(πα/2)/π.
    """
    z, lower = sp.symbols("z y", positive=True)
    constant = sp.Symbol("c_alpha", positive=True)
    tail = constant * lower ** (-alpha) / alpha
    yield Step(
        "Rate of jumps beyond y, per ε^α: slope", None, -constant * lower ** (-1 - alpha), equals=sp.diff(tail, lower)
    )
    yield Step(
        "and none beyond infinity",
        None,
        sp.Integer(0),
        equals=sp.limit(tail.subs(alpha, sp.Rational(3, 2)), lower, sp.oo),
    )
    # ∫(1 - cos qz) c z^{-1-α} dz over both signs must be |q|^α; at q = 1 it fixes c.
    value = sp.gamma(1 + alpha) * sp.sin(sp.pi * alpha / 2) / sp.pi
    normal = 2 * value.subs(alpha, 1) * sp.integrate((1 - sp.cos(z)) / z**2, (z, 0, sp.oo))
    yield Step("Constant of the jumps at α = 1", None, sp.Integer(1), equals=normal)
    # By parts ∫(1 - cos z)z^{-1-α} = ∫sin z z^{-α}/α, a Mellin transform: Γ(1 - α)cos(πα/2)/α.
    by_parts = 2 * value * sp.gamma(1 - alpha) * sp.cos(sp.pi * alpha / 2) / alpha
    reflected = by_parts.subs(sp.gamma(1 - alpha), sp.pi / (sp.sin(sp.pi * alpha) * sp.gamma(alpha)))
    yield Step(
        "and at any α, by parts and reflection",
        None,
        sp.Integer(1),
        equals=sp.gammasimp(sp.expand_func(sp.expand_trig(reflected))),
    )
    ends = sp.Symbol("exit rate")
    yield Step(
        "Small noise: the first jump beyond an end is the exit", ends, eps_levy**alpha * constant / alpha, assumed=True
    )
    rate = eps_levy**alpha * (tail.subs(lower, a_exit) + tail.subs(lower, b_exit))
    readable = alpha / (eps_levy**alpha * value * (a_exit ** (-alpha) + b_exit ** (-alpha)))
    return proven(readable, equals=1 / rate.subs(constant, value))


@claim(
    "sgd.power-law",
    height_factor,
    (eta, B_count, h, L_a, L_b),
    kind="attributed",
    regime=Regime((h > 0, L_b > L_a, B_count * sp.log(L_b / L_a) >= 4 * eta * h), LOW),
    source=Source("mori2022power", "power-law escape rate, one dimension"),
    uses=("sgd.escape",),
    layers=("numerics", "simulation"),
)
def sgd_power_law() -> Derivation:
    """Noise in proportion to the loss turns the barrier into its logarithm and the escape into a power law.

    For squared loss C = 2hL/B along the path. Then ∫L'/D is a logarithm, the exponential a power, and Ito's prefactor
    √(D_b/D_a) adds one half to its exponent.
    """
    yield Step("Noise in proportion to the loss", sp.Symbol("C"), 2 * h * sp.Symbol("L") / B_count, assumed=True)
    level = sp.Symbol("L", positive=True)
    diffusion = eta * (2 * h * level / B_count) / 2
    yield Step("Diffusion", D, eta * h * level / B_count, equals=diffusion)
    rise = {L_b: L_a * sp.Symbol("ratio", positive=True)}
    exponent = sp.expand(sp.expand_log(sp.integrate(1 / diffusion, (level, L_a, L_b.subs(rise)))))
    power = B_count / (eta * h)
    yield Step("Exponent ∫dL/D, by the ratio L_b/L_a", Phi, (power * sp.log(L_b / L_a)).subs(rise), equals=exponent)
    L = sp.Function("L", positive=True)(x)
    density = L ** (-(1 + power))
    current = -sp.diff(L, x) * density - sp.diff(eta * h * L / B_count * density, x)
    yield Step(
        "Current of the stationary density L^{-(1 + B/ηh)}", None, sp.Integer(0), equals=sp.simplify(current / density)
    )
    prefactor = _ito_prefactor().subs({D_a: diffusion.subs(level, L_a), D_b: diffusion.subs(level, L_b)})
    unit = 2 * sp.pi / sp.sqrt(Ha * Hb)
    yield Step("Ito's prefactor in units of 2π/√(H_aH_b)", None, sp.sqrt(L_b / L_a), equals=prefactor / unit)
    readable = (L_b / L_a) ** (power + sp.Rational(1, 2))
    derived = (prefactor / unit).subs(rise) * sp.exp(exponent).rewrite(sp.Pow)
    ratio = sp.powsimp(readable.subs(rise) / derived)
    yield Step("Divided by the derived time", PUBLISHED_OVER_DERIVED, sp.Integer(1), equals=ratio)
    return proven(readable, equals=derived, where=rise)

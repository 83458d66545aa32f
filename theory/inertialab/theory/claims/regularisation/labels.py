"""Noisy classes: penalties of the output's derivative, and of the loss's, which already knows the noise."""

import sympy as sp

from inertialab.theory.claims.regularisation.strength import PUBLISHED, har_strength, narrow, squared_error
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import H_out, R_noise, V_out, label_error, noise_exponent, weight_exponent
from inertialab.theory.statement import Derivation, Source, claim

variance, lam = sp.symbols("I lambda", positive=True)
CODE = Source("cao2021heteroskedastic", "code, weights of the regulariser", wording_checked=True)
_NARROW = narrow(share=1 / 15)
_OUTPUT, _PUBLISHED = sp.Rational(3, 5), sp.Rational(3, 5)
"""Powers of the variance of a label: derived for the derivative of the output, and published as weights."""


def logistic() -> tuple[sp.Expr, sp.Expr]:
    """Curvature of the logistic loss by the output and variance of its slope over labels of the model's own chance."""
    f, p = sp.symbols("f p")
    chance = 1 / (1 + sp.exp(-f))
    losses = (sp.log(1 + sp.exp(f)) - f, sp.log(1 + sp.exp(f)))
    weighted = list(zip((chance, 1 - chance), losses, strict=True))
    curvature = sp.Add(*(w * sp.diff(loss, f, 2) for w, loss in weighted))
    square = sp.Add(*(w * sp.diff(loss, f) ** 2 for w, loss in weighted))
    there = {f: sp.log(p / (1 - p))}
    return sp.simplify(curvature.subs(there)), sp.simplify(square.subs(there))


@claim(
    "har.exponent-logistic",
    noise_exponent,
    (),
    kind="asymptotic",
    regime=_NARROW,
    source=PUBLISHED,
    uses=("har.strength",),
    layers=("simulation",),
    slips=(("sp.diff(sp.log(one), variance)", "sp.diff(sp.log(one), variance) / 2"),),
)
def har_exponent_logistic() -> Derivation:
    """Logistic loss: the optimal strength of the output's derivative goes with the variance I of a label to ⅗.

    Curvature and variance of the score are both I = p(1 - p), by Bartlett's identity. I is large where labels are
    ambiguous, unlike the information of a Gaussian, which is small where its noise is large.
    """
    p = sp.Symbol("p")
    curvature, square = logistic()
    yield Step("Curvature of the loss by the output", H_out, p * (1 - p), equals=curvature)
    yield Step("Variance of its slope over the labels", V_out, p * (1 - p), equals=square)
    one = har_strength.formula.subs({H_out: variance, V_out: variance})
    return proven(_OUTPUT, equals=sp.simplify(variance * sp.diff(sp.log(one), variance)))


@claim(
    "har.loss-jacobian-weight",
    weight_exponent,
    (),
    kind="asymptotic",
    regime=_NARROW,
    uses=("har.exponent-logistic",),
    layers=("simulation",),
    slips=(("strength / carried", "strength * carried"),),
)
def har_loss_jacobian_weight() -> Derivation:
    """Logistic loss: the optimal strength of the loss's derivative goes with the variance I of a label to -⅖.

    The derivative of an example's loss by its input is (p - y) f'. The mean of its square over the labels is I f'²: a
    penalty μ of it is a penalty μI of the output's. What is ⅗ for the output is ⅗ - 1 here. For the squared loss the
    same turns ⅖ into -⅗.
    """
    p = sp.Symbol("p")
    curvature, square = logistic()
    yield Step("Mean of the loss's squared derivative over the labels, in f'²", None, p * (1 - p), equals=square)
    carried = variance * sp.simplify(square / curvature)
    yield Step("which is the variance of a label itself", None, variance, equals=carried)
    strength = har_strength.formula.subs({H_out: variance, V_out: variance})
    weight = strength / carried
    return proven(_OUTPUT - 1, equals=sp.simplify(variance * sp.diff(sp.log(weight), variance)))


@claim(
    "har.loss-jacobian-weight-attributed",
    weight_exponent,
    (),
    kind="attributed",
    regime=_NARROW,
    source=CODE,
    uses=("har.exponent-logistic", "har.loss-jacobian-weight"),
    corrected_by="har.loss-jacobian-weight",
    expected="refuted",
    instead="The exponent ⅗ belongs to the derivative of the output. The squared derivative of the loss carries one "
    "power of I already, so that its weight goes with I to -⅖; the code's effective exponent is 1.6.",
    layers=("simulation",),
    slips=(("formula - derived", "formula + derived"),),
)
def har_loss_jacobian_weight_attributed() -> Derivation:
    """Published code weights the loss's derivative by the error rate to 0.6, the exponent derived for the output's.

    Its weights are error^0.6 / count^0.4 by class, on norms of the derivative of the loss by hidden layers.
    """
    derived = har_loss_jacobian_weight.formula
    yield Step(
        "Published minus derived",
        PUBLISHED_MINUS_DERIVED,
        sp.Integer(1),
        equals=har_exponent_logistic.formula - derived,
    )
    return proven(_PUBLISHED, equals=har_exponent_logistic.formula)


def _parts(power: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Factors of λ² and 1/√λ in the squared error of two groups: squared bias and variance of both fits.

    Variances of a label 1 and R, strengths λ·variance^power.
    """
    groups = (sp.Integer(1), R_noise)
    total = sp.expand(sp.Add(*(squared_error(sp.sqrt(2 * lam * V**power / V), V, V) for V in groups)))
    return total.coeff(lam**2), total.coeff(1 / sp.sqrt(lam))


def _at_best_factor(power: sp.Expr) -> sp.Expr:
    """Their squared error at the best λ, in units of 5/4^⅘."""
    bias, spread = _parts(power)
    return bias ** sp.Rational(1, 5) * spread ** sp.Rational(4, 5)


def _best_factor() -> Derivation:
    """The minimum of aλ² + b/√λ."""
    a, b, power = sp.symbols("a b lambda52", positive=True)
    total = a * lam**2 + b / sp.sqrt(lam)
    slope = sp.expand(sp.diff(total, lam) * lam ** sp.Rational(3, 2)).subs(lam, power ** sp.Rational(2, 5))
    (found,) = sp.solve(slope, power)
    least = total.subs(lam, found ** sp.Rational(2, 5))
    readable = 5 / sp.Integer(4) ** sp.Rational(4, 5) * a ** sp.Rational(1, 5) * b ** sp.Rational(4, 5)
    yield Step("Least aλ² + b/√λ, squared bias and variance of both groups", None, readable, equals=sp.simplify(least))
    return readable


@claim(
    "har.published-weights",
    label_error,
    (R_noise,),
    kind="asymptotic",
    regime=_NARROW,
    uses=("har.loss-jacobian-weight",),
    layers=("simulation",),
    limits=(({"R": 1.0}, 1.0),),
    slips=(("(_PUBLISHED + 1)", "(_PUBLISHED)"), ("a ** sp.Rational(1, 5) * b", "a * b")),
)
def har_published_weights() -> Derivation:
    """Squared error of two groups with noisy labels: published weights of the loss's derivative over no weights.

    Two groups of equal size whose labels have variances I and RI, I/I in units of the first; the logistic loss; each
    arm at its best common factor. Without weights the loss's derivative has the effective exponent 1, too much by ⅖;
    with the published ones 1.6, too much by 1. The error is that of the logit, not that of the class.
    """
    yield from _best_factor()
    plain = _at_best_factor(sp.Integer(1))
    weighted = _at_best_factor(_PUBLISHED + 1)
    readable = ((1 + R_noise ** sp.Rational(6, 5)) / 2) ** sp.Rational(1, 5) * (
        (1 + R_noise ** -sp.Rational(13, 10)) / (1 + 1 / R_noise)
    ) ** sp.Rational(4, 5)
    return proven(readable, equals=sp.simplify(weighted / plain))


@claim(
    "har.beats-uniform-labels",
    label_error,
    (R_noise,),
    kind="attributed",
    regime=_NARROW,
    source=CODE,
    uses=("har.published-weights",),
    corrected_by="har.published-weights",
    expected="refuted",
    instead="The weights are those of the output's derivative; on the loss's they add to an exponent that is too large "
    "already, and the squared error of the logit grows beyond that without weights. In trainings on images with "
    "flipped labels a gain over one strength for all was not established either way.",
    layers=("simulation",),
    limits=(({"R": 1.0}, 1.0),),
    slips=(("_at_best_factor(_PUBLISHED)", "_at_best_factor(-_PUBLISHED)"),),
)
def har_beats_uniform_labels() -> Derivation:
    """Weights of published code lower the error under noisy labels by what the theory of the output gives.

    Squared error of the logit of two groups, variances of a label 1 : R, at the optimal exponent ⅗ over that without
    weights, exponent 0. The publication reports errors of classes of images, which no formula of it gives.
    """
    yield from _best_factor()
    none = _at_best_factor(sp.Integer(0))
    weighted = _at_best_factor(_PUBLISHED)
    readable = (1 + R_noise ** -sp.Rational(4, 5)) / (
        (1 + R_noise**-2) ** sp.Rational(1, 5) * (1 + 1 / sp.sqrt(R_noise)) ** sp.Rational(4, 5)
    )
    derived = har_published_weights.formula
    yield Step("Published over derived", PUBLISHED_OVER_DERIVED, readable / derived, equals=weighted / none / derived)
    return proven(readable, equals=sp.simplify(weighted / none))

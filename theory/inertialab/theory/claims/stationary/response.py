"""What a fluctuating second moment does to the stationary variance: its mean and mean square to first order."""

from dataclasses import dataclass

import sympy as sp

from inertialab.theory.derivation import Step
from inertialab.theory.dynamics import ADAI, ADAM, UpdateMap
from inertialab.theory.notation import K, beta, beta2, g, kappa
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.statement import Derivation

spread, newest = sp.symbols("<delta^2> epsilon", positive=True)
"""Mean square of δ = v/⟨v⟩ - 1, and the weight 1 - β₂ of the newest squared gradient."""


@dataclass(frozen=True)
class Response:
    """How far a gradient finally moves the parameter, relative to what it does under the mean second moment.

    It is a factor W = 1 + W₁ + W₂ + ..., linear, quadratic ... in δ of this and all later steps.

    Attributes:
        own: Change of W₁ by the gradient's own square, in units of ε(ĝ²/⟨v⟩ - 1).
        square: Mean of W₁².
        mean: Mean of W₂.
    """

    own: sp.Expr
    square: sp.Expr
    mean: sp.Expr

    @property
    def factor(self) -> sp.Expr:
        """Stationary variance over that under the mean second moment, to first order of all three.

        A gradient μ + ξ moves by ⟨W⟩μ + ⟨Wξ⟩ = μ(1 + ⟨W₂⟩ + 2ε·own) in the mean, since its square holds 2μξ, and
        spreads by ⟨W²ξ²⟩ = C(1 + 2ε(K - 1)·own + ⟨W₁²⟩ + 2⟨W₂⟩). The variance is the second over the first.
        """
        return 1 + 2 * newest * self.own * (K - 2) + self.square + self.mean


def in_settings(expression: sp.Expr) -> sp.Expr:
    """ε and the spread of v in terms of β₂ and the kurtosis."""
    (found,) = sp.solve(beta2**2 * spread + newest**2 * (K - 1) - spread, spread)
    return sp.factor(expression.subs(spread, found).subs(newest, 1 - beta2))


def adai_response() -> Response:
    """Of Adai's momentum: W = κ₀R₀ with κ = κ(1 + δ) and R₀ = 1 + (1 - κ₁)R₁, a sum over all later steps.

    To first order R₁ₛₜ(n) = (1 - κ)R₁ₛₜ(n+1) - δ(n+1), and δ of n steps later has the covariance β₂ⁿ with this one.
    """
    with_r, square, own = sp.symbols("<deltaR> <R^2> rho")
    (with_r_,) = sp.solve((1 - kappa) * beta2 * with_r - beta2 * spread - with_r, with_r)
    (square_,) = sp.solve((1 - kappa) ** 2 * square - 2 * (1 - kappa) * with_r_ + spread - square, square)
    (own_,) = sp.solve((1 - kappa) * beta2 * own - beta2 - own, own)
    # Second order: ⟨κδR⟩ of this step, and of all later ones -⟨κδR⟩, by stationarity of ⟨R₂ₙ⟩.
    later = sp.Symbol("<R_2>")
    (later_,) = sp.solve((1 - kappa) * later - kappa * with_r_ - later, later)
    mean = kappa * with_r_ + kappa * later_
    return Response(1 + kappa * own_, spread + 2 * kappa * with_r_ + kappa**2 * square_, sp.simplify(mean))


def adam_response() -> Response:
    """Of Adam: W = Σ(1 - β)βʲ(1 - δ/2 + 3δ²/8), the root of the second moment expanded, over the later steps j.

    Y₀ = (1 - β)δ₀ + βY₁ is the sum of the δ.
    """
    with_y, square, own = sp.symbols("<deltaY> <Y^2> rho")
    (with_y_,) = sp.solve((1 - beta) * spread + beta * beta2 * with_y - with_y, with_y)
    (square_,) = sp.solve(
        (1 - beta) ** 2 * spread + 2 * beta * (1 - beta) * beta2 * with_y_ + beta**2 * square - square, square
    )
    (own_,) = sp.solve((1 - beta) + beta * beta2 * own - own, own)
    delta = sp.Symbol("d")
    series = sp.series(1 / sp.sqrt(1 + delta), delta, 0, 3).removeO()
    linear, bent = series.coeff(delta, 1), series.coeff(delta, 2)
    return Response(linear * own_, linear**2 * square_, bent * spread)


def second_moment(update: UpdateMap) -> Derivation:
    """Steps about v that both methods share, from the update map."""
    weight = sp.diff(dict(update.assignments)[second], g, 2) / 2
    yield Step("Weight of the newest squared gradient in v", newest, 1 - beta2, equals=weight)
    fading = sp.diff(dict(update.assignments)[second], second)
    yield Step("and how it fades in each later step", None, beta2, equals=fading)
    mean, size = sp.symbols("<v> <g^2>")
    (fixed,) = sp.solve(fading * mean + weight * size - mean, mean)
    yield Step("Stationary mean of v", mean, size, equals=fixed)
    at = sp.Symbol("j", integer=True, nonnegative=True)
    share = (1 - beta2) ** 2 * beta2 ** (2 * at) * (K - 1)
    total = (1 - beta2) ** 2 * (K - 1) / (1 - beta2**2)
    gained = total * (beta2 ** (2 * at) - beta2 ** (2 * at + 2))
    yield Step("Spread of v/⟨v⟩, a sum over past squares: increment", None, share, equals=gained)
    yield Step(
        "which the memory of v adds up to", spread, (1 - beta2) * (K - 1) / (1 + beta2), equals=in_settings(spread)
    )


def adai_steps() -> Derivation:
    """Steps from Adai's rule to the response, each of which a slip would break; returns the response."""
    yield from second_moment(ADAI)
    rule = sp.expand(dict(ADAI.assignments)[average])
    yield Step("A gradient enters the buffer with weight κ", None, kappa, equals=sp.diff(rule, g))
    yield Step("and every later step leaves of it", None, 1 - kappa, equals=sp.diff(rule, average))
    found = adai_response()
    stays = sp.simplify(found.own).subs(beta2, 1)
    yield Step("A change of κ that stays moves nothing: all responses add up to", None, sp.Integer(0), equals=stays)
    # The first terms written out: W of a step, κ₀(1 + (1 - κ₁)(1 + (1 - κ₂)(...))), derived by each later κ.
    small = sp.symbols("delta_0:3")
    rest = 1 / kappa
    for change in reversed(small[1:]):
        rest = 1 + (1 - kappa * (1 + change)) * rest
    whole = kappa * (1 + small[0]) * rest
    at_rest = dict.fromkeys(small, 0)
    for n, change in enumerate(small):
        expected = sp.Integer(1) if n == 0 else -kappa * (1 - kappa) ** (n - 1)
        yield Step(f"Response to δ of {n} steps later", None, expected, equals=sp.diff(whole, change).subs(at_rest))
    yield Step("Mean of the terms of second order", sp.Symbol("<W_2>"), sp.Integer(0), equals=found.mean)
    share = (1 - beta2) / (1 - beta2 + beta2 * kappa)
    yield Step("Response to its own square", sp.Symbol("a"), share, equals=found.own)
    yield Step("Mean square response", sp.Symbol("<W_1^2>"), 2 * share * spread / (2 - kappa), equals=found.square)
    return found


def adam_steps() -> Derivation:
    """The same for Adam."""
    yield from second_moment(ADAM)
    rule = sp.expand(dict(ADAM.assignments)[average])
    yield Step("A gradient enters the buffer with weight 1 - β", None, 1 - beta, equals=sp.diff(rule, g))
    yield Step("and every later step leaves of it", None, beta, equals=sp.diff(rule, average))
    found = adam_response()
    yield Step("A change of v that stays acts by the root", None, -sp.Rational(1, 2), equals=found.own.subs(beta2, 1))
    share = (1 - beta) / (1 - beta * beta2)
    yield Step("Response to its own square", sp.Symbol("a"), -share / 2, equals=found.own)
    memory = (1 - beta) * (1 + beta * beta2) / ((1 + beta) * (1 - beta * beta2))
    yield Step("Mean square response", sp.Symbol("<W_1^2>"), memory * spread / 4, equals=found.square)
    yield Step("Mean of the terms of second order", sp.Symbol("<W_2>"), 3 * spread / 8, equals=found.mean)
    return found

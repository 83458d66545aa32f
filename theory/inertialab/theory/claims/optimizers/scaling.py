"""What a sharpened loss is to each optimizer: the same loss at another learning rate."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAI, ADAM, HEAVY_BALL, MOMENTUM_EMA, MOMENTUM_TORCH, SGD, UpdateMap
from inertialab.theory.notation import delta, eta, g, k_sharp, same_rate, theta, v_mean
from inertialab.theory.notation import v as second
from inertialab.theory.statement import Derivation, claim


@claim(
    "scaling.identity",
    same_rate,
    (k_sharp,),
    kind="exact",
    layers=("numerics", "real"),
    limits=(({"k": 1.0}, 1.0),),
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

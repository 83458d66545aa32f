"""The table of symbols, and those that update maps and landscapes are written in.

Each stands here or in `notation` once: name, LaTeX, meaning, dimension, assumptions. A dimension is a pair of exponents
`(a, c)`: how a quantity changes when parameters are measured in other units (θ → aθ) and the loss in other units
(L → cL). Dynamical time is t = ηT, so times carry the dimension of the learning rate, θ²/L.

What simulates rests on this module alone: a new symbol of a claim, in `notation`, changes no record.
"""

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Quantity:
    """A symbol and what a reader must know about it.

    Attributes:
        symbol: The SymPy symbol; its assumptions are the values `predict` accepts.
        latex: How it is printed.
        meaning: One phrase, used in error messages and in the table of notation.
        dimension: Exponents of (parameter unit, loss unit); expressions where they depend on another quantity.
        function: Whether predictions take a function of the parameter in its place.
    """

    symbol: sp.Symbol
    latex: str
    meaning: str
    dimension: tuple[sp.Expr | int, sp.Expr | int]
    function: bool = False


NOTATION: dict[str, Quantity] = {}
"""By key: the symbol's name, with a remark where two quantities share a name."""
_BY_SYMBOL: dict[sp.Basic, Quantity] = {}


def declared(
    name: str,
    latex: str,
    meaning: str,
    dimension: tuple[sp.Expr | int, sp.Expr | int],
    *,
    remark: str = "",
    function: bool = False,
    **assumptions: bool,
) -> sp.Symbol:
    """A new symbol and its entry in the table; arguments as in `Quantity`.

    Args:
        name: As predictions and texts call it.
        latex: As in `Quantity`.
        meaning: As in `Quantity`.
        dimension: As in `Quantity`.
        remark: Tells two quantities of one name apart.
        function: As in `Quantity`.
        **assumptions: SymPy's, such as `positive=True`.
    """
    # SymPy tells symbols of one name apart by their assumptions; `remark` is one of the second of them.
    symbol = sp.Symbol(name, **assumptions, **({remark: True} if remark else {}))
    entry = Quantity(symbol, latex, meaning, dimension, function)
    NOTATION[f"{name} ({remark})" if remark else name] = entry
    _BY_SYMBOL[symbol] = entry
    return symbol


def quantity(symbol: sp.Basic) -> Quantity:
    """What the table says of a symbol.

    >>> quantity(eta).meaning
    'learning rate'
    """
    return _BY_SYMBOL[symbol]


def unit(symbol: sp.Basic) -> str:
    """The unit of a symbol, in those of the parameter θ and of the loss L; 1 for a number.

    >>> unit(eta)
    'θ² L⁻¹'
    """
    powers = zip("θL", quantity(symbol).dimension, strict=True)
    return " ".join(base + _raised(power) for base, power in powers if power) or "1"


def _raised(power: sp.Expr | int) -> str:
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    text = str(power)
    return "" if power == 1 else text.translate(digits) if text.lstrip("-").isdigit() else f"^({text})"


def latex(expr: sp.Basic) -> str:
    """LaTeX of an expression in the notation of this table."""
    names = {entry.symbol: entry.latex for entry in NOTATION.values()}
    return sp.latex(expr, symbol_names=names, order="none")


# Inputs of predictions; the names are public and permanent.
eta = declared("eta", r"\eta", "learning rate", (2, -1), positive=True)
h = declared("h", "h", "signed curvature, an eigenvalue of the Hessian", (-2, 1), real=True)
C = declared("C", "C", "variance of the minibatch gradient along the direction", (-2, 2), nonnegative=True)
beta = declared("beta", r"\beta", "momentum coefficient", (0, 0), nonnegative=True)
# Settings of adaptive methods.
beta0 = declared("beta0", r"\beta_0", "Adai's mean of 1 - beta1 before clamping", (0, 0), positive=True)
beta2 = declared("beta2", r"\beta_2", "decay of the second moment", (0, 0), nonnegative=True)
delta = declared("delta", r"\delta", "constant added to the root of the second moment", (-1, 1), nonnegative=True)
eps = declared("eps", r"\varepsilon", "Adai's inertia bound, the least 1 - beta1", (0, 0), positive=True)
# States and random increments of the update maps.
theta = declared("theta", r"\theta", "parameter, measured from the critical point", (1, 0), real=True)
theta_prev = declared("theta_prev", r"\theta_{-}", "parameter one step earlier", (1, 0), real=True)
g = declared("g", r"\hat g", "minibatch gradient", (-1, 1), real=True)
xi = declared("xi", r"\xi", "gradient noise: mean zero, variance C, independent of the past", (-1, 1), real=True)
m = declared("m", "m", "momentum buffer, EMA convention", (-1, 1), real=True)
b = declared("b", "b", "momentum buffer, PyTorch convention", (-1, 1), real=True)
v = declared("v", "v", "exponential average of the squared gradient", (-2, 2), nonnegative=True)
v_hat = declared("v_hat", r"\hat v", "the same, corrected for its start at zero", (-2, 2), nonnegative=True)
v_mean = declared(
    "v_mean", r"\bar v", "mean of the corrected second moment over all coordinates", (-2, 2), positive=True
)
v_max = declared("v_max", r"v_{\max}", "largest second moment so far", (-2, 2), nonnegative=True)
decay = declared("decay", r"\lambda", "coefficient of weight decay", (-2, 1), nonnegative=True)
kappa = declared("kappa", r"\kappa", "1 - beta1 of a coordinate", (0, 0), positive=True)
q = declared("q", "q", "1 minus the product of all beta1 of a coordinate so far", (0, 0), nonnegative=True)
c = declared("c", "c", "CProp's factor of the scale", (0, 0), positive=True)
g_mean = declared("g_mean", r"\bar g", "bias-corrected average of the gradient", (-1, 1), real=True)
g_var = declared("g_var", "S", "bias-corrected variance of the gradient about its average", (-2, 2), nonnegative=True)
w = declared("w", "w", "weight of the newest gradient in its average", (0, 0), positive=True)
z = declared("z", "z", "distance of the mean gradient from zero in standard errors", (0, 0), nonnegative=True)
rho = declared("rho", r"\rho", "degrees of freedom of the averaged squared gradient", (0, 0), real=True)
rectified = declared("rectified", "r", "RAdam's factor for the variance of the adaptive step", (0, 0), nonnegative=True)
k = declared("k", "k", "number of the step, from 1", (0, 0), integer=True, nonnegative=True)

"""Every symbol once: name, LaTeX, meaning, dimension, assumptions.

A dimension is a pair of exponents `(a, c)`: how a quantity changes when parameters are measured in
other units (θ → aθ) and the loss in other units (L → cL). Dynamical time is t = ηT, so times carry
the dimension of the learning rate, θ²/L. Claims refer to these objects, never to symbols of their own.
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
        dimension: Exponents of (parameter unit, loss unit).
    """

    symbol: sp.Symbol
    latex: str
    meaning: str
    dimension: tuple[int, int]


NOTATION: dict[str, Quantity] = {}


def _quantity(name: str, latex: str, meaning: str, dimension: tuple[int, int], **assumptions: bool) -> sp.Symbol:
    symbol = sp.Symbol(name, **assumptions)
    NOTATION[name] = Quantity(symbol, latex, meaning, dimension)
    return symbol


# Inputs of predictions; the names are public and permanent.
eta = _quantity("eta", r"\eta", "learning rate", (2, -1), positive=True)
h = _quantity("h", "h", "signed curvature, an eigenvalue of the Hessian", (-2, 1), real=True)
C = _quantity("C", "C", "variance of the minibatch gradient along the direction", (-2, 2), nonnegative=True)
beta = _quantity("beta", r"\beta", "momentum coefficient", (0, 0), nonnegative=True)
T = _quantity("T", "T", "number of steps", (0, 0), integer=True, nonnegative=True)
v0sq = _quantity(
    "v0sq",
    r"\langle v_0^2\rangle",
    "mean squared initial velocity, displacement per unit of dynamical time; for EMA momentum that of the buffer",
    (-2, 2),
    nonnegative=True,
)
H = _quantity("H", "H", "Hessian, a symmetric matrix", (-2, 1))
C_matrix = sp.Symbol("C")
"""The same C as a covariance matrix, whose entries may be negative."""

# Settings of adaptive methods.
beta0 = _quantity("beta0", r"\beta_0", "Adai's mean of 1 - beta1 before clamping", (0, 0), positive=True)
beta2 = _quantity("beta2", r"\beta_2", "decay of the second moment", (0, 0), nonnegative=True)
delta = _quantity("delta", r"\delta", "constant added to the root of the second moment", (-1, 1), nonnegative=True)
eps = _quantity("eps", r"\varepsilon", "Adai's inertia bound, the least 1 - beta1", (0, 0), positive=True)

# Entries of matrices in the eigenbasis of the Hessian.
h_i = _quantity("h_i", "h_i", "curvature of eigen-direction i", (-2, 1), real=True)
h_j = _quantity("h_j", "h_j", "curvature of eigen-direction j", (-2, 1), real=True)
C_ij = _quantity(
    "C_ij",
    "C_{ij}",
    "covariance of the minibatch gradient along eigen-directions i and j",
    (-2, 2),
    real=True,
)

# States and random increments of the update maps.
theta = _quantity("theta", r"\theta", "parameter, measured from the critical point", (1, 0), real=True)
theta_prev = _quantity("theta_prev", r"\theta_{-}", "parameter one step earlier", (1, 0), real=True)
g = _quantity("g", r"\hat g", "minibatch gradient", (-1, 1), real=True)
xi = _quantity("xi", r"\xi", "gradient noise: mean zero, variance C, independent of the past", (-1, 1), real=True)
m = _quantity("m", "m", "momentum buffer, EMA convention", (-1, 1), real=True)
b = _quantity("b", "b", "momentum buffer, PyTorch convention", (-1, 1), real=True)
v = _quantity("v", "v", "exponential average of the squared gradient", (-2, 2), nonnegative=True)
v_hat = _quantity("v_hat", r"\hat v", "the same, corrected for its start at zero", (-2, 2), nonnegative=True)
v_mean = _quantity(
    "v_mean", r"\bar v", "mean of the corrected second moment over all coordinates", (-2, 2), positive=True
)
v_max = _quantity("v_max", r"v_{\max}", "largest second moment so far", (-2, 2), nonnegative=True)
decay = _quantity("decay", r"\lambda", "coefficient of weight decay", (-2, 1), nonnegative=True)
alpha = _quantity("alpha", r"\alpha", "1 - beta1 of a coordinate", (0, 0), positive=True)
q = _quantity("q", "q", "1 minus the product of all beta1 of a coordinate so far", (0, 0), nonnegative=True)
c = _quantity("c", "c", "CProp's factor of the scale", (0, 0), positive=True)
g_mean = _quantity("g_mean", r"\bar g", "bias-corrected average of the gradient", (-1, 1), real=True)
g_var = _quantity("g_var", "S", "bias-corrected variance of the gradient about its average", (-2, 2), nonnegative=True)
w = _quantity("w", "w", "weight of the newest gradient in its average", (0, 0), positive=True)
z = _quantity("z", "z", "distance of the mean gradient from zero in standard errors", (0, 0), nonnegative=True)
rho = _quantity("rho", r"\rho", "degrees of freedom of the averaged squared gradient", (0, 0), real=True)
rectified = _quantity(
    "rectified", "r", "RAdam's factor for the variance of the adaptive step", (0, 0), nonnegative=True
)
k = _quantity("k", "k", "number of the step, from 1", (0, 0), integer=True, nonnegative=True)

# Results and abbreviations.
var = _quantity("var", r"\operatorname{Var}\theta", "stationary variance of a parameter", (2, 0))
var_T = _quantity("var_T", r"\operatorname{Var}\theta_T", "variance of a parameter after T steps", (2, 0))
cov_ij = _quantity("cov_ij", r"\Sigma_{ij}", "stationary covariance along eigen-directions i and j", (2, 0))
msd_T = _quantity("msd_T", r"\langle\theta_T^2\rangle", "mean squared displacement after T steps", (2, 0))
eta_ema = _quantity("eta_ema", r"\eta_{\mathrm{EMA}}", "learning rate in the EMA convention", (2, -1))
r_plus = _quantity("r_plus", "r_+", "root of the characteristic polynomial of heavy ball", (0, 0))
r_minus = _quantity("r_minus", "r_-", "other root of the characteristic polynomial", (0, 0))
D = _quantity("D", "D", "diffusion coefficient of the matched Ito equation", (0, 1), nonnegative=True)
t = _quantity("t", "t", "dynamical time, learning rate times number of steps", (2, -1), nonnegative=True)
V = sp.Function("V", real=True)
"""Second moment as a function of the step or of time."""


def latex(expr: sp.Basic) -> str:
    """LaTeX of an expression in the notation of this table."""
    names = {quantity.symbol: quantity.latex for quantity in NOTATION.values()}
    return sp.latex(expr, symbol_names=names, order="none")

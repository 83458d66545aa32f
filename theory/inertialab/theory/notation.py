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


def _quantity(
    name: str,
    latex: str,
    meaning: str,
    dimension: tuple[sp.Expr | int, sp.Expr | int],
    *,
    remark: str = "",
    function: bool = False,
    **assumptions: bool,
) -> sp.Symbol:
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
m0 = _quantity("m0", "m_0", "initial momentum buffer, EMA convention", (-1, 1), real=True)
x = _quantity("x", "x", "time in units of the memory of momentum, (1 - beta)*T", (0, 0), positive=True)
B = _quantity(
    "B",
    "B",
    "batch size; the relation C = H/B it stands in needs a loss in nats, so it carries the unit 1/L",
    (0, -1),
    positive=True,
)
B_count = _quantity("B", "B", "batch size, a count", (0, 0), remark="count", positive=True)
n_batches = _quantity("n_batches", "n", "minibatches in an epoch", (0, 0), integer=True, positive=True)
n_samples = _quantity("n_samples", "N", "samples in the data", (0, 0), integer=True, positive=True)
n = _quantity("n", "n", "number of parameters", (0, 0), positive=True)
trace_abs = _quantity("trace_abs", r"\sum_j|h_j|", "sum of all absolute curvatures", (-2, 1), positive=True)
gamma = _quantity("gamma", r"\gamma", "friction, a rate in dynamical time", (-2, 1), positive=True)
M = _quantity("M", "M", "inertia: the mass of the matched equation of motion", (2, -1), positive=True)
dL = _quantity("dL", r"\Delta L", "barrier: loss at the saddle minus loss at the minimum", (0, 1), positive=True)
Ha = _quantity("Ha", "H_a", "curvature at the minimum, along the escape direction", (-2, 1), positive=True)
Hb = _quantity("Hb", "H_b", "magnitude of the negative curvature at the saddle", (-2, 1), positive=True)
action = _quantity(
    "action",
    r"\mathcal S_a",
    "integral of sqrt(2*(L_b - L)) there and back through the well at the height of the barrier",
    (1, sp.Rational(1, 2)),
    positive=True,
)
action_beyond = _quantity(
    "action_beyond",
    r"\mathcal S_b",
    "the same for the well beyond the barrier; very large where nothing comes back",
    (1, sp.Rational(1, 2)),
    positive=True,
)
s = _quantity("s", "s", "fraction of the barrier climbed with the noise of the minimum", (0, 0), nonnegative=True)
C_a = _quantity("C_a", "C_a", "variance of the minibatch gradient at the minimum", (-2, 2), positive=True)
C_b = _quantity("C_b", "C_b", "variance of the minibatch gradient at the saddle", (-2, 2), positive=True)
D_a = _quantity("D_a", "D_a", "diffusion at the minimum", (0, 1), positive=True)
D_b = _quantity("D_b", "D_b", "diffusion at the saddle", (0, 1), positive=True)
L_a = _quantity("L_a", "L_a", "loss at the minimum", (0, 1), positive=True)
L_b = _quantity("L_b", "L_b", "loss at the saddle", (0, 1), positive=True)
eta_adam = _quantity(
    "eta", r"\eta", "learning rate of Adam, the size of a step", (1, 0), remark="adaptive", positive=True
)
potential = _quantity(
    "potential", "L", "loss along the path, a function of the parameter", (0, 1), function=True, real=True
)
D_x = _quantity(
    "D", "D", "diffusion, a number or a function of the parameter", (0, 1), remark="field", function=True, real=True
)
x0 = _quantity("x0", "x_0", "where the path starts", (1, 0), real=True)
boundaries = _quantity(
    "boundaries", r"x_{\mathrm{abs}},x_{\mathrm{ref}}", "absorbing and reflecting end, a pair", (1, 0), real=True
)
x_abs = _quantity("x_abs", r"x_{\mathrm{abs}}", "absorbing end", (1, 0), real=True)
x_ref = _quantity("x_ref", r"x_{\mathrm{ref}}", "reflecting end", (1, 0), real=True)
x_a = _quantity("x_a", "x_a", "place of the minimum", (1, 0), real=True)
x_b = _quantity("x_b", "x_b", "place of the saddle", (1, 0), real=True)
k_sharp = _quantity(
    "k",
    "k",
    "factor of all curvatures when the loss becomes L(sqrt(k)*theta)",
    (0, 0),
    remark="sharpening",
    positive=True,
)
scale = _quantity("scale", "c", "factor of the loss", (0, 0), positive=True)
alpha = _quantity("alpha", r"\alpha", "stability index of the noise", (0, 0), positive=True)
eps_levy = _quantity(
    "eps",
    r"\varepsilon",
    "scale of the stable noise in unit time",
    (1 - 2 / alpha, 1 / alpha),
    remark="stable",
    positive=True,
)
a_exit = _quantity("a", "a", "distance of the lower end of the interval", (1, 0), positive=True)
b_exit = _quantity("b", "b", "distance of the upper end of the interval", (1, 0), remark="distance", positive=True)
third = _quantity("third", r"\kappa_3", "third central moment of the minibatch gradient", (-3, 3), real=True)
v_second = _quantity(
    "v", "v", "mean squared minibatch gradient of the coordinate", (-2, 2), remark="mean", positive=True
)
H = _quantity("H", "H", "Hessian, a symmetric matrix", (-2, 1))
C_matrix = _quantity("C", "C", "covariance matrix of the minibatch gradient", (-2, 2), remark="matrix")

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
kappa = _quantity("kappa", r"\kappa", "1 - beta1 of a coordinate", (0, 0), positive=True)
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
factor = _quantity("factor", "r", "factor by which a step of SGD multiplies the parameter", (0, 0))
r_minus = _quantity("r_minus", "r_-", "other root of the characteristic polynomial", (0, 0))
D = _quantity("D", "D", "diffusion coefficient of the matched Ito equation", (0, 1), nonnegative=True)
t = _quantity("t", "t", "dynamical time, learning rate times number of steps", (2, -1), nonnegative=True)
cov_step = _quantity("cov_step", r"\langle(\Delta\theta)^2\rangle", "mean squared displacement of one step", (2, 0))
moved_T = _quantity("moved_T", r"\langle\theta_T\rangle", "mean displacement after T steps", (1, 0))
msd_t = _quantity("msd_t", r"\langle\theta_t^2\rangle", "mean squared displacement at dynamical time t", (2, 0))
growth = _quantity("growth", r"r_+", "factor by which a step carries away from a saddle", (0, 0))
lambda_plus = _quantity("lambda_plus", r"\lambda_+", "rate of the growing mode", (-2, 1))
lambda_minus = _quantity("lambda_minus", r"\lambda_-", "rate of the decaying mode", (-2, 1))
tau = _quantity("tau", r"\tau", "mean time of escape, in dynamical time", (2, -1))
tau_adam = _quantity("tau_adam", r"\tau", "mean time of escape of Adam, learning rate times steps", (1, 0))
Phi = _quantity("Phi", r"\Phi", "exponent of the mean time of escape", (0, 0))
drift_ratio = _quantity(
    "drift_ratio", r"\frac{\text{drift}}{\text{diffusion}}", "published drift over published diffusion", (0, 0)
)
bias_corrected = _quantity(
    "bias_corrected",
    r"\frac{\langle\theta_T^2\rangle}{\eta^2C}",
    "free mean squared displacement after T steps in units of that of one step of SGD",
    (0, 0),
)

det_ratio = _quantity(
    "det_ratio", r"\frac{|\det H_b|}{\det H_a}", "ratio of the determinants of the Hessian", (0, 0), positive=True
)
detHa = _quantity(
    "detHa",
    r"\det H_a",
    "determinant of the Hessian at the minimum; its unit depends on the dimension, only ratios matter",
    (0, 0),
    positive=True,
)
detHb = _quantity("detHb", r"|\det H_b|", "magnitude of the determinant at the saddle", (0, 0), positive=True)
upsilon_a = _quantity(
    "upsilon_a", r"\Upsilon_a", "depopulation factor of the well: rate over that of a well in equilibrium", (0, 0)
)
upsilon_b = _quantity("upsilon_b", r"\Upsilon_b", "depopulation factor of the well beyond the barrier", (0, 0))
upsilon_ab = _quantity("upsilon_ab", r"\Upsilon_{ab}", "depopulation factor of an orbit through both wells", (0, 0))
rate_factor = _quantity(
    "rate_factor",
    r"\frac{\tau_{\mathrm{chain}}}{\tau_{\mathrm{diffusion}}}",
    "escape time of the chain over that of its diffusion",
    (0, 0),
)
shift = _quantity("shift", r"\delta x", "distance by which a threshold must be moved outwards", (1, 0))
same_rate = _quantity(
    "same_rate", r"\eta'/\eta", "learning rate on the original loss that does the same, over the learning rate", (0, 0)
)
height_factor = _quantity(
    "height_factor", r"\frac{\tau\sqrt{H_aH_b}}{2\pi}", "escape time in units of the frequency factor", (0, 0)
)
momentum_speed = _quantity(
    "momentum_speed",
    r"\frac{\tau(\eta,\beta)}{\tau_{\mathrm{SGD}}(\eta)}",
    "escape time of EMA momentum over that of SGD at the same rate, in steps",
    (0, 0),
)

sampling_factor = _quantity(
    "sampling_factor", r"\frac{C\,B}{\Sigma}", "variance of a batch gradient without replacement over that with", (0, 0)
)
noise_here = _quantity("noise_here", "C", "variance of the minibatch gradient at the saddle of a network", (-2, 2))
mean_beta = _quantity("mean_beta", r"\overline{\beta_1}", "mean momentum coefficient over all coordinates", (0, 0))
momentum_bias = _quantity(
    "momentum_bias", r"\langle m\rangle-L'", "bias of the momentum buffer against the mean gradient", (-1, 1)
)
end_gradient = _quantity(
    "end_gradient", r"\lim_{T\to\infty}\langle L'^2\rangle", "limit of the squared gradient", (-2, 2)
)

# Ratios that a claim says are 1.
bartlett = _quantity("bartlett", r"\frac{B\,C}{H}", "batch size times noise over Hessian, for a loss in nats", (0, 0))
squared_noise = _quantity(
    "squared_noise", r"\frac{B\,C}{\sigma^2H}", "noise of squared loss over label variance times Hessian", (0, 0)
)
entropic = _quantity(
    "entropic",
    r"\frac{\tau}{\tau_1\exp\left[\frac12\int_a^b\frac{h'(x)}{c(x)}\,dx\right]}",
    "escape time over that of the path alone times the entropic factor; h transverse curvature, c = B times the noise "
    "along the path",
    (0, 0),
)
divergence = _quantity(
    "divergence",
    r"\frac{\eta}{4B}\left|\frac{L'''}{L'}\right|\frac{d\Phi}{d\ln(1/\delta)}",
    "growth of the exponent with the logarithm of a floor under the noise, over its value at the inflection",
    (0, 0),
)
fdr1 = _quantity(
    "fdr1",
    r"\frac{2\langle\theta L'(\theta)\rangle}{\eta(1+\beta)\langle b^2\rangle}",
    "first fluctuation-dissipation relation as a ratio; b is PyTorch's buffer, the gradient itself without momentum",
    (0, 0),
)
fdr2 = _quantity(
    "fdr2",
    r"\frac{2\langle L'(\theta)^2\rangle}{\eta\langle L''(\theta)\hat g^2\rangle}",
    "second fluctuation-dissipation relation of SGD as a ratio",
    (0, 0),
)
flatness = _quantity(
    "flatness",
    r"\frac{p(x)\,D(x)\,e^{\Phi(x)}}{p(x_0)\,D(x_0)\,e^{\Phi(x_0)}}",
    "stationary density times diffusion times the exponential of the integral of L'/D, relative to another place",
    (0, 0),
)
V = sp.Function("V", real=True)
"""Second moment as a function of the step or of time."""


def latex(expr: sp.Basic) -> str:
    """LaTeX of an expression in the notation of this table."""
    names = {entry.symbol: entry.latex for entry in NOTATION.values()}
    return sp.latex(expr, symbol_names=names, order="none")

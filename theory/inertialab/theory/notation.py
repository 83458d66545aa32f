"""Every symbol once: those that claims alone speak of, beside those of update maps and landscapes in `symbols`.

Claims refer to these objects, never to symbols of their own. What a record rests on is `symbols`, not this module.
"""

# ruff: noqa: F401
import sympy as sp

from inertialab.theory.symbols import (
    NOTATION,
    C,
    Quantity,
    b,
    beta,
    beta0,
    beta2,
    c,
    decay,
    declared,
    delta,
    eps,
    eta,
    g,
    g_mean,
    g_var,
    h,
    k,
    kappa,
    latex,
    m,
    q,
    quantity,
    rectified,
    rho,
    theta,
    theta_prev,
    unit,
    v,
    v_hat,
    v_max,
    v_mean,
    w,
    xi,
    z,
)

T = declared("T", "T", "number of steps", (0, 0), integer=True, nonnegative=True)
v0sq = declared(
    "v0sq",
    r"\langle v_0^2\rangle",
    "mean squared initial velocity, displacement per unit of dynamical time; for EMA momentum that of the buffer",
    (-2, 2),
    nonnegative=True,
)
m0 = declared("m0", "m_0", "initial momentum buffer, EMA convention", (-1, 1), real=True)
x = declared("x", "x", "time in units of the memory of momentum, (1 - beta)*T", (0, 0), positive=True)
B = declared(
    "B",
    "B",
    "batch size; the relation C = H/B it stands in needs a loss in nats, so it carries the unit 1/L",
    (0, -1),
    positive=True,
)
B_count = declared("B", "B", "batch size, a count", (0, 0), remark="count", positive=True)
n_batches = declared("n_batches", "n", "minibatches in an epoch", (0, 0), integer=True, positive=True)
n_samples = declared("n_samples", "N", "samples in the data", (0, 0), integer=True, positive=True)
n = declared("n", "n", "number of parameters", (0, 0), positive=True)
trace_abs = declared("trace_abs", r"\sum_j|h_j|", "sum of all absolute curvatures", (-2, 1), positive=True)
gamma = declared("gamma", r"\gamma", "friction, a rate in dynamical time", (-2, 1), positive=True)
M = declared("M", "M", "inertia: the mass of the matched equation of motion", (2, -1), positive=True)
dL = declared("dL", r"\Delta L", "barrier: loss at the saddle minus loss at the minimum", (0, 1), positive=True)
Ha = declared("Ha", "H_a", "curvature at the minimum, along the escape direction", (-2, 1), positive=True)
Hb = declared("Hb", "H_b", "magnitude of the negative curvature at the saddle", (-2, 1), positive=True)
action = declared(
    "action",
    r"\mathcal S_a",
    "integral of sqrt(2*(L_b - L)) there and back through the well at the height of the barrier",
    (1, sp.Rational(1, 2)),
    positive=True,
)
action_beyond = declared(
    "action_beyond",
    r"\mathcal S_b",
    "the same for the well beyond the barrier; very large where nothing comes back",
    (1, sp.Rational(1, 2)),
    positive=True,
)
s = declared("s", "s", "fraction of the barrier climbed with the noise of the minimum", (0, 0), nonnegative=True)
C_a = declared("C_a", "C_a", "variance of the minibatch gradient at the minimum", (-2, 2), positive=True)
C_b = declared("C_b", "C_b", "variance of the minibatch gradient at the saddle", (-2, 2), positive=True)
D_a = declared("D_a", "D_a", "diffusion at the minimum", (0, 1), positive=True)
D_b = declared("D_b", "D_b", "diffusion at the saddle", (0, 1), positive=True)
L_a = declared("L_a", "L_a", "loss at the minimum", (0, 1), positive=True)
L_b = declared("L_b", "L_b", "loss at the saddle", (0, 1), positive=True)
eta_adam = declared(
    "eta", r"\eta", "learning rate of Adam, the size of a step", (1, 0), remark="adaptive", positive=True
)
potential = declared(
    "potential", "L", "loss along the path, a function of the parameter", (0, 1), function=True, real=True
)
D_x = declared(
    "D", "D", "diffusion, a number or a function of the parameter", (0, 1), remark="field", function=True, real=True
)
transverse = declared(
    "transverse",
    "h",
    "curvature across the path, a function of the parameter along it",
    (-2, 1),
    remark="across",
    function=True,
    real=True,
)
cumulant = declared(
    "cumulant",
    "K",
    "logarithm of the mean of exp(-p*xi) over the noise of a gradient, a function of p and of the parameter; or "
    "values of "
    "the noise and their probabilities, two rows",
    (0, 0),
    function=True,
    real=True,
)
x0 = declared("x0", "x_0", "where the path starts", (1, 0), real=True)
place = declared("x", "x", "place", (1, 0), remark="place", real=True)
reference = declared("x0", "x_0", "place that it is compared with", (1, 0), remark="reference", real=True)
boundaries = declared(
    "boundaries", r"x_{\mathrm{abs}},x_{\mathrm{ref}}", "absorbing and reflecting end, a pair", (1, 0), real=True
)
x_abs = declared("x_abs", r"x_{\mathrm{abs}}", "absorbing end", (1, 0), real=True)
x_ref = declared("x_ref", r"x_{\mathrm{ref}}", "reflecting end", (1, 0), real=True)
x_a = declared("x_a", "x_a", "place of the minimum", (1, 0), real=True)
x_b = declared("x_b", "x_b", "place of the saddle", (1, 0), real=True)
k_sharp = declared(
    "k",
    "k",
    "factor of all curvatures when the loss becomes L(sqrt(k)*theta)",
    (0, 0),
    remark="sharpening",
    positive=True,
)
scale = declared("scale", "c", "factor of the loss", (0, 0), positive=True)
alpha = declared("alpha", r"\alpha", "stability index of the noise", (0, 0), positive=True)
eps_levy = declared(
    "eps",
    r"\varepsilon",
    "scale of the stable noise in unit time",
    (1 - 2 / alpha, 1 / alpha),
    remark="stable",
    positive=True,
)
a_exit = declared("a", "a", "distance of the lower end of the interval", (1, 0), positive=True)
b_exit = declared("b", "b", "distance of the upper end of the interval", (1, 0), remark="distance", positive=True)
third = declared("third", r"\kappa_3", "third central moment of the minibatch gradient", (-3, 3), real=True)
k3 = declared("k3", r"\kappa_3", "third cumulant of the minibatch gradient", (-3, 3), real=True)
k4 = declared("k4", r"\kappa_4", "fourth cumulant of the minibatch gradient", (-4, 4), real=True)
K = declared("K", "K", "kurtosis of the minibatch gradient, 3 for a Gaussian", (0, 0), positive=True)
L3 = declared("L3", "L^{(3)}", "third derivative of the loss at the minimum", (-3, 1), real=True)
L4 = declared("L4", "L^{(4)}", "fourth derivative of the loss at the minimum", (-4, 1), real=True)
c2 = declared("c2", "c_2", "growth of the noise, of variance C + c2 θ²", (-4, 2), nonnegative=True)
v_second = declared(
    "v", "v", "mean squared minibatch gradient of the coordinate", (-2, 2), remark="mean", positive=True
)
H = declared("H", "H", "Hessian, a symmetric matrix", (-2, 1))
C_matrix = declared("C", "C", "covariance matrix of the minibatch gradient", (-2, 2), remark="matrix")
# Entries of matrices in the eigenbasis of the Hessian.
h_i = declared("h_i", "h_i", "curvature of eigen-direction i", (-2, 1), real=True)
h_j = declared("h_j", "h_j", "curvature of eigen-direction j", (-2, 1), real=True)
C_ij = declared(
    "C_ij",
    "C_{ij}",
    "covariance of the minibatch gradient along eigen-directions i and j",
    (-2, 2),
    real=True,
)
turn = declared("turn", r"\varphi", "angle of the Hessian's eigenvectors against the parameter axes", (0, 0), real=True)
ratio = declared("ratio", "a", "curvature of a direction over that of the other, as sizes", (0, 0), positive=True)
# The same in parameters that Adam's frozen preconditioner has made of one scale.
h_i_scaled = declared(
    "h_i", r"\tilde h_i", "eigenvalue i of the preconditioned Hessian", (-1, 0), remark="scaled", real=True
)
h_j_scaled = declared(
    "h_j", r"\tilde h_j", "eigenvalue j of the preconditioned Hessian", (-1, 0), remark="scaled", real=True
)
C_ij_scaled = declared(
    "C_ij",
    r"\tilde C_{ij}",
    "preconditioned covariance of the minibatch gradient along eigen-directions i and j",
    (-1, 1),
    remark="scaled",
    real=True,
)
L1 = declared("L1", r"|L'|", "magnitude of the slope at a point of inflection", (-1, 1), positive=True)
L3_there = declared(
    "L3", r"|L^{(3)}|", "magnitude of the third derivative there", (-3, 1), remark="at an inflection", positive=True
)
# Results and abbreviations.
var = declared("var", r"\operatorname{Var}\theta", "stationary variance of a parameter", (2, 0))
var_T = declared("var_T", r"\operatorname{Var}\theta_T", "variance of a parameter after T steps", (2, 0))
cov_ij = declared("cov_ij", r"\Sigma_{ij}", "stationary covariance along eigen-directions i and j", (2, 0))
cov_ij_T = declared("cov_ij_T", r"\Sigma_{ij}", "covariance along eigen-directions i and j after T steps", (2, 0))
cov_scaled_T = declared(
    "cov_scaled_T", r"\tilde\Sigma_{ij}", "covariance of preconditioned parameters after T steps", (1, 1)
)
r_i_plus = declared("r_i_plus", "r_{i+}", "root of the characteristic polynomial of direction i", (0, 0))
r_i_minus = declared("r_i_minus", "r_{i-}", "its other root", (0, 0))
r_j_plus = declared("r_j_plus", "r_{j+}", "root of the characteristic polynomial of direction j", (0, 0))
r_j_minus = declared("r_j_minus", "r_{j-}", "its other root", (0, 0))
lambda_i = declared("lambda_i", r"\lambda_i", "eigenvalue of a step of parameters and buffers, mode i", (0, 0))
lambda_j = declared("lambda_j", r"\lambda_j", "the same, mode j", (0, 0))
start_ij = declared("start_ij", r"P_{ij}", "second moment of modes i and j at the start", (2, 0))
kick_ij = declared("kick_ij", r"Q_{ij}", "what the noise of one step adds to it", (2, 0))
speed = declared(
    "speed",
    r"\frac{\langle\theta_T^2\rangle_{\mathrm{Adai}}}{\langle\theta_T^2\rangle_{\mathrm{SGD}}}",
    "spread of Adai after T steps without curvature, over that of SGD at the same learning rate",
    (0, 0),
)
msd_T = declared("msd_T", r"\langle\theta_T^2\rangle", "mean squared displacement after T steps", (2, 0))
eta_ema = declared("eta_ema", r"\eta_{\mathrm{EMA}}", "learning rate in the EMA convention", (2, -1))
r_plus = declared("r_plus", "r_+", "root of the characteristic polynomial of heavy ball", (0, 0))
factor = declared("factor", "r", "factor by which a step of SGD multiplies the parameter", (0, 0))
r_minus = declared("r_minus", "r_-", "other root of the characteristic polynomial", (0, 0))
D = declared("D", "D", "diffusion coefficient of the matched Ito equation", (0, 1), nonnegative=True)
t = declared("t", "t", "dynamical time, learning rate times number of steps", (2, -1), nonnegative=True)
cov_step = declared("cov_step", r"\langle(\Delta\theta)^2\rangle", "mean squared displacement of one step", (2, 0))
moved_T = declared("moved_T", r"\langle\theta_T\rangle", "mean displacement after T steps", (1, 0))
msd_t = declared("msd_t", r"\langle\theta_t^2\rangle", "mean squared displacement at dynamical time t", (2, 0))
growth = declared("growth", r"r_+", "factor by which a step carries away from a saddle", (0, 0))
lambda_plus = declared("lambda_plus", r"\lambda_+", "rate of the growing mode", (-2, 1))
lambda_minus = declared("lambda_minus", r"\lambda_-", "rate of the decaying mode", (-2, 1))
tau = declared("tau", r"\tau", "mean time of escape, in dynamical time", (2, -1))
tau_adam = declared("tau_adam", r"\tau", "mean time of escape of Adam, learning rate times steps", (1, 0))
Phi = declared("Phi", r"\Phi", "exponent of the mean time of escape", (0, 0))
drift_ratio = declared(
    "drift_ratio", r"\frac{\text{drift}}{\text{diffusion}}", "published drift over published diffusion", (0, 0)
)
bias_corrected = declared(
    "bias_corrected",
    r"\frac{\langle\theta_T^2\rangle}{\eta^2C}",
    "free mean squared displacement after T steps in units of that of one step of SGD",
    (0, 0),
)
det_ratio = declared(
    "det_ratio", r"\frac{|\det H_b|}{\det H_a}", "ratio of the determinants of the Hessian", (0, 0), positive=True
)
detHa = declared(
    "detHa",
    r"\det H_a",
    "determinant of the Hessian at the minimum; its unit depends on the dimension, only ratios matter",
    (0, 0),
    positive=True,
)
detHb = declared("detHb", r"|\det H_b|", "magnitude of the determinant at the saddle", (0, 0), positive=True)
upsilon_a = declared(
    "upsilon_a", r"\Upsilon_a", "depopulation factor of the well: rate over that of a well in equilibrium", (0, 0)
)
upsilon_b = declared("upsilon_b", r"\Upsilon_b", "depopulation factor of the well beyond the barrier", (0, 0))
upsilon_ab = declared("upsilon_ab", r"\Upsilon_{ab}", "depopulation factor of an orbit through both wells", (0, 0))
rate_factor = declared(
    "rate_factor",
    r"\frac{\tau_{\mathrm{chain}}}{\tau_{\mathrm{diffusion}}}",
    "escape time of the chain over that of its diffusion",
    (0, 0),
)
shift = declared("shift", r"\delta x", "distance by which a threshold must be moved outwards", (1, 0))
same_rate = declared(
    "same_rate", r"\eta'/\eta", "learning rate on the original loss that does the same, over the learning rate", (0, 0)
)
height_factor = declared(
    "height_factor", r"\frac{\tau\sqrt{H_aH_b}}{2\pi}", "escape time in units of the frequency factor", (0, 0)
)
momentum_speed = declared(
    "momentum_speed",
    r"\frac{\tau(\eta,\beta)}{\tau_{\mathrm{SGD}}(\eta)}",
    "escape time of EMA momentum over that of SGD at the same rate, in steps",
    (0, 0),
)
sampling_factor = declared(
    "sampling_factor", r"\frac{C\,B}{\Sigma}", "variance of a batch gradient without replacement over that with", (0, 0)
)
noise_here = declared("noise_here", "C", "variance of the minibatch gradient at the saddle of a network", (-2, 2))
mean_beta = declared("mean_beta", r"\overline{\beta_1}", "mean momentum coefficient over all coordinates", (0, 0))
momentum_bias = declared(
    "momentum_bias", r"\langle m\rangle-L'", "bias of the momentum buffer against the mean gradient", (-1, 1)
)
end_gradient = declared(
    "end_gradient", r"\lim_{T\to\infty}\langle L'^2\rangle", "limit of the squared gradient", (-2, 2)
)
# Ratios that a claim says are 1.
bartlett = declared("bartlett", r"\frac{B\,C}{H}", "batch size times noise over Hessian, for a loss in nats", (0, 0))
squared_noise = declared(
    "squared_noise", r"\frac{B\,C}{\sigma^2H}", "noise of squared loss over label variance times Hessian", (0, 0)
)
entropic = declared(
    "entropic",
    r"\frac{\tau}{\tau_1\exp\left[\frac12\int_a^b\frac{h'(x)}{c(x)}\,dx\right]}",
    "escape time over that of the path alone times the entropic factor; h transverse curvature, c = B times the noise "
    "along the path",
    (0, 0),
)
entropic_factor = declared("entropic_factor", r"\frac{\tau}{\tau_1}", "escape time over that of the path alone", (0, 0))
log_change = declared(
    "log_change",
    r"\ln\frac{\tau}{\tau_{\mathrm{Gauss}}}",
    "logarithm of the escape time over that in Gaussian noise",
    (0, 0),
)
divergence = declared(
    "divergence",
    r"\frac{\eta}{4B}\left|\frac{L'''}{L'}\right|\frac{d\Phi}{d\ln(1/\delta)}",
    "growth of the exponent with the logarithm of a floor under the noise, over its value at the inflection",
    (0, 0),
)
zero_power = declared(
    "zero_power",
    r"-\frac{d\ln T}{d\ln\eta}",
    "power of 1/η with which the mean number of steps of a passage grows while B/η is fixed",
    (0, 0),
)
fdr1 = declared(
    "fdr1",
    r"\frac{2\langle\theta\hat g\rangle}{\eta(1+\beta)\langle b^2\rangle}",
    "first fluctuation-dissipation relation as a ratio, with the minibatch gradient; b is PyTorch's buffer after the "
    "step, the gradient itself without momentum",
    (0, 0),
)
fdr2 = declared(
    "fdr2",
    r"\frac{2\langle L'(\theta)^2\rangle}{\eta\langle L''(\theta)\hat g^2\rangle}",
    "second fluctuation-dissipation relation of SGD as a ratio",
    (0, 0),
)
current_ij = declared(
    "current_ij",
    r"\langle\theta_{j,t}\theta_{i,t+1}-\theta_{i,t}\theta_{j,t+1}\rangle",
    "mean rotation from eigen-direction j to i within a step",
    (2, 0),
)
eta_max = declared("eta_max", r"\eta_{\max}", "learning rate from which on the second moment grows", (2, -1))
mean_theta = declared("mean_theta", r"\langle\theta\rangle", "stationary mean of a parameter", (1, 0))
density_ratio = declared(
    "density_ratio",
    r"\frac{p(x)}{p(x_0)}",
    "stationary density at one place over that at another",
    (0, 0),
)
V = sp.Function("V", real=True)
"""Second moment as a function of the step or of time."""
# Weights whose size does not matter, labels with noise, epochs in any order.
G2 = declared(
    "G2",
    r"\langle|G|^2\rangle",
    "mean squared minibatch gradient of a scale-invariant loss where |w| = 1",
    (0, 2),
    positive=True,
)
G2_spread = declared(
    "G2_spread", "s_G", "variance of the squared minibatch gradient over its squared mean", (0, 0), nonnegative=True
)
w4 = declared("w4", r"\langle|w|^4\rangle", "stationary mean of the fourth power of the norm of the weights", (4, 0))
angle = declared(
    "angle", r"\sqrt{\langle\varphi^2\rangle}", "root mean squared angle by which a step turns the weights", (0, 0)
)
sigma = declared(
    "sigma",
    r"\sigma",
    "standard deviation of the noise in a label, of a loss that is half the squared error",
    (0, sp.Rational(1, 2)),
    nonnegative=True,
)
h_slope = declared(
    "h_slope",
    r"\partial_s h",
    "change of the curvature across a valley of zero loss with the way along it",
    (-3, 1),
    real=True,
)
bend = declared(
    "bend", r"\|\nabla^2f\|", "largest second derivative of the model's output", (-2, sp.Rational(1, 2)), positive=True
)
valley_drift = declared(
    "valley_drift", r"\frac{d\langle s\rangle}{dt}", "mean velocity along a valley, in dynamical time", (-1, 1)
)
edge = declared("edge", r"\lambda_{\max}", "largest curvature at which training settles", (-2, 1))
edge_adam = declared(
    "edge",
    r"\lambda_{\max}",
    "largest curvature over the root of the second moment at which training settles",
    (-1, 0),
    remark="preconditioned",
)
square_slope = declared(
    "square_slope",
    r"\partial\langle L_i'^2\rangle_i",
    "derivative of the mean over the minibatches of their squared gradients",
    (-3, 2),
    real=True,
)
h_top = declared("h_top", r"h_{\max}", "largest curvature of the loss of a minibatch", (-2, 1), positive=True)
g_rms = declared(
    "g_rms", r"\sqrt{\langle L_i'^2\rangle_i}", "root mean squared gradient of the minibatches", (-1, 1), positive=True
)
epoch_excess = declared(
    "epoch_excess",
    r"\overline{\theta_n}-\theta_{\mathrm{flow}}",
    "mean place after an epoch, over all orderings, minus that of gradient flow on the loss after the same time",
    (1, 0),
)
k_batch = declared("k_batch", r"\varkappa", "factor by which the batch grows", (0, 0), positive=True)
slope = declared("L1", "L'", "slope of the loss", (-1, 1), remark="slope", positive=True)
g_std = declared(
    "g_std", r"\sigma_g", "standard deviation of the minibatch gradient before the batch grows", (-1, 1), positive=True
)
travel = declared(
    "travel",
    r"\frac{\Delta\theta_{\varkappa B}}{\Delta\theta_B}",
    "way of a large batch over that of a small one",
    (0, 0),
)

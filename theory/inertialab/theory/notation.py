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
H_mean = declared("H_mean", r"\langle H\rangle", "Hessian averaged over the stationary state, symmetric", (-2, 1))
C_mean = declared(
    "C_mean", r"\langle C\rangle", "covariance of the minibatch gradient averaged over the stationary state", (-2, 2)
)
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
noise_growth = declared(
    "noise_growth",
    r"\nu",
    "largest relative growth of the gradient noise from the minimum to its mean over the state, over directions",
    (0, 0),
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
decay_adam = declared(
    "decay",
    r"\lambda",
    "coefficient of decoupled weight decay beside steps of Adam",
    (-1, 0),
    remark="adaptive",
    nonnegative=True,
)
beta_kept = declared("beta_kept", r"\beta_\lambda", "momentum times what decay leaves of a parameter in a step", (0, 0))
theta_rest = declared(
    "theta_rest", r"\langle\theta\rangle", "mean of a parameter at rest, from where it decays to", (1, 0), real=True
)
theta_rest_vector = declared(
    "theta_rest", r"\langle\theta\rangle", "means of all parameters at rest", (1, 0), remark="vector"
)
penalty = declared("penalty", r"\lambda_2", "coefficient of the L2 penalty that has the same resting place", (-2, 1))
L1 = declared("L1", r"|L'|", "magnitude of the slope at a point of inflection", (-1, 1), positive=True)
L3_there = declared(
    "L3", r"|L^{(3)}|", "magnitude of the third derivative there", (-3, 1), remark="at an inflection", positive=True
)
# Results and abbreviations.
var = declared("var", r"\operatorname{Var}\theta", "stationary variance of a parameter", (2, 0))
var_T = declared("var_T", r"\operatorname{Var}\theta_T", "variance of a parameter after T steps", (2, 0))
cov_ij = declared("cov_ij", r"\Sigma_{ij}", "stationary covariance along eigen-directions i and j", (2, 0))
cov_ij_T = declared("cov_ij_T", r"\Sigma_{ij}", "covariance along eigen-directions i and j after T steps", (2, 0))
cov_scaled = declared("cov_scaled", r"\tilde\Sigma_{ij}", "stationary covariance of preconditioned parameters", (1, 1))
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
H_along = declared(
    "H_along", r"\partial_s H", "change of the Hessian with the way along a valley of zero loss, symmetric", (-3, 1)
)
damped_slope = declared(
    "damped_slope",
    r"\mathrm{tr}[(2-\eta H)^{-1}\partial_s H]",
    "change of the Hessian along a valley, its trace weighted by the widths across",
    (-3, 1),
    real=True,
)
output_slopes = declared(
    "slopes",
    r"\nabla f_k",
    "gradients of the outputs at all samples in coordinates across a valley, one a row",
    (-1, sp.Rational(1, 2)),
)
spread_slope = declared(
    "spread_slope",
    r"\mathrm{tr}[\Sigma\,\partial_s H]",
    "change of the Hessian along a valley, its trace weighted by the covariance of the state across",
    (-1, 1),
    real=True,
)
h_lowest = declared("h_lowest", r"h_{\min}", "lowest curvature across a valley of zero loss", (-2, 1), positive=True)
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
# Saddles that a symmetry fixes.
K2 = declared(
    "K2",
    r"\langle K_n\otimes K_n\rangle",
    "mean Kronecker square of the deviations of the samples' Hessians from H, a symmetric matrix of d*d rows",
    (-4, 2),
)
M0 = declared("M0", "M_0", "second moments of the deviations at the start, a matrix", (2, 0))
moment_T = declared("moment_T", "M_{ij}", "second moments of deviations along directions i and j after T steps", (2, 0))
mode_factor = declared("mode_factor", r"\mu_k", "factor by which a step multiplies mode k of second moments", (0, 0))
mode_start = declared("mode_start", "a_k", "part of mode k in the second moments at the start", (2, 0))
# Escape by the samples themselves.
gradients = declared(
    "gradients",
    "g_n",
    "gradients of the samples uphill along the path: rows are places between minimum and saddle, columns are samples",
    (-1, 1),
    function=True,
    real=True,
)
shares = declared(
    "shares", "w_n", "how much of the data each sample is, adding up to 1", (0, 0), function=True, real=True
)
lengths = declared(
    "lengths", r"\Delta x", "length of the path that each place stands for", (1, 0), function=True, real=True
)
# Regularisation of a model's derivative by its input; inputs are measured in units of their own.
H_out = declared(
    "H",
    "H",
    "curvature of an example's loss by the output, mean over its labels",
    (0, 1),
    remark="output",
    positive=True,
)
V_out = declared(
    "V", "V", "variance over the labels of the derivative of an example's loss by the output", (0, 2), positive=True
)
density = declared("q", "q", "density of the examples in the inputs", (0, 0), remark="density", positive=True)
n_examples = declared("n", "n", "number of examples", (0, 0), remark="examples", positive=True)
f2 = declared(
    "f2", "|f''|", "second derivative of the true function by the input, root mean square", (0, 0), positive=True
)
wave = declared("wave", r"\varkappa", "wave number of the true function by the input", (0, 0), positive=True)
strength = declared(
    "strength",
    r"\lambda^*",
    "strength of the penalty strength*f'^2 of an example at which the local squared error is smallest",
    (0, 1),
)
r_strength = declared("r", "r", "strength over the optimal one", (0, 0), remark="strength", positive=True)
mistuned = declared(
    "mistuned", r"\frac{\mathrm{MSE}_r}{\mathrm{MSE}^*}", "squared error over that at the optimal strength", (0, 0)
)
R_H = declared("R_H", "R_H", "curvature of the loss in one region over that in the other", (0, 0), positive=True)
R_V = declared("R_V", "R_V", "variance of the score in one region over that in the other", (0, 0), positive=True)
R_q = declared("R_q", "R_q", "density of examples in one region over that in the other", (0, 0), positive=True)
strength_ratio = declared(
    "strength_ratio",
    r"\frac{\lambda_1^*}{\lambda_2^*}",
    "optimal strength of an example in one region over that in the other",
    (0, 0),
)
noise_exponent = declared(
    "noise_exponent",
    r"\frac{d\ln\lambda^*}{d\ln I}",
    "power of the variance I of a label in the optimal strength of a penalty of the output's derivative",
    (0, 0),
)
weight_exponent = declared(
    "weight_exponent",
    r"\frac{d\ln\mu^*}{d\ln I}",
    "power of the variance I of a label in the optimal strength of a penalty of the loss's derivative",
    (0, 0),
)
R_noise = declared(
    "R", "R", "variance of the noisy group's labels over that of the clean group's", (0, 0), positive=True
)
clean_error = declared(
    "clean_error",
    r"\frac{\mathrm{MSE}_{\mathrm{clean}}(\lambda_1^*,\lambda_2^*)}{\mathrm{MSE}_{\mathrm{clean}}(\bar\lambda,\bar\lambda)}",
    "squared error of the clean group with the optimal strength of each group over that with the best common one",
    (0, 0),
)
both_errors = declared(
    "both_errors",
    r"\frac{\mathrm{MSE}(\lambda_1^*,\lambda_2^*)}{\mathrm{MSE}(\bar\lambda,\bar\lambda)}",
    "squared error of both groups with the optimal strength of each over that with the best common one",
    (0, 0),
)
label_error = declared(
    "label_error",
    r"\frac{\mathrm{MSE}_{\mathrm{published}}}{\mathrm{MSE}_{\mathrm{uniform}}}",
    "squared error with published weights of a penalty of the loss's derivative over that without weights",
    (0, 0),
)
gradient_split = declared(
    "gradient_split",
    r"\frac{\|\nabla_\theta\ell_i\|^2}{\sum_j(1+|h_j|^2)\|\partial\ell_i/\partial z_j\|^2}",
    "squared gradient of an example's loss over what its derivatives by the pre-activations make of it",
    (0, 0),
)
# Averages of squared gradients, and what they do to the steps of RAdam, AdaShift and CProp.
dof = declared(
    "rho",
    r"\rho",
    "degrees of freedom of an average of squared Gaussian numbers",
    (0, 0),
    remark="freedom",
    positive=True,
)
factor_var = declared(
    "factor_var",
    r"\operatorname{Var}\psi",
    "variance of the adaptive factor, the inverse root of an average of squared Gaussian gradients of variance one",
    (0, 0),
)
factor_mean = declared("factor_mean", r"\langle\psi\rangle", "mean of the adaptive factor", (0, 0))
freedom = declared(
    "freedom",
    r"\frac{2\langle\hat v\rangle^2}{\operatorname{Var}\hat v}",
    "degrees of freedom of the corrected second moment: twice its squared mean over its variance",
    (0, 0),
)
rho_mass = declared("rho_mass", r"\rho_{\mathrm{mass}}", "number of equal weights of the same centre of mass", (0, 0))
rho_same = declared("rho_same", r"\rho_{\mathrm{var}}", "number of equal weights of the same variance", (0, 0))
rho_late = declared("rho_late", r"\rho_\infty", "either of them after many steps", (0, 0))
rectified_var = declared(
    "rectified_var",
    r"\frac{\operatorname{Var}(r_T\psi_T)}{\operatorname{Var}\psi_\infty}",
    "variance of RAdam's rectified factor after T steps over that after many",
    (0, 0),
)
mean_update = declared(
    "mean_update", r"\frac{\langle|\Delta\theta|\rangle}{\eta}", "mean size of Adam's step in learning rates", (0, 0)
)
buffer_square = declared("buffer_square", "S_T", "sum of the squared weights of the gradients in the average", (0, 0))
rare = declared(
    "rare", "G", "size of a rare gradient in units of the common one, which has the other sign", (0, 0), positive=True
)
period = declared("d", "d", "steps from one rare gradient to the next", (0, 0), integer=True, positive=True)
lag = declared(
    "lag", "n", "steps by which the second moment lags behind the gradient", (0, 0), integer=True, nonnegative=True
)
mu = declared("mu", r"\mu", "mean of the minibatch gradient", (-1, 1), real=True)
mu_unit = declared("mu", r"\mu", "mean gradient in units of the common one", (0, 0), remark="unit", positive=True)
net_update = declared(
    "net_update",
    r"-\frac1\eta\sum_{i=1}^d\Delta\theta_i",
    "way down over a period of the gradients, in learning rates",
    (0, 0),
)
age = declared(
    "age", "a", "steps since the newest rare gradient in the second moment", (0, 0), integer=True, nonnegative=True
)
net_factor = declared(
    "net_factor",
    r"k_a=-\frac1{\eta\hat g}\sum_{\text{all steps}}\Delta\theta",
    "way down that a gradient makes over all steps, for its size and in learning rates",
    (0, 0),
)
same_steps = declared(
    "same_steps",
    r"\frac{\Delta\theta_{\mathrm{AdaShift}}}{\Delta\theta_{\mathrm{Adam}}}",
    "step of AdaShift over that of Adam on the same periodic gradients",
    (0, 0),
)
factor_loss = declared(
    "factor_loss",
    r"1-\frac{\langle k(G)\rangle}{\langle k(-1)\rangle}",
    "share by which the step of the rare gradient is shorter, for its size, than that of the common one",
    (0, 0),
)
adam_drift = declared(
    "adam_drift", r"-\frac{\langle\Delta\theta\rangle}{\eta}", "mean step downhill, in learning rates", (0, 0)
)
critical = declared(
    "critical", r"G_{\mathrm{crit}}", "size of the rare gradient at which the mean step changes its sign", (0, 0)
)
cycle_radius = declared("cycle_radius", "r", "distance from the minimum between which steps alternate", (1, 0))
cycle_factor = declared(
    "cycle_factor", r"|\mu|^2", "factor by which two steps multiply a deviation from the cycle, as a mean", (0, 0)
)
scale_mean = declared("scale_mean", r"\langle s\rangle", "mean of the scale of CProp's steps", (0, 0))
scale_square = declared("scale_square", r"\langle s^2\rangle", "mean square of the scale of CProp's steps", (0, 0))
spread_square = declared(
    "spread_square", "a^2", "variance of the average gradient over the square of its estimated standard error", (0, 0)
)
centre = declared("centre", r"\bar z", "mean gradient in units of its estimated standard error", (0, 0))
snr = declared(
    "snr", r"\mu/\sigma", "mean of the minibatch gradient over its standard deviation", (0, 0), nonnegative=True
)
heat = declared(
    "heat",
    r"\frac{\operatorname{Var}\theta}{\operatorname{Var}\theta_{\mathrm{SGD}}}",
    "variance over that of SGD",
    (0, 0),
)
gate = declared(
    "c",
    "c",
    "CProp's factor of the scale; or the scale itself, a function of the distance of the average gradient from zero in "
    "standard deviations",
    (0, 0),
    remark="gate",
    function=True,
    positive=True,
)
# Asking for labels. Losses there are chances to err, without a unit.
slopes = declared(
    "slopes", "g_n", "gradients of the samples along a direction", (-1, 1), remark="samples", function=True, real=True
)
chances = declared(
    "chances", "p_n", "chances with which the labels of the samples are asked for", (0, 0), function=True, positive=True
)
asked_noise = declared(
    "asked_noise",
    r"\langle(Q/p)^2g^2\rangle",
    "mean square of the weighted gradient of a row, that of a row not asked for being 0",
    (-2, 2),
)
weighted_loss = declared(
    "weighted_loss", r"\frac{\langle Q\ell/p\rangle}{\langle\ell\rangle}", "mean weighted loss over mean loss", (0, 0)
)
P_high = declared("P_high", "P_+", "largest chance of class 1 by the hypotheses alive", (0, 0), positive=True)
P_low = declared("P_low", "P_-", "smallest chance of class 1 by the hypotheses alive", (0, 0), positive=True)
loss_range = declared(
    "loss_range", r"\max_{f,g,y}|\ell_f-\ell_g|", "largest difference of two losses for either label", (0, 0)
)
ask_power = declared("ask_power", "a", "power of a gradient's size that the chance to ask goes with", (0, 0), real=True)
size_power = declared(
    "size_power", "b", "spread of the gradients' sizes, that of u to this power for uniform u", (0, 0), positive=True
)
trace_labels = declared(
    "trace_labels",
    r"\frac{\langle g^2/p\rangle\langle p\rangle}{\langle|g|\rangle^2}",
    "trace of the noise times labels, over its least value",
    (0, 0),
)
err = declared("delta", r"\delta", "chance to err that is allowed", (0, 0), remark="chance", positive=True)
rate = declared("r", "r", "rate in the exponent of a slack, between 0 and 1", (0, 0), positive=True)
shrink = declared("shrink", "c", "factor that a slack is multiplied with", (0, 0), positive=True)
exceeded = declared(
    "exceeded", r"P(\exists t:\ S_t-\mu t>\text{slack}_t)", "chance that a slack is ever exceeded, rare losses", (0, 0)
)
tilt = declared("tilt", r"\rho", "power of the chance to err that is left of a shrunk slack", (0, 0))
psi_rate = declared("psi", r"\psi", "-ln(1 - r) - r, of a rate r", (0, 0), remark="rate")
log_count = declared(
    "log_count", r"\Lambda", "logarithm of the number of comparisons over the chance to err", (0, 0), positive=True
)
risk_bend = declared(
    "risk_bend", "R''", "second derivative of the risk by the parameter of the hypotheses", (-2, 0), positive=True
)
ask_density = declared(
    "ask_density",
    "u",
    "mean over the rows of the derivative of P(1|x) by the parameter of the hypotheses",
    (-1, 0),
    positive=True,
)
rounds = declared("rounds", "T", "rows seen", (0, 0), remark="rows", positive=True)
alive_scale = declared(
    "A", "A", "distance of the outermost hypotheses alive from the best one, times T^(1/3)", (1, 0), positive=True
)
narrow = declared(
    "narrow",
    "w/s",
    "distance of the outermost hypotheses alive from the best over the width of one",
    (0, 0),
    positive=True,
)
asking = declared("asking", r"\bar p_T", "mean chance to ask after T rows", (0, 0))
hypotheses = declared("M", "M", "number of hypotheses", (0, 0), remark="hypotheses", integer=True, positive=True)
n_cuts = declared("cuts", "C", "number of cuts that are tried, a count", (0, 0), remark="count", positive=True)
true_gain = declared("true_gain", "G", "risk that a split of the whole removes", (0, 0), positive=True)
least_gain = declared("gain", r"\gamma", "gain of risk that a split must be certain of", (0, 0), positive=True)
square_rate = declared(
    "square_rate", "v", "mean square of the weighted loss difference of a row, across a split", (0, 0), positive=True
)
split_rounds = declared("split_rounds", "T_1", "rows until the whole is split", (0, 0))
best_risk = declared("risk", "L^*", "risk of the best single hypothesis", (0, 0), positive=True)
total_gain = declared("total_gain", r"\sum_kG_k", "risk that all splits together remove", (0, 0), nonnegative=True)
n_regions = declared("n_regions", "K", "number of regions", (0, 0), remark="largest")
risk_ratio = declared(
    "risk_ratio", r"\frac{L^*_{\text{pieces}}}{L^*}", "risk of the best pieces over that of the best hypothesis", (0, 0)
)
error_ratio = declared(
    "error_ratio",
    r"\frac{\epsilon_{\text{ARBAL}}}{\epsilon_{\text{IWAL}}}",
    "errors of ARBAL over those of IWAL at as many labels",
    (0, 0),
)
# Minibatches of different curvature.
curvatures = declared(
    "curvatures",
    "h_n",
    "curvatures of the loss of the minibatches that a step may draw",
    (-2, 1),
    function=True,
    real=True,
)
batch_shares = declared(
    "shares",
    "w_n",
    "how often each of the minibatches is drawn, adding up to 1",
    (0, 0),
    remark="batches",
    function=True,
    real=True,
)
tail_index = declared(
    "tail_index", r"\alpha", "power with which the chance to be farther away than x falls, as x^(-alpha)", (0, 0)
)
# Two minima of one depth that share a saddle.
H_first = declared("H1", "H_1", "curvature at the first of two minima", (-2, 1), positive=True)
H_second = declared("H2", "H_2", "curvature at the second", (-2, 1), positive=True)
C_first = declared("C1", "C_1", "variance of the minibatch gradient at the first of two minima", (-2, 2), positive=True)
C_second = declared("C2", "C_2", "variance of the minibatch gradient at the second", (-2, 2), positive=True)
occupation = declared(
    "occupation",
    r"\frac{\pi_1}{\pi_2}",
    "time spent around the first of two minima over that around the second",
    (0, 0),
)
sharp_power = declared(
    "sharp_power",
    "p",
    "power in the logarithm of the escape time, times k: a + b k^(-p), as curvatures grow by k",
    (0, 0),
)
# Exits from an ellipse of the stationary state.
level = declared("level", "E", "height of the ellipse that is left, half of θᵀΣ⁻¹θ", (0, 0), positive=True)
D_plus = declared(
    "D_plus",
    "D_+",
    "diffusion across the ellipse where it is large, in standard deviations of the state",
    (-2, 1),
    positive=True,
)
D_minus = declared("D_minus", "D_-", "the same where it is small", (-2, 1), positive=True)
exit_ratio = declared(
    "exit_ratio",
    r"\frac{\tau}{\tau_{\mathrm{lin}}}",
    "time in which a training leaves a level over that of its linear chain",
    (0, 0),
)
n_dims = declared("n_dims", "n", "directions of an ellipsoid", (0, 0), integer=True, positive=True)

"""What a finding means for who trains: a sentence or two each, without measured numbers."""

ADVICE = {
    "sgd.tail-index-diffusion": (
        "Near the largest stable learning rate, weights stray further and more often than a diffusion with the same "
        "two moments says. What lightens the tail is a smaller learning rate or a larger batch."
    ),
    "momentum.saddle-msd-drift": (
        "Do not count on a larger β to leave saddles sooner: from rest or from a thermal start inertia delays the "
        "spread. A buffer that already points along the unstable direction is another matter."
    ),
    "adam.saddle-msd": (
        "Warm Adam spreads from a saddle alike along all axes of its coordinates, whatever their curvature, but later "
        "than published. Compare optimizers with moments that are filled, or say that they are not."
    ),
    "adai.saddle-msd-attributed": (
        "In flat directions warm Adai leaves a saddle later than SGD at the same learning rate. Look at the start, "
        "cold or warm, before you call an escape fast."
    ),
    "adai.faster-than-sgd": (
        "Where Adai left a saddle before SGD did, look for its cold start and its bias correction, or for a buffer "
        "with which it came: noise alone drives warm Adai away more slowly."
    ),
    "sgd.escape-attributed": (
        "The exponent, and with it how learning rate and batch trade, is as published. A measured time is to be "
        "compared with the prefactor of the minimum's curvature, not of the saddle's."
    ),
    "momentum.escape-attributed": (
        "Say in which convention β and the learning rate are before times are compared: PyTorch's buffer and the EMA "
        "differ by 1 - β in the prefactor."
    ),
    "adam.escape-attributed": (
        "With a batch k times as large, the exponent of Adam's escape grows by √k, not by k, and the prefactor falls "
        "by √k. That holds while its second moment follows the noise."
    ),
    "minima.selection": (
        "Which of two minima SGD prefers is decided by its noise there first, by curvature as a root, and not by "
        "width. A flat minimum with as much noise as a sharp one is preferred by the root of their curvatures alone."
    ),
    "adai.convergence-attributed": (
        "With skewed gradients Adai rests where the gradient is not zero, and a smaller learning rate does not help. "
        "Symmetric noise does, or an inertia made of other gradients than those it weighs."
    ),
    "radam.mean-factor-bound": (
        "Nothing changes in training: the theorem needs another inequality, and that one is true. Who builds on the "
        "appendix should turn this one round."
    ),
    "radam.variance-first-order": (
        "In the first ten or so steps the variance that RAdam corrects is far smaller than its formula says: there it "
        "is more careful than its own argument asks for."
    ),
    "radam.centre-of-mass": (
        "For the number of gradients that a second moment holds, match variances: (1 + β₂)/(1 - β₂) in the end. The "
        "centre of mass counts too few on the way there."
    ),
    "radam.rectification": (
        "RAdam's steps are somewhat too short on the way, most at the first that it rectifies. A warm-up by the root "
        "of the steps taken is nearly the same, and simpler."
    ),
    "har.loss-jacobian-weight-attributed": (
        "Penalise the derivative of the output, or weight that of the loss by another exponent. The published weights "
        "on the loss's derivative regularise noisy examples beyond what the theory asks for."
    ),
    "har.beats-uniform-labels": (
        "Do not expect weights by group to pay for flipped labels. They pay where one group is measured with far more "
        "noise than another, and you need the clean one's predictions."
    ),
    "iwal.label-growth-azuma": (
        "With slacks by the variance of pairs, plan for labels that grow like the power ⅔ of what is seen. A slack "
        "that does not know the variance asks for more."
    ),
    "arbal.beats-iwal": (
        "Try regions where one linear rule does not fit all of the inputs. Where it does, none will be split, and "
        "nothing is lost but time."
    ),
    "sgd.stationary-variance-ou": (
        "At learning rates in use the steepest directions spread more than continuous time says. Divide by 1 - ηh/2, "
        "which costs nothing and is exact on a quadratic."
    ),
    "sgd.isotropy": (
        "Measure the noise before you take it for the Hessian over the batch. At minima of real networks the spread "
        "differs between directions by far more than any correction in ηh."
    ),
    "sgd.stationary-covariance-mandt": (
        "For a posterior by constant-rate SGD take the discrete Lyapunov equation: the same solver, one term more, "
        "and no condition on the learning rate but stability."
    ),
    "sgd.fluctuation-dissipation-2": (
        "As a test of equilibrium the relation needs a loss that is quadratic over the cloud, or symmetric noise. A "
        "ratio away from 1 may be skewness rather than a run that has not settled."
    ),
    "sgd.modified-equation-2": (
        "A second-order drift without the second-order noise makes variances worse than first order. Take both or "
        "neither; for variances the discrete recursion is simpler than either."
    ),
    "momentum.modified-equation": (
        "For the spread of heavy ball take the exact recursion. The equation is good while ηh is small beside 1 + β, "
        "which the steepest directions of a network are not."
    ),
    "adam.square-root-scaling": (
        "The rule of the square root serves while noise dominates the gradient of the larger batch. Early in "
        "training, or with large batches, the scaled run makes less way for the same samples."
    ),
    "sgd.saddle-variance-ou": (
        "At a saddle count steps, not time: a step multiplies by 1 + η|h|, and the exponential of continuous time "
        "runs away from it as T grows."
    ),
    "momentum.only-rescales": (
        "Momentum is a rescaled learning rate only while 4ηh along the escape is small beside 1 - β. Closer to β = 1 "
        "at a given rate it escapes later, not sooner."
    ),
}
"""By the id of the claim that parts from what holds."""

"""The gradient of one example, layer by layer."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import gradient_split
from inertialab.theory.statement import Derivation, claim


@claim(
    "har.gradient-split",
    gradient_split,
    (),
    kind="exact",
    layers=("numerics", "real"),
    slips=((" + biases[i]", ""), ("(1 + size)", "size")),
)
def har_gradient_split() -> Derivation:
    """Squared gradient of one example's loss: per linear layer (1 + |h|²) times its squared derivative by z = Wh + b.

    The derivative by an entry of W is that by its row of z times an input, that by a bias is the one of z itself; the
    squares of all layers add up. Averaged over the examples the left side is the trace of the second moment of the
    gradients, which drives the diffusion of SGD; a penalty of the loss's derivative by the pre-activations is that
    trace without the factors 1 + |h|².
    """
    inputs, slopes = sp.symbols("h_1 h_2", real=True), sp.symbols("d_1 d_2", real=True)
    weights, biases = sp.symbols("W_11 W_12 W_21 W_22", real=True), sp.symbols("b_1 b_2", real=True)
    z = [weights[2 * i] * inputs[0] + weights[2 * i + 1] * inputs[1] + biases[i] for i in (0, 1)]
    gradient = [slopes[0] * sp.diff(z[0], v) + slopes[1] * sp.diff(z[1], v) for v in (*weights, *biases)]
    total = sp.Add(*(entry**2 for entry in gradient))
    size = sp.Add(*(h**2 for h in inputs))
    split = (1 + size) * sp.Add(*(d**2 for d in slopes))
    yield Step("Squared gradient of a layer of two inputs and two units, slopes d = ∂ℓ/∂z", None, split, equals=total)
    return proven(sp.Integer(1), equals=sp.simplify(total / split))

"""A training problem as a function of one flat parameter vector."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap

from inertialab.experiments.gradients import closed_form


@dataclass(frozen=True)
class Problem:
    """What is trained: model, loss, data and L2 penalty.

    The loss is the mean of the per-sample loss over the data plus (l2/2)|θ|².

    Attributes:
        model: Called through `torch.func.functional_call`; its own parameters are never changed.
        inputs: All inputs, shape (N, ...).
        targets: All targets, shape (N, ...).
        l2: Coefficient of the penalty, units of the loss per θ².
        loss: Mean loss of a batch, `loss(outputs, targets)`.
    """

    model: nn.Module
    inputs: Tensor
    targets: Tensor
    l2: float = 0.0
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy

    def __post_init__(self) -> None:
        if len(self.inputs) == 0 or len(self.inputs) != len(self.targets):
            raise ValueError(
                "A problem needs as many inputs as targets and at least one; "
                f"got {len(self.inputs)} inputs and {len(self.targets)} targets."
            )

    @property
    def start(self) -> Tensor:
        """The model's own parameters as one vector, shape (P,)."""
        return torch.cat([p.detach().reshape(-1) for p in self.model.parameters()])

    def single(self) -> Problem:
        """The same problem in single precision, in which trainings run; it shares nothing with this one."""
        inputs, targets = (x.float() if x.is_floating_point() else x for x in (self.inputs, self.targets))
        return replace(self, model=copy.deepcopy(self.model).float(), inputs=inputs, targets=targets)

    def value(self, flat: Tensor, inputs: Tensor | None = None, targets: Tensor | None = None) -> Tensor:
        """Loss at a parameter vector.

        Args:
            flat: Parameters, shape (P,).
            inputs: A batch; all data by default.
            targets: Targets of the batch.
        """
        x, y = (self.inputs, self.targets) if inputs is None or targets is None else (inputs, targets)
        return self.loss(self.outputs(flat, x), y) + self.penalty(flat)

    def outputs(self, flat: Tensor, inputs: Tensor) -> Tensor:
        """What the model gives at a parameter vector."""
        return functional_call(self.model, self.named(flat), (inputs,))

    def penalty(self, flat: Tensor) -> Tensor:
        """The L2 penalty (l2/2)|θ|²."""
        return 0.5 * self.l2 * flat.square().sum()

    def gradient(self, flat: Tensor) -> Tensor:
        """Full-data gradient, shape (P,)."""
        return grad(self.value)(flat)

    def hessian_product(self, flat: Tensor, vector: Tensor) -> Tensor:
        """Full-data Hessian times a vector, shape (P,)."""
        return jvp(grad(self.value), (flat,), (vector,))[1]

    def batch_gradients(self, flats: Tensor, indices: Tensor) -> Tensor:
        """Minibatch gradients of many parameter vectors at once.

        Args:
            flats: Parameters of n chains, shape (n, P).
            indices: Samples in each chain's batch, shape (n, B).

        Returns:
            Gradients, shape (n, P).
        """
        return self.gradients(flats, self.samples(indices), self.targets[indices])

    def samples(self, indices: Tensor) -> Tensor:
        """Inputs of each chain's batch, shape (n, B, ...)."""
        # Rows of a table by their number: a third of the time of `inputs[indices]`.
        return self.inputs.index_select(0, indices.reshape(-1)).view(*indices.shape, *self.inputs.shape[1:])

    def gradients(self, flats: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """Gradients of many parameter vectors, each on samples of its own.

        Args:
            flats: Parameters of n chains, shape (n, P).
            inputs: Inputs of each chain, shape (n, B, ...).
            targets: Their targets, shape (n, B, ...).

        Returns:
            Gradients, shape (n, P).
        """
        formula = closed_form(self.model, self.loss)
        if formula is None or targets.is_floating_point():
            return vmap(grad(self.value))(flats, inputs, targets)
        return formula(flats, inputs, targets, self.l2)

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """The model's parameters by name, views of one vector."""
        named = dict(self.model.named_parameters())
        parts = flat.split([p.numel() for p in named.values()])
        return {name: part.view(p.shape) for part, (name, p) in zip(parts, named.items(), strict=True)}

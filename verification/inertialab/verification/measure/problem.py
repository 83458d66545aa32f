"""What is measured: a loss over a whole data set as a function of some parameters of a model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.verification.measure.batches import Chunk, Nested, cut, mapped, tensors_in
from inertialab.verification.measure.budget import fitting, spare
from inertialab.verification.measure.calling import Function, call, one
from inertialab.verification.measure.conditions import conditions, unrounded
from inertialab.verification.measure.coordinates import Coordinates, flatten
from inertialab.verification.measure.coupling import Structure, examine, relative_weight
from inertialab.verification.measure.measurable import Loss, NotMeasurableError, chosen, refuse_loss, refuse_modules
from inertialab.verification.measure.record import described
from inertialab.verification.measure.snapshot import Snapshot, unwrapped
from inertialab.verification.measure.stream import Stream

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Problem(Coordinates):
    """A model, a loss and a data set, ready to be measured at one point in parameter space.

    The loss is the mean over all N samples plus (l2/2)|θ|². Where it weighs samples (class weights, tokens that are
    left out) it is the weighted mean over all of them. Chunks count by their samples or weights, so unequal chunks give
    the same numbers as one. A problem is a snapshot: parameters, buffers, modes and data are copied, and what becomes
    of them later changes nothing; model, mode, buffers and gradients stay as they are found. Dropout in train mode
    makes the loss a random function and is refused; batch statistics and losses that compare samples couple them, and
    are refused unless `coupled` says that all data are one batch.

    Args:
        model: Called with the inputs: a tuple or list as its arguments, a mapping as keywords where it takes them.
        loss: Mean loss of a batch, `loss(outputs, targets)`; a function or a module. What it takes from the model's
            parameters follows them.
        data: (inputs, targets), a data set, or an iterable of such chunks, which is read once if it fits. Inputs and
            targets may be nested; targets may be None. A mapping is given to model and loss as a whole.
        at: Measured parameters as one vector, shape (P,); the model's own by default.
        parameters: Names of the parameters to measure; by default all that require a gradient.
        l2: Coefficient of the penalty on the measured parameters, units of the loss per θ².
        dtype: torch.float32 or torch.float64; that of the parameters by default.
        device: That of the parameters by default.
        chunk: Most samples in a chunk; by default chunks stay as they are.
        max_bytes: Memory that kept graphs, per-sample gradients and bases of Krylov spaces may take together; 2 GiB
            by default, on CUDA half of what is free. Also
            most that the data may take which a loader makes. A loader that gives more is read anew for every pass,
            and must give the same batches each time; nothing is then kept, so that every product costs a new graph.
        coupled: Whether the samples depend on each other: all are one batch, and only curvature can be measured.

    Raises:
        NotMeasurableError: If there is no data or no parameter, or the loss is not finite, not deterministic, not
            a mean over samples, or couples the samples.

    Example:
        Least squares, whose Hessian is XᵀX/N:

        >>> X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], dtype=torch.float64)
        >>> model = nn.Linear(2, 1, bias=False).double()
        >>> half_square = lambda outputs, targets: 0.5 * (outputs - targets).square().mean()
        >>> problem = Problem(model, half_square, (X, torch.zeros(3, 1, dtype=torch.float64)))
        >>> from inertialab.verification.measure import hessian
        >>> torch.allclose(hessian(problem).to_dense(), X.T @ X / 3)
        True
    """

    @unrounded
    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        at: Tensor | None = None,
        parameters: Iterable[str] | None = None,
        l2: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        chunk: int | None = None,
        max_bytes: int | None = None,
        coupled: bool = False,
    ):
        model = unwrapped(model)
        self.model, self.loss, self.l2, self.coupled = model, loss, l2, coupled
        refuse_modules(model, coupled)
        named = chosen(model, parameters)
        self.names = tuple(named)
        first = next(iter(named.values()))
        self.dtype, self.device = dtype or first.dtype, torch.device(device or first.device)
        self.max_bytes = spare(self.device) if max_bytes is None else max_bytes
        if self.dtype not in (torch.float32, torch.float64):
            raise NotMeasurableError(
                f"Curvature in {self.dtype} would be rounding error; pass dtype=torch.float32 or torch.float64."
            )
        self.shapes = tuple(p.shape for p in named.values())
        self.sizes = tuple(p.numel() for p in named.values())
        own = torch.cat([self._cast(p.detach()).reshape(-1) for p in named.values()])
        if at is not None and at.shape != own.shape:
            raise ValueError(f"at must hold the {own.numel()} measured parameters, got shape {tuple(at.shape)}.")
        self.start = own if at is None else self._cast(at.detach())
        modules = [model, loss] if isinstance(loss, nn.Module) else [model]
        self.snapshot = Snapshot(modules, list(named.values()), self._cast)
        self.chunks = cut(data, chunk, self._cast, apart=not coupled, max_bytes=self.max_bytes, beyond=Stream)
        self.samples = sum(chunk.samples for chunk in self.chunks)
        self.structure, self._reference_weight = Structure(), 0.0
        self.record: Mapping[str, Any] = self._probe()

    @classmethod
    def of(cls, trained: TrainingProblem, at: Tensor | None = None, **options: Any) -> Problem:
        """The same loss as a training problem's.

        Args:
            trained: What is trained.
            at: Parameters, shape (P,); the model's own by default.
            options: Further arguments of the class.
        """
        data = (trained.inputs, trained.targets)
        return cls(trained.model, trained.loss, data, at=at, l2=trained.l2, **options)

    @classmethod
    def of_function(
        cls,
        loss: Callable[..., Tensor],
        parameters: Tensor | Mapping[str, Tensor],
        data: Any,
        *,
        model: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Problem:
        """A loss that is given as a function of its parameters.

        Args:
            loss: Mean loss of a batch, `loss(parameters, inputs, targets)`; with a model `loss(outputs, targets)`.
            parameters: A tensor, or tensors by name; where they are measured.
            data: As of the class.
            model: Outputs, `model(parameters, inputs)`, for what needs them, as `ggn` does.
            options: Further arguments of the class.

        Example:
            >>> half_square = lambda w, x, y: 0.5 * (x @ w - y).square().mean()
            >>> problem = Problem.of_function(half_square, torch.zeros(2), (torch.eye(2), torch.ones(2)))
            >>> problem.gradient()
            tensor([-0.5000, -0.5000])
        """
        if model is not None:
            return cls(Function(lambda p, *inputs: model(p, one(inputs)), parameters), loss, data, **options)
        pairs = cut(data, None, torch.detach, apart=not options.get("coupled"))
        chunks = [Chunk(tuple(pair), None) for pair in pairs]
        return cls(Function(loss, parameters), lambda outputs, _: outputs, chunks, **options)

    @property
    def recurrent(self) -> bool:
        """Whether the model has recurrent layers, whose fused kernels lack derivatives or batching."""
        return any(isinstance(m, nn.RNNBase) for m in self.model.modules())

    @property
    def convolutional(self) -> bool:
        """Whether the model has convolutions."""
        return any(isinstance(m, CONVOLUTIONS) for m in self.model.modules())

    @property
    def streamed(self) -> bool:
        """Whether the data do not fit into the memory, and are read anew for every pass."""
        return isinstance(self.chunks, Stream)

    def outputs(self, parameters: Sequence[Tensor], inputs: Nested) -> Any:
        """What the model gives for measured parameters in their own shapes."""
        with self.snapshot.entered(parameters):
            return self._called(inputs)

    def loss_of(self, parameters: Sequence[Tensor], outputs: Any, targets: Nested) -> Tensor:
        """Mean loss of given outputs; the parameters are for what the loss takes from the model itself."""
        with self.snapshot.entered(parameters):
            return self.loss(outputs, targets)

    def mean_loss(self, parameters: Sequence[Tensor], chunk: Chunk) -> Tensor:
        """Mean loss of a chunk without the penalty."""
        inputs, targets = chunk
        with self.snapshot.entered(parameters):
            return self.loss(self._called(inputs), targets)

    def weight(self, chunk: Chunk) -> float:
        """Share of a chunk in the loss of all samples."""
        if not self.structure.weighted:
            return chunk.samples / self.samples
        if chunk.share is None:
            assert self.structure.reference is not None
            with self.conditions():
                chunk.share = relative_weight(self, chunk, self.structure.reference) / self._reference_weight
        return chunk.share

    def value(self) -> float:
        """The loss, penalty included."""
        with self.conditions():
            point = self.parts(self.start.clone())
            mean = sum(w * float(self.mean_loss(point, c).detach()) for c in self.chunks if (w := self.weight(c)))
        return mean + 0.5 * self.l2 * float(self.start.square().sum())

    @unrounded
    def gradient(self) -> Tensor:
        """Full-data gradient, penalty included, shape (P,)."""
        total = self.l2 * self.start
        for chunk in self.chunks:
            for part in fitting(self, chunk, self._share, self.max_bytes // 2):
                total = total + self._share(part)
        return total

    def retyped(self, dtype: torch.dtype, chunk: Chunk) -> Problem:
        """The same loss of some samples alone, in another dtype."""
        other = copy.copy(self)
        other.dtype, other.samples = dtype, chunk.samples
        other.start = other._cast(self.start)
        other.snapshot = self.snapshot.retyped(other._cast)
        other.chunks = [Chunk(*(mapped(other._cast, values) for values in chunk))]
        other.structure = replace(self.structure, weighted=False, reference=None)
        return other

    def _share(self, chunk: Chunk) -> Tensor:
        """A chunk's share in the gradient."""
        leaves = self.leaves()
        with self.conditions():
            loss = self.weight(chunk) * self.mean_loss(leaves, chunk)
            return flatten(torch.autograd.grad(loss, leaves, materialize_grads=True))

    def conditions(self) -> AbstractContextManager[None]:
        """Kernels that have second derivatives, while a graph is made; all settings are put back."""
        return conditions(self.device, self.recurrent)

    def _called(self, inputs: Nested) -> Any:
        """The model's outputs; one sample's have a dimension for it even where the model squeezes it away."""
        inputs = mapped(torch.detach, inputs)  # a model may switch on their gradients
        outputs = call(self.model, inputs)
        if isinstance(outputs, Tensor) and self.structure.trailing == outputs.shape:
            first = next(tensors_in(inputs), None)
            return outputs[None] if first is not None and len(first) == 1 else outputs
        return outputs

    def _probe(self) -> dict[str, Any]:
        """Find out what the loss is made of; what every record says of the problem."""
        devices = [self.device] if self.device.type == "cuda" else []
        # A model that draws random numbers is refused, but not before it has drawn some.
        with torch.random.fork_rng(devices=devices), self.conditions():
            self.structure = examine(self)
            if self.structure.weighted:
                assert self.structure.reference is not None
                weights = (relative_weight(self, chunk, self.structure.reference) for chunk in self.chunks)
                self._reference_weight = sum(weights)
                refuse_loss(torch.tensor(self.value()))
        return described(self)

"""What is measured: a loss over a whole data set as a function of some parameters of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.verification.measure.budget import counted
from inertialab.verification.measure.measurable import (
    Chunk,
    Inputs,
    Loss,
    NotMeasurableError,
    chosen,
    cut,
    piece,
    refuse_coupled,
    refuse_loss,
    refuse_random_modules,
)


class Problem:
    """A model, a loss and a data set, ready to be measured at one point in parameter space.

    The loss is the mean over all N samples plus (l2/2)|θ|². A chunk of n samples counts with weight n/N, so unequal
    chunks give the same numbers as one. Parameters and buffers are copied: the model, its mode, buffers and
    gradients stay as they are. Everything is measured in the mode the model is in; dropout and batch statistics
    make the loss a random or a coupled function of the samples and are refused.

    Args:
        model: Called with the inputs, or with each of a tuple of inputs.
        loss: Mean loss of a batch, `loss(outputs, targets)`; a function or a module.
        data: (inputs, targets), or an iterable of such chunks, which is read once.
        at: Measured parameters as one vector, shape (P,); the model's own by default.
        parameters: Names of the parameters to measure; by default all that require a gradient.
        l2: Coefficient of the penalty on the measured parameters, units of the loss per θ².
        dtype: torch.float32 or torch.float64; that of the parameters by default.
        device: That of the parameters by default.
        chunk: Most samples in a chunk; by default chunks stay as they are.
        max_bytes: Memory that kept graphs, per-sample gradients and bases of Krylov spaces may take together.

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

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Chunk | Iterable[Chunk],
        *,
        at: Tensor | None = None,
        parameters: Iterable[str] | None = None,
        l2: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        chunk: int | None = None,
        max_bytes: int = 2**31,
    ):
        self.model, self.loss, self.l2, self.max_bytes = model, loss, l2, max_bytes
        named = chosen(model, parameters)
        self.names = tuple(named)
        first = next(iter(named.values()))
        self.dtype, self.device = dtype or first.dtype, torch.device(device or first.device)
        if self.dtype not in (torch.float32, torch.float64):
            raise NotMeasurableError(
                f"Curvature in {self.dtype} would be rounding error; pass dtype=torch.float32 or torch.float64."
            )
        self.shapes = tuple(p.shape for p in named.values())
        self.sizes = tuple(p.numel() for p in named.values())
        own = torch.cat([self._cast(p.detach()).reshape(-1) for p in named.values()])
        if at is not None and at.shape != own.shape:
            raise ValueError(f"at must hold the {own.numel()} measured parameters, got shape {tuple(at.shape)}.")
        self.start = own if at is None else self._cast(at.detach()).clone()
        measured = {id(p) for p in named.values()}
        self._fixed = {
            name: self._cast(p.detach()) for name, p in model.named_parameters() if id(p) not in measured
        } | {name: self._cast(b.detach()) for name, b in model.named_buffers()}
        self.chunks = cut(data, chunk, self._cast)
        self.samples = sum(len(y) for _, y in self.chunks)
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

    @property
    def size(self) -> int:
        """Number of measured parameters, P."""
        return sum(self.sizes)

    @property
    def recurrent(self) -> bool:
        """Whether the model has recurrent layers, whose fused kernels lack derivatives or batching."""
        return any(isinstance(m, nn.RNNBase) for m in self.model.modules())

    def leaves(self) -> tuple[Tensor, ...]:
        """The measured parameters as fresh leaves of an autograd graph, in their own shapes."""
        return tuple(p.clone().requires_grad_() for p in self.parts(self.start))

    def parts(self, flat: Tensor) -> list[Tensor]:
        """A vector of shape (P,) as tensors of the parameters' shapes; rows (k, P) as (k, ...) each."""
        split = flat.split(self.sizes, dim=-1)
        return [part.reshape(*flat.shape[:-1], *shape) for part, shape in zip(split, self.shapes, strict=True)]

    def outputs(self, parameters: Sequence[Tensor], inputs: Inputs) -> Tensor:
        """What the model gives for measured parameters in their own shapes."""
        # Buffers are cloned, since a module may write into them.
        fixed = {name: tensor.clone() for name, tensor in self._fixed.items()}
        named = dict(zip(self.names, parameters, strict=True)) | fixed
        return functional_call(self.model, named, inputs if isinstance(inputs, tuple) else (inputs,))

    def mean_loss(self, parameters: Sequence[Tensor], chunk: Chunk) -> Tensor:
        """Mean loss of a chunk without the penalty."""
        inputs, targets = chunk
        return self.loss(self.outputs(parameters, inputs), targets)

    def linear_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Numbers with the gradients, in the parameters, of the losses of the single samples, shape (n,).

        The loss is replaced by its tangent at the outputs: every sample's outputs times the slope of its own loss.
        Since the loss is the mean over samples, one derivative of it gives the slopes of all.
        """
        n = len(targets)
        if outputs.shape[:1] != (n,):
            raise NotMeasurableError(
                f"The outputs of {n} samples have shape {tuple(outputs.shape)}; the first dimension must be the sample."
            )
        free = outputs.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(n * self.loss(free, targets), free, materialize_grads=True)
        return (slopes.detach() * outputs).flatten(1).sum(1) if outputs.ndim > 1 else slopes.detach() * outputs

    def weight(self, chunk: Chunk) -> float:
        """Share of a chunk in all samples."""
        return len(chunk[1]) / self.samples

    def value(self) -> float:
        """The loss, penalty included."""
        with self.conditions(), torch.no_grad():
            mean = sum(self.weight(c) * float(self.mean_loss(self.parts(self.start), c)) for c in self.chunks)
        return mean + 0.5 * self.l2 * float(self.start.square().sum())

    def gradient(self) -> Tensor:
        """Full-data gradient, penalty included, shape (P,)."""
        total = self.l2 * self.start
        for chunk in self.chunks:
            for part in self.fitting(chunk, self._share, self.max_bytes // 2):
                total = total + self._share(part)
        return total

    def fitting(self, chunk: Chunk, work: Callable[[Chunk], object], room: int) -> list[Chunk]:
        """Parts of a chunk, as large as the memory allows; it is extrapolated from one and two samples.

        Args:
            chunk: Samples.
            work: What is to be done with each part.
            room: Most bytes that the work may take.

        Raises:
            NotMeasurableError: If one sample needs more.
        """
        n = len(chunk[1])
        one, two = (counted(lambda k=k: work(piece(chunk, slice(0, k))))[1] for k in (1, min(2, n)))
        if one.peak > room:
            raise NotMeasurableError(
                f"One sample needs {one.peak} bytes, and {room} of max_bytes={self.max_bytes} are left for it; allow "
                "more memory, or measure a subset of the parameters."
            )
        # What is made grows linearly with the samples, its peak only once it exceeds that of the parameters.
        more = two.made - one.made
        most = n if more <= 0 else min(n, (room - one.peak) // more + 1)
        return [piece(chunk, slice(s, s + most)) for s in range(0, n, most)]

    def _share(self, chunk: Chunk) -> Tensor:
        """A chunk's share in the gradient."""
        leaves = self.leaves()
        with self.conditions():
            loss = self.weight(chunk) * self.mean_loss(leaves, chunk)
            return flatten(torch.autograd.grad(loss, leaves, materialize_grads=True))

    @contextmanager
    def conditions(self) -> Iterator[None]:
        """Kernels that have second derivatives, while a graph is made; all settings are put back."""
        fastpath = torch.backends.mha.get_fastpath_enabled()
        with ExitStack() as stack:
            stack.enter_context(torch.enable_grad())
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            if self.recurrent:
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            torch.backends.mha.set_fastpath_enabled(False)
            try:
                yield
            finally:
                torch.backends.mha.set_fastpath_enabled(fastpath)

    def _cast(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, self.dtype if tensor.is_floating_point() else None)

    def _probe(self) -> dict[str, Any]:
        """Evaluate the first chunk until it can be trusted; what every record says of the problem."""
        refuse_random_modules(self.model)
        devices = [self.device] if self.device.type == "cuda" else []
        # A model that draws random numbers is refused, but not before it has drawn some.
        with torch.random.fork_rng(devices=devices), self.conditions(), torch.no_grad():
            parameters, chunk = self.parts(self.start), self.chunks[0]
            first, second = (self.mean_loss(parameters, chunk) for _ in range(2))
            refuse_loss(first, second)
            n = len(chunk[1])
            if n > 1:
                # One sample and the others: a loss that weighs or mixes samples cannot agree by symmetry.
                cut = [piece(chunk, slice(0, 1)), piece(chunk, slice(1, n))]
                parts = sum(len(c[1]) / n * float(self.mean_loss(parameters, c)) for c in cut)
                refuse_coupled(float(first), parts, torch.finfo(self.dtype).eps)
        flags = {m.training for m in self.model.modules()}
        return {
            "parameters": self.size,
            "samples": self.samples,
            "chunks": len(self.chunks),
            "mode": "mixed" if len(flags) > 1 else "train" if flags.pop() else "eval",
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": self.device.type,
            "l2": self.l2,
        }


def flatten(parts: Iterable[Tensor]) -> Tensor:
    """Tensors of the parameters' shapes as one vector, shape (P,)."""
    return torch.cat([part.reshape(-1) for part in parts])

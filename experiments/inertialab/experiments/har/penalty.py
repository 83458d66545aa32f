"""Size of a model's derivative at each example, in one further backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from inertialab.experiments.errors import WrongInputError

Of = Literal["output", "loss"]
Form = Literal["squared", "rootsum", "sumnorm"]
Losses = Callable[[Tensor, Tensor], Tensor]

INPUT = "input"
"""Names the model's input among its layers."""
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


_RESHAPING = {
    f"{name}Backward{i}"
    for name in (
        "Alias",
        "Clone",
        "View",
        "UnsafeView",
        "ReshapeAlias",
        "Squeeze",
        "Unsqueeze",
        "Select",
        "Slice",
        "Permute",
    )
    for i in range(3)
} | {"TransposeBackward0", "TransposeBackward1", "TBackward0"}
"""Operations that copy a result, give it another shape or pick from it, as autograd names them."""


def example_losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss of each example, shape (B,): cross-entropy for classes, half the squared error for numbers.

    Args:
        outputs: Logits, shape (B, K), or predictions, shape (B,) or (B, 1).
        targets: Classes as whole numbers, shape (B,), or numbers of the outputs' size.

    Raises:
        WrongInputError: If outputs and targets do not fit together, which would be broadcast otherwise.
    """
    if not targets.dtype.is_floating_point:
        if outputs.ndim != 2 or outputs.shape[1] < 2 or targets.shape != outputs.shape[:1]:
            raise WrongInputError(
                "Targets that are whole numbers are classes, one an example, and need outputs of shape (B, K), K at "
                f"least 2; got {list(outputs.shape)} for targets of {list(targets.shape)}."
            )
        return nn.functional.cross_entropy(outputs, targets.long(), reduction="none")
    if len(outputs) != len(targets) or outputs.numel() != targets.numel():
        raise WrongInputError(f"Outputs are of shape {list(outputs.shape)} and targets of {list(targets.shape)}.")
    return (outputs - targets.reshape(outputs.shape)).reshape(len(outputs), -1 if len(outputs) else 1).square().sum(
        1
    ) / 2


class JacobianPenalty:
    """Per-example size of the derivative of a model with respect to some of its layers, differentiable.

    With J_j the derivative of the outputs, or of the example's own loss, with respect to layer j, per example
    `squared` is Σ_j ‖J_j‖², `rootsum` its root, `sumnorm` Σ_j ‖J_j‖ (source: cao2021heteroskedastic, whose code takes
    sumnorm of the loss). Each is that of one example: neither others in the batch nor their number change it. Theory
    of optimal strengths speaks of `output` and `squared`. All outputs together take one backward pass each.

    Args:
        model: Any module whose batch is the first dimension.
        layers: Names as in `named_modules`; "input" is the model's input. By default all linear and convolutional
            layers but the one that is the output: the derivative is with respect to what they give.
        of: Derivative of the outputs or of the loss.
        form: How layers are put together.
        losses: Loss of each example from outputs and targets, shape (B,); for `of="loss"`.

    Raises:
        WrongInputError: If a name or a layer is not there, or an option is none.

    >>> model = nn.Linear(3, 1, bias=False).requires_grad_(False)
    >>> at = torch.zeros(5, 3)
    >>> bool(torch.allclose(JacobianPenalty(model, ["input"])(at), model.weight.square().sum().expand(5)))
    True
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str] | None = None,
        of: Of = "output",
        form: Form = "squared",
        losses: Losses = example_losses,
    ):
        for name, given, known in (("of", of, ("output", "loss")), ("form", form, ("squared", "rootsum", "sumnorm"))):
            if given not in known:
                raise WrongInputError(f"A penalty's {name} is one of {', '.join(known)}, got {given!r}.")
        modules = dict(model.named_modules())
        for name in layers or ():
            if name != INPUT and name not in modules:
                raise WrongInputError(f"The model has no layer {name!r}; it has {', '.join(filter(None, modules))}.")
        if layers is not None and not layers:
            raise WrongInputError(f"A penalty needs a layer; give names, or ({INPUT!r},).")
        self.model, self.of, self.losses = model, of, losses
        self.form: Form = form
        self.chosen = layers is not None
        self.layers = tuple(layers or (name for name, m in modules.items() if isinstance(m, _WEIGHTED)))
        self._from_input = self.chosen and INPUT in self.layers  # else it is a layer that happens to have the name
        self._watching = {name: modules[name] for name in self.layers if not (self._from_input and name == INPUT)}
        self._mixing = {name: m for name, m in modules.items() if isinstance(m, _BatchNorm)}
        self._apart = any(getattr(m, "inplace", False) for m in modules.values())

    def __call__(self, inputs: Tensor, targets: Tensor | None = None) -> Tensor:
        """The penalty of each example, shape (B,).

        Args:
            inputs: Shape (B, ...).
            targets: Shape (B, ...); needed for `of="loss"`.

        Raises:
            WrongInputError: If examples are mixed by the model, a layer is not used, targets are missing, or inputs
                that are no numbers are to be differentiated by.
        """
        return self.with_outputs(inputs, targets)[1]

    def with_outputs(self, inputs: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Outputs and penalties, shapes (B, ...) and (B,), by one forward pass: what a step of training needs.

        Under `torch.no_grad()` both are numbers alone, without a graph.

        Args:
            inputs: As for a call.
            targets: As for a call.

        Raises:
            WrongInputError: As for a call.
        """
        if self.of == "loss" and targets is None:
            raise WrongInputError('A penalty of="loss" needs the targets.')
        _require_independent(self._mixing)
        graph = torch.is_grad_enabled()
        if self._from_input:
            inputs = _leaf(inputs)
        with self._watched() as seen, torch.enable_grad():
            # A copy: what comes first may overwrite it.
            outputs = self.model(inputs.clone() if self._from_input else inputs)
            if not isinstance(outputs, Tensor) or outputs.ndim == 0:
                raise WrongInputError(
                    "A penalty takes a model that gives one tensor, whose first dimension is the batch."
                )
            places = self._places(seen, outputs, inputs)
            values = [self.losses(outputs, targets)] if targets is not None and self.of == "loss" else _columns(outputs)
            sizes = _together(_squares(values, places, len(outputs), graph), self.form)
        return (outputs, sizes) if graph else (outputs.detach(), sizes.detach())

    @contextmanager
    def _watched(self) -> Iterator[dict[str, list[tuple[Tensor, int]]]]:
        """What the layers give in a forward pass, twice where used twice, and how often it had been written."""
        seen: dict[str, list[tuple[Tensor, int]]] = {}

        def hook(name: str) -> Callable[..., Tensor]:
            def keep(_: nn.Module, __: Any, given: Any) -> Tensor:
                if not isinstance(given, Tensor):
                    raise WrongInputError(f"Layer {name!r} gives no single tensor; name layers inside it.")
                given = given if given.requires_grad else given.requires_grad_()
                seen.setdefault(name, []).append((given, given._version))
                return given.clone() if self._apart else given  # what comes next may overwrite it

            return keep

        handles = [m.register_forward_hook(hook(name)) for name, m in self._watching.items()]
        try:
            yield seen
        finally:
            for handle in handles:
                handle.remove()

    def _places(self, seen: dict[str, list[tuple[Tensor, int]]], outputs: Tensor, inputs: Tensor) -> list[Tensor]:
        """Tensors to differentiate with respect to, the output itself only where it was asked for."""
        unused = [name for name in self._watching if name not in seen]
        if unused and self.chosen:
            raise WrongInputError(f"The model does not use its layer {unused[0]!r}.")
        last, given = outputs.grad_fn, [pair for pairs in seen.values() for pair in pairs]
        if any(place._version != version for place, version in given):
            raise WrongInputError("The model overwrites what a layer gives; use operations that are not in place.")
        kept = [inputs] if self._from_input else []
        kept += [place for place, _ in given if self.chosen or not _is_output(place, outputs, last)]
        if not kept:
            raise WrongInputError(f"The model has no hidden linear or convolutional layer; give layers=({INPUT!r},).")
        if any(len(place) != len(outputs) for place in kept):
            raise WrongInputError("The batch must be the first dimension of every layer of a penalty.")
        return kept


def _require_independent(normalisations: Mapping[str, _BatchNorm]) -> None:
    """Refuse a model whose output at one example depends on the others."""
    for name, module in normalisations.items():
        if module.training or module.running_mean is None:
            raise WrongInputError(
                f"Layer {name!r} normalises by statistics of the batch, which mixes examples; call eval() on it while "
                "training, so that it keeps running statistics, or use GroupNorm."
            )


def _is_output(place: Tensor, outputs: Tensor, last: Any) -> bool:
    """Whether a layer's result is the model's, directly, copied or in another shape."""
    if place is outputs:
        return True
    while last is not None and type(last).__name__ in _RESHAPING:
        last = last.next_functions[0][0]
    # What nothing before it needs a gradient for is a leaf of the graph.
    return last is not None and (last is place.grad_fn or getattr(last, "variable", None) is place)


class _Square(torch.autograd.Function):
    """Squared norm of each row, with a derivative in a single product; a power would pass over the rows four times."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        """Shape (B, ...) to (B,)."""
        ctx.save_for_backward(rows)
        flat = rows.flatten(1)
        return torch.linalg.vector_norm(flat, dim=1).square()

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Tensor:
        """2 rows times what comes in."""
        (rows,) = ctx.saved_tensors
        return rows * (2 * given[0]).reshape(-1, *[1] * (rows.ndim - 1))


def _leaf(inputs: Tensor) -> Tensor:
    if not inputs.dtype.is_floating_point:
        raise WrongInputError(
            f"Inputs of {inputs.dtype} have no derivative; name layers, the embedding say, in the place of {INPUT!r}."
        )
    return inputs.detach().requires_grad_()


def _squares(values: Iterable[Tensor], places: Sequence[Tensor], count: int, graph: bool) -> list[Tensor]:
    """Squared norm of the derivatives of all values by each place, shape (B,) each."""
    squares: list[Tensor | None] = [None] * len(places)
    for value in values:
        if not value.requires_grad:  # nothing depends on anything
            continue
        # The sum over a batch: an example's own row of its gradient is that of the example alone.
        parts = torch.autograd.grad(value.sum(), places, create_graph=graph, retain_graph=True, allow_unused=True)
        new = [None if g is None else _Square.apply(g) for g in parts]
        squares = [n if s is None else s if n is None else s + n for s, n in zip(squares, new, strict=True)]
    return [places[0].new_zeros(count) if s is None else s for s in squares]


def _columns(outputs: Tensor) -> Iterable[Tensor]:
    """Each output of all examples."""
    return outputs.flatten(1).unbind(1) if outputs.ndim > 1 else [outputs]


def _together(squares: Sequence[Tensor], form: Form) -> Tensor:
    if form == "sumnorm":
        return torch.stack([_root(s) for s in squares]).sum(0)
    total = torch.stack(list(squares)).sum(0)
    return _root(total) if form == "rootsum" else total


def _root(square: Tensor) -> Tensor:
    """Square root whose derivative at 0 is 0."""
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)

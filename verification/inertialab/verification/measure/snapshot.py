"""Modules as they were at one moment, called with other parameters and left as they are found."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

Attributes = dict[str, Any]


class Snapshot:
    """Parameters, buffers, modes and attributes of some modules.

    Inside `entered` the modules themselves have the attributes that they had when the snapshot was taken, and given
    tensors in the place of some parameters. So whoever refers to a module sees the same: a loss that takes a norm of
    `model.parameters()` or calls the model again as well as the model. What the modules write meanwhile is dropped.

    Args:
        modules: Roots; what they share is shared.
        measured: Parameters that `entered` replaces.
        cast: Copies a tensor to the wanted device and dtype.
    """

    def __init__(self, modules: Iterable[nn.Module], measured: Sequence[Tensor], cast: Callable[[Tensor], Tensor]):
        self._places = {id(p): i for i, p in enumerate(measured)}
        self._tensors: dict[int, Tensor] = {}
        self._originals: list[Tensor] = list(measured)  # an id is its own while the tensor lives
        self._held: list[tuple[nn.Module, Attributes]] = []
        seen: set[int] = set()
        for module in (m for root in modules for m in root.modules()):
            if id(module) not in seen:
                seen.add(id(module))
                self._held.append((module, self._attributes(module, cast)))

    @contextmanager
    def entered(self, parameters: Sequence[Tensor]) -> Iterator[None]:
        """The modules with these in the place of the measured parameters, in their order."""
        fresh: dict[int, Tensor] = {}  # what is tied stays tied

        def current(key: int) -> Tensor:
            if key in self._places:
                return parameters[self._places[key]]
            if key not in fresh:
                fresh[key] = self._tensors[key].clone()  # a module may write into it
            return fresh[key]

        found = [module.__dict__ for module, _ in self._held]
        try:
            for module, held in self._held:
                object.__setattr__(module, "__dict__", _with_tensors(held, current))
            yield
        finally:
            for (module, _), attributes in zip(self._held, found, strict=True):
                object.__setattr__(module, "__dict__", attributes)

    def retyped(self, cast: Callable[[Tensor], Tensor]) -> Snapshot:
        """The same snapshot with its tensors in another dtype."""
        other = copy.copy(self)
        other._tensors = {key: cast(tensor) for key, tensor in self._tensors.items()}
        return other

    def owns(self, tensor: Tensor) -> int | None:
        """Place of a parameter, as the modules had it, among those that are replaced."""
        return self._places.get(id(tensor))

    def _attributes(self, module: nn.Module, cast: Callable[[Tensor], Tensor]) -> Attributes:
        held = dict(module.__dict__)
        for kind in ("_parameters", "_buffers"):
            held[kind] = {name: self._kept(t, cast) for name, t in held[kind].items()}
        held["_modules"] = dict(held["_modules"])
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            held["sparse"] = False  # sparse gradients have no derivatives
        return {name: self._kept(v, cast) if isinstance(v, Tensor) else v for name, v in held.items()}

    def _kept(self, tensor: Tensor | None, cast: Callable[[Tensor], Tensor]) -> _Key | None:
        if tensor is None:
            return None
        if id(tensor) not in self._places and id(tensor) not in self._tensors:
            self._originals.append(tensor)
            self._tensors[id(tensor)] = cast(tensor.detach())
        return _Key(id(tensor))


class _Key(int):
    """Stands for a tensor."""


def _with_tensors(held: Mapping[str, Any], current: Callable[[int], Tensor]) -> Attributes:
    """Attributes for one call: tensors in their places, containers of the module's own copied."""
    made: Attributes = {}
    for name, value in held.items():
        if isinstance(value, _Key):
            made[name] = current(value)
        elif name in ("_parameters", "_buffers"):
            made[name] = {n: None if key is None else current(key) for n, key in value.items()}
        else:
            made[name] = copy.copy(value) if type(value) in (list, dict, set) else value
    return made


def unwrapped(model: nn.Module) -> nn.Module:
    """The module inside the wrappers that compile it or spread it over devices, which have no second derivatives."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while True:
        inner = model.module if isinstance(model, wrappers) else getattr(model, "_orig_mod", None)
        if inner is None:
            return model
        model = inner


class Watch(TorchDispatchMode):
    """Notices what a function of the parameters must not do: take them from elsewhere, or round more than its dtype.

    Attributes:
        taken: Places of the measured parameters that were used as the modules had them.
        rounded: Operation and dtype of the first result of less precision that depends on a leaf.
    """

    def __init__(self, snapshot: Snapshot, dtype: torch.dtype):
        super().__init__()
        self.snapshot, self.eps = snapshot, torch.finfo(dtype).eps
        self.taken: set[int] = set()
        self.rounded: tuple[str, torch.dtype] | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for argument in args:
            for tensor in argument if isinstance(argument, list | tuple) else (argument,):
                place = self.snapshot.owns(tensor) if isinstance(tensor, Tensor) else None
                if place is not None:
                    self.taken.add(place)
        floating = isinstance(result, Tensor) and result.is_floating_point()
        floating = floating and any(isinstance(a, Tensor) and a.requires_grad for a in args)
        if floating and self.rounded is None and torch.finfo(result.dtype).eps > self.eps:
            self.rounded = str(func), result.dtype
        return result

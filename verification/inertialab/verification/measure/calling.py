"""How a model is called with inputs of any form, and functions in the place of models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from inertialab.verification.measure.batches import Nested


class Function(nn.Module):
    """A function of parameters as a module.

    Args:
        function: Called with the parameters, and what the module is called with.
        parameters: A tensor, or tensors by name.
    """

    def __init__(self, function: Callable[..., Tensor], parameters: Tensor | Mapping[str, Tensor]):
        super().__init__()
        self._function = function
        self._single = isinstance(parameters, Tensor)
        named = {"parameters": parameters} if isinstance(parameters, Tensor) else dict(parameters)
        self._places = {name: name.replace(".", "/") for name in named}
        for name, tensor in named.items():
            if hasattr(self, self._places[name]):
                self._places[name] += "_"  # a name must not hide an attribute of modules
            self.register_parameter(self._places[name], nn.Parameter(tensor.detach().clone()))

    def forward(self, *given: Nested) -> Tensor:
        """The function at the parameters that are in place."""
        named = {name: getattr(self, place) for name, place in self._places.items()}
        return self._function(named["parameters"] if self._single else named, *given)


def one(inputs: tuple[Nested, ...]) -> Nested:
    """The only argument, or all of them as one."""
    return inputs[0] if len(inputs) == 1 else inputs


def call(model: nn.Module, inputs: Nested) -> Any:
    """Outputs: a tuple or list gives the arguments, a mapping keywords where the model takes them all."""
    if isinstance(inputs, dict):
        try:
            inspect.signature(model.forward).bind(**inputs)
        except TypeError:
            return model(inputs)
        return model(**inputs)
    return model(*inputs) if type(inputs) in (tuple, list) else model(inputs)

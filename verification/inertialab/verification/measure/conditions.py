"""Kernels and settings under which derivatives are right, while a graph is made; all settings are put back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import checkpoint

Given = ParamSpec("Given")
Result = TypeVar("Result")


@contextmanager
def conditions(device: torch.device, recurrent: bool) -> Iterator[None]:
    """Derivatives are on, also under the caller's `no_grad`, and have second derivatives.

    Fused attention and recurrent kernels have none. Automatic casting of the caller's would round the first. Activation
    checkpoints make their graph anew when the parameters are no longer in place, or hide it: what they hold is kept
    here, and `max_bytes` bounds it instead.

    Args:
        device: Whose automatic casting is switched off.
        recurrent: Whether there are recurrent layers.
    """
    fastpath = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast(device.type, enabled=False))
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        stack.enter_context(_without_checkpoints())
        if recurrent:
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fastpath)


@cache
def _casting() -> tuple[str, ...]:
    """Devices on which a caller may cast automatically."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def unrounded(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same function where the caller casts automatically: matrix products of estimators are not to be rounded."""

    @wraps(work)
    def plain(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            for device in _casting():
                stack.enter_context(torch.autocast(device, enabled=False))
            return work(*args, **kwargs)

    return plain


@contextmanager
def quietly() -> Iterator[None]:
    """Without PyTorch's warning that batching is slow for some operation."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")
        yield


class _Plain:
    """Calls what would be checkpointed."""

    @staticmethod
    def apply(function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """As `CheckpointFunction.apply`."""
        return function(*args)


def _plain(*args: Any, **kwargs: Any) -> Iterator[None]:
    yield


@contextmanager
def _without_checkpoints() -> Iterator[None]:
    found = {name: getattr(checkpoint, name, None) for name in _REPLACED}
    try:
        for name, plain in _REPLACED.items():
            if found[name] is not None:
                setattr(checkpoint, name, plain)
        yield
    finally:
        for name, original in found.items():
            if original is not None:
                setattr(checkpoint, name, original)


# The two halves of `torch.utils.checkpoint.checkpoint`, under whatever name a model has imported that.
_REPLACED: dict[str, Any] = {"CheckpointFunction": _Plain, "_checkpoint_without_reentrant_generator": _plain}

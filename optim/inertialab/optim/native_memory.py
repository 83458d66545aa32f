"""Memory of tensors as arrays in native loops, found by address: numba would need time for every array it is given."""

from typing import Any

import numba as nb
from numba import types
from numba.extending import intrinsic


def _typed_pointer(_: Any, address: Any, like: Any) -> Any:
    kind = types.CPointer(like)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(kind))

    return kind(types.int64, like), generate


_pointer: Any = intrinsic(_typed_pointer)
"""An address as a pointer to numbers of the type of the second argument."""


@nb.njit(nogil=True, error_model="numpy")
def part(address: Any, like: Any, start: Any, stop: Any) -> Any:
    """Elements of a tensor as an array.

    Args:
        address: Of its first element.
        like: A number of its type.
        start: First element.
        stop: The one after the last.
    """
    return nb.carray(_pointer(address, like), stop)[start:stop]

"""A recorded product with less to do: what adds nothing is left out, and sums are made by what they are sums of.

A second backward pass fills gradients that are zero with zeros and adds them, and adds biases in passes of their own.
On a convolutional network these passes over memory are a seventh of a product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx

aten = torch.ops.aten
ZEROS = (aten.zeros_like.default, aten.zeros.default, aten.new_zeros.default)
Rule = Callable[[Any], None]
"""What to do with a sum of two; fx types what a node takes as anything that a node may take."""


def simplify(graph: fx.Graph, constants: Mapping[str, Tensor], join: bool) -> None:
    """Drop double transpositions, zeros and what is not used; let products add to what they are added to.

    Args:
        graph: Operations, each with the shape and dtype of its result.
        constants: Tensors from elsewhere, by name.
        join: Whether no operation changes a tensor in place, so that one node may stand for another.
    """
    nodes: list[Any] = list(graph.nodes)
    for node in nodes:
        if _is(node, aten.t.default) and _is(node.args[0], aten.t.default):
            node.replace_all_uses_with(node.args[0].args[0])
    graph.eliminate_dead_code()
    if join:
        _at_sums(graph, _without_zeros(constants))
        _at_sums(graph, _with_biases(graph))
        _at_sums(graph, lambda node: _join(graph, node))
    graph.lint()


def _at_sums(graph: fx.Graph, rule: Rule) -> None:
    for node in list(graph.nodes):
        if _is(node, aten.add.Tensor) and not node.kwargs:
            rule(node)
    graph.eliminate_dead_code()


def _without_zeros(constants: Mapping[str, Tensor]) -> Rule:
    """The rule that p + 0 is p."""
    known: dict[str, bool] = {}

    def is_zero(node: Any) -> bool:
        if not isinstance(node, fx.Node) or node.op != "get_attr":
            return isinstance(node, fx.Node) and node.target in ZEROS
        name = str(node.target)
        if name not in known:
            known[name] = not bool(constants[name].any())
        return known[name]

    def form(node: fx.Node) -> tuple[Any, Any]:
        held = constants.get(str(node.target)) if node.op == "get_attr" else None
        return (node.meta.get("shape"), node.meta.get("dtype")) if held is None else (held.shape, held.dtype)

    def rule(node: Any) -> None:
        for p, other in (node.args, node.args[::-1]):
            if isinstance(p, fx.Node) and is_zero(other) and form(p) == form(node):
                node.replace_all_uses_with(p)
                return

    return rule


def _with_biases(graph: fx.Graph) -> Rule:
    """The rule that one of the convolutions in a sum adds the bias that is spread over its channels."""
    place = {node: i for i, node in enumerate(graph.nodes)}

    def rule(node: Any) -> None:
        for p, spread in (node.args, node.args[::-1]):
            bias, convolution = _bias(spread), _open(p)
            if bias is None or convolution is None or place[bias] > place[convolution]:
                continue
            if convolution.meta.get("shape") == node.meta.get("shape") == spread.meta.get("shape"):
                convolution.update_arg(2, bias)
                node.replace_all_uses_with(p)
                return

    return rule


def _bias(node: Any) -> fx.Node | None:
    """The vector that is spread along the second dimension, if that is what a node does."""
    if not _is(node, aten.expand.default) or not _is(node.args[0], aten.view.default):
        return None
    spread, whole = node.args[0].meta["shape"], node.meta["shape"]
    bias = node.args[0].args[0]
    ones = len(spread) == len(whole) > 2 and spread.numel() == spread[1] == whole[1]
    return bias if ones and bias.meta.get("shape") == (whole[1],) else None


def _open(node: Any) -> Any:
    """A convolution without a bias, alone or in a sum that is used once."""
    if not isinstance(node, fx.Node) or len(node.users) != 1:
        return None
    if _is(node, aten.convolution.default):
        return node if node.args[2] is None else None
    if not _is(node, aten.add.Tensor) or node.kwargs:
        return None
    return next((found for found in map(_open, node.args) if found is not None), None)


def _join(graph: fx.Graph, node: Any) -> None:
    """Replace p + a @ b by one operation, in the memory of p where nothing else needs it."""
    for p, product in (node.args, node.args[::-1]):
        if not (_is(product, aten.mm.default) and len(product.users) == 1 and isinstance(p, fx.Node)):
            continue
        if product.meta["shape"] != node.meta["shape"]:
            continue
        within = _fresh(p) and p.meta.get("shape") == node.meta["shape"]
        with graph.inserting_before(node):
            joined = graph.call_function(aten.addmm_.default if within else aten.addmm.default, (p, *product.args))
        joined.meta = dict(node.meta)
        node.replace_all_uses_with(joined)
        graph.erase_node(node)
        graph.erase_node(product)
        return


def _fresh(node: fx.Node) -> bool:
    """Whether a node makes a tensor of its own memory that is used once."""
    if node.target is aten.addmm_.default:  # made by `_join` alone, in memory that was fresh
        return len(node.users) == 1
    returns = getattr(getattr(node.target, "_schema", None), "returns", None)
    return len(node.users) == 1 and returns is not None and all(r.alias_info is None for r in returns)


def _is(node: Any, target: Any) -> bool:
    return isinstance(node, fx.Node) and node.op == "call_function" and node.target is target

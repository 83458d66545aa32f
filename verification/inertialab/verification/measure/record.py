"""What every record says of a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from inertialab.verification.measure.problem import Problem

COUPLED = "The samples are coupled: all are measured as one batch, and the noise of single samples is not defined."


def described(problem: Problem) -> dict[str, Any]:
    """Size, samples, mode and arithmetic; a note where one must be known before the numbers are used."""
    flags = {m.training for m in problem.model.modules()}
    record = {
        "parameters": problem.size,
        "samples": problem.samples,
        "chunks": len(problem.chunks),
        "mode": "mixed" if len(flags) > 1 else "train" if flags.pop() else "eval",
        "dtype": str(problem.dtype).removeprefix("torch."),
        "device": problem.device.type,
        "l2": problem.l2,
    }
    if problem.dtype == torch.float32:
        record["matmul precision"] = torch.get_float32_matmul_precision()
        record["tf32"] = problem.tensor_cores
    if problem.streamed:
        record["streamed"] = True
    return {**record, "note": COUPLED} if problem.coupled else record

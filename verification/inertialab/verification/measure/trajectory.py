"""Training followed on a few directions, and what stationary chains of such projections tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from inertialab.verification.measure.bootstrap import Intervals

BUFFERS = ("momentum_buffer", "exp_avg")  # PyTorch's names: heavy-ball buffer of SGD, mean gradient of Adam
BLOCK = 1024  # records for which memory is taken at once
WINDOW = 5.0  # of Sokal, in autocorrelation times: an exponential has decayed to e^-10
BATCH = 5  # records averaged before a burn-in is sought


@dataclass(frozen=True)
class Trajectory:
    """Projections on k directions at n records.

    Attributes:
        steps: Optimizer steps done at each record, shape (n,).
        parameters: After the step, relative to the origin, shape (n, k), units θ.
        gradients: Those the step used, taken before it, shape (n, k), units L/θ.
        momenta: Optimizer's buffers after the step, in its own convention, shape (n, k); zero where there are none.
    """

    steps: np.ndarray
    parameters: np.ndarray
    gradients: np.ndarray
    momenta: np.ndarray


class Recorder:
    """Follows an optimizer: after its steps, projections of parameters, gradients and momentum buffers are kept.

    A record takes three products of the directions with a vector and no synchronisation with the device, little
    beside a gradient as long as directions are fewer than samples in a batch.

    Args:
        optimizer: What makes the steps.
        directions: As rows, shape (k, P).
        parameters: Tensors in the order of the directions' columns; by default all of the optimizer's.
        origin: Subtracted from the parameters before they are projected, shape (P,), so that small excursions
            keep their digits; zero by default.
        every: Steps between records.

    Raises:
        ValueError: If the directions do not match the parameters.

    Example:
        >>> w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> sgd = torch.optim.SGD([w], lr=0.5)
        >>> recorder = Recorder(sgd, torch.eye(2))
        >>> w.square().sum().backward(); sgd.step(); recorder.detach()
        >>> recorder.trajectory().gradients, recorder.trajectory().parameters
        (array([[2., 4.]]), array([[0., 0.]]))
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        directions: Tensor,
        *,
        parameters: Iterable[Tensor] | None = None,
        origin: Tensor | None = None,
        every: int = 1,
    ):
        own = (p for group in optimizer.param_groups for p in group["params"])
        self.followed = list(own if parameters is None else parameters)
        size = sum(p.numel() for p in self.followed)
        if directions.ndim != 2 or directions.shape[1] != size or every < 1:
            raise ValueError(
                f"Directions must be rows over the {size} parameters, shape (k, {size}), and every at least 1; "
                f"got shape {tuple(directions.shape)} and {every}."
            )
        if origin is not None and origin.shape != (size,):
            raise ValueError(f"The origin must be a vector of the {size} parameters, got shape {tuple(origin.shape)}.")
        first = self.followed[0]
        sizes = [p.numel() for p in self.followed]
        self._rows = [d.contiguous() for d in directions.detach().to(first.device, first.dtype).split(sizes, dim=1)]
        self._origin = None if origin is None else origin.detach().to(first.device, first.dtype).split(sizes)
        self.every, self.count = every, 0
        self._steps: list[int] = []
        self._blocks: list[Tensor] = []
        self._handle = optimizer.register_step_post_hook(self._record)

    def detach(self) -> None:
        """Follow no longer; what was recorded stays."""
        self._handle.remove()

    def trajectory(self) -> Trajectory:
        """What was recorded so far, as arrays in float64."""
        k, n = len(self._rows[0]), len(self._steps)
        kept = torch.cat([*self._blocks, self._rows[0].new_empty(0, 3, k)])[:n].double().cpu().numpy()
        return Trajectory(np.array(self._steps, dtype=int), kept[:, 0], kept[:, 1], kept[:, 2])

    @torch.no_grad()
    def _record(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        self.count += 1
        if self.count % self.every:
            return
        place = len(self._steps) % BLOCK
        if place == 0:
            self._blocks.append(self._rows[0].new_zeros(BLOCK, 3, len(self._rows[0])))
        row = self._blocks[-1][place]
        for i, (p, D) in enumerate(zip(self.followed, self._rows, strict=True)):
            moved = p.reshape(-1) if self._origin is None else p.reshape(-1) - self._origin[i]
            state = optimizer.state.get(p, {})
            buffer = next((state[name] for name in BUFFERS if state.get(name) is not None), None)
            for j, vector in enumerate((moved, p.grad, buffer)):
                if vector is not None:
                    row[j].addmv_(D, vector.reshape(-1).to(D.dtype))
        self._steps.append(self.count)


def stationary_covariance(samples: np.ndarray, confidence: float = 0.95) -> Intervals:
    """Covariance of projections, with t intervals over independent chains.

    Samples of a chain are correlated, so a chain counts once: its time average of products of deviations from the mean
    of all. That mean follows the chains; the covariance of the chains' means over their number makes up for it exactly.

    Args:
        samples: Stationary, shape (times, chains, k), at least two chains.
        confidence: Of each interval.

    Returns:
        Value and ends, shape (k, k) each, units of the samples squared.
    """
    if samples.ndim != 3 or samples.shape[1] < 2:
        raise ValueError(f"Samples must have shape (times, chains, k) with at least 2 chains, got {samples.shape}.")
    chains, centred = samples.shape[1], samples - samples.mean((0, 1))
    units = np.einsum("tci,tcj->cij", centred, centred) / len(samples)
    means = centred.mean(0)
    value = units.mean(0) + means.T @ means / (chains * (chains - 1))
    half = stats.t.ppf((1 + confidence) / 2, chains - 1) * units.std(0, ddof=1) / chains**0.5
    return Intervals(value, value - half, value + half, confidence)


def autocorrelation_time(samples: np.ndarray, window: float = WINDOW) -> tuple[float, float]:
    """Integrated autocorrelation time 1 + 2 Σ ρ(t) and its standard error, in units of the records.

    The sum ends at the first lag of at least `window` autocorrelation times (Sokal's window); longer sums add noise
    only. The times that set it are 2 + 4 Σ ρ(t)², the same for a slow decay and none too short for correlations that
    change sign, as momentum makes them. The mean's own error is made up for to first order.
    Source: sokal1997monte, section 3; wolff2004monte for that correction (wording not checked).

    Args:
        samples: Stationary, shape (times, chains): one direction.
        window: Lags summed, in autocorrelation times.

    Raises:
        ValueError: If the samples do not vary, or are too few.
    """
    times = len(samples)
    centred = samples - samples.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * times, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, axis=0)[:times].mean(1) / np.arange(times, 0, -1)
    if not covariance[0] > 0:
        raise ValueError("The samples do not vary (or are not finite); they have no autocorrelation time.")
    rho = covariance / covariance[0]
    tau = 2 * np.cumsum(rho) - 1
    closed = np.flatnonzero(np.arange(times) >= 2 * window * (2 * np.cumsum(rho**2) - 1))
    # Beyond half the record a lag is known from too few pairs of one chain.
    if len(closed) == 0 or closed[0] > times // 2:
        raise ValueError(f"{times} records are too few for their autocorrelation time; record longer chains.")
    width = 2 * int(closed[0]) + 1
    found = float(tau[closed[0]]) * (1 + width / samples.size)
    return found, found * (2 * width / samples.size) ** 0.5


def burn_in(samples: np.ndarray) -> int:
    """Number of first records to leave out, by the marginal standard error rule, MSER-5.

    What is left out minimises the squared standard error of the mean of the rest, Σ(x - x̄)²/n²: more is dropped
    only while bias outweighs the loss of records. It is applied to the mean over chains of every direction and of its
    squared deviation, since chains that start in the minimum change their spread only.
    Source: white1997effective (wording not checked).

    Args:
        samples: Shape (times, chains, k), from the start.

    Raises:
        ValueError: If there are too few records, or over half would have to go: the chains are not stationary.
    """
    batches = len(samples) // BATCH
    if batches < 4:
        raise ValueError(f"A burn-in cannot be seen in {len(samples)} records; {4 * BATCH} are needed at least.")
    late = samples[len(samples) // 2 :].mean((0, 1))
    series = np.concatenate([samples.mean(1), ((samples - late) ** 2).mean(1)], axis=1)
    x = series[: batches * BATCH].reshape(batches, BATCH, -1).mean(1)
    starts = range(batches // 2 + 1)
    first = np.argmin([x[d:].var(0) / (batches - d) for d in starts], axis=0).max()
    if first == starts[-1]:
        raise ValueError("The chains still drift in the second half of the records; record longer chains.")
    return int(first) * BATCH

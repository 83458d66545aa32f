"""Adai's mean joins all processes over which parameters are spread."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from inertialab.optim import Adai, sharded

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distribution")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Results of two gloo processes."""
    folder = tmp_path_factory.mktemp("processes")
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("two_processes.py"))]
    both = [
        subprocess.Popen(
            [*command, str(rank), str(folder / "meeting"), str(folder / "result.json")], stderr=subprocess.PIPE
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=120)[1].decode() for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0], errors
    return json.loads((folder / "result.json").read_text())


@pytest.mark.parametrize("way", ["DDP", "FSDP2", "FSDP2, plain loop", "FSDP2 beside plain", "ZeRO-1"])
def test_two_processes_make_the_steps_of_one(outcome, way):
    assert outcome[way] == pytest.approx(outcome["one process"], rel=1e-12, abs=1e-13)


def test_the_comparison_notices_a_mean_over_a_part(outcome):
    difference = torch.tensor(outcome["ZeRO-1, each process by itself"]) - torch.tensor(outcome["one process"])
    assert float(difference.abs().max()) > 1e-3


@pytest.mark.parametrize(("way", "count"), [("DDP", 0), ("FSDP2", 1), ("FSDP2 beside plain", 1), ("ZeRO-1", 1)])
def test_a_step_sums_over_processes_once(outcome, way, count):
    assert outcome[f"{way} sums"] == [count] * 8


@pytest.mark.parametrize("name", ["RAdam", "AdaShift max", "AdaShift mean", "AdaShift none", "CProp"])
def test_parameters_cut_by_fsdp2_move_as_in_one_process(outcome, name):
    assert outcome[f"{name}, FSDP2"] == pytest.approx(outcome[f"{name}, one process"], rel=1e-12, abs=1e-13)


def test_parameters_cut_by_fsdp1_in_their_own_shapes_are_refused_unless_the_processes_are_named(outcome):
    assert "give mean_group=the process group, or use fully_shard" in outcome["Adai, FSDP1"]
    assert "reduction='none', or use fully_shard" in outcome["AdaShift, FSDP1"]
    assert outcome["FSDP1, processes named"] == pytest.approx(outcome["one process"], rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("other", ["idle", "of another kind"])
def test_no_process_waits_for_a_sum_that_the_other_does_not_take(outcome, other):
    together, alone = outcome[f"tiny gradients, the other {other}"]
    assert all(together)
    assert together == pytest.approx(alone, rel=1e-5, abs=0)


def test_a_process_group_is_kept_by_a_deep_copy_and_refused_by_pickle(outcome):
    assert outcome["deep copy keeps the processes"]
    assert "a process group cannot be pickled; save state_dict()" in outcome["pickle"]


@pytest.mark.parametrize("mark", ["_is_flat_param", "_fsdp_flattened"])
def test_parameters_cut_by_fsdp1_are_refused_also_when_they_are_cut_later(mark):
    flat = torch.zeros(4, requires_grad=True)
    early = Adai([flat], lr=0.1)
    setattr(flat, mark, True)
    with pytest.raises(ValueError, match="give mean_group=the process group, or use fully_shard"):
        Adai([flat], lr=0.1)
    Adai([flat], lr=0.1, mean_group="the processes")
    flat.grad = torch.ones(4)
    with pytest.raises(ValueError, match="give mean_group=the process group, or use fully_shard"):
        early.step()
    assert not flat.any()


def test_plain_parameters_are_all_here():
    assert sharded.domain(torch.zeros(2)) == ()
    assert sharded.zero_group() is None

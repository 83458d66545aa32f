"""Work in forked processes: in order, with closures, and nothing left behind."""

import os
import signal
import time
from multiprocessing import active_children

import pytest

from inertialab.experiments import forked
from inertialab.experiments.errors import WrongInputError


def test_results_come_in_order_from_other_processes():
    found = forked.each(lambda n: (n**2, os.getpid()), range(8), 3)
    assert [square for square, _ in found] == [n**2 for n in range(8)]
    assert os.getpid() not in {process for _, process in found}


def test_one_process_is_this_one():
    assert forked.each(lambda _: os.getpid(), range(3), 1) == [os.getpid()] * 3
    assert forked.each(lambda _: os.getpid(), range(1), 3) == [os.getpid()]
    assert forked.each(lambda _: 1 / 0, ()) == []


def test_the_first_failure_ends_all():
    def fails(item: int) -> None:
        if not item:
            raise KeyError("this one")
        time.sleep(600)

    with pytest.raises(KeyError, match="this one"):
        forked.each(fails, range(4), 3)
    assert not active_children()


def test_a_killed_process_is_a_sentence():
    with pytest.raises(WrongInputError, match="lack of memory"):
        forked.each(lambda _: os.kill(os.getpid(), signal.SIGKILL), range(2), 2)
    assert not active_children()


def test_one_call_inside_another():
    assert forked.each(lambda n: sum(forked.each(lambda k: k * n, range(3), 2)), (1, 2), 2) == [3, 6]

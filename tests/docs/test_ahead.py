"""What is begun ahead: the same results on any number of processes, and a sentence where one fails."""

import os

import ahead
import claim_page
import pytest
from mkdocs.exceptions import PluginError

from inertialab.theory import claim
from inertialab.theory.statement import Claim

ID = "sgd.saddle-variance"


@pytest.mark.parametrize("processes", [1, 2])
def test_results_belong_to_what_was_begun(processes):
    with ahead.side_by_side(processes) as begin:
        begun = [begin(pow, 2, n) for n in range(20)]
        assert [waits() for waits in begun] == [2**n for n in range(20)]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_fails_is_a_sentence_that_names_it(processes):
    with ahead.side_by_side(processes) as begin:
        begun = [begin(ahead.derivation, "no.such"), *(begin(pow, 2, n) for n in range(20))]
        with pytest.raises(PluginError, match=r"derivation\('no.such',\) failed: .*no.such"):
            begun[0]()


def test_a_process_that_ends_is_a_sentence_and_nothing_waits_for_it():
    with ahead.side_by_side(2) as begin:
        waits = begin(os._exit, 3)
        with pytest.raises(PluginError, match=r"_exit\(3,\) failed: .*terminated"):
            waits()


def test_a_page_shows_the_derivation_that_was_run_elsewhere(monkeypatch):
    """And runs none itself; the page is the same to the letter."""
    subject = claim(ID)
    expected = claim_page.page(subject, None)
    vars(subject).pop("_derived")
    with ahead.side_by_side(2) as begin:
        ahead.derive(ID, begin(ahead.derivation, ID))

    def again(_):
        raise AssertionError("It was derived again.")

    monkeypatch.setattr(vars(Claim)["_derived"], "func", again)
    assert claim_page.page(subject, None) == expected

"""Small studies by which wrong implementations are noticed contradict no right one."""

import pytest
from slips import WRONG, contradicted, scattered


@pytest.mark.parametrize("id", sorted({w.notices for w in WRONG} - {"scatter"}))
def test_right_implementations_contradict_no_row(id):
    assert contradicted(id) == []


def test_right_errors_are_not_refuted():
    assert scattered() != "refuted"

"""The faults of tests/strength.py are changes of text that the package has."""

import pytest

from tests.strength import FAULTS, place


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_one_place(fault):
    assert fault.new != fault.old
    assert place(fault).exists()


def test_there_are_enough():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40

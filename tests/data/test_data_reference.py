"""References to data: they keep none, and neither do copies of them."""

import copy
import pickle

import pytest

from cfensemble import EnsembleData
from cfensemble.data.data_reference import DataReference


def test_data_are_referred_to_but_not_kept():
    data = EnsembleData([[0.1, 0.9]], [0, 1])
    reference = DataReference(data)
    assert reference() is data
    del data
    assert reference() is None
    assert DataReference()() is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_refers_to_none(duplicate):
    data = EnsembleData([[0.1, 0.9]], [0, 1])
    assert duplicate(DataReference(data))() is None

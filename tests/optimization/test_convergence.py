"""Whether a fit says that it has settled."""

import pytest
from sklearn.exceptions import ConvergenceWarning


def test_convergence_is_reported_and_its_lack_warned_about(make, data):
    with pytest.warns(ConvergenceWarning, match="had not settled after 2 (iterations|epochs); raise max_"):
        assert not make(max_iter=2).fit(data).converged_
    settled = make(max_iter=2000, aggregator_type="mean", rho=1.0).fit(data)
    assert settled.converged_
    assert settled.n_iter_ < 2000
    make(callbacks=[lambda record: True]).fit(data)  # stopped on purpose, hence without a warning

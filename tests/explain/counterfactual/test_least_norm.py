"""Is the smallest point the smallest, and is a contradiction noticed?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from equiviz.explain.counterfactual.least_norm import least_norm


def test_one_equation() -> None:
    found = least_norm(np.array([3.0, 4.0]), 10.0, np.zeros((0, 2)), np.zeros(0))
    assert found == pytest.approx([1.2, 1.6])


def test_a_contradiction_has_no_answer() -> None:
    assert least_norm(np.array([1.0, 0.0]), 1.0, np.array([[-1.0, 0.0]]), np.array([0.0])) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_vs_scipy(seed: int) -> None:
    draw = np.random.default_rng(seed)
    equal, above, inside = draw.normal(size=5), draw.normal(size=(3, 5)), draw.normal(size=5)
    value, bounds = float(equal @ inside), above @ inside - draw.uniform(0, 1, 3)  # `inside` fulfils them all
    found = least_norm(equal, value, above, bounds)
    conditions = [
        {"type": "eq", "fun": lambda u: equal @ u - value},
        {"type": "ineq", "fun": lambda u: above @ u - bounds},
    ]
    best = minimize(lambda u: 0.5 * u @ u, inside, jac=lambda u: u, constraints=conditions, method="SLSQP", tol=1e-12)
    assert found is not None
    assert equal @ found == pytest.approx(value, abs=1e-8)
    assert (above @ found >= bounds - 1e-8).all()
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(best.x), rel=1e-5, abs=1e-7)

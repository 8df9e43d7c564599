"""A fixture for test suites: in conftest.py ``pytest_plugins = ["equiviz.pytest_plugin"]``, and then

def test_my_model(assert_equivariant):
    assert_equivariant(model, structure)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from equiviz.equivariance.check_report import CheckReport


@pytest.fixture
def assert_equivariant() -> Callable[..., CheckReport]:
    """`equiviz.assert_equivariant`: returns the report of a model that passes, and raises with its words otherwise."""
    from equiviz.equivariance.check import assert_equivariant as verb

    return verb

"""Does an examination hold all four reports, and tell the same as each of them?"""

from __future__ import annotations

from pathlib import Path

import pytest

import equiviz
from equiviz.apps.examination import Examination
from tests.equivariance.spoiled_networks import on_block, spoiled
from tests.toy_networks import molecule, toy


@pytest.fixture(scope="module")
def exact() -> Examination:
    return equiviz.examine(toy().eval(), molecule(6), band_limit=2, axes=20)


def test_an_exact_model_passes_all_four(exact: Examination) -> None:
    assert exact.passed
    assert exact.checked.passed
    assert exact.drifts.passed
    assert exact.varies is not None
    assert exact.varies.passed
    assert exact.varies.group == "O(3)"
    assert exact.sphere is not None
    assert set(exact.seconds) == {"check", "lie_derivative", "spectrum", "sphere_map"}
    assert len(exact.to_frame()) == len(exact.checked.findings)


def test_it_is_one_page_and_one_text(exact: Examination, tmp_path: Path) -> None:
    page = Path(exact.to_html(tmp_path / "page.html")).read_text()
    for heading in ("Where does it break?", "How does it vary?", "How fast does it drift?", "In which directions?"):
        assert heading in page
    assert exact.describe().startswith(exact.checked.describe())
    assert exact.to_dict()["passed"] is True


def test_a_broken_model_fails_and_one_without_inversion_is_not_held_to_it() -> None:
    broken = spoiled(on_block("1o", lambda block: block.relu())).eval()
    broken.group = "SE(3)"  # type: ignore[misc]
    found = equiviz.examine(broken, molecule(6), band_limit=2, axes=20)
    assert not found.passed
    assert found.varies is not None
    assert found.varies.group == "SO(3)"
    assert not found.varies.passed


def test_a_model_that_claims_no_rotations_is_not_turned() -> None:
    found = equiviz.examine(toy().eval(), molecule(6), group="T(3)")
    assert found.varies is None
    assert found.sphere is None
    assert found.passed

"""Does the instrument find every mistake of the catalogue, at the right place, and blame the right transformation?"""

from __future__ import annotations

import pytest

from equiviz.equivariance.check import assert_equivariant, check
from equiviz.equivariance.errors import NotEquivariant
from tests.equivariance.planted_faults import DIAGNOSES, FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found_where_it_is(name: str) -> None:
    fault = FAULTS[name]
    report = check(fault.make(), fault.structure(), elements=3, wide=fault.wide)
    assert not report.passed
    assert report.first_broken == (fault.stage, fault.irrep)
    for kind in fault.groups:
        assert report.groups[kind].passed is False, kind
    for kind in fault.intact:
        assert report.groups[kind].passed is True, kind
    assert report.diagnoses, report.describe()
    assert report.diagnoses[0].code == DIAGNOSES[name], report.describe()
    assert report.diagnoses[0].stage == fault.stage


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found_by_the_defaults_too(name: str) -> None:
    fault = FAULTS[name]
    report = check(fault.make(), fault.structure())
    assert report.first_broken == (fault.stage, fault.irrep)
    assert report.diagnoses[0].code == DIAGNOSES[name], report.describe()


@pytest.mark.parametrize("name", ["relu on vectors", "a NaN in one entry", "dropout left on"])
def test_the_assertion_fails_and_says_the_same(name: str) -> None:
    fault = FAULTS[name]
    with pytest.raises(NotEquivariant, match=f"{fault.stage} breaks"):
        assert_equivariant(fault.make(), fault.structure(), elements=3)

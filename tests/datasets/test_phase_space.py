"""Motions in phase space: is the motion Hamilton's, and does each system keep the symmetry that is stated, no more?"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS, PhaseSpaceSystem, charge, circular, larmor, system
from equiviz.equivariance.check import check
from equiviz.equivariance.check_report import CheckReport
from equiviz.symmetry import hermitian_matrices

OSCILLATORS, CHARGES = SYSTEMS["oscillators"], SYSTEMS["charges"]
FIELD = larmor(torch.tensor([1.3], dtype=torch.float64))


def states(known: PhaseSpaceSystem, count: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, known.count, known.n, generator=generator, dtype=torch.complex128)


@pytest.mark.parametrize("known", [OSCILLATORS, replace(OSCILLATORS, springs="q"), CHARGES])
def test_the_motion_is_hamiltons(known: PhaseSpaceSystem) -> None:
    z, b = states(known).requires_grad_(), FIELD if known.field_range else None
    # torch gives dH/dq + i dH/dp, so that -i times it is dH/dp - i dH/dq = dq/dt + i dp/dt.
    (slope,) = torch.autograd.grad(known.energy(z, b).sum(), z)
    torch.testing.assert_close(-1j * slope, known.velocity(z, b), rtol=0, atol=1e-13)


def test_one_oscillator_turns_as_known() -> None:
    single = PhaseSpaceSystem((2.0,), n=1)
    z = torch.tensor([[[1.0 + 0j]]], dtype=torch.complex128)
    # q = cos wt, p = -sin wt; Runge-Kutta steps of 0.01 err by w^5 h^4 t / 120 = 2e-9.
    torch.testing.assert_close(
        single.flow(z, 0.7), torch.exp(torch.tensor(-1.4j, dtype=z.dtype)) * z, rtol=0, atol=1e-8
    )


def test_a_charge_drifts_as_fock_and_darwin_say() -> None:
    # One charge: circular modes of frequencies w -+ w_c / 2 (Fock, Z. Phys. 47 (1928) 446).
    single, z = PhaseSpaceSystem((1.0,), n=2, field_range=1.0), states(PhaseSpaceSystem((1.0,), n=2), 1)
    found = circular(single.flow(z, 0.5, FIELD))
    rates = torch.tensor([1 + 1.3 / 2, 1 - 1.3 / 2], dtype=torch.float64)
    expected = torch.exp(-0.5j * rates) * circular(z)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)


def test_energy_and_noethers_charge_are_kept() -> None:
    z = states(OSCILLATORS, 16)
    after = OSCILLATORS.flow(z, 1.0)
    assert float(((OSCILLATORS.energy(after) - OSCILLATORS.energy(z)) / OSCILLATORS.energy(z)).abs().max()) < 1e-6
    torch.testing.assert_close(charge(after), charge(z), rtol=0, atol=1e-5)
    # The control: springs between positions alone keep its imaginary part, the angular momentum, and no more.
    broken = replace(OSCILLATORS, springs="q").flow(z, 1.0)
    torch.testing.assert_close(charge(broken).imag, charge(z).imag, rtol=0, atol=1e-5)
    assert float((charge(broken) - charge(z)).real.abs().max()) > 0.1


def _checked(known: PhaseSpaceSystem, group: str, circles: bool = False) -> CheckReport:
    b, kind = FIELD if known.field_range else None, f"{known.count}xV({known.n})"

    def flow(z: Tensor) -> Tensor:
        given = z.unflatten(1, (known.count, known.n))
        moved = known.flow(circular(given, back=True) if circles else given, 0.2, b)
        return (circular(moved) if circles else moved).flatten(1)

    z = states(known, 3)
    return check(flow, (circular(z) if circles else z).flatten(1), inputs=kind, outputs=kind, group=group, wide=5)


@pytest.mark.parametrize(
    ("known", "group", "circles", "kept"),
    [
        (OSCILLATORS, "U(n)", False, {"unitary", "real rotation", "diagonal phase"}),
        (replace(OSCILLATORS, springs="q"), "O(n)", False, {"real rotation"}),
        (CHARGES, "U(1)^n", True, {"diagonal phase"}),
        (replace(CHARGES, field_range=0.0), "U(n)", False, {"unitary", "real rotation", "diagonal phase"}),
    ],
    ids=["oscillators", "springs between positions", "charges in a field", "charges without"],
)
def test_a_system_keeps_what_is_stated_and_no_more(
    known: PhaseSpaceSystem, group: str, circles: bool, kept: set[str]
) -> None:
    report = _checked(known, group, circles)
    assert report.passed, report.describe()
    unitary = {"unitary", "real rotation", "diagonal phase"}
    assert {kind for kind in unitary if report.groups[kind].passed} == kept, report.describe()
    assert all(report.groups[kind].error <= 1e-12 for kind in kept)


def test_the_wrong_claim_is_refuted() -> None:
    assert not _checked(replace(OSCILLATORS, springs="q"), "U(n)").passed


def test_sets_are_nested_and_follow_the_seed() -> None:
    few, many = Motions.make("charges", "train", 4), Motions.make("charges", "train", 6)
    assert few.field is not None
    assert many.field is not None
    assert torch.equal(few.before, many.before[:4])
    assert torch.equal(few.field, many.field[:4])
    torch.testing.assert_close(few.after, many.after[:4], rtol=0, atol=1e-14)
    assert not torch.equal(few.before, Motions.make("charges", "test", 4).before)
    torch.testing.assert_close(CHARGES.flow(few.before, 1.0, hermitian_matrices(few.field, 2)), few.after)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: system("planets"), "expected a system out of oscillators, charges, got 'planets'"),
        (lambda: Motions.make("charges", "train", 0), "expected at least one motion of train, validation, test, got 0"),
        (lambda: PhaseSpaceSystem(()), "expected particles with finite numbers"),
        (lambda: PhaseSpaceSystem((1.0,), n=3, field_range=1.0), "a perpendicular field needs n = 2, got n = 3"),
    ],
)
def test_what_is_no_system_is_refused(make: object, words: str) -> None:
    with pytest.raises(DatasetError) as refused:
        make()  # type: ignore[operator]
    assert words in str(refused.value)

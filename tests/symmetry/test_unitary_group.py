"""U(n): is the sampling uniform, are representations homomorphisms, are generators their derivatives?"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from equiviz.symmetry import (
    O3,
    Field,
    GroupError,
    RepresentationError,
    Unitary,
    UnitaryGenerator,
    UnitaryIrreps,
    adjoint_coefficients,
    diagonal_phases,
    haar_rotations,
    haar_unitaries,
    hermitian_basis,
    hermitian_matrices,
    representation,
    unitary_generators,
)

SIZES = st.integers(1, 5)
SEEDS = st.integers(0, 10_000)


def every(n: int) -> UnitaryIrreps:
    return UnitaryIrreps(f"2xV({n})+1xV*({n})+1xA({n})+2x1({n})")


@settings(max_examples=20, deadline=None)
@given(SIZES, SEEDS)
def test_a_representation_is_a_unitary_homomorphism(n: int, seed: int) -> None:
    g, h = (Unitary(matrix) for matrix in haar_unitaries(2, n, seed))
    for carried in (every(n), UnitaryIrreps(f"1xA({n})")):
        left, right = carried.matrix(g @ h), carried.matrix(g) @ carried.matrix(h)
        torch.testing.assert_close(left, right, rtol=0, atol=1e-13 * n)
        identity = torch.eye(carried.dim, dtype=left.dtype)
        torch.testing.assert_close(carried.matrix(g).mH @ carried.matrix(g), identity, rtol=0, atol=1e-13 * n)
        torch.testing.assert_close(carried.matrix(g.inverse()), carried.matrix(g).mH, rtol=0, atol=1e-13 * n)


@settings(max_examples=20, deadline=None)
@given(SIZES, SEEDS)
def test_transform_is_the_matrix(n: int, seed: int) -> None:
    carried, g = every(n), Unitary(haar_unitaries(1, n, seed)[0])
    values = torch.randn(3, carried.dim, generator=torch.Generator().manual_seed(seed), dtype=torch.complex128)
    torch.testing.assert_close(carried.transform(g, values), values @ carried.matrix(g).mT, rtol=0, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 4), SEEDS)
def test_generators_are_derivatives(n: int, seed: int) -> None:
    del seed
    carried, step = every(n), 1e-4
    for x in unitary_generators(n).values():
        assert isinstance(x, UnitaryGenerator)
        central = (carried.matrix(x.exp(step)) - carried.matrix(x.exp(-step))) / (2 * step)
        # The error of central differences is step^2 / 6 times a third derivative of at most 8 here.
        torch.testing.assert_close(carried.generator(x), central, rtol=0, atol=1e-7)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_generators_are_a_basis_of_all_anti_hermitian_matrices(n: int) -> None:
    matrices = torch.stack([x.matrix for x in unitary_generators(n).values()])  # type: ignore[attr-defined]
    assert len(matrices) == n**2
    torch.testing.assert_close(matrices.mH, -matrices)
    assert int(torch.linalg.matrix_rank(torch.view_as_real(matrices.flatten(1)).flatten(1))) == n**2


def test_exp_of_a_quarter_turn_is_known() -> None:
    turn = unitary_generators(2)["E12 - E21"].exp(math.pi / 2)
    assert isinstance(turn, Unitary)
    expected = torch.tensor([[0, 1], [-1, 0]], dtype=torch.complex128)
    torch.testing.assert_close(turn.matrix, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_sampling_is_uniform(n: int) -> None:
    # Moments of the trace over U(n): E|tr U|^2 = 1 and E|tr U|^4 = 2 for n >= 2, 1 for n = 1 (Diaconis and Shahshahani,
    # J. Appl. Probab. 31A (1994) 49). Without the phases of R both come out wrong.
    drawn = haar_unitaries(10_000, n, 7)
    squares = drawn.diagonal(dim1=1, dim2=2).sum(1).abs().square()
    assert float(squares.mean()) == pytest.approx(1, abs=0.05)
    assert float(squares.square().mean()) == pytest.approx(min(n, 2), abs=0.25)
    plain = torch.linalg.qr(torch.randn(10_000, n, n, generator=torch.Generator().manual_seed(7), dtype=drawn.dtype)).Q
    assert abs(float(plain.diagonal(dim1=1, dim2=2).sum(1).abs().square().mean()) - 1) > 0.05 or n == 1


def test_phases_are_uniform_and_so_are_rotations() -> None:
    # E z = E z^2 = 0 for a uniform phase; for O(n) and SO(n), n >= 3, E tr = 0 and E tr^2 = 1 (Diaconis and
    # Shahshahani). Of 10,000 draws the means are off by some 1 / 100; 5 of these are allowed.
    phases = {"U(1)": haar_unitaries(10_000, 1, 3)[:, 0, 0], "torus": diagonal_phases(10_000, 2, 3)[:, 1, 1]}
    for name, z in phases.items():
        assert float(z.mean().abs()) < 0.05, name
        assert float(z.square().mean().abs()) < 0.05, name
    traces = haar_rotations(10_000, 3, 3).real.diagonal(dim1=1, dim2=2).sum(1)
    assert abs(float(traces.mean())) < 0.05
    assert float(traces.square().mean()) == pytest.approx(1, abs=0.1)
    half = torch.exp(1j * torch.pi * torch.rand(10_000, generator=torch.Generator().manual_seed(3)))
    assert float(half.mean().abs()) > 0.05  # the control: phases of half a turn


def test_sampling_follows_the_seed_alone() -> None:
    state = torch.get_rng_state()
    first, again, other = haar_unitaries(3, 3, 1), haar_unitaries(3, 3, 1), haar_unitaries(3, 3, 2)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_subgroups_are_what_they_are_called() -> None:
    assert bool((haar_rotations(5, 3, 0).imag == 0).all())
    phases = diagonal_phases(5, 3, 0)
    assert bool((phases - torch.diag_embed(phases.diagonal(dim1=1, dim2=2)) == 0).all())
    for matrix in (*haar_rotations(5, 3, 0), *phases):
        torch.testing.assert_close(Unitary(matrix).matrix, matrix, rtol=0, atol=1e-14)


def test_the_basis_is_gell_manns() -> None:
    basis = hermitian_basis(3)
    products = torch.einsum("aij,bji->ab", basis, basis)
    torch.testing.assert_close(products, torch.eye(8, dtype=torch.complex128), rtol=0, atol=1e-15)
    # lambda_8 = diag(1, 1, -2) / sqrt 3 (Gell-Mann, 1962), here over sqrt 2.
    eighth = torch.tensor([1.0, 1.0, -2.0], dtype=torch.complex128).diag() / math.sqrt(6)
    torch.testing.assert_close(basis[-1], eighth, rtol=0, atol=1e-15)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 4), SEEDS)
def test_a_hermitian_matrix_turns_as_its_coefficients(n: int, seed: int) -> None:
    g = Unitary(haar_unitaries(1, n, seed)[0])
    coefficients = torch.randn(n**2 - 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    matrix = hermitian_matrices(coefficients, n)
    torch.testing.assert_close(adjoint_coefficients(matrix), coefficients, rtol=0, atol=1e-13)
    turned = UnitaryIrreps(f"1xA({n})").transform(g, coefficients)
    torch.testing.assert_close(hermitian_matrices(turned, n), g.matrix @ matrix @ g.matrix.mH, rtol=0, atol=1e-12)


def test_invariants_are_real_and_stay() -> None:
    carried, g = every(3), Unitary(haar_unitaries(1, 3, 0)[0])
    field = Field(torch.randn(4, carried.dim, dtype=torch.complex128), carried)
    for kind in ("norms", "power_spectrum"):
        before, after = field.invariants(kind), field.transform(g).invariants(kind)
        assert not before.values.is_complex()
        assert before.dim == len(field.invariant_labels(kind))
        torch.testing.assert_close(after.values, before.values, rtol=0, atol=1e-12)
    assert "Im <V(3)[0],V(3)[1]>" in field.invariant_labels("power_spectrum")
    assert "Im <V(3)[0],V(3)[0]>" not in field.invariant_labels("power_spectrum")


def test_elements_of_other_groups_change_nothing() -> None:
    carried = every(3)
    field = Field(torch.randn(2, carried.dim, dtype=torch.complex128), carried)
    for g in (O3.rotation([0.0, 0.0, 1.0], 1.0), Unitary(haar_unitaries(1, 2, 0)[0])):
        assert torch.equal(field.transform(g).values, field.values)


def test_precision_changes_and_values_stay_complex() -> None:
    field = Field(torch.randn(2, 3, dtype=torch.complex64), "1xV(3)")
    assert field.to(torch.float64).values.dtype == torch.complex128
    assert field.to(torch.float64).to(torch.float32).values.dtype == torch.complex64


def test_a_text_is_read_and_written() -> None:
    assert str(representation("4xV(3)+A(3)+2x1(3)")) == "4xV(3)+1xA(3)+2x1(3)"
    assert representation("4xV(3)").dim == 12
    assert [block.invariant for block in representation("V(2)+1(2)").blocks] == [False, True]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Unitary(2 * torch.eye(2)),
            "Expected a unitary matrix (largest entry of |U^dagger U - 1| at most 1e-05)",
        ),
        (lambda: Unitary(torch.zeros(2, 3)), "Expected one unitary matrix of shape [n, n], got shape [2, 3]."),
        (lambda: Unitary(torch.full((2, 2), torch.nan)), "Expected a finite unitary matrix, got NaN"),
        (lambda: Unitary("x"), "Expected numbers or a tensor for the unitary matrix, got str."),  # type: ignore[arg-type]
        (lambda: UnitaryGenerator(torch.eye(2)), "Multiply a Hermitian matrix H by 1j."),
        (lambda: haar_unitaries(-1, 2, 0), "Expected a count of 0 or more, got -1."),
        (lambda: haar_unitaries(1, 0, 0), "Expected an n of U(n) from 1 to 64, got 0."),
        (lambda: Unitary.identity(2) @ Unitary.identity(3), "Expected elements of one U(n), got U(2) and U(3)."),
    ],
)
def test_what_is_no_element_is_refused(make: object, words: str) -> None:
    with pytest.raises(GroupError) as refused:
        make()  # type: ignore[operator]
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4xW(3)", "Expected irreps of U(n) such as '4xV(3)+2xV*(3)+1xA(3)+3x1(3)', got '4xW(3)'"),
        ("4xV(0)", "an n from 1 to 64"),
        ("999999xV(64)", "Expected at most 1000000 components"),
    ],
)
def test_what_is_no_representation_is_refused(text: str, words: str) -> None:
    with pytest.raises(RepresentationError) as refused:
        representation(text)
    assert words in str(refused.value)


def test_real_values_of_vectors_are_refused() -> None:
    with pytest.raises(RepresentationError, match=r"Expected complex values for 1xV\(3\), got dtype torch.float32"):
        Field(torch.zeros(2, 3), "1xV(3)")

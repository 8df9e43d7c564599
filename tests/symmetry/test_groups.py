"""Do the group elements obey their laws, and refuse what is none?

Tolerance 1e-14: one product of 3 x 3 orthogonal matrices, polished to round-off.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from equiviz.symmetry import O3, GroupElement, GroupError, Permutation, Translation, haar, haar_matrices

PROPERTY = settings(max_examples=25, deadline=None)  # no deadline: a busy machine is not a failure
SEEDS = st.integers(0, 2**31)
GROUPS = ("O(3)", "translations", "permutations")


def element(group: str, seed: int) -> GroupElement:
    if group == "O(3)":
        return haar(1, seed)[0]
    if group == "permutations":
        return Permutation.random(7, seed)
    return Translation(torch.randn(3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))


def numbers(g: GroupElement) -> torch.Tensor:
    if isinstance(g, O3):
        return g.matrix
    return g.vector if isinstance(g, Translation) else g.order.double()  # type: ignore[attr-defined]


@pytest.mark.parametrize("group", GROUPS)
@PROPERTY
@given(seeds=st.tuples(SEEDS, SEEDS, SEEDS))
def test_group_laws(group: str, seeds: tuple[int, int, int]) -> None:
    a, b, c = (element(group, seed) for seed in seeds)
    one = a @ a.inverse()
    for left, right in [((a @ b) @ c, a @ (b @ c)), ((a @ b).inverse(), b.inverse() @ a.inverse()), (one @ b, b)]:
        torch.testing.assert_close(numbers(left), numbers(right), rtol=0, atol=1e-14)
    assert isinstance(a, GroupElement)


def test_elements_of_different_groups_do_not_compose() -> None:
    with pytest.raises(TypeError, match="'O3' and 'Translation'"):
        O3.identity() @ Translation([0, 0, 1])  # type: ignore[arg-type]


@pytest.mark.usefixtures("default_dtype")
def test_python_numbers_never_pass_through_the_default_dtype() -> None:
    assert Translation([0.1, 0.2, 0.3]).vector.tolist() == [0.1, 0.2, 0.3]  # type: ignore[arg-type]
    third = O3.from_matrix([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1.0]])
    assert third.matrix[0].tolist() == pytest.approx([0.6, -0.8, 0], abs=1e-16)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-3, 1.0, math.pi - 1e-9, math.pi])
def test_axis_and_angle_come_back(angle: float) -> None:
    axis = torch.tensor([0.6, 0.0, -0.8], dtype=torch.float64)
    g = O3.rotation(axis, angle)
    assert g.angle == pytest.approx(angle, abs=4e-16)
    if angle:
        sign = 1 if angle < math.pi else torch.sign(g.axis @ axis)  # both axes of a half-turn are right
        torch.testing.assert_close(sign * g.axis, axis, rtol=0, atol=1e-14)


def test_rotation_is_right_handed() -> None:
    g = O3.rotation([0, 0, 1], math.pi / 2)
    torch.testing.assert_close(g.matrix @ torch.tensor([1.0, 0, 0]).double(), torch.tensor([0.0, 1, 0]).double())
    turned = torch.linalg.matrix_exp(0.3 * O3.generators()[2])
    torch.testing.assert_close(O3.rotation([0, 0, 2], 0.3).matrix, turned, rtol=0, atol=1e-15)


def test_euler_angles_are_those_of_e3nn() -> None:
    """1e-6: e3nn computes in the default dtype, float32."""
    from e3nn import o3

    expected = o3.angles_to_matrix(*torch.tensor([0.3, 1.1, -2.0])).double()
    torch.testing.assert_close(O3.from_euler(0.3, 1.1, -2.0).matrix, expected, rtol=0, atol=1e-6)


def test_a_thousand_products_do_not_drift() -> None:
    g = step = haar(1, 3)[0]
    for _ in range(1000):
        g = g @ step
    assert (g.matrix.T @ g.matrix - torch.eye(3).double()).abs().max() < 1e-15


def test_proper_part() -> None:
    for g in haar(20, 0):
        assert torch.linalg.det(g.matrix).item() == pytest.approx(g.det)
        torch.testing.assert_close(O3.from_matrix(g.proper).matrix, g.det * g.matrix)
        assert g.is_proper == (g.det == 1)


def test_haar_is_a_function_of_the_seed_alone() -> None:
    state = torch.random.get_rng_state()
    assert torch.equal(haar_matrices(5, 1), haar_matrices(5, 1))
    assert not torch.equal(haar_matrices(5, 1), haar_matrices(5, 2))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_haar_is_uniform() -> None:
    """Mean 0, second moment 1/3, half improper: 5 standard errors of 20,000 draws."""
    turns = haar_matrices(20_000, 0)
    assert turns.mean(0).abs().max() < 5 * math.sqrt(1 / 3 / 20_000)
    assert ((turns**2).mean(0) - 1 / 3).abs().max() < 5 * math.sqrt(4 / 45 / 20_000)
    assert abs(torch.linalg.det(turns).mean()) < 5 / math.sqrt(20_000)
    assert (torch.linalg.det(haar_matrices(100, 0, "SO(3)")) > 0).all()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (torch.eye(3) * 1.001, r"at most 1e-05\), got a deviation of 0\.002"),
        (torch.eye(2), r"shape \[3, 3\], got shape \[2, 2\]"),
        (torch.eye(3) * math.nan, "NaN or infinite"),
        (torch.eye(3) * 1j, "Expected a real orthogonal matrix, got dtype torch.complex64"),
        ("abc", "Expected numbers or a tensor for the orthogonal matrix, got str"),
        ([[1, 0], [0]], "Expected numbers or a tensor for the orthogonal matrix, got list"),
    ],
)
def test_no_element_of_o3(matrix: object, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        O3.from_matrix(matrix)  # type: ignore[arg-type]


def test_any_real_dtype_and_numpy_are_welcome() -> None:
    for matrix in (
        torch.eye(3, dtype=torch.int64),
        torch.eye(3, dtype=torch.float16),
        np.eye(3),
        np.eye(3, dtype="f4"),
    ):
        assert O3.from_matrix(matrix).matrix.dtype == torch.float64  # type: ignore[arg-type]


def test_bad_axis_quaternion_vector() -> None:
    with pytest.raises(GroupError, match="rotation axis that is not the zero vector"):
        O3.rotation([0, 0, 0], 1.0)
    with pytest.raises(GroupError, match="not zero, got one of length 0"):
        O3.from_quaternion([0, 0, 0, 0])
    with pytest.raises(GroupError, match=r"shape \[\.\.\., 4\], got shape \[3\]"):
        O3.from_quaternion([0, 0, 1])
    with pytest.raises(GroupError, match=r"translation vector of shape \[3\], got shape \[2\]"):
        Translation(torch.zeros(2))
    with pytest.raises(GroupError, match="Expected a finite translation vector"):
        Translation(torch.tensor([0.0, math.inf, 0.0]))


@pytest.mark.parametrize("order", [[0, 0, 1], [1, 2, 3], [-1, 0]])
def test_no_permutation(order: list[int]) -> None:
    with pytest.raises(GroupError, match=r"Expected each of 0 \.\.\. \d once, got \["):
        Permutation(torch.tensor(order))


def test_permutation_of_wrong_type_or_length() -> None:
    with pytest.raises(GroupError, match=r"integers of shape \[N\], got dtype torch.float64"):
        Permutation(torch.zeros(2, dtype=torch.float64))
    with pytest.raises(GroupError, match="Expected 3 nodes for a permutation of 3, got 4"):
        Permutation.identity(3).reorder("node", torch.zeros(4, 1))


@pytest.mark.parametrize("group", ["U(3)", "o3"])
def test_unknown_group(group: str) -> None:
    with pytest.raises(GroupError, match=r"Expected group 'O\(3\)' or 'SO\(3\)'"):
        haar(1, 0, group)  # type: ignore[arg-type]


def test_names() -> None:
    assert repr(O3.identity()) == "O3(identity)"
    assert repr(O3.inversion()) == "O3(inversion)"
    assert repr(O3.rotation([0, 0, 1], math.pi / 2)) == "O3(rotation by 90° about (0.000, 0.000, 1.000))"
    assert repr(O3.from_matrix(np.diag([1.0, -1, 1]))).startswith("O3(mirror with normal (0.000, ")  # type: ignore[arg-type]
    assert repr(Translation([1, 2.5, 0])) == "Translation(1, 2.5, 0)"  # type: ignore[arg-type]
    assert repr(Permutation.identity(3)) == "Permutation([0, 1, 2] of 3)"

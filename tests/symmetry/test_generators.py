"""Are the generators the exact velocities of the group's action, and do dual numbers follow them?

Tolerance 1e-13: entries grow to l = 12, so a few units in the last place are 5e-15 (measured: 4e-15); a wrong ladder
factor or sign would be of size one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad

from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry import (
    O3,
    BandLimitError,
    Block,
    CartesianTensor,
    Field,
    GroupError,
    Infinitesimal,
    O3Irreps,
    Position,
    Representation,
    RepresentationError,
    RotationGenerator,
    Translation,
    TranslationGenerator,
    Trivial,
    euclidean_generators,
    wigner_d,
    wigner_generators,
)

EXACT = 1e-13
DEGREES = range(13)
AXIS = torch.tensor([0.36, -0.48, 0.8], dtype=torch.float64)
TURN, SHIFT = RotationGenerator(AXIS), TranslationGenerator([0.5, -2.0, 1.0])


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(a: Tensor, b: Tensor, tolerance: float = EXACT) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.usefixtures("default_dtype")
@pytest.mark.parametrize("l", DEGREES)
def test_antisymmetric_and_closed_under_commutators(l: int) -> None:  # noqa: E741
    x, y, z = wigner_generators(l)
    for one, two, three in ((x, y, z), (y, z, x), (z, x, y)):
        assert torch.equal(one, -one.mT)
        close(one @ two - two @ one, three)
    # The Casimir operator: l(l+1) is up to 156, and sums of squares of that size round to 1e-13.
    casimir = l * (l + 1) * torch.eye(2 * l + 1, dtype=torch.float64)
    close(x @ x + y @ y + z @ z, -casimir, 3 * EXACT)


@pytest.mark.parametrize("l", DEGREES)
def test_the_exponential_is_wigners_matrix(l: int) -> None:  # noqa: E741
    """To 1e-12: `matrix_exp` itself squares a series several times."""
    for k, generator in enumerate(wigner_generators(l)):
        for t in (0.3, -2.0):
            turn = torch.matrix_exp(t * O3.generators()[k])
            close(torch.matrix_exp(t * generator), wigner_d(l, turn), 1e-12)


def test_degree_one_is_the_vector_itself() -> None:
    assert torch.equal(wigner_generators(1), O3.generators())


@pytest.mark.parametrize("l", [-1, 65])
def test_a_degree_out_of_range_is_refused(l: int) -> None:  # noqa: E741
    with pytest.raises(BandLimitError, match=f"degree l from 0 to 64, got l={l}"):
        wigner_generators(l)


REPRESENTATIONS: dict[str, Representation] = {
    "irreps": O3Irreps("2x0e+1x0o+3x1o+2e+1x5o"),
    "irreps, other layout": O3Irreps("2x0e+3x1o+2x2e", layout="ir_mul"),
    "spherical layout": O3Irreps("2x0e+2x1o+2x2e", layout="spherical"),
    "no irreps": O3Irreps(""),
    "vector": CartesianTensor(1),
    "axial tensor": CartesianTensor(3, "axial"),
    "number": CartesianTensor(0),
    "position": Position(),
    "invariants": Trivial(4),
}


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_matrix_of_a_generator_is_the_derivative_of_the_matrix(name: str) -> None:
    """Central differences of fourth order at 1e-3 (irreps to l = 5): 5^5 * (1e-3)^4 / 30 = 1e-10."""
    rep, h = REPRESENTATIONS[name], 1e-3
    step = [(rep.matrix(TURN.exp(k * h)) - rep.matrix(TURN.exp(-k * h))) / (2 * k * h) for k in (1, 2)]
    close(rep.generator(TURN), (4 * step[0] - step[1]) / 3, 1e-9)
    close(torch.matrix_exp(0.7 * rep.generator(TURN)), rep.matrix(TURN.exp(0.7)), 1e-12)
    assert rep.generator(SHIFT).abs().sum() == 0


@pytest.mark.parametrize("generator", [TURN, SHIFT], ids=["turn", "shift"])
@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_the_tangent_is_the_derivative_of_the_transform(name: str, generator: RotationGenerator) -> None:
    rep, h = REPRESENTATIONS[name], 1e-3
    values = random(5, rep.dim)
    ends = [[rep.transform(generator.exp(k * s * h), values) for s in (1, -1)] for k in (1, 2)]
    step = [(plus - minus) / (2 * k * h) for k, (plus, minus) in zip((1, 2), ends, strict=True)]
    close(rep.tangent(generator, values), (4 * step[0] - step[1]) / 3, 1e-8)
    single = rep.tangent(generator, values.float())
    assert single.dtype == torch.float32
    close(single.double(), rep.tangent(generator, values), 1e-5)
    with pytest.raises(RepresentationError, match="Expected values of shape"):
        rep.tangent(generator, values.new_zeros(2, rep.dim + 1))


def test_generators_are_a_vector_space_and_exponentials_are_elements() -> None:
    six = euclidean_generators()
    assert list(six)[:4] == ["rotation about x", "rotation about y", "rotation about z", "translation along x"]
    both = six["rotation about x"] + -six["rotation about z"]  # type: ignore[operator]
    close(both.matrix, O3.generators()[0] - O3.generators()[2])
    close(both.exp(0.4).matrix, torch.matrix_exp(0.4 * both.matrix))
    assert RotationGenerator([0, 0, 0]).exp(1.0).angle == 0
    moved = (SHIFT + SHIFT).exp(0.5)
    assert isinstance(moved, Translation)
    assert torch.equal(moved.vector, SHIFT.direction)
    with pytest.raises(TypeError):
        TURN + SHIFT  # type: ignore[operator]
    assert repr(-TURN) == "RotationGenerator(-0.36, 0.48, -0.8)"


@pytest.mark.parametrize("bad", [[1.0, 2.0], [0.0, float("nan"), 1.0]])
def test_no_axis_and_no_direction(bad: list[float]) -> None:
    with pytest.raises(GroupError, match="Expected three finite numbers as the axis of rotation"):
        RotationGenerator(bad)
    with pytest.raises(GroupError, match="Expected three finite numbers as the direction of translation"):
        TranslationGenerator(bad)


def periodic() -> Structure:
    return Structure(
        random(6, 3),
        torch.ones(6, dtype=torch.long),
        cell=3 * torch.eye(3, dtype=torch.float64) + 0.1 * random(3, 3),
        pbc=(True, True, True),
        node={"spin": Field(random(6, 3, seed=1), "1e"), "charge": Field(random(6, 1), "0e")},
        graph={"stress": Field(random(1, 9), CartesianTensor(2), "graph")},
    )


@pytest.mark.parametrize("generator", [TURN, SHIFT], ids=["turn", "shift"])
def test_all_that_a_graph_carries_moves_with_it(generator: RotationGenerator) -> None:
    """By `transform` alone: no list of what turns is kept in a second place."""
    graph = Graph.from_structures([periodic(), periodic()], 2.0, torch.float64)
    graph, h = graph.with_edge_vectors(graph.edge_vectors), 1e-5

    def parts(of: Graph) -> list[Tensor]:
        assert of.cells is not None
        return [of.positions, of.cells, of.edge_vectors, of.node["spin"].values, of.graph["stress"].values]

    ends = [parts(graph.transform(generator.exp(s * h))) for s in (1, -1)]
    with forward_ad.dual_level():
        moved = graph.transform(Infinitesimal(generator))
        for plus, minus, part in zip(*ends, parts(moved), strict=True):
            value, tangent = forward_ad.unpack_dual(part)
            change = torch.zeros_like(value) if tangent is None else tangent
            close(change, (plus - minus) / (2 * h), 1e-8)
        assert forward_ad.unpack_dual(moved.node["charge"].values).tangent is None
        twice = forward_ad.unpack_dual(moved.transform(Infinitesimal(generator).inverse()).positions)
        assert twice.tangent is not None
        close(twice.tangent, torch.zeros_like(graph.positions))
        again = graph.transform(Infinitesimal(generator) @ Infinitesimal(generator))
        close(forward_ad.unpack_dual(again.positions).tangent, 2 * forward_ad.unpack_dual(moved.positions).tangent)


def test_a_structure_carries_tangents_too() -> None:
    with forward_ad.dual_level():
        moved = periodic().transform(Infinitesimal(TURN))
        assert moved.cell is not None
        for part in (moved.positions, moved.cell, moved.node["spin"].values):
            assert forward_ad.unpack_dual(part).tangent is not None


@dataclass(frozen=True)
class Doubled(Representation):
    """Turns like a vector, and does not say how fast."""

    @property
    def dim(self) -> int:
        return 3

    def _blocks(self) -> tuple[Block, ...]:
        return (Block("doubled", 1, 3, torch.arange(3)[None]),)

    def matrix(self, g: object) -> Tensor:
        return g.matrix if isinstance(g, O3) else torch.eye(3, dtype=torch.float64)

    def __str__(self) -> str:
        return "doubled"


def test_a_representation_that_does_not_say_how_fast_it_turns_is_refused_unless_it_rests() -> None:
    with pytest.raises(
        RepresentationError, match=r"moves doubled, but Doubled does not say how fast: give it a method"
    ):
        Doubled().generator(TURN)
    assert Doubled().generator(SHIFT).abs().sum() == 0

"""Are the innocent left alone? No cause is called sure that is not the cause, and no exact function is accused."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from tests.equivariance.spoiled_networks import Spoiled, on_block, spoiled
from tests.toy_networks import ToyNetwork, molecule, toy

RING = torch.stack([torch.arange(5), torch.arange(5).roll(1)])
CHORDS = torch.cat([RING, RING.flip(0), torch.tensor([[0, 2], [2, 0]])], 1)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sure(report: object) -> set[str]:
    return {one.code for one in report.diagnoses if one.sure}  # type: ignore[attr-defined]


def test_a_sum_that_keeps_only_the_last_message_is_found() -> None:
    """A classic of scatter operations: which message is last depends on the order of edges."""

    def last(p: Tensor, edge_index: Tensor) -> Tensor:
        out = torch.zeros_like(p)
        out[edge_index[1]] = p[edge_index[0]] - p[edge_index[1]]
        return out

    x = {"p": random(5, 3), "edge_index": CHORDS}
    report = check(last, x, inputs={"p": "position", "edge_index": "index"}, outputs="1o per node", wide=0)
    assert report.groups["permutation"].passed is False
    assert "edges in another order" in report.describe()


def test_a_true_sum_over_edges_does_not_mind_their_order() -> None:
    def sums(p: Tensor, h: Tensor, edge_index: Tensor) -> dict[str, Tensor]:
        messages = h * (p[edge_index[0]] - p[edge_index[1]])
        return {"m": messages, "f": torch.zeros_like(p).index_add(0, edge_index[1], messages)}

    x = {"p": random(5, 3), "h": random(12, 1, seed=1), "edge_index": CHORDS}
    types = {"p": "position", "h": "0e per edge", "edge_index": "index"}
    report = check(sums, x, inputs=types, outputs={"m": "1o per edge", "f": "1o per node"}, wide=20)
    assert report.passed, report.describe()


def test_edges_that_a_function_lists_itself_are_not_accused_of_their_order() -> None:
    def pairs(p: Tensor) -> Tensor:
        first, second = torch.triu_indices(len(p), len(p), 1)
        return p[first] - p[second]

    report = check(pairs, random(5, 3), inputs="position", outputs="1o per edge", wide=0)
    assert report.groups["permutation"].passed is not False, report.describe()


class CountsShifts(ToyNetwork):
    """Weighs images by the number of cells between them: another choice of images, another answer."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        found = super().forward(graph)
        count = torch.zeros(len(graph), 1, dtype=graph.positions.dtype)
        count.index_add_(0, graph.receivers, graph.shifts.abs().sum(1, keepdim=True).to(count))
        energy = found["energy"]
        per_graph = torch.zeros_like(energy.values).index_add(0, graph.batch, count.expand(-1, energy.values.shape[1]))
        return {**found, "energy": energy.with_values(energy.values + 0.01 * per_graph)}


def counting() -> ToyNetwork:
    network = toy()
    network.__class__ = CountsShifts
    return network


def test_lattices_of_lists_and_slabs_are_tried() -> None:
    crystal = molecule(4, cell=True)
    assert not check(counting(), [crystal, crystal], elements=2, wide=0).groups["lattice"].passed
    slab = replace(crystal, pbc=(True, True, False))
    report = check(counting(), slab, elements=2, wide=0)
    assert report.groups["lattice"].passed is False
    exact = check(toy(), [crystal, slab], elements=2, wide=0)
    assert exact.groups["lattice"].passed, exact.describe()
    assert "Not tried: the choice of the cell" in check(toy(), toy().prepare(crystal), elements=2, wide=0).describe()


def test_a_full_list_of_neighbours_is_not_called_cut() -> None:
    """All see all: ReLU on the last atom only is gone among fewer atoms, and the list is still whole."""

    def last_only(features: Tensor, graph: Graph) -> Tensor:
        return torch.where((graph.species == graph.species.max())[:, None], features.clamp(min=0), features)

    report = check(spoiled(last_only, cutoff=50.0), molecule(5), elements=3, wide=0)
    assert not report.passed
    assert "neighbour-truncation" not in sure(report)


def test_a_bug_on_edges_between_cells_is_not_called_an_unturned_cell() -> None:
    class Stretched(Spoiled):
        def prepare(self, structures: Structure | list[Structure]) -> Graph:
            graph = super().prepare(structures)
            crossing = (graph.shifts != 0).any(1, keepdim=True)
            stretch = torch.tensor([1.0, 1.0, 1.1], dtype=graph.positions.dtype)
            return graph.with_edge_vectors(torch.where(crossing, graph.edge_vectors * stretch, graph.edge_vectors))

    network = toy()
    network.__class__ = Stretched
    report = check(network, molecule(4, cell=True), elements=3, wide=0)
    assert not report.passed
    assert "cell-not-rotated" not in sure(report)


def test_an_act_on_constants_is_no_cause() -> None:
    scale = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def squares(x: Tensor) -> Tensor:
        return x * x * torch.exp(scale)

    report = check(squares, random(6, 3), inputs="1o", outputs="1o", wide=0)
    assert not report.passed
    assert not any("torch.exp" in one.cause for one in report.diagnoses)


def test_an_input_that_is_broken_later_is_not_called_unturned() -> None:
    def summed(p: Tensor, v: Tensor) -> Tensor:
        return torch.relu(v).sum(1, keepdim=True) + (p - p.mean(0)).norm(dim=1, keepdim=True)

    x = {"p": random(6, 3), "v": random(6, 3, seed=1)}
    report = check(summed, x, inputs={"p": "position", "v": "1o"}, outputs="0e", wide=0)
    assert "attribute-not-rotated" not in sure(report)
    assert not report.passed


def test_a_sum_of_even_and_odd_parts_proves_nothing() -> None:
    report = check(torch.sigmoid, random(6, 2), inputs="2x0o", outputs="2x0o", wide=0)
    assert "parity-mixed" not in sure(report)


def test_complex_values_are_left_to_those_who_know_them() -> None:
    x = random(6, 3) + 1j * random(6, 3, seed=1)
    report = check(lambda x: x + 1j, x, inputs="1o", outputs="1o", wide=0)
    assert not report.passed
    assert sure(report) <= {"bias"}


def test_confidence_is_that_of_the_tensor_tried_least() -> None:
    report = check(spoiled(on_block("1o", lambda block: block)), molecule(), elements=3, wide=40)
    tried = min(f.drawn for f in report.findings if f.group == "rotation" and f.passed is not None)
    assert f"None of {tried} random rotations failed" in report.describe()

"""Do scores sum up, turn along, not care for the origin, and say what they are?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from e3nn import o3
from torch import nn

from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.attribution import Attribution
from equiviz.explain.attribution.removal import Atoms, Bonds
from equiviz.explain.errors import AttributionError
from equiviz.features.capture import record
from equiviz.models.registry import family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.graph_copies import copies
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, Translation, haar
from tests.toy_networks import molecule, toy

COMPLETE = ("integrated_gradients", "shapley", "relevance")
EXACT = 1e-7
"""Relative: Gauss and Legendre with 64 points, of a function whose second derivative jumps at the cutoff."""


class Pairs(EquivariantModel):
    """A sum over bonds of a smooth function of length, and a term that reads an attribute: an additive game."""

    family = "pairs"

    def __init__(self, config: object = None) -> None:
        super().__init__(config)
        self.stage = Stage("1x0e", "edge")

    def prepare(self, structures: Structure | list[Structure]) -> Graph:  # type: ignore[override]
        return Graph.from_structures(structures, 3.0, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        lengths = graph.edge_vectors.norm(dim=1)
        terms = self.stage(((1 - lengths / 3.0).clamp(min=0) ** 3)[:, None])
        energy = terms.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch[graph.receivers], terms)
        spin = graph.node["spin"].values.square().sum(1, keepdim=True)
        return {"energy": Field(energy.index_add(0, graph.batch, spin), "1x0e", "graph")}


class HardEdge(Pairs):
    """Neighbours at the cutoff still count."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        count = torch.bincount(graph.batch[graph.receivers], minlength=graph.n_graphs)[:, None]
        energy = super().forward(graph)["energy"]
        return {"energy": energy.with_values(energy.values + count)}


class OnEdges(Pairs):
    """An output on edges."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        lengths = graph.edge_vectors.norm(dim=1, keepdim=True)
        return {"terms": Field(self.stage(lengths), "1x0e", "edge")}


class Deaf(Pairs):
    """The same, cut off from gradients."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        return {name: field.detach() for name, field in super().forward(graph).items()}


@pytest.fixture(scope="module")
def network() -> EquivariantModel:
    return toy(spin=True)


@pytest.mark.parametrize("method", COMPLETE)
def test_scores_sum_up_to_the_change(network: EquivariantModel, method: str) -> None:
    report = attribute(network, molecule(), method=method, samples=4)
    change = report.shares.value - report.shares.baseline
    assert report.shares.sum == pytest.approx(change, rel=EXACT)
    if method == "integrated_gradients":
        assert report.quality.completeness < EXACT
        assert report.shares.parts.keys() == {"edge vectors", "node.velocity", "node.spin"}
        assert float(report.shares.parts["node.velocity"].abs().max()) == 0.0  # it is not read
        assert float(report.shares.parts["node.spin"].abs().max()) > 0.0


@pytest.mark.parametrize("method", ["integrated_gradients", "saliency", "occlusion", "relevance"])
def test_the_explanation_turns_with_the_input(network: EquivariantModel, method: str) -> None:
    report = attribute(network, molecule(), method=method, rotations=2)
    assert report.quality.equivariance == pytest.approx(1.0, abs=1e-12)
    assert report.quality.departure < EXACT
    g = haar(1, 3)[0]
    turned = attribute(network, molecule().transform(g), method=method, rotations=0)
    assert torch.allclose(turned.toward.values, report.toward.transform(g).values, atol=1e-12)
    if method == "integrated_gradients":
        assert torch.allclose(turned.pull.values, report.pull.transform(g).values, atol=1e-12)


def test_an_explanation_that_depends_on_the_frame_is_told() -> None:
    class Framed(Pairs):
        """Looks along x more than along y."""

        def forward(self, graph: Graph) -> dict[str, Field]:
            stretched = graph.edge_vectors * torch.tensor([1.0, 0.4, 0.4], dtype=torch.float64)
            return super().forward(graph.with_edge_vectors(stretched))

    report = attribute(Framed(), molecule())
    assert report.quality.equivariance < 0.999
    assert "Of the turned input the explanation is another one" in report.describe()


def test_the_origin_does_not_matter_for_edges_and_does_for_positions(network: EquivariantModel) -> None:
    structure, far = molecule(), molecule().transform(Translation(torch.tensor([5.0, 0, 0], dtype=torch.float64)))
    near, away = (attribute(network, x, rotations=0).shares.nodes for x in (structure, far))
    assert torch.allclose(near, away, atol=1e-12)
    found: list[torch.Tensor] = []
    for x in (structure, far):
        with pytest.warns(UserWarning, match="depends on where the origin of coordinates is"):
            found.append(attribute(network, x, to="positions", method="input_x_gradient", rotations=0).shares.nodes)
    assert not torch.allclose(*found, rtol=0.1)


def test_of_an_additive_game_all_complete_methods_say_the_same() -> None:
    model, structure = Pairs(), molecule(7, seed=2)
    graph = model.prepare(structure)
    lengths = graph.edge_vectors.norm(dim=1)
    expected = (1 - lengths / 3.0) ** 3
    for settings in ({"method": "shapley", "players": "bonds", "samples": 2}, {"method": "occlusion"}):
        edges = attribute(model, structure, **settings).shares.edges  # type: ignore[call-overload]
        assert torch.allclose(edges, expected, atol=1e-12)
    integrated = attribute(model, structure)
    assert torch.allclose(integrated.shares.edges, expected, atol=1e-9)  # type: ignore[arg-type]
    spins = structure.node["spin"].values.square().sum(1)
    assert torch.allclose(integrated.shares.parts["node.spin"], spins, atol=1e-12)
    by_irrep = integrated.by_irrep().set_index(["part", "irrep"])["score"]
    assert by_irrep["node.spin", "1e"] == pytest.approx(float(spins.sum()))
    whole = attribute(model, structure, method="ablation")  # an atom takes all its bonds away
    own = torch.zeros(7, dtype=torch.float64).index_add(0, graph.receivers, 2 * expected)
    assert torch.allclose(whole.shares.nodes, own, atol=1e-12)


def test_one_node_s_output_and_one_component(network: EquivariantModel) -> None:
    structure = molecule(12, length=1.6)
    report = attribute(network, structure, output="vector", at=3, rotations=1)
    assert report.asked == "norm of vector at node 3"
    assert report.shares.value == pytest.approx(float(network.predict(structure)["vector"].values[3].norm()))
    assert report.quality.departure < 1e-6  # a norm near zero is less smooth
    total = attribute(network, structure, output="vector", at="all", component=1, rotations=0)
    assert total.asked == "the sum of vector[1]"
    assert total.shares.value == pytest.approx(float(network.predict(structure)["vector"].values[:, 1].sum()))


def test_holograms_are_shared_out_by_degree() -> None:
    hcnn = family("hcnn")
    assert hcnn.example is not None
    model, x = hcnn.build(hcnn.small).eval(), hcnn.example(3, 0)
    report = attribute(model, x, component=3, at=0, rotations=1)
    assert report.quality.completeness < 1e-4  # float32
    assert report.quality.equivariance > 0.9999
    assert {"0e", "1o", "2e"} <= set(report.by_irrep()["irrep"])
    assert "row 0" in report.describe()
    with pytest.raises(AttributionError, match="has 20 components: say which, component=0 to component=19"):
        attribute(model, x, at=0)
    with pytest.raises(AttributionError, match="takes edges away, and this input, a Hologram, has none"):
        attribute(model, x, component=3, at=0, method="shapley")


def test_a_hard_edge_is_told() -> None:
    soft, hard = (attribute(model, molecule(), rotations=0) for model in (Pairs(), HardEdge()))
    assert soft.shares.edgeless == pytest.approx(soft.shares.baseline, abs=1e-12)
    assert "still count" not in soft.describe()
    edges = len(hard.shares.edges)  # type: ignore[arg-type]
    assert hard.shares.baseline - hard.shares.edgeless == pytest.approx(edges)
    assert "Neighbours at the cutoff still count" in hard.describe()


class Marked(EquivariantModel):
    """A network with a product on edges, and a readout after either layer; only marked senders send anything."""

    family = "marked"

    def __init__(self) -> None:
        super().__init__(None)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made = o3.FullyConnectedTensorProduct("1x0e", "1x0e+1x1o", "4x0e+2x1o", shared_weights=True)
        self.first = made.double()

    def prepare(self, structures: Structure | list[Structure]) -> Graph:  # type: ignore[override]
        return Graph.from_structures(structures, 3.0, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        vectors = graph.edge_vectors
        near = (1 - vectors.norm(dim=1, keepdim=True) / 3.0).clamp(min=0) ** 3
        marked = (graph.species == 1).to(near)[:, None]
        sent = self.first(marked[graph.senders], torch.cat([near, near * vectors], 1))
        heard = sent.new_zeros(len(graph), 10).index_add(0, graph.receivers, sent)
        energy = heard[:, :4].sum(1, keepdim=True) + marked  # the second term goes round the product
        return {"energy": Field(energy.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch, energy), "0e", "graph")}


def test_relevance_finds_who_sends_and_tells_what_goes_round() -> None:
    model, structure = Marked(), molecule(8, length=1.8)
    report = attribute(model, structure, method="relevance")
    graph = model.prepare(structure)
    sends = graph.species[graph.senders] == 1
    assert report.shares.edges is not None
    assert float(report.shares.edges[~sends].abs().max()) < 1e-15
    assert float(report.shares.edges[sends].abs().min()) > 1e-6
    # The messages are linear in what the energy reads of them, so that their relevance is all that they add.
    assert report.shares.sum == pytest.approx(report.shares.value - report.shares.baseline)
    assert report.shares.baseline == pytest.approx(4.0)  # the marked atoms themselves
    assert "The messages of first carry" in report.describe()


class TestPlayers:
    def test_bonds_pair_an_edge_with_its_reverse_also_through_the_boundary(self) -> None:
        graph = Graph.from_structures(molecule(5, cell=True), 3.0, dtype=torch.float64)
        bonds = Bonds.of(graph)
        assert bonds.count * 2 == graph.edge_index.shape[1]
        order = bonds.pair.argsort(stable=True).unflatten(0, (-1, 2))
        vectors = graph.edge_vectors[order]
        assert torch.allclose(vectors[:, 0], -vectors[:, 1])

    def test_without_an_atom_its_edges_are_gone(self) -> None:
        graph = Graph.from_structures(molecule(6), 3.0, dtype=torch.float64)
        present = torch.ones(1, 6, dtype=torch.bool)
        present[0, 2] = False
        kept = Atoms(graph).kept(present)[0]
        assert torch.equal(kept, (graph.edge_index != 2).all(0))

    def test_copies_are_as_good_as_separate_runs(self, network: EquivariantModel) -> None:
        graph = network.prepare(molecule(6, cell=True))
        kept = torch.rand(3, graph.edge_index.shape[1], generator=torch.Generator().manual_seed(0)) > 0.5
        many = record(network, copies(graph, 3, kept))["output.energy"].values
        for k in range(3):
            alone = replace(graph, edge_index=graph.edge_index[:, kept[k]], shifts=graph.shifts[kept[k]])
            assert torch.allclose(many[k], record(network, alone)["output.energy"].values[0], atol=1e-13)


class TestReport:
    def test_the_face(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule())
        frame = report.to_frame()
        assert set(frame["kind"]) == {"node", "edge", "irrep"}
        assert frame.query("kind == 'node'")["score"].sum() == pytest.approx(report.shares.sum)
        assert frame.query("kind == 'edge'")["length"].between(0, 3.0).all()
        assert report.nodes.support == "node"
        assert report.edges.support == "edge"
        assert len(report.figure().data[0].y) == 9
        page = report.to_html()
        assert isinstance(page, str)
        assert "What energy of" in page
        words = report.describe()
        assert words.startswith("By integrated gradients, energy = ")
        assert "the scores sum up to" in words

    def test_what_a_method_has_not(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(), method="ablation", rotations=0)
        with pytest.raises(AttributionError, match="Atoms were taken away as a whole"):
            _ = report.edges
        with pytest.raises(AttributionError, match="takes no gradients by edge vectors"):
            _ = report.pull
        assert "not meant to sum up" in report.describe()

    def test_seeds_are_compared_where_numbers_are_drawn(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(), method="smooth_gradient", samples=5)
        assert 0.9 < report.quality.stability < 1.0
        assert attribute(network, molecule()).quality.stability == 1.0

    def test_chance_and_modes_are_left_alone(self, network: EquivariantModel) -> None:
        network.train()
        state = torch.random.get_rng_state()
        attribute(network, molecule(), method="smooth_gradient", samples=2)
        assert torch.equal(state, torch.random.get_rng_state())
        assert network.training
        network.eval()
        assert all(parameter.grad is None for parameter in network.parameters())

    def test_the_same_twice(self, network: EquivariantModel) -> None:
        one, two = (attribute(network, molecule(), method="shapley", samples=3) for _ in range(2))
        assert np.array_equal(one.shares.nodes.numpy(), two.shares.nodes.numpy())


class TestRefusals:
    def test_questions_that_have_no_answer(self, network: EquivariantModel) -> None:
        asked = {
            "There is no output 'nonsense'; this model gives energy, vector, tensor": {"output": "nonsense"},
            "'vector' has 9 rows, one per node: say which, at=0 to at=8, or at='all'": {"output": "vector"},
            "Expected at= from 0 to 8": {"output": "vector", "at": 9},
            "Expected component= from 0 to 2": {"output": "vector", "at": 0, "component": 3},
            "Expected method= one of integrated_gradients": {"method": "guess"},
            "Expected to= one of edges, positions, stages, paths": {"to": "atoms"},
            "shared out by integrated_gradients or relevance, not by 'shapley'": {"to": "stages", "method": "shapley"},
        }
        for message, settings in asked.items():
            with pytest.raises(AttributionError, match=message.replace("(", r"\(")):
                attribute(network, molecule(), **settings)  # type: ignore[call-overload]

    def test_inputs_that_cannot_be_varied(self, network: EquivariantModel) -> None:
        with pytest.raises(AttributionError, match="No atom has a neighbour within 3 Å"):
            attribute(network, molecule(1))
        with pytest.raises(AttributionError, match="one structure at a time, got 2"):
            attribute(network, [molecule(3), molecule(4)])
        double = replace(molecule(2), positions=torch.zeros(2, 3, dtype=torch.float64))
        with pytest.raises(AttributionError, match="Two points are in one place"):
            attribute(Pairs(), double)

    def test_models_without_gradients(self) -> None:
        with pytest.raises(AttributionError, match="No gradient reaches the input of Deaf"):
            attribute(Deaf(), molecule())
        assert isinstance(attribute(Deaf(), molecule(), method="ablation"), Attribution)

    def test_efforts_that_are_none(self, network: EquivariantModel) -> None:
        for settings in ({"steps": 0}, {"samples": 0}, {"rotations": -1}):
            with pytest.raises(AttributionError, match="Expected at least one step, one sample"):
                attribute(network, molecule(), **settings)  # type: ignore[call-overload]
        with pytest.raises(AttributionError, match=r"Expected at= from 0 to 8 \(nodes\), got 1.5"):
            attribute(network, molecule(), output="vector", at=1.5)  # type: ignore[call-overload]

    def test_edges_cannot_be_asked_about_while_they_go(self) -> None:
        for method in ("occlusion", "shapley"):
            with pytest.raises(AttributionError, match="'terms' lives on edges"):
                attribute(OnEdges(), molecule(), at=0, method=method)
        assert attribute(OnEdges(), molecule(), at=0, rotations=0).shares.edges is not None

    def test_nothing_typed(self) -> None:
        with pytest.raises(Exception, match="neither a Stage nor a module with `irreps_out`"):
            attribute(nn.Linear(3, 3), molecule())

    def test_positions_have_no_path(self, network: EquivariantModel) -> None:
        with (
            pytest.warns(UserWarning, match="origin"),
            pytest.raises(AttributionError, match="no place where a point says nothing"),
        ):
            attribute(network, molecule(), to="positions")

    def test_products_are_wanted_for_relevance_of_edges(self) -> None:
        with pytest.raises(AttributionError, match=r"no product that runs once for each edge|reaches a stage"):
            attribute(Pairs(), molecule(), method="relevance")


def test_turning_by_an_inversion_is_fair_to_models_that_claim_so(network: EquivariantModel) -> None:
    report = attribute(network, molecule().transform(O3.inversion()), rotations=0)
    assert torch.allclose(report.shares.nodes, attribute(network, molecule(), rotations=0).shares.nodes, atol=1e-12)

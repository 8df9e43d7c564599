"""Is the missing irrep found where it is known, and does a network learn the target with it and not without?"""

from __future__ import annotations

import pytest
import torch
from e3nn import o3
from torch import Tensor, nn

from equiviz.explain.errors import SymmetryBreakingError
from equiviz.explain.symmetry_breaking.breaking import symmetry_breaking
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from equiviz.symmetry.harmonics import spherical_harmonics
from tests.explain.symmetry_breaking.shapes import RECTANGLE, SQUARE, octahedron, points
from tests.toy_networks import default_dtype, molecule, toy


def test_square_to_rectangle_needs_2e() -> None:
    """The task of the paper, figure 2."""
    report = symmetry_breaking(None, SQUARE, RECTANGLE)
    assert report.needed == ["2e"]
    assert (report.own.name, report.kept.name) == ("D4h", "D2h")
    # The stretch is half a square of x^2 - y^2: in e3nn's basis (xz, xy, 2y^2-x^2-z^2, yz, z^2-x^2) of no other mix.
    direction = report.order_parameter("2e").values[0]
    wanted = spherical_harmonics(2, torch.eye(3, dtype=torch.float64))[:2, 4:]
    wanted = (wanted[0] - wanted[1]) / (wanted[0] - wanted[1]).norm()
    assert abs(float(direction @ wanted)) == pytest.approx(1, abs=1e-10)
    assert "What is missing is 2e" in report.describe()


def test_rectangle_to_square_needs_nothing() -> None:
    report = symmetry_breaking(None, RECTANGLE, SQUARE)
    assert report.needed == []
    assert report.missing_share < 1e-20
    assert "needs nothing besides" in report.describe()
    with pytest.raises(SymmetryBreakingError, match="Nothing is missing"):
        report.lifted()


def test_octahedron_to_tetragonal_needs_2e_and_a_displaced_centre_1o() -> None:
    stretched = symmetry_breaking(None, octahedron(), octahedron(1.3))
    assert stretched.needed == ["2e"]
    displaced = symmetry_breaking(None, octahedron(), octahedron(1.0, (0, 0, 0.2)))
    assert displaced.needed == ["1o"]
    assert displaced.order_parameter().values[0].abs().tolist() == pytest.approx([0, 0, 1], abs=1e-9)
    shares = {str(carrier.irrep): carrier.share for carrier in displaced.carriers}
    assert shares["2e"] < 1e-12  # the control


def test_the_answer_does_not_depend_on_orientation() -> None:
    g = haar(1, 7)[0]
    report = symmetry_breaking(None, SQUARE.transform(g), RECTANGLE.transform(g))
    before = symmetry_breaking(None, SQUARE, RECTANGLE).order_parameter()
    assert report.needed == ["2e"]
    product = float(report.order_parameter().values[0] @ before.transform(g).values[0])
    assert abs(product) == pytest.approx(1, abs=1e-8)


def test_handedness_is_a_pseudoscalar() -> None:
    """A scalar on a flat square that changes sign in a mirror, as 0o does; rotations alone do not miss it."""
    twist = Field(torch.tensor([[0.4]], dtype=torch.float64), "0o", "graph")
    assert symmetry_breaking(None, SQUARE, twist).needed == ["0o"]


def test_several_irreps_where_one_is_not_enough() -> None:
    moved = octahedron(1.3, (0, 0, 0.2))
    assert symmetry_breaking(None, octahedron(), moved).needed == ["1o", "2e"]


def test_gradients_of_a_network_agree() -> None:
    report = symmetry_breaking(toy(), SQUARE, RECTANGLE)
    first = [p for p in report.pulls if p.place == "stage_layers.0" and p.spread == "one for all"]
    needed = {pull.irrep: pull.needed for pull in first}
    assert needed.pop("2e") > 1e6 * max(needed.values())
    assert all(pull.floor < 1e-12 for pull in report.pulls)
    assert "stage_layers.0, 2e" in report.describe()


def test_nothing_pulls_where_nothing_is_missing() -> None:
    report = symmetry_breaking(toy(), RECTANGLE, SQUARE)
    assert report.pulled() == [] == report.pulled("each node")


def test_a_model_that_breaks_symmetry_is_told() -> None:
    class Crooked(nn.Module):
        irreps_out = o3.Irreps("1x1o")

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))

        def forward(self, structure: Structure) -> Tensor:
            return structure.positions * self.weight

    report = symmetry_breaking(Crooked(), octahedron(), octahedron(1.3), output="output")
    assert report.model_breaks > 0.1
    assert "It is not equivariant" in report.describe()


class Ordered(EquivariantModel):
    """Vectors on nodes, from positions and an order parameter: two rounds of tensor products."""

    family = "ordered"

    def __init__(self, irreps: str) -> None:
        super().__init__(irreps)
        self.order = o3.Irreps(irreps)
        harmonics, hidden = o3.Irreps("0e+1o+2e"), o3.Irreps("2x0e+2x1o+2x1e+2x2e+2x2o")
        self.harmonics = harmonics
        self.first = o3.FullyConnectedTensorProduct(o3.Irreps("0e") + self.order, harmonics, hidden)
        self.second = o3.FullyConnectedTensorProduct(hidden, harmonics, o3.Irreps("1o"))
        self.stage = Stage(str(hidden))

    def prepare(self, structures: Structure | list[Structure]) -> Graph:
        return Graph.from_structures(structures, 5.0, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        order = graph.graph["order"].values[graph.batch]
        features = torch.cat([torch.ones_like(order[:, :1]), order], 1)
        sender, receiver = graph.edge_index
        vectors = graph.edge_vectors
        harmonics = o3.spherical_harmonics(self.harmonics, vectors, normalize=True) * vectors.norm(dim=1, keepdim=True)
        hidden = self.stage(self._gathered(self.first(features[sender], harmonics), receiver, len(features)))
        values = self._gathered(self.second(hidden[sender], harmonics), receiver, len(features))
        return {"shift": Field(values, "1x1o", "node")}

    @staticmethod
    def _gathered(messages: Tensor, receiver: Tensor, count: int) -> Tensor:
        return messages.new_zeros(count, messages.shape[1]).index_add(0, receiver, messages)


def ordered(irreps: str) -> Ordered:
    with default_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Ordered(irreps)


def trained_loss(model: Ordered, structure: Structure, target: Tensor) -> float:
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    graph = model.prepare([structure])
    loss = torch.tensor(0.0)
    for _ in range(100):
        optimiser.zero_grad()
        loss = (model(graph)["shift"].values - target).square().mean()
        loss.backward()
        optimiser.step()
    return float(loss.detach())


def test_lifted_with_the_needed_irrep_a_network_learns_and_with_another_it_does_not() -> None:
    report = symmetry_breaking(None, SQUARE, RECTANGLE)
    target = report.target.values
    out_of_reach = float(report.missing.values.square().mean())
    assert trained_loss(ordered("2e"), report.lifted(), target) < 1e-3 * out_of_reach
    for useless in ("1e", "2o"):
        learned = trained_loss(ordered(useless), report.lifted(irrep=useless), target)
        assert learned == pytest.approx(out_of_reach, rel=0.05)


def test_the_gradient_at_a_dummy_input_names_the_irrep() -> None:
    irreps = "1x1e+1x1o+1x2e+1x2o"
    report = symmetry_breaking(ordered(irreps), SQUARE, RECTANGLE, where="graph.order", irreps=irreps)
    pulled = [pull.irrep for pull in report.pulled() if pull.place == "graph.order"]
    assert pulled == ["2e"]


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        (molecule(4), {}, "same points in the same order"),
        (RECTANGLE, {"where": "order"}, "where='graph.<name>'"),
        (RECTANGLE, {"output": "nothing"}, "There is no output 'nothing'"),
        (Field(torch.zeros(3, 3), "1o", "node"), {}, "Expected a target on 4 nodes"),
        (Field(torch.full((4, 3), torch.nan), "1o", "node"), {}, "not finite"),
        (
            Field(torch.ones(4, 5), "2o", "node"),
            {},
            "Expected an output of 1x2o on nodes for this target, the model has none: it gives ",
        ),
        (RECTANGLE, {"where": "graph.order"}, "does not depend on 'graph.order'"),
    ],
)
def test_what_cannot_be_told_is_refused(target: Field | Structure, settings: dict[str, str], message: str) -> None:
    with pytest.raises(SymmetryBreakingError, match=message):
        symmetry_breaking(toy(), SQUARE, target, **settings)  # type: ignore[arg-type]


def test_the_face_of_the_report(tmp_path) -> None:  # type: ignore[no-untyped-def]
    report = symmetry_breaking(toy(), SQUARE, RECTANGLE)
    frame = report.to_frame()
    assert {"place", "irrep", "share_of_missing", "needed", "allowed", "floor"} <= set(frame.columns)
    assert "2e" in str(report.to_html())
    assert (report.save(tmp_path) / "words.txt").read_text().startswith("What the square lacks")


def test_a_line_keeps_no_direction_across() -> None:
    vector = Field(torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64), "1o", "graph")
    assert symmetry_breaking(None, points([[0.0, 0, -1], [0, 0, 1]]), vector).needed == ["1o"]

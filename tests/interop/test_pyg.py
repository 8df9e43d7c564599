"""PyTorch Geometric, the real package: modules built on its message passing, each with the signature that it needs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from equiviz.features.capture import capture
from equiviz.interop import InteropError, Tap, adapted, undisturbed
from equiviz.interop.pyg import PygModel, adapt
from equiviz.structures.graph import Graph
from equiviz.structures.neighbours import neighbours
from equiviz.structures.structure import Structure
from equiviz.symmetry.representations import O3Irreps
from tests.interop.contract import CUTOFF, DTYPES, crystal, molecule, quick_check
from tests.interop.one_environment import only_in

pytestmark = only_in("pyg")


class OurNeighbours(nn.Module):
    """What PyG's models call for edges: PyG's own needs compiled extras. Ours are one structure's, for tests."""

    def forward(self, pos: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        found = [(neighbours(pos[batch == b], CUTOFF), (batch == b).nonzero()[0]) for b in batch.unique()]
        edge_index = torch.cat([one.edge_index + start for one, start in found], 1)  # [2, E]
        return edge_index, (pos[edge_index[0]] - pos[edge_index[1]]).norm(dim=1)


def egnn(dtype: torch.dtype) -> nn.Module:
    """E(n)-equivariant network (Satorras et al., arXiv 2102.09844), on PyG's MessagePassing."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self, width: int) -> None:
            super().__init__(aggr="add")
            self.edge = nn.Sequential(nn.Linear(2 * width + 1, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
            self.weight = nn.Linear(width, 1)
            self.node = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))

        def forward(self, h: Tensor, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
            summed = self.propagate(edge_index, h=h, x=x)
            return h + self.node(torch.cat([h, summed[:, 3:]], 1)), x + summed[:, :3]

        def message(self, h_i: Tensor, h_j: Tensor, x_i: Tensor, x_j: Tensor) -> Tensor:
            d = x_i - x_j
            message = self.edge(torch.cat([h_i, h_j, d.square().sum(1, keepdim=True)], 1))
            return torch.cat([d * self.weight(message), message], 1)

    class Egnn(nn.Module):
        def __init__(self, width: int = 5) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, width)
            self.layers = nn.ModuleList(Layer(width) for _ in range(2))

        def forward(self, z: Tensor, pos: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
            h = self.embed(z)
            for layer in self.layers:
                h, pos = layer(h, pos, edge_index)
            return h, pos

    torch.manual_seed(0)
    return Egnn().to(dtype).eval()


def adapted_egnn(module: nn.Module) -> PygModel:
    stages = {
        f"layers.{layer}{name}": Tap(f"layers.{layer}", kind, part=part, name=f"layers.{layer}.{name}")
        for layer in range(2)
        for part, (name, kind) in enumerate([("features", "5x0e"), ("points", "position")])
    }
    return adapt(
        module,
        inputs={"z": "species", "pos": "positions", "edge_index": "edge_index"},
        outputs={"features": "5x0e", "points": "position"},
        stages=stages,
        cutoff=CUTOFF,
    )


def schnet(dtype: torch.dtype) -> nn.Module:
    from torch_geometric.nn.models import SchNet

    torch.manual_seed(0)
    model = SchNet(8, 8, num_interactions=2, num_gaussians=8, cutoff=CUTOFF, interaction_graph=OurNeighbours())
    return model.to(dtype).eval()


def adapted_schnet(module: nn.Module) -> PygModel:
    return adapt(
        module,
        inputs={"z": "species", "pos": "positions", "batch": "batch"},
        outputs={"energy": ("1x0e", "graph")},
        stages={"embedding": "8x0e", "interactions.0": "8x0e", "interactions.1": "8x0e"},
        forces="energy",
        cutoff=CUTOFF,
    )


class VisnetNeighbours(OurNeighbours):
    """The same with ViSNet's signature: edges, with one from each atom to itself, lengths and vectors."""

    def forward(self, pos: Tensor, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        edge_index, _ = super().forward(pos, batch)
        loops = torch.arange(len(pos)).expand(2, -1)
        edge_index = torch.cat([edge_index, loops], 1)
        vectors = pos[edge_index[0]] - pos[edge_index[1]]
        # A loop has length zero, whose square root has no derivative.
        moving = (edge_index[0] != edge_index[1])[:, None]
        lengths = torch.where(moving, vectors, torch.ones_like(vectors)).norm(dim=1) * moving[:, 0]
        return edge_index, lengths, vectors


def visnet(dtype: torch.dtype) -> nn.Module:
    from torch_geometric.nn.models import ViSNet

    torch.manual_seed(0)
    model = ViSNet(lmax=2, num_heads=2, num_layers=2, hidden_channels=8, num_rbf=4, cutoff=CUTOFF, derivative=True)
    model.representation_model.distance = VisnetNeighbours()
    return model.to(dtype).eval()


def adapted_visnet(module: nn.Module) -> PygModel:
    # Its l=2 harmonics are e3nn's in order; channels come last: the layout ir_mul, [N, 3 + 5, C].
    tensors = O3Irreps("8x1o+8x2e", "ir_mul")
    layer = "representation_model.vis_mp_layers.0"
    return adapt(
        module,
        inputs={"z": "species", "pos": "positions", "batch": "batch"},
        outputs={"energy": ("1x0e", "graph"), "forces": "1x1o"},
        stages={
            "scalars": Tap(layer, "8x0e", part=0, name=f"{layer}.scalars"),
            "tensors": Tap(layer, tensors, part=1, name=f"{layer}.tensors"),
        },
        cutoff=CUTOFF,
    )


CASES = {"egnn": (egnn, adapted_egnn), "schnet": (schnet, adapted_schnet), "visnet": (visnet, adapted_visnet)}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_molecule_turns_with_it(case: str, dtype: torch.dtype) -> None:
    build, wrap = CASES[case]
    report = quick_check(wrap(build(dtype)), molecule())
    assert report.passed, report.describe()
    assert report.informative


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_fault_is_named(dtype: torch.dtype) -> None:
    def shifted(_module: object, _inputs: object, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return output[0], output[1].relu()

    module = egnn(dtype)
    module.layers[0].register_forward_hook(shifted)  # type: ignore[index,union-attr]
    report = quick_check(adapted_egnn(module), molecule())
    assert report.first_broken == ("layers.0.points", "1o")


def test_visnet_tensors_break_where_they_are_cut() -> None:
    def cut(_module: object, _inputs: object, output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (output[0], output[1].relu(), *output[2:])

    module = visnet(torch.float64)
    module.representation_model.vis_mp_layers[0].register_forward_hook(cut)  # type: ignore[index,union-attr]
    report = quick_check(adapted_visnet(module), molecule())
    assert report.first_broken == ("representation_model.vis_mp_layers.0.tensors", "1o")


def test_periodic_edges_reach_a_module_that_takes_vectors() -> None:
    from torch_geometric.nn import MessagePassing

    class Pull(MessagePassing):
        """Sum over neighbours of the edge vector, weighted by its length."""

        def forward(self, edge_index: Tensor, edge_vec: Tensor) -> Tensor:
            return self.propagate(edge_index, edge_vec=edge_vec, size=None)

        def message(self, edge_vec: Tensor) -> Tensor:
            return edge_vec * (-edge_vec.square().sum(1, keepdim=True)).exp()

    model = adapt(
        Pull(aggr="add"),
        inputs={"edge_index": "edge_index", "edge_vec": "edge_vectors"},
        outputs={"pull": "1x1o"},
        cutoff=CUTOFF,
    )
    report = quick_check(model, crystal())
    assert report.passed, report.describe()
    assert report.informative


def test_it_computes_what_the_module_computes() -> None:
    module, structure = schnet(torch.float64), molecule()
    energy = module(structure.species, structure.positions, torch.zeros(5, dtype=torch.long))
    model = adapted_schnet(module)
    assert torch.equal(model(model.prepare(structure))["energy"].values, energy)


def test_data_goes_in_whole() -> None:
    class TakesData(nn.Module):
        def forward(self, data: Mapping[str, Tensor]) -> dict[str, Tensor]:
            received = torch.zeros_like(data["pos"]).index_add(0, data["edge_index"][1], data["edge_vec"])
            return {"pull": received, "count": torch.bincount(data["batch"]).to(received)}

    model = adapt(TakesData(), inputs="data", outputs={"pull": "1x1o", "count": ("1x0e", "graph")}, cutoff=CUTOFF)
    report = quick_check(model, molecule())
    assert report.passed, report.describe()


def test_the_module_is_left_as_found() -> None:
    module = egnn(torch.float64)
    before = [(name, len(part._forward_hooks)) for name, part in module.named_modules()]
    recorded = capture(adapted_egnn(module), molecule())
    assert [(name, len(part._forward_hooks)) for name, part in module.named_modules()] == before
    assert "layers.1.points" in recorded


def test_a_bare_module_asks_for_its_signature() -> None:
    from torch_geometric.nn import GCNConv

    with pytest.raises(InteropError, match=r"GCNConv is a PyG module, .* equiviz.interop.pyg.adapt\(module, inputs="):
        adapted(GCNConv(3, 3))


def test_nothing_global_changes() -> None:
    with undisturbed():
        module = egnn(torch.float32)
    before = (torch.get_default_dtype(), torch.get_rng_state().tolist(), torch.get_num_threads())
    quick_check(adapted_egnn(module), molecule())
    assert (torch.get_default_dtype(), torch.get_rng_state().tolist(), torch.get_num_threads()) == before


def test_structures_keep_their_attributes() -> None:
    class Follow(nn.Module):
        def forward(self, velocity: Tensor) -> Tensor:
            return 2 * velocity

    from equiviz.symmetry.field import Field

    moving = molecule().with_node("velocity", Field(torch.randn(5, 3, dtype=torch.float64), "1o"))
    model = adapt(Follow(), inputs=["node.velocity"], outputs={"twice": "1x1o"}, cutoff=CUTOFF)
    assert isinstance(model.prepare(moving), Graph)
    report = quick_check(model, moving)
    assert report.passed, report.describe()
    with pytest.raises(InteropError, match=r"no quantity 'node.velocity' .* positions, species, edge_index"):
        capture(model, Structure(moving.positions, moving.species))

"""Is a pruned model the ablated one, smaller where it can be, and honest where it cannot?"""

from __future__ import annotations

import functools

import pytest
import torch
from e3nn import o3
from torch import Tensor, nn

from equiviz.explain.interventions.ablate import ablate
from equiviz.explain.interventions.idle import idle
from equiviz.explain.interventions.prune_report import PruneReport
from equiviz.explain.interventions.pruned_model import PrunedProduct, without_paths
from equiviz.features.capture import capture
from equiviz.features.model_input import prepared
from equiviz.models.hcnn import SMALL, example
from equiviz.models.registry import build
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.product_paths import paths_of
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from tests.explain.interventions.known_network import KnownNetwork
from tests.toy_networks import default_dtype, molecule, toy

MOLECULES = [molecule(atoms=6, seed=seed) for seed in range(2)]


@functools.cache
def pruned_toy(by: str) -> PruneReport:
    return ablate(toy(), MOLECULES, by=by, how="zero", output="vector").prune()  # type: ignore[arg-type]


def test_what_nothing_reads_is_pruned() -> None:
    report = ablate(KnownNetwork(), MOLECULES, by="irrep", how="zero", output="norm").prune()
    assert set(report.removed) == {("features", "0e"), ("features", "2e"), ("partner", "1o")}
    assert report.joint[0] == 0
    assert report.masked == ["features", "partner"]
    assert "Masked, not smaller: features, partner" in report.describe()
    assert report.other_outputs == {"scalar": 1.0, "dot": 1.0, "energy": 1.0}  # all of each is gone, and said so
    assert not capture(report.pruned, MOLECULES[0])["features"]["2e"].any()


def test_pruned_paths_make_a_smaller_model_that_gives_the_same() -> None:
    report, model = pruned_toy("path"), toy()
    assert report.agrees
    assert report.disagreement < 1e-12
    assert report.rebuilt["layers.1.product"][1] < report.rebuilt["layers.1.product"][0]
    assert isinstance(report.pruned, EquivariantModel)
    before, after = model.predict(MOLECULES[1])["vector"], report.pruned.predict(MOLECULES[1])["vector"]
    change = (before.values - after.values).square().sum() / before.values.square().sum()
    assert change < 0.01
    assert report.idle_parameters is not None
    assert report.idle_parameters[1] > report.idle_parameters[0]
    g = haar(1, 0)[0]  # the pruned model is as equivariant as it was
    turned = report.pruned.predict(MOLECULES[1].transform(g))["vector"].values
    assert torch.allclose(turned, after.transform(g).values, rtol=1e-9, atol=1e-15)


def test_irreps_that_go_take_their_paths_along() -> None:
    """A masked irrep leaves paths that give exact zeros, or that nothing reads: those are not computed any more."""
    report = pruned_toy("irrep")
    assert report.agrees
    assert "stage_layers.0" in report.masked
    before, after = report.rebuilt["layers.1.gate.mul"]
    assert after < before
    gone = {part for stage, part in report.removed if stage == "stage_layers.1"}
    kept = {path.out for path in paths_of(report.pruned)["layers.1.gate.mul.product"].paths}
    assert "2e" in gone
    assert "2e" not in kept


def test_a_model_whose_parts_all_matter_is_left_whole() -> None:
    report = ablate(KnownNetwork(), MOLECULES, by="stage", how="zero", output="dot").prune()
    assert report.removed == []
    assert report.describe().startswith("Nothing is pruned")
    assert report.disagreement == 0


class Redundant(KnownNetwork):
    """The l = 0 and the |l = 2| part both tell the output, either alone as well as both."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        vectors = graph.edge_vectors
        harmonics = o3.spherical_harmonics("1x0e+1x1o+1x2e", vectors, True, "component").to(vectors)
        features = self.features(self._summed(harmonics, graph))
        there = (features[:, :1].abs() > 1e-9) | (features[:, 4:].norm(dim=1, keepdim=True) > 1e-9)
        return {"either": Field(there.to(vectors) * self._summed(vectors, graph).norm(dim=1, keepdim=True), "1x0e")}


def test_what_stands_in_for_each_other_does_not_go_together() -> None:
    report = ablate(Redundant(), MOLECULES, by="irrep", how="zero", output="either", stages=["features"])
    assert {score.part for score in report.unused()} == {"0e", "1o", "2e"}  # one at a time none is missed
    pruned = report.prune()
    assert not {("features", "0e"), ("features", "2e")} <= set(pruned.removed)  # together they are
    assert "stand in for each other" in pruned.describe()


@pytest.mark.parametrize("by", ["irrep", "path"])
def test_blocks_that_are_not_of_e3nn_are_masked_and_said_to_be(by: str) -> None:
    model = build("hcnn", SMALL)
    report = ablate(model, example(8, 0), by=by, how="zero").prune(0.2)  # type: ignore[arg-type]
    assert report.removed
    assert report.rebuilt == {}
    assert report.disagreement < 1e-5
    assert report.parameters[0] == report.parameters[1]
    assert "which saves no time" in report.describe()


WEIGHTS = {"internal": {}, "shared": {"internal_weights": False}, "batched": {"shared_weights": False}}


@pytest.mark.parametrize("weights", sorted(WEIGHTS))
def test_a_rebuilt_product(weights: str) -> None:
    """As the original with the other paths closed; with fewer parameters where it holds its own."""
    paths = [(0, 0, 0, "uvw", True), (1, 1, 1, "uuu", False)]
    with default_dtype(torch.float64):
        product = o3.TensorProduct("2x0e+3x1o", "2x1o+3x1o", "2x1o+3x1e", paths, **WEIGHTS[weights])
    x, y = torch.randn(5, 11, dtype=torch.float64), torch.randn(5, 15, dtype=torch.float64)
    shape = {"internal": None, "shared": (product.weight_numel,), "batched": (5, product.weight_numel)}[weights]
    handed = [] if shape is None else [torch.randn(shape, dtype=torch.float64)]
    one = paths_of(product)[""]
    for kept in ([0], [1], []):
        smaller = PrunedProduct(one, kept)
        expected = one.restricted(kept, x, y, *handed)
        assert torch.allclose(smaller(x, y, *handed), expected, rtol=1e-12, atol=1e-13)  # type: ignore[arg-type]
        if weights == "internal":
            assert sum(p.numel() for p in smaller.parameters()) == sum(one.paths[place].weights for place in kept)


def test_a_square_keeps_its_one_argument() -> None:
    with default_dtype(torch.float64):
        product = o3.TensorSquare("2x0e+1o", "2x0e+2e")
    x = torch.randn(4, 5, dtype=torch.float64)
    one = paths_of(product)[""]
    made, rebuilt = without_paths(product, {"": [0]})
    assert rebuilt == {"": (len(one.paths), len(one.paths) - 1)}
    assert torch.allclose(made(x), one.restricted(range(1, len(one.paths)), x), rtol=1e-12, atol=1e-13)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook:FutureWarning")
@pytest.mark.parametrize("full", [True, False])
def test_hooks_of_a_rebuilt_product_go_along_as_they_were_registered(full: bool) -> None:
    with default_dtype(torch.float64):
        product = o3.TensorProduct("2x0e", "2x0e", "2x0e", [(0, 0, 0, "uuu", True), (0, 0, 0, "uuu", False)])
    called: list[str] = []
    product.register_forward_hook(lambda _, inputs, named, output: called.append(f"{sorted(named)}"), with_kwargs=True)
    product.register_forward_hook(lambda *_: called.append("plain"))
    product.register_forward_hook(lambda *_: called.append("always"), always_call=True)
    product.register_forward_pre_hook(lambda _, inputs: (2 * inputs[0],))
    product.register_forward_pre_hook(lambda _, inputs, named: (inputs, {"y": -named["y"]}), with_kwargs=True)
    product.register_full_backward_pre_hook(lambda *_: called.append("before gradients"))
    hook = product.register_full_backward_hook if full else product.register_backward_hook
    hook(lambda *_: called.append("gradients"))
    bare = PrunedProduct(paths_of(product)[""], [0])
    made, _ = without_paths(product, {"": [1]})
    x, y = torch.randn(2, 3, 2, dtype=torch.float64)
    x.requires_grad_()
    assert torch.allclose(made(x, y=y), bare(2 * x, -y))
    made(x, y=y).sum().backward()
    assert called == [*2 * ["['y']", "plain", "always"], "before gradients", "gradients"]
    with pytest.raises(TypeError):
        made(x, y=None)
    assert called[-2:] == ["gradients", "always"]


class Products(nn.Module):
    """A plain module of e3nn's, with weights of its own: what a pruning really saves."""

    def __init__(self) -> None:
        super().__init__()
        self.product = o3.FullyConnectedTensorProduct("16x0e+16x1o+16x2e", "1x0e+1x1o+1x2e", "16x0e+16x1o+16x2e")
        self.read = o3.Linear("16x0e+16x1o+16x2e", "4x0e")

    def forward(self, features: Tensor, vectors: Tensor) -> Tensor:
        harmonics = o3.spherical_harmonics("1x0e+1x1o+1x2e", vectors, True)
        return self.read(self.product(features, harmonics))


def test_a_plain_module_holds_fewer_parameters() -> None:
    from equiviz.nn.declared_function import DeclaredFunction

    with default_dtype(torch.float64), torch.random.fork_rng():
        torch.manual_seed(0)
        model = DeclaredFunction(Products(), "4x0e per node")
        x = TypedTensors.make(
            {"features": torch.randn(20, 144), "vectors": torch.randn(20, 3)},
            {"features": "16x0e+16x1o+16x2e", "vectors": "1o"},
        )
    report = ablate(model, x, by="path", how="zero").prune()
    assert report.agrees
    assert report.parameters[1] < 0.5 * report.parameters[0]  # paths to l = 1 and l = 2 are read by nothing
    assert not any(path.out != "0e" for path in next(iter(paths_of(report.pruned).values())).paths)


def test_idle_is_exact_zero() -> None:
    """Scalar, vector and even tensor of the last layer are read; nothing reads 1e and 2o."""
    model = toy()
    found = idle(model, [prepared(model, MOLECULES[0])])
    paths = paths_of(model)["layers.1.gate.mul"].paths
    assert {paths[place].out for place in found.paths["layers.1.gate.mul"]} == {"1e", "2o"}


class Forward(torch.autograd.Function):
    """A step of which nobody wrote the derivative."""

    @staticmethod
    def forward(_context: object, values: Tensor) -> Tensor:
        return values.clone()


class Odd(nn.Module):
    """One number of the positions, made in a way that may not suit autograd."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.weight = nn.Parameter(torch.ones(3, dtype=torch.float64))

    def forward(self, graph: Graph) -> dict[str, Field]:
        values = (graph.positions * self.weight).sum().reshape(1, 1)
        if self.way == "detached":
            values = values.detach()
        if self.way == "overwrites itself":
            self.weight.mul_(1.0)
        if self.way == "overwrites a step":
            roots = values.exp()
            values = roots.sin() + roots.mul_(2)
        if self.way == "without derivative":
            values = Forward.apply(values)
        if self.way == "broken":
            values = values @ torch.ones(2, 2, dtype=torch.float64)
        return {"value": Field(values, "1x0e", "graph")}


@pytest.mark.parametrize("way", ["detached", "overwrites itself", "overwrites a step", "without derivative"])
def test_where_nothing_can_be_differentiated_nothing_counts_as_idle(way: str) -> None:
    found = idle(Odd(way), [prepared(toy(), MOLECULES[0])])
    assert not found.known
    assert (found.paths, found.parameters) == ({}, 0)


def test_a_model_that_fails_is_not_called_idle() -> None:
    taken = prepared(toy(), MOLECULES[0])
    assert idle(Odd("as it should"), [taken]).known  # the control
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        idle(Odd("broken"), [taken])


def test_faces() -> None:
    report = pruned_toy("path")
    frame = report.to_frame()
    assert list(frame["quantity"])[:2] == ["parameters", "forward_ms"]
    assert len(report.figure().data[0]["x"]) == len(frame)
    assert "Control: the pruned model gives what the model gives with these parts set to zero" in str(report.to_html())

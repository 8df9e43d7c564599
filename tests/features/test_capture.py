"""Does a capture hold every typed tensor, in order, typed rightly, and leave the model as it was?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from equiviz.features.capture import capture
from equiviz.features.errors import CaptureError
from equiviz.nn.stage import Stage
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3
from tests.toy_networks import Declared, molecule, toy

FULL = {"velocity": True, "spin": True}


class Small(nn.Module):
    """One stage on plain positions; `act` runs in the forward."""

    def __init__(self, irreps: str = "1x1o", act: object = None) -> None:
        super().__init__()
        self.stage, self.act, self.weight = Stage(irreps), act, nn.Parameter(torch.ones(()))

    def forward(self, structure: Structure) -> Tensor:
        values = self.stage(structure.positions * self.weight)
        if callable(self.act):
            self.act(values)
        return values


def test_all_stages_are_recorded_in_the_order_of_the_forward_pass() -> None:
    recorded = capture(toy(**FULL), molecule())
    assert list(recorded) == [
        "stage_harmonics",
        "stage_inputs",
        "stage_layers.0",
        "stage_layers.1",
        "output.energy",
        "output.vector",
        "output.tensor",
    ]
    assert recorded["stage_harmonics"].support == "edge"
    assert recorded["output.energy"].support == "graph"
    assert str(recorded["stage_layers.1"].representation) == "3x0e+3x1o+3x1e+3x2o+3x2e"


def test_what_is_recorded_is_what_the_network_computes() -> None:
    network, x = toy(), molecule()
    outputs = network(network.prepare(x))
    recorded = capture(network, x)
    assert torch.equal(recorded["output.vector"].values, outputs["vector"].values)
    assert torch.equal(recorded["output.tensor"].values, network.tensor(recorded["stage_layers.1"].values))


def test_a_structure_a_list_and_a_graph_give_the_same_record() -> None:
    network, x = toy(), molecule()
    alone = capture(network, x)
    for other in ([x], network.prepare(x)):
        assert torch.equal(capture(network, other)["stage_layers.1"].values, alone["stage_layers.1"].values)


def test_e3nn_modules_are_typed_by_their_declarations() -> None:
    network = toy()
    recorded = capture(Declared(network), network.prepare(molecule()))
    assert recorded["layers.0.product"].support == "edge"
    assert recorded["layers.0.gate"].support == "node"
    assert str(recorded["layers.1.gate"].representation) == "3x0e+3x1o+3x1e+3x2o+3x2e"
    whole = capture(network, molecule())
    torch.testing.assert_close(recorded["layers.0.gate"].values, whole["stage_layers.0"].values, rtol=1e-12, atol=1e-15)


def test_an_ambiguous_support_is_refused_and_can_be_stated() -> None:
    network = toy()
    pair = network.prepare(molecule(2))  # two atoms, two edges
    with pytest.raises(CaptureError, match=r"'layers.0.product' gives 2 rows, .* as many nodes as edges.*supports="):
        capture(Declared(network), pair)
    supports = {"layers.0.product": "edge", "layers.1.product": "edge"}
    names = [name for name, _ in network.layers.named_modules(prefix="layers") if "gate" in name or "mix" in name]
    stated = supports | dict.fromkeys([*names, "vector"], "node")
    assert capture(Declared(network), pair, supports=stated)["layers.0.product"].support == "edge"  # type: ignore[arg-type]


def test_a_module_that_cannot_be_typed_is_left_out_with_the_reason() -> None:
    class Pooled(nn.Module):
        irreps_out = "1x0e"

        def forward(self, x: Tensor) -> Tensor:
            return x.norm(dim=1)

    class Net(nn.Module):
        irreps_out = "1x1o"

        def __init__(self) -> None:
            super().__init__()
            self.pooled = Pooled()

        def forward(self, structure: Structure) -> Tensor:
            return structure.positions * self.pooled(structure.positions)[:, None]

    recorded = capture(Net(), molecule())
    assert list(recorded) == ["output"]
    assert "shape (9,), while its irreps_out have dimension 1" in recorded.skipped["pooled"]
    assert "pooled was left out" in recorded.describe()


def test_detached_records_are_copies_that_later_work_in_place_cannot_change() -> None:
    recorded = capture(Small(act=lambda values: values.detach().zero_()), molecule())
    assert torch.equal(recorded["stage"].values, molecule().positions)
    assert not recorded["stage"].values.requires_grad


def test_gradients_flow_through_a_record_that_keeps_its_graph() -> None:
    recorded = capture(toy(), molecule(), detach=False)
    energy, features = recorded["output.energy"].values, recorded["stage_layers.0"].values
    (gradient,) = torch.autograd.grad(energy.sum(), features)
    assert gradient.shape == features.shape
    assert float(gradient.abs().max()) > 0


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was_even_when_its_forward_raises(fails: bool) -> None:
    def disturb(_: Tensor) -> None:
        model.stage.train(False)
        model.weight.requires_grad_(False)
        model.weight.grad = None
        model.count += 1
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        if fails:
            raise ValueError("in the forward")

    model = Small(act=disturb).train()
    model.register_buffer("count", torch.zeros(()))
    gradient = model.weight.grad = torch.ones(())
    try:
        capture(model, molecule())
    except ValueError:
        assert fails
    assert model.stage.training
    assert model.weight.requires_grad
    assert model.weight.grad is gradient
    assert float(model.count) == 0
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert not any(module._forward_hooks for module in model.modules())


def test_a_stage_that_is_passed_twice_is_recorded_twice() -> None:
    model = Small()
    model.act = model.stage
    assert list(capture(model, molecule())) == ["stage", "stage#2"]


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (nn.Identity(), molecule(), "Identity has neither a Stage nor a module with `irreps_out`"),
        (Small("2x1o"), molecule(), r"Stage 'stage': This stage declares 2x1o: 6 numbers per node.*shape \(9, 3\)"),
        (Small(), 7, r"Expected a Structure, ase.Atoms, a PyG Data or the path.*or a Graph, got int; .*from_dict"),
        (Small(), [molecule(), None], "a list of those, or a Graph, got list with a NoneType"),
        (Small(), [], "Expected at least one structure, got an empty list"),
        (torch.relu, molecule(), "Expected a torch.nn.Module with typed stages, got builtin"),
    ],
)
def test_what_cannot_be_captured_is_refused_with_advice(model: nn.Module, x: Structure, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        capture(model, x)


def test_a_stage_that_is_never_called_is_told() -> None:
    model = Small()
    model.forgotten = Stage("4x0e")
    recorded = capture(model, molecule())
    assert list(recorded) == ["stage"]
    assert "forgotten was left out: it is declared, but no tensor passed through it" in recorded.describe()


def test_an_unknown_stage_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="no stage 'layer7'; this capture holds stage"):
        capture(Small(), molecule())["layer7"]


def test_the_table_measures_norms_and_shares() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x0e+1x1o")

        def forward(self, structure: Structure) -> Tensor:
            count = len(structure)
            return self.stage(torch.tensor([[2.0, 0.0, 0.0, 1.0]]).expand(count, 4))

    frame = capture(Two(), molecule()).to_frame().set_index("irrep")
    assert frame.loc["0e", "rms_norm"] == pytest.approx(2)
    assert frame.loc["1o", "share"] == pytest.approx(1 / 5)
    assert frame.loc["1o", "shape"] == (9, 4)


def test_the_report_draws_and_speaks() -> None:
    recorded = capture(toy(**FULL), molecule())
    assert list(recorded.figure().data[0].y) == list(recorded)
    assert "stage_inputs: 2x0e+1x1o+1x1e on 9 nodes" in recorded.describe()
    assert "ToyNetwork" in str(recorded.to_html())


def test_fields_of_a_record_turn_with_the_input() -> None:
    network, g = toy(**FULL), O3.from_euler(0.3, 1.1, -0.7)
    turned = capture(network, molecule().transform(g))
    for name, field in capture(network, molecule()).items():
        torch.testing.assert_close(turned[name].values, field.transform(g).values, rtol=1e-9, atol=1e-12)

"""Is the average equivariant, is its standard deviation that of theory, and do gradients flow?"""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.symmetrize import SymmetrizedModel, symmetrize
from equiviz.features.capture import capture
from equiviz.nn.declared_function import declared
from equiviz.nn.errors import ModelError
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.errors import BandLimitError
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.quadrature import quadrature
from tests.equivariance.spoiled_networks import on_block, spoiled
from tests.toy_networks import ToyNetwork, molecule, toy

ROUNDING = 1e-12
"""What `check` allows in float64."""


TILT = 1e-4
"""About the length of the toy network's vectors, so that averages are no differences of near numbers."""


class Tilted(ToyNetwork):
    """The toy network with a vector fixed in space added to its vectors, and a height squared to its energy."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        out = super().forward(graph)
        centre = graph.positions.new_zeros(graph.n_graphs, 3).index_add(0, graph.batch, graph.positions)
        arms = graph.positions - (centre / graph.sizes[:, None])[graph.batch]
        height = graph.positions.new_zeros(graph.n_graphs).index_add(0, graph.batch, arms[:, 2] ** 2)
        up = graph.positions.new_tensor([0.0, 0.0, TILT])
        energy, vector = out["energy"], out["vector"]
        return {
            "energy": energy.with_values(energy.values + height[:, None]),
            "vector": vector.with_values(vector.values + up),
            "tensor": out["tensor"],
        }


def tilted() -> Tilted:
    network = toy(velocity=True)
    network.__class__ = Tilted
    return network  # type: ignore[return-value]


def output(model: nn.Module, x: object, name: str) -> Tensor:
    return model(model.prepare(x))[name].values  # type: ignore[operator]


def test_an_exact_model_stays_what_it_is_with_deviation_zero() -> None:
    network, x = toy(velocity=True, spin=True), [molecule(3), molecule(4, seed=1)]
    model = symmetrize(network)
    before, after = network(network.prepare(x)), model(model.prepare(x))
    assert set(after) == {*before, *(f"{name}_rot_std" for name in before)}
    for name, item in before.items():
        torch.testing.assert_close(after[name].values, item.values, rtol=ROUNDING, atol=ROUNDING)
        deviation = after[f"{name}_rot_std"]
        assert str(deviation.representation) == "1x0e"
        assert deviation.support == item.support
        assert len(deviation) == len(item)
        assert float(deviation.values.detach().max()) < 1e-14


def test_a_broken_model_becomes_exact_up_to_the_band_limit() -> None:
    network, x = tilted(), molecule(3)
    assert not check(network, x, elements=2, wide=0).passed
    report = check(symmetrize(network, 4), x, elements=2, wide=0)
    assert report.passed, report.describe()
    assert "symmetrized Tilted" in report.describe()


def test_the_deviation_is_that_of_theory() -> None:
    network, x = tilted(), molecule(4)
    model = symmetrize(network, 4)
    # A fixed vector is all that varies, so its length is the deviation.
    deviations = output(model, x, "vector_rot_std")
    torch.testing.assert_close(deviations, torch.full((4, 1), TILT, dtype=torch.float64), rtol=1e-10, atol=0)
    # The mean of (r . z)^2 is r^2 / 3; that of sum_ij (r_i . z)^2 (r_j . z)^2 follows from <z z z z>.
    arms = x.positions - x.positions.mean(0)
    inertia = arms.T @ arms
    mean, square = inertia.trace() / 3, (inertia.trace() ** 2 + 2 * inertia.square().sum()) / 15
    expected = (square - mean**2).sqrt()
    torch.testing.assert_close(output(model, x, "energy_rot_std")[0, 0], expected, rtol=1e-10, atol=0)
    torch.testing.assert_close(
        output(model, x, "energy"), output(toy(velocity=True), x, "energy") + mean, rtol=1e-10, atol=0
    )


def test_what_lies_beyond_the_band_limit_shrinks_as_it_grows() -> None:
    network, x = spoiled(on_block("1o", torch.relu)).eval(), molecule(4)
    turn = haar(1, 5, "SO(3)")[0]
    errors: list[Tensor] = []
    for limit in (2, 4, 8):
        model = symmetrize(network, limit)
        with torch.no_grad():
            before, after = (output(model, item, "vector") for item in (x, x.transform(turn)))
        errors.append((after - before @ turn.matrix.T).norm() / before.norm())
    assert errors[0] > 3 * errors[1]
    assert errors[1] > 3 * errors[2]


def test_copies_one_by_one_give_the_same() -> None:
    network, x = tilted(), molecule(4)
    together, alone = symmetrize(network, 2), symmetrize(network, 2, batch=1)
    for name, item in together(together.prepare(x)).items():
        torch.testing.assert_close(alone(alone.prepare(x))[name].values, item.values, rtol=ROUNDING, atol=ROUNDING)


def test_gradients_flow_to_positions_and_weights() -> None:
    model, x = symmetrize(tilted(), 2), molecule(4)
    graph = model.prepare(x)

    def energies(positions: Tensor) -> Tensor:
        out = model(replace(graph, positions=positions))
        return torch.cat([out["energy"].values, out["energy_rot_std"].values])

    positions = graph.positions.clone().requires_grad_()
    assert torch.autograd.gradcheck(energies, positions, fast_mode=True)
    (forces,) = torch.autograd.grad(energies(positions)[0, 0], positions)
    turned = O3.rotation((1.0, 2.0, 3.0), 0.7)
    after = graph.transform(turned)
    again = after.positions.requires_grad_()
    (other,) = torch.autograd.grad(model(replace(after, positions=again))["energy"].values.sum(), again)
    torch.testing.assert_close(other, forces @ turned.matrix.T, rtol=1e-9, atol=1e-10)
    energies(graph.positions).sum().backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_the_deviation_of_an_exact_model_has_finite_gradients() -> None:
    network = declared(lambda points: (points[0] - points[1]).square().sum() * 0 + 1, "1x0e", "graph")
    points = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    out = symmetrize(network, 2)(TypedTensors.make({"points": points}, {"points": "position"}))
    out["output_rot_std"].values.sum().backward()
    assert points.grad is not None
    assert bool(points.grad.isfinite().all())


def test_a_function_of_tensors_is_averaged_too() -> None:
    points = torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = TypedTensors.make({"points": points}, {"points": "position"})
    broken = declared(lambda points: {"arm": points[1] - points[0] + 0.3}, {"arm": "1x1o"}, "graph")
    model = symmetrize(broken, 2)
    out = model(x)
    torch.testing.assert_close(out["arm"].values[0], points[1] - points[0], rtol=1e-12, atol=1e-13)
    assert float(out["arm_rot_std"].values) == pytest.approx(0.3 * 3**0.5, rel=1e-12)
    assert not check(broken, x, elements=2, wide=0).groups["rotation"].passed
    assert check(model, x, elements=2, wide=0).groups["rotation"].passed


def test_only_outputs_are_shown() -> None:
    model = symmetrize(toy(), 0)
    assert all(name.startswith("output.") for name in capture(model, molecule(3)))


@pytest.mark.parametrize(
    ("claimed", "group", "expected"),
    [
        ("E(3)", "SO(3)", "E(3)"),
        ("T(3)", "O(3)", "E(3)"),
        ("SE(3)", "SO(3)", "SE(3)"),
        ("none", "O(3)", "O(3)"),
        ("none", "SO(3)", "SO(3)"),
    ],
)
def test_it_claims_the_group_and_what_the_model_claims_beyond(claimed: str, group: str, expected: str) -> None:
    network = toy()
    network.group = claimed  # type: ignore[misc]
    assert symmetrize(network, 0, group).group == expected  # type: ignore[arg-type]


def test_it_copies_saves_and_renews_like_any_model() -> None:
    network, x = tilted(), molecule(3)
    model = symmetrize(network, 0)
    assert isinstance(model, SymmetrizedModel)
    twin = copy.deepcopy(model)
    twin.load_state_dict(model.state_dict())
    assert torch.equal(output(twin, x, "energy"), output(model, x, "energy"))
    assert type(model.fresh()) is SymmetrizedModel
    assert not model.training
    assert set(model.state_dict()) == {f"model.{name}" for name in network.state_dict()}


def test_single_precision_stays_single() -> None:
    out = symmetrize(toy(torch.float32), 0)
    found = out(out.prepare(molecule(3)))
    assert {item.values.dtype for item in found.values()} == {torch.float32}


def test_numbers_that_are_not_finite_stay_so() -> None:
    network = declared(lambda points: points.sum() * torch.nan, "1x0e", "graph")
    out = symmetrize(network, 0)(TypedTensors.make({"points": torch.ones(2, 3)}, {"points": "position"}))
    assert all(bool(item.values.isnan().all()) for item in out.values())


def test_a_module_without_types_is_refused_with_what_to_do() -> None:
    with pytest.raises(ModelError, match="say what it takes and returns"):
        symmetrize(nn.Linear(3, 1))
    with pytest.raises(BandLimitError):
        symmetrize(toy(), -1)


def test_at_band_limit_three_the_rule_is_the_group_of_the_cube() -> None:
    turns = quadrature(3).matrices
    products = torch.einsum("aij,bjk->abik", turns, turns).flatten(0, 1)
    assert len(products.round().unique(dim=0)) == len(turns) == 24


def test_functions_are_declared_as_in_the_other_verbs() -> None:
    def tilted_length(x: Tensor) -> Tensor:
        return (x.square() * x.new_tensor([1.0, 2.0, 3.0])).sum(1, keepdim=True)

    x = torch.randn(5, 3, dtype=torch.float64)
    average = symmetrize(tilted_length, inputs="1o", outputs="1x0e", per="node")
    assert torch.allclose(average(x)["output"].values, 2 * x.square().sum(1, keepdim=True))
    typed = TypedTensors.make(x, "1o")
    assert check(average, typed, wide=5).passed
    assert torch.equal(symmetrize(tilted_length, outputs="1x0e")(typed)["output"].values, average(x)["output"].values)
    with pytest.raises(ModelError, match="Say what the tensors of symmetrized tilted_length carry"):
        symmetrize(tilted_length, outputs="1x0e")(x)

"""Can any function be checked, once its tensors say what they are?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from e3nn import nn as e3nn_nn
from e3nn import o3
from torch import Tensor, nn

import equiviz
from equiviz.equivariance.check import assert_equivariant, check
from equiviz.equivariance.errors import CheckError, NotEquivariant
from equiviz.equivariance.lie_derivative import lie_derivative
from equiviz.nn.errors import ModelError
from equiviz.structures.errors import StructureError
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.groups import O3, Permutation, Translation
from tests.toy_networks import default_dtype


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dipole(tensors: dict[str, Tensor]) -> Tensor:
    """The charges times the positions about their centre: a vector for the whole."""
    arms = tensors["positions"] - tensors["positions"].mean(0)
    return (tensors["charges"][:, None] * arms).sum(0)


def test_one_tensor_in_one_out() -> None:
    with default_dtype(torch.float64):
        linear = o3.Linear("8x0e+4x1o", "1x0e+1o")
    report = check(linear, random(10, 20), inputs="8x0e+4x1o", outputs="1x0e+1o")
    assert report.passed, report.describe()
    assert report.stages == ["output"]
    assert report.model == "Linear"


def test_a_function_of_a_dict() -> None:
    x = {"positions": random(6, 3), "charges": random(6, seed=1)}
    types = {"positions": "position", "charges": "0e"}
    report = check(dipole, x, inputs=types, outputs="1o")
    assert report.passed, report.describe()
    assert report.groups["translation"].passed
    assert report.groups["permutation"].passed
    assert not check(lambda t: dipole({**t, "positions": t["positions"] ** 3}), x, inputs=types, outputs="1o").passed


def test_positions_alone_are_moved_by_translations() -> None:
    x = {"positions": random(6, 3), "charges": random(6, seed=1)}
    types = {"positions": "position", "charges": "0e"}
    report = check(lambda t: (t["charges"][:, None] * t["positions"]).sum(0), x, inputs=types, outputs="1o")
    assert report.first_broken == ("output", "1o")
    assert report.diagnoses[0].code == "centre-dependence"
    assert report.groups["rotation"].passed


def test_outputs_may_be_a_dict_and_arguments_may_have_names() -> None:
    def energies(positions: Tensor, edge_index: Tensor) -> dict[str, Tensor]:
        arms = positions[edge_index[0]] - positions[edge_index[1]]
        return {
            "energy": arms.square().sum(),
            "arms": arms,
            "sums": torch.zeros_like(positions).index_add(0, edge_index[1], arms),
        }

    edges = torch.tensor([[0, 1, 2, 3, 0], [1, 2, 3, 4, 2]])
    x = {"positions": random(6, 3), "edge_index": edges}
    outputs = {"energy": "0e", "arms": "1o", "sums": "1o"}
    report = check(energies, x, inputs={"positions": "position", "edge_index": "index"}, outputs=outputs)
    assert report.passed, report.describe()
    assert report.stages == ["output.energy", "output.arms", "output.sums"]
    assert [f.support for f in report.findings if f.group == "rotation"] == ["graph", "edge", "node"]


def test_the_parts_of_a_module_are_its_stages() -> None:
    with default_dtype(torch.float64):
        first, second = o3.Linear("4x1o", "4x1o"), o3.Linear("4x1o", "2x1o")

    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = first, second

        def forward(self, x: Tensor) -> Tensor:
            return self.second(torch.relu(self.first(x)))

    report = check(Broken(), random(7, 12), inputs="4x1o", outputs="2x1o")
    assert report.stages == ["first", "second", "output"]
    assert report.first_broken == ("second", "1o")
    assert report.diagnoses[0].code == "pointwise-nonlinearity"


MODULES = {
    "linear": lambda: (o3.Linear("3x0e+2x1o+2x2e", "2x0e+1x1o+1x2e"), "3x0e+2x1o+2x2e", "2x0e+1x1o+1x2e"),
    "gate": lambda: (_gate(), str(_gate().irreps_in), str(_gate().irreps_out)),
    "batch norm": lambda: (e3nn_nn.BatchNorm("3x0e+2x1o").eval(), "3x0e+2x1o", "3x0e+2x1o"),
    "norm activation": lambda: (e3nn_nn.NormActivation("3x0e+2x1o", torch.sigmoid), "3x0e+2x1o", "3x0e+2x1o"),
    "norm": lambda: (o3.Norm("3x0e+2x1o+1x2e"), "3x0e+2x1o+1x2e", "6x0e"),
    "tensor square": lambda: (o3.TensorSquare("2x0e+2x1o"), "2x0e+2x1o", str(o3.TensorSquare("2x0e+2x1o").irreps_out)),
    "self-interaction": lambda: (e3nn_nn.Activation("3x0e", [torch.tanh]), "3x0e", "3x0e"),
}


def _gate() -> nn.Module:
    return e3nn_nn.Gate("2x0e", [torch.tanh], "3x0e", [torch.sigmoid], "2x1o+1x2e")


@pytest.mark.parametrize("scale", [1.0, 1e5, 1e-5])
@pytest.mark.parametrize("name", MODULES)
def test_e3nns_own_modules_raise_no_alarm(name: str, scale: float) -> None:
    with default_dtype(torch.float64):
        module, irreps_in, irreps_out = MODULES[name]()
    x = random(5, o3.Irreps(irreps_in).dim)
    report = check(lambda x: scale * module(x), x, elements=3, inputs=irreps_in, outputs=irreps_out, wide=20)
    assert report.passed, report.describe()


def test_what_e3nns_assertion_passes_is_found() -> None:
    """A NaN, a small break: e3nn's maximum starts at minus infinity, and its tolerance is absolute."""
    from e3nn.util.test import assert_equivariant as e3nn_assert

    def small(x: Tensor) -> Tensor:
        return 1e-12 * x.cumsum(-1)

    e3nn_assert(small, irreps_in="1x1o", irreps_out="1x1o")
    with pytest.raises(NotEquivariant, match="output breaks rotation in its 1o block"):
        assert_equivariant(small, random(4, 3), inputs="1x1o", outputs="1x1o")
    with pytest.raises(NotEquivariant, match="not finite"):
        assert_equivariant(lambda x: x * torch.nan, random(4, 3), inputs="1x1o", outputs="1x1o")


def test_labels_go_with_their_nodes() -> None:
    x = {"p": random(5, 3), "z": torch.tensor([1, 6, 8, 1, 1])}

    def charged(p: Tensor, z: Tensor) -> Tensor:
        return p * z[:, None]

    assert check(charged, x, inputs={"p": "1o", "z": "label"}, outputs="1o").passed
    report = check(charged, x, inputs={"p": "1o", "z": "constant"}, outputs="1o")
    assert [one.code for one in report.diagnoses] == ["constant-per-node"]
    assert "Declare 'z' as 'label'" in report.describe()


def test_rows_that_may_be_two_things_have_to_be_told() -> None:
    ring = torch.stack([torch.arange(4), torch.arange(4).roll(1)])
    x = {"p": random(4, 3), "arrows": random(4, 3, seed=1), "edge_index": ring}
    types = {"p": "position", "arrows": "1o", "edge_index": "index"}

    def summed(p: Tensor, arrows: Tensor, edge_index: Tensor) -> Tensor:
        return torch.zeros_like(p).index_add(0, edge_index[1], arrows * (p[edge_index[0]] - p[edge_index[1]]).norm())

    with pytest.raises(StructureError, match="'arrows': 4 rows, and there are as many nodes as edges"):
        check(summed, x, inputs=types, outputs="1o per node")
    with pytest.raises(ModelError, match="as many nodes as edges"):
        check(summed, x, inputs={**types, "arrows": "1o per edge"}, outputs="1o")
    report = check(summed, x, inputs={**types, "arrows": "1o per edge"}, outputs="1o per node")
    assert report.passed, report.describe()


def test_edges_without_positions_are_told_from_nodes() -> None:
    x = {"h": random(4, 2), "m": random(7, 3, seed=1)}
    with pytest.raises(StructureError, match="came with 4, 7 rows: which of them are nodes"):
        check(lambda t: t["m"], x, inputs={"h": "2x0e", "m": "1o"}, outputs="1o per edge")
    report = check(lambda t: t["m"], x, inputs={"h": "2x0e per node", "m": "1o per edge"}, outputs="1o per edge")
    assert report.passed, report.describe()


def test_lists_of_neighbours_are_reordered_and_renumbered() -> None:
    nearest = torch.tensor([[1, 2], [0, 3], [0, 1], [1, 4], [3, 0]])
    x = {"p": random(5, 3), "nearest": nearest}

    def means(p: Tensor, nearest: Tensor) -> Tensor:
        return p[nearest].mean(1) - p

    report = check(means, x, inputs={"p": "position", "nearest": "index"}, outputs="1o")
    assert report.passed, report.describe()


def test_a_cell_is_of_the_whole() -> None:
    def fold(p: Tensor, cell: Tensor) -> Tensor:
        parts = (p - p[0]) @ torch.linalg.inv(cell)
        return (parts - parts.round()) @ cell

    x = {"p": random(3, 3), "cell": 3 * torch.eye(3, dtype=torch.float64) + 0.1 * random(3, 3, seed=1)}
    types = {"p": "position", "cell": "3x1o per graph"}
    assert (
        check(lambda t: fold(**t) * 0 + t["cell"].det().abs(), x, inputs=types, outputs="3x0e")
        .groups["rotation"]
        .passed
    )
    assert check(fold, x, inputs=types, outputs="1o").groups["rotation"].passed
    with pytest.raises(StructureError, match="3 rows, where there are 5 nodes"):
        check(fold, {**x, "p": random(5, 3)}, inputs={"p": "position", "cell": "1o"}, outputs="1o")


def test_several_arguments_and_several_results() -> None:
    def products(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return torch.linalg.cross(a, b), (a * b).sum(-1, keepdim=True)

    report = check(products, (random(5, 3), random(5, 3, seed=1)), inputs=("1o", "1o"), outputs=("1e", "0e"))
    assert report.passed, report.describe()
    assert report.stages == ["output.0", "output.1"]
    wrong = check(products, [random(5, 3), random(5, 3, seed=1)], inputs=["1o", "1o"], outputs=["1o", "0e"])
    assert wrong.first_broken == ("output.0", "1o")
    assert wrong.diagnoses[0].code == "parity-mislabelled"
    with pytest.raises(StructureError, match="2 tensors came, and one type"):
        check(products, (random(5, 3), random(5, 3)), inputs="1o", outputs="1o")


def test_a_dict_with_one_entry_stays_a_dict() -> None:
    assert check(lambda t: t["x"], {"x": random(4, 3)}, inputs={"x": "1o"}, outputs="1o").passed


def test_inputs_are_the_functions_to_change() -> None:
    x = random(5, 3)
    before = x.clone()
    report = check(lambda x: x.mul_(2.0), x, inputs="1o", outputs="1o")
    assert report.passed, report.describe()
    assert torch.equal(x, before)


def test_modules_that_a_function_closes_over_are_stages_and_stay_as_they_were() -> None:
    with default_dtype(torch.float64):
        linear, norm = o3.Linear("2x1o", "2x1o"), e3nn_nn.BatchNorm("2x1o")
    before = norm.running_var.clone()
    report = check(lambda x: norm(linear(x)), random(6, 6), inputs="2x1o", outputs="2x1o")
    assert report.stages == ["linear", "output"]
    assert torch.equal(norm.running_var, before)
    assert any("training mode" in note for note in report.notes)


def test_chance_of_the_caller_is_kept() -> None:
    np.random.seed(3)
    expected = np.random.get_state()[1].copy()
    check(lambda x: x * np.random.rand(), random(4, 3), inputs="1o", outputs="1o")
    assert (np.random.get_state()[1] == expected).all()


def test_typed_tensors_obey_the_law_of_transformables() -> None:
    x = TypedTensors.make(
        {"p": random(4, 3), "v": random(4, 6, seed=1), "e": torch.tensor([[0, 1], [2, 3]]), "k": 3},
        {"p": "position", "v": "2x1o", "e": "index", "k": "constant"},
    )
    g, h = O3.from_euler(0.3, 1.0, 2.0), O3.inversion()
    both, at_once = x.transform(h).transform(g), x.transform(g @ h)
    assert torch.allclose(both.fields["v"].values, at_once.fields["v"].values, atol=1e-14)
    order = Permutation(torch.tensor([2, 0, 3, 1]))
    mixed = x.transform(order)
    assert torch.equal(mixed.fields["p"].values[mixed.indices["e"]], x.fields["p"].values[x.indices["e"]])
    moved = x.transform(Translation(torch.ones(3)))
    assert torch.equal(moved.fields["v"].values, x.fields["v"].values)
    assert torch.allclose(moved.fields["p"].values, x.fields["p"].values + 1)
    assert mixed.tensors()["k"] == 3


@pytest.mark.parametrize(
    ("x", "inputs", "message"),
    [
        (torch.zeros(4, 5), "1x1o", r"expected 3 numbers per node for 1x1o, got shape \[4, 5\]"),
        (torch.zeros(4, 3, dtype=torch.long), "1x1o", "expected a floating-point tensor, got torch.int64"),
        ({"a": torch.zeros(4, 3)}, {"b": "1o"}, "the tensors are a; types are given for b"),
        ({"e": torch.tensor([5]), "a": torch.zeros(4, 3)}, {"e": "index", "a": "1o"}, "from 0 to 3"),
        ({"e": torch.tensor([0])}, {"e": "index"}, "at least one typed tensor"),
    ],
)
def test_tensors_that_do_not_fit_their_types_are_refused(x: object, inputs: object, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        check(lambda t: t, x, inputs=inputs, outputs="1o")  # type: ignore[arg-type]


def test_missing_declarations_show_how_to_declare() -> None:
    with pytest.raises(CheckError, match=r"check\(f, x, inputs='8x0e\+4x1o', outputs='1x0e\+1o'\)"):
        check(lambda x: x, torch.zeros(4, 3))
    with pytest.raises(CheckError, match=r"inputs=\{'p': '\.\.\.', 'q': '\.\.\.'\}"):
        check(lambda x: x, {"p": torch.zeros(4, 3), "q": torch.zeros(4)})
    with pytest.raises(ModelError, match="Expected the type of the outputs"):
        check(lambda x: x, torch.zeros(4, 3), inputs="1o")
    with pytest.raises(ModelError, match=r"declared as 1x0e per node, 4 numbers in all, but came with shape \[4, 3\]"):
        check(lambda x: x, torch.zeros(4, 3), inputs="1o", outputs="0e")


def test_the_verb_is_at_the_top() -> None:
    assert equiviz.check is check


class Grouped(nn.Module):
    """Means something else by `group`."""

    def __init__(self, group: object) -> None:
        super().__init__()
        self.group = group
        self.linear = nn.Linear(1, 2).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.norm(dim=1, keepdim=True))


@pytest.mark.parametrize(("group", "claimed"), [(4, "E(3)"), ("SU(3)", "E(3)"), (None, "E(3)"), ("SO(3)", "SO(3)")])
def test_a_group_that_means_something_else_is_no_claim(group: object, claimed: str) -> None:
    model = Grouped(group)
    report = check(model, random(5, 3), inputs="1o", outputs="2x0e", wide=3)
    assert report.passed, report.describe()
    assert report.claimed == claimed
    assert lie_derivative(model, random(5, 3), inputs="1o", outputs="2x0e").claimed == claimed


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x,), r"got a tuple with 0: give a tuple of types, outputs=\('1o',\)"),
        (lambda x: (x, x), r"got a tuple with 0, 1: give a tuple of types, outputs=\('1o', ...\)"),
        (lambda x: {"a": x}, r"got a dict with a: give a dict of types, outputs=\{'a': '1o'\}"),
        (lambda x: x.long(), "expected a floating-point tensor for 'output', got one of torch.int64"),
        (lambda x: None, "got NoneType"),
    ],
)
def test_outputs_of_another_form_say_how_to_declare_them(function: Callable[..., object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check(function, random(4, 3), inputs="1o", outputs="1o")


def test_a_misspelt_type_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(StructureError, match=r"'p': 'positions' is no type .* Did you mean 'position'\?"):
        TypedTensors.make({"p": torch.zeros(3, 3)}, {"p": "positions"})

"""Is the Lie derivative zero for exact models, right for broken ones, and never silently wrong?

Exact models: float64 leaves 1e-14 at most (measured), so 1e-12 is a hundred times that; float32 leaves 1e-6, and 2e-5
is what `check` allows. A lost derivative or a break is 1e-4 at least.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import equiviz
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.lie_report import LieReport
from equiviz.features.capture import capture
from equiviz.features.model_input import ModelInput
from equiviz.models.registry import families
from equiviz.nn.stage import Stage
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.generators import euclidean_generators
from equiviz.symmetry.groups import Translation
from tests.equivariance.lie_networks import Blocking, DetachedForces, Forces, Moments, SpoiledForces, Wrong, with_forces
from tests.equivariance.spoiled_networks import on_block, spoiled, with_positions
from tests.toy_networks import Declared, default_dtype, molecule, toy
from tests.training.liquids import liquid

EXACT = {torch.float64: 1e-12, torch.float32: 2e-5}
FULL = {"velocity": True, "spin": True}
lie_derivative = equiviz.lie_derivative


def glassy(dtype: torch.dtype = torch.float64) -> nn.Module:
    family = families()["glassy"]
    with default_dtype(dtype), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a linear map of no surroundings has no weights to draw
        torch.manual_seed(1)
        return family.build({**family.small, "surroundings": 0}).eval()


def glass() -> Structure:
    known = liquid(0).structure
    energy = torch.randn(len(known), 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return known.with_node("inherent_energy", Field(energy, "1x0e"))


MODELS: dict[str, Callable[[], tuple[nn.Module, ModelInput]]] = {
    "a molecule": lambda: (toy(**FULL), molecule()),
    "a molecule in float32": lambda: (toy(torch.float32, **FULL), molecule()),
    "a periodic cell smaller than the cutoff": lambda: (toy(**FULL), molecule(4, cell=True)),
    "scaled by 1e-5": lambda: (spoiled(lambda x, _: 1e-5 * x, 1).eval(), molecule()),
    "a list of structures": lambda: (toy(**FULL), [molecule(4), molecule(6, seed=1)]),
    "a graph with edge vectors of its own": lambda: _graph(),
    "e3nn modules without stages": lambda: (Declared(toy()).eval(), toy().prepare(molecule())),
    "a model of structures, in another layout": lambda: (Moments(), molecule()),
    "forces": lambda: (with_forces(Forces), molecule()),
    "forces in float32": lambda: (with_forces(Forces, torch.float32), molecule()),
    "one atom": lambda: (toy(), molecule(1)),
    "collinear atoms": lambda: (toy(), _line()),
    "a glass": lambda: (glassy(), glass()),
    "a glass in float32": lambda: (glassy(torch.float32), glass()),
}


def _graph() -> tuple[nn.Module, ModelInput]:
    network = toy(**FULL)
    graph = network.prepare([molecule(4, cell=True), molecule(6, seed=1, cell=True)])
    return network, graph.with_edge_vectors(graph.edge_vectors)


def _line() -> Structure:
    points = torch.arange(4.0, dtype=torch.float64)[:, None] * torch.tensor([1.0, 0.3, -0.2], dtype=torch.float64)
    return Structure(points, torch.tensor([1, 2, 1, 2]))


@pytest.mark.parametrize("name", MODELS)
def test_an_exact_model_has_none_but_rounding(name: str) -> None:
    model, x = MODELS[name]()
    report = lie_derivative(model, x)
    assert report.passed, report.describe()
    assert report.informative
    assert report.first_broken is None
    assert not report.reasons, report.describe()
    told = [finding for finding in report.findings if finding.passed is not None]
    assert {finding.generator for finding in told} == set(euclidean_generators())
    assert {finding.method for finding in told} == {"forward mode"}
    assert all(finding.value <= EXACT[report.dtype] for finding in told), report.describe()
    # Rounding is sampled twice, and both samples are of one size where there are enough numbers to tell.
    assert all(finding.value <= max(10 * finding.floor, EXACT[report.dtype] / 100) for finding in told)


def test_far_from_the_origin_the_floor_grows_with_the_rounding() -> None:
    """A turn about the origin moves points by 900 per radian, whose differences are of size one."""
    far = molecule().transform(Translation(torch.tensor([900.0, 0.0, 50.0])))
    report = lie_derivative(toy(**FULL), far)
    assert report.passed, report.describe()
    assert max(f.floor for f in report.findings if f.stage == "stage_harmonics") > 1e-14


def by_differences(model: nn.Module, x: Structure, stage: str, irrep: str, generator: str, h: float = 1e-4) -> Tensor:
    """The definition, term by term, with a plain fourth-order central difference: h^4 = 1e-16, eps / h = 1e-12."""
    along = euclidean_generators()[generator]
    graph: Any = model.prepare(x)  # type: ignore[operator]

    def moved_back(t: float) -> Tensor:
        return capture(model, graph.transform(along.exp(t)))[stage].transform(along.exp(-t))[irrep]

    near, wide = ((moved_back(k * h) - moved_back(-k * h)) / (2 * k * h) for k in (1, 2))
    return (4 * near - wide) / 3


def value_of(report: LieReport, stage: str, irrep: str, generator: str) -> float:
    frame = report.to_frame()
    row = frame[(frame.stage == stage) & (frame.irrep == irrep) & (frame.generator == generator)]
    return float(row.value.iloc[0])


@pytest.mark.parametrize("generator", [g for g in euclidean_generators() if "rotation" in g])
def test_relu_on_vectors_has_the_size_that_differences_give(generator: str) -> None:
    model = spoiled(on_block("1o", torch.relu)).eval()
    report = lie_derivative(model, molecule())
    assert report.first_broken == ("stage_layers.0", "1o")
    for stage, irrep in (("stage_layers.0", "1o"), ("stage_layers.1", "2e"), ("output.energy", "0e")):
        expected = by_differences(model, molecule(), stage, irrep, generator).norm()
        relative = float(expected / capture(model, molecule())[stage][irrep].norm())
        assert relative > 1e-3
        assert value_of(report, stage, irrep, generator) == pytest.approx(relative, rel=1e-6)
    assert value_of(report, "stage_layers.0", "2e", generator) < 1e-12
    words = report.describe()
    assert "stage_layers.0 breaks rotation in its 1o block: a small rotation about" in words
    assert "per radian (rounding explains" in words
    assert "which may be inherited" in words
    assert all(f.passed for f in report.findings if f.motion == "translation")


def test_relu_of_one_vector_is_what_paper_and_pencil_give() -> None:
    """f = relu(r) at r = (a, -b, c): J_f = diag(1, 0, 1), and e_x x r = (0, -c, -b), so that L_x f = (0, c, -b)."""

    class Rectified(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")

        def forward(self, structure: Structure) -> Tensor:
            return self.stage(structure.positions.relu())

    a, b, c = 0.3, 0.7, 1.1
    x = Structure(torch.tensor([[a, -b, c]], dtype=torch.float64), torch.tensor([1]))
    report = lie_derivative(Rectified(), x, group="O(3)")
    # J_f (0, -c, -b) = (0, 0, -b); drho_out f = e_x x (a, 0, c) = (0, -c, 0).
    expected = math.hypot(b, c) / math.hypot(a, c)
    assert value_of(report, "stage", "1o", "rotation about x") == pytest.approx(expected, rel=1e-14)
    # Along y nothing moves while the y component is rectified: L f = 0; along x and z, one unit per length.
    assert value_of(report, "stage", "1o", "translation along y") == 0
    assert value_of(report, "stage", "1o", "translation along x") == pytest.approx(1 / math.hypot(a, c), rel=1e-14)
    assert "Rectified does not claim translation, and does not have it" in report.describe()


def test_absolute_positions_break_translations_only() -> None:
    model = spoiled(with_positions).eval()
    report = lie_derivative(model, molecule())
    assert report.first_broken == ("stage_layers.0", "1o")
    assert all(f.passed for f in report.findings if f.motion == "rotation")
    expected = by_differences(model, molecule(), "output.vector", "1o", "translation along y").norm()
    centred = molecule().positions - molecule().positions.mean(0)
    spread = float(centred.square().sum(1).mean().sqrt())
    relative = spread * float(expected / capture(model, molecule())["output.vector"]["1o"].norm())
    assert value_of(report, "output.vector", "1o", "translation along y") == pytest.approx(relative, rel=1e-6)
    assert f"per shift by the points' own spread, {spread:.3g} Å" in report.describe()
    assert lie_derivative(model, molecule(), group="SO(3)").passed


def test_spoiled_forces_are_found() -> None:
    model = with_forces(SpoiledForces)
    report = lie_derivative(model, molecule())
    assert report.first_broken == ("output.forces", "1o")
    expected = by_differences(model, molecule(), "output.forces", "1o", "rotation about z").norm()
    relative = float(expected / capture(model, molecule())["output.forces"]["1o"].norm())
    assert value_of(report, "output.forces", "1o", "rotation about z") == pytest.approx(relative, rel=1e-6)


BLOCKS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "an autograd function without jvp": (Blocking.apply, "NotImplementedError: You must implement the jvp function"),
    "an autograd function with a wrong jvp": (Wrong.apply, "it disagrees with finite differences"),
    "detach": (Tensor.detach, "it disagrees with finite differences"),
    "numpy": (lambda x: torch.from_numpy(x.detach().numpy()), "it disagrees with finite differences"),
}


def dented(x: Tensor) -> Tensor:
    return x + 0.01 * x.relu()


@pytest.fixture(scope="module")
def free() -> LieReport:
    return lie_derivative(spoiled(on_block("1o", dented)).eval(), molecule())


@pytest.mark.parametrize("name", BLOCKS)
def test_where_forward_mode_is_no_use_differences_take_over_and_say_so(name: str, free: LieReport) -> None:
    block, reason = BLOCKS[name]
    report = lie_derivative(spoiled(lambda x, g: block(on_block("1o", dented)(x, g))).eval(), molecule())
    stages = ["stage_layers.0", "stage_layers.1", "output.energy", "output.vector", "output.tensor"]
    assert list(report.reasons) == stages
    assert all(text.startswith(reason) for text in report.reasons.values())
    assert report.first_broken == free.first_broken == ("stage_layers.0", "1o")
    by_stage = report.to_frame().groupby("stage").method.unique()
    assert all(list(by_stage[stage]) == ["finite differences"] for stage in stages)
    assert list(by_stage["stage_harmonics"]) == ["forward mode"]
    pairs = [(a, b) for a, b in zip(report.findings, free.findings, strict=True) if a.stage in stages]
    # In float64, eps^(3/4) = 2e-12 is rounding over the step; the scalar output multiplies it by its cancellation.
    assert all(a.floor < 1e-9 for a, _ in pairs)
    assert all(abs(a.value - b.value) <= 10 * a.floor for a, b in pairs)
    words = report.describe()
    assert f"By finite differences, because forward mode was no use there: stage_layers.0, {stages[1]}" in words
    assert reason in words
    assert "Their error is about" in words


def test_an_exact_model_passes_by_differences_too() -> None:
    report = lie_derivative(spoiled(lambda x, _: Blocking.apply(x)).eval(), molecule())
    assert report.reasons
    assert report.passed, report.describe()
    assert max(f.value for f in report.findings if f.passed is not None) < 1e-9


def test_detached_forces_are_measured_all_the_same() -> None:
    report = lie_derivative(with_forces(DetachedForces), molecule())
    assert report.passed, report.describe()
    assert "stage_harmonics" in report.reasons
    assert "stage_inputs" not in report.reasons


def test_the_kinks_of_relu_are_no_lost_derivatives() -> None:
    """In float32, steps of a fiftieth of a radian cross kinks, and finite differences are wrong by percents."""
    family = families()["bapst"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = family.build(family.small).eval()
    report = lie_derivative(model, glass())
    assert not report.reasons, report.describe()
    assert "Bapst does not claim rotation, and does not have it (up to" in report.describe()


def test_lost_derivatives_are_found_among_kinks_in_float32() -> None:
    """The control of the test above."""
    family = families()["bapst"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = family.build(family.small).eval()
    model.edge_encoder.register_forward_pre_hook(lambda _, taken: (taken[0].detach(),))  # type: ignore[union-attr]
    report = lie_derivative(model, glass(), group="O(3)")
    assert "stage_nodes.1" in report.reasons
    assert report.first_broken == ("stage_nodes.1", "0e")


def test_chance_is_the_same_in_all_passes_and_nothing_is_left_behind() -> None:
    dropout = nn.Dropout(0.3)
    model = spoiled(lambda x, _: torch.cat([dropout(x[:, :3]), x[:, 3:]], 1))
    model.layers[0].dropout = dropout
    model.train()
    weights = next(model.parameters())
    weights.grad = torch.ones_like(weights)
    state, switches = torch.get_rng_state(), [p.requires_grad for p in model.parameters()]
    report = lie_derivative(model, molecule(), seed=3)
    assert report.passed, report.describe()
    assert not report.reasons
    assert "one draw of its chance was kept fixed" in report.describe()
    assert torch.equal(torch.get_rng_state(), state)
    assert [p.requires_grad for p in model.parameters()] == switches
    assert torch.equal(weights.grad, torch.ones_like(weights))
    assert not any(module._forward_hooks for module in model.modules())
    with torch.inference_mode():
        again = lie_derivative(model, molecule(), seed=3)
    assert again.to_frame().equals(report.to_frame())


def test_what_cannot_be_told_is_not_called_good() -> None:
    class Silent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage, self.zero = Stage("1x1o"), Stage("1x1o")

        def forward(self, structure: Structure) -> None:
            self.stage(0 * structure.positions)
            self.zero(structure.positions - structure.positions.detach())

    report = lie_derivative(Silent(), molecule(1))
    assert {f.status for f in report.findings if f.stage == "stage"} == {"all zero"}
    assert "Not informative on this input, being zero everywhere: stage 1o" in report.describe()
    # Zero, but not to first order: detach hides it from all but a change of the input.
    moves = [f for f in report.findings if f.stage == "zero" and f.motion == "translation"]
    assert all(f.passed is None for f in moves)


def test_a_block_that_is_zero_and_moves_all_the_same_breaks() -> None:
    class Absolute(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")

        def forward(self, structure: Structure) -> Tensor:
            return self.stage(structure.positions)

    report = lie_derivative(Absolute(), Structure(torch.zeros(1, 3, dtype=torch.float64), torch.tensor([1])))
    assert {f.status for f in report.findings if f.motion == "translation"} == {"breaks"}
    assert "by without bound" not in report.describe()
    assert "moves it, though it is zero" in report.describe()


def test_a_number_that_is_not_finite_is_a_failure() -> None:
    def poisoned(block: Tensor) -> Tensor:
        return torch.where(torch.arange(len(block))[:, None, None] == 2, torch.nan, block)

    report = lie_derivative(spoiled(on_block("2e", poisoned), 1).eval(), molecule())
    assert report.first_broken == ("stage_layers.1", "2e")
    assert "stage_layers.1 is not finite in its 2e block" in report.describe()


def test_a_model_that_cannot_be_moved_and_a_group_that_is_not_known_are_refused() -> None:
    class Fragile(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")

        def forward(self, structure: Structure) -> Tensor:
            if (structure.positions - molecule().positions).abs().max() > 1e-10:
                raise ValueError("not what I know")
            return self.stage(structure.positions)

    with pytest.raises(CheckError, match=r"raises under the small motion O3\(.*ValueError: not what I know.*9 points"):
        lie_derivative(Fragile(), molecule())
    with pytest.raises(CheckError, match=r"symmetry group out of E\(3\)"):
        lie_derivative(toy(), molecule(), group="U(2)")


@pytest.fixture(scope="module")
def broken() -> LieReport:
    return lie_derivative(spoiled(on_block("1o", torch.relu)).eval(), molecule())


def test_the_table_the_picture_and_the_page(broken: LieReport) -> None:
    frame = broken.to_frame()
    assert {"stage", "irrep", "generator", "value", "floor", "per", "method"} <= set(frame.columns)
    assert not frame.duplicated(["stage", "irrep", "generator"]).any()
    assert list(dict.fromkeys(frame.stage)) == broken.stages
    assert set(frame.per) == {"radian", "2.14 Å"}
    heat = broken.figure().data[0]
    assert list(heat.y) == broken.stages
    assert "Lie derivative" in str(heat.colorbar.title.text)
    assert "stage_layers.0" in str(broken.to_html())
    assert "equiviz.check" in broken.describe()
    assert "An error counts above 1e-12 (float64" in broken.describe()


def test_functions_of_typed_tensors() -> None:
    x = {"positions": torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)}
    types = {"positions": "position"}

    def arms(positions: Tensor) -> Tensor:
        return positions - positions.mean(0)

    report = lie_derivative(arms, x, inputs=types, outputs="1o")
    assert report.passed, report.describe()
    tilted = lie_derivative(lambda positions: arms(positions).square(), x, inputs=types, outputs="1o")
    assert not tilted.passed
    assert max(f.value for f in tilted.findings if f.motion == "translation") < 1e-12

"""Does a check report what it measured, claim what the model claims, and leave no trace?"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.check_report import CheckReport
from equiviz.equivariance.errors import CheckError
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from tests.equivariance.planted_faults import FAULTS
from tests.equivariance.spoiled_networks import Spoiled, spoiled, swapped
from tests.toy_networks import ToyNetwork, molecule, toy


@pytest.fixture(scope="module")
def broken() -> CheckReport:
    return check(FAULTS["relu on vectors"].make(), molecule(), elements=3, wide=0)


class Fragile(ToyNetwork):
    """Raises where it gets many structures at once, as only the sweep gives them."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        if graph.n_graphs > 2:
            raise ZeroDivisionError("a pole")
        return super().forward(graph)


def test_an_exception_within_the_sweep_shows_its_input() -> None:
    network = toy()
    network.__class__ = Fragile
    with pytest.raises(CheckError, match="raises when it gets many in one batch: ZeroDivisionError: a pole"):
        check(network, molecule(), elements=2, wide=300)


def test_the_error_is_the_formula_of_the_docstring() -> None:
    class Skewed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")
            self.skew = torch.diag(torch.tensor([1.0, 1.0, 1.1], dtype=torch.float64))

        def forward(self, structure: Structure) -> Tensor:
            return self.stage((structure.positions - structure.positions.mean(0)) @ self.skew)

    model, x, turns = Skewed(), molecule(), haar(5, 3, "SO(3)")
    f = model(x)
    turned = [model(x.transform(g)) for g in turns]
    difference = sum(float((f @ g.matrix.T - y).square().sum()) for g, y in zip(turns, turned, strict=True))
    norm = sum(float(f.square().sum() + y.square().sum()) / 2 for y in turned)
    verdict = check(model, x, elements=5, seed=3, wide=0).groups["rotation"]
    assert verdict.error == pytest.approx(math.sqrt(difference / norm), rel=1e-12)


def test_the_table_holds_one_row_per_block_and_group(broken: CheckReport) -> None:
    frame = broken.to_frame()
    assert {"stage", "irrep", "group", "inherited", "local", "floor", "precise", "passed", "guilty"} <= set(
        frame.columns
    )
    assert not frame.duplicated(["stage", "irrep", "group"]).any()
    row = frame[(frame.stage == "stage_layers.0") & (frame.irrep == "1o") & (frame.group == "rotation")].iloc[0]
    assert row.status == "breaks"
    assert row.inherited > 0.05 > 1e-12 > row.floor
    later = frame[(frame.stage == "stage_layers.1") & (frame.group == "rotation")]
    assert (later.inherited > 1e-3).any()
    assert (later.local < 1e-13).all()
    assert not later.guilty.any()
    assert list(dict.fromkeys(frame.stage)) == broken.stages


def test_the_words_name_place_size_and_reason(broken: CheckReport) -> None:
    words = broken.describe()
    assert "stage_layers.0 breaks rotation in its 1o block (" in words
    assert "only inherit that" in words
    assert "Cause found: torch.relu acts on the components of 1o, one by one (with leaving out torch.relu" in words
    assert "An error counts above 1e-12 (float64" in words


def test_the_picture_and_the_page_can_be_made(broken: CheckReport) -> None:
    heat = broken.figure().data[0]
    assert list(heat.y) == broken.stages
    assert "stage_layers.0" in str(broken.to_html())


def test_the_same_seed_gives_the_same_report() -> None:
    network = toy()
    first, second = (check(network, molecule(), elements=2, seed=5).to_frame() for _ in range(2))
    assert first.equals(second)


@pytest.mark.parametrize("group", ["SE(3)", "none"])
def test_an_unclaimed_symmetry_is_measured_and_said_not_to_be_claimed(group: str) -> None:
    model = spoiled(swapped("1o", "1e"))
    report = check(model, molecule(), elements=3, group=group)
    assert report.passed
    assert report.groups["inversion"].passed is False
    assert not report.groups["inversion"].claimed
    assert "Spoiled does not claim inversion, and does not have it" in report.describe()
    assert report.groups["rotation"].claimed is (group == "SE(3)")


def test_a_models_own_claim_is_taken() -> None:
    class Rotational(Spoiled):
        group = "SE(3)"

    model = spoiled(swapped("1o", "1e"))
    model.__class__ = Rotational
    assert check(model, molecule(), elements=2).passed
    assert not check(model, molecule(), elements=2, group="E(3)").passed


def test_a_stage_that_one_run_skips_is_a_failure() -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.always, self.sometimes = Stage("1x1o"), Stage("1x1o")

        def forward(self, structure: Structure) -> None:
            arms = self.always(structure.positions - structure.positions.mean(0))
            if torch.allclose(structure.positions, molecule().positions):
                self.sometimes(arms)

    report = check(Moody(), molecule(), elements=2)
    assert report.first_broken == ("sometimes", "1o")
    assert "one of the two runs does not pass it" in report.describe()


def test_a_model_that_raises_on_a_transformed_input_shows_it() -> None:
    class Fragile(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")

        def forward(self, structure: Structure) -> Tensor:
            if not torch.equal(structure.positions, molecule().positions):
                raise ValueError("not what I know")
            return self.stage(structure.positions)

    with pytest.raises(CheckError, match=r"raises under rotation .*9 points.* with points at \(") as raised:
        check(Fragile(), molecule())
    with pytest.raises(ValueError, match="not what I know"):
        Fragile()(raised.value.input)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"elements": 0}, "at least one element"), ({"group": "U(2)"}, r"out of E\(3\), SE\(3\).*got 'U\(2\)'")],
)
def test_a_check_that_cannot_be_made_says_why(settings: dict[str, object], message: str) -> None:
    with pytest.raises(CheckError, match=message):
        check(toy(), molecule(), **settings)  # type: ignore[arg-type]


def test_a_check_leaves_model_and_random_state_as_they_were() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.stage = nn.BatchNorm1d(1), Stage("1x0e")

        def forward(self, structure: Structure) -> Tensor:
            arms = (structure.positions - structure.positions.mean(0)).float()
            return self.stage(self.norm(arms.norm(dim=1, keepdim=True)) + torch.rand(1))

    model = Normed().train()
    model.norm.weight.grad = torch.ones(1)
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    state = torch.get_rng_state()
    report = check(model, molecule(), elements=2)
    assert report.groups["determinism"].passed is False
    assert "training mode" in report.describe()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert model.training
    assert model.norm.training
    assert torch.equal(model.norm.weight.grad, torch.ones(1))
    assert not any(module._forward_hooks for module in model.modules())

"""Does the float64 copy tell rounding from breaks, and is it the same model?"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.double_twin import cast_twin, rebuilt_twin
from equiviz.nn.stage import Stage
from equiviz.structures.structure import Structure
from tests.equivariance.spoiled_networks import on_block, spoiled
from tests.toy_networks import molecule, toy


class Constant(nn.Module):
    """Vectors times a third, which somebody made in whatever the default dtype was; and a far larger number beside."""

    def __init__(self, tilt: float = 0.0) -> None:
        super().__init__()
        self.stage = Stage("1x1o")
        self.weight = nn.Parameter(torch.ones(1))
        self.register_buffer("thirds", torch.ones(3) / 3)
        self.tilt = tilt

    def forward(self, structure: Structure) -> Tensor:
        arms = (structure.positions - structure.positions.mean(0)).to(self.weight)
        return self.stage(self.weight * self.thirds * arms + self.tilt * arms.square())


def test_the_twin_of_our_own_models_is_built_anew() -> None:
    report = check(toy(torch.float32), molecule(), elements=2, wide=0)
    assert report.passed
    assert report.dtype == torch.float32
    assert "A copy with the same weights, built anew under float64, was run beside it." in report.describe()
    precise = [finding.precise for finding in report.findings if not math.isnan(finding.precise)]
    assert precise
    assert max(precise) < 1e-12


def test_a_changed_model_is_cast_for_its_class_would_build_the_exact_one() -> None:
    broken = spoiled(on_block("1o", lambda block: block + 1e-3 * block.square()), dtype=torch.float32)
    report = check(broken, molecule(), elements=2, wide=0)
    assert not report.passed
    assert "A copy cast to float64 was run beside it" in report.describe()


def test_rebuild_makes_the_twin_of_anybodys_model() -> None:
    x = molecule()
    cast = check(Constant(), x, elements=2, wide=0)
    assert "cast to float64" in cast.describe()
    rebuilt = check(Constant(), x, elements=2, wide=0, rebuild=Constant)
    assert rebuilt.passed
    assert "built anew under float64" in rebuilt.describe()


def test_a_rebuilt_model_that_is_another_one_is_not_believed() -> None:
    """The class builds an exact network; the one that was given is broken, and must not be acquitted by the other."""
    report = check(Constant(tilt=0.1), molecule(), elements=2, wide=0, rebuild=Constant)
    assert not report.passed
    assert "cast to float64" in report.describe()


def test_rounding_that_a_network_amplifies_is_acquitted_by_the_twin() -> None:
    """Steep functions make 1e-4 of the 1e-7 of float32: more than the tolerance, and still only rounding."""

    class Steep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x0e")
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, structure: Structure) -> Tensor:
            lengths = (structure.positions - structure.positions.mean(0)).to(self.weight).norm(dim=1, keepdim=True)
            return self.stage(torch.sin(3000.0 * self.weight * lengths))

    report = check(Steep(), molecule(), elements=3, wide=20)
    assert report.passed, report.describe()
    largest = max(f.inherited for f in report.findings if f.group == "rotation" and f.passed is not None)
    assert largest > 2e-5
    assert max(f.precise for f in report.findings if not math.isnan(f.precise)) < 1e-9


def test_a_function_that_closes_over_a_module_has_a_twin_too() -> None:
    """A break of 1e-5 hides below what float32 may round; in the copy it stands alone."""
    torch.manual_seed(0)
    linear = nn.Linear(1, 1)

    def break_of(size: float) -> Callable[[Tensor], Tensor]:
        return lambda x: linear(x.norm(dim=1, keepdim=True)) + size * x[:, :1]

    for size, passes in ((0.0, True), (1e-5, False)):
        report = check(break_of(size), torch.randn(20, 3), elements=3, wide=0, inputs="1o", outputs="0e")
        assert report.passed is passes
        assert "No float64 copy" not in report.describe()
    assert linear.weight.dtype == torch.float32


def test_a_break_of_few_directions_in_float32_is_not_acquitted() -> None:
    def jump(block: Tensor) -> Tensor:
        cosine = block[0, 0, 2] / block[0, 0].norm()
        return block * (1.01 if float(cosine.detach()) > 0.95 else 1.0)

    report = check(spoiled(on_block("1o", jump), dtype=torch.float32), molecule(), elements=3, wide=300)
    assert report.first_broken == ("stage_layers.0", "1o")
    assert report.diagnoses[0].code == "rare-directions"


def test_a_model_that_cannot_be_copied_is_checked_without_a_twin() -> None:
    class Single(Constant):
        def __deepcopy__(self, memo: object) -> Single:
            raise TypeError("there is only one of me")

    report = check(Single(), molecule(), elements=2, wide=0)
    assert report.passed
    assert "No float64 copy was run beside it: it cannot be copied (TypeError: there is only one of me)" in (
        report.describe()
    )


def test_twins_leave_the_model_and_the_default_dtype_alone() -> None:
    model = toy(torch.float32)
    before = copy.deepcopy(model.state_dict())
    for twin in (cast_twin(model), rebuilt_twin(model)):
        assert twin.model is not None
        assert {p.dtype for p in twin.model.parameters()} == {torch.float64}
    assert torch.get_default_dtype() == torch.float32
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

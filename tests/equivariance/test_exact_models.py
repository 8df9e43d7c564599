"""Does the instrument stay silent on exact models, whatever their scale, type, input and form?"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.check import assert_equivariant, check
from equiviz.equivariance.errors import CheckError
from equiviz.features.model_input import ModelInput
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import Translation
from equiviz.symmetry.representations import O3Irreps
from tests.equivariance.spoiled_networks import on_block, spoiled
from tests.toy_networks import Declared, molecule, toy

FULL = {"velocity": True, "spin": True}


class SphericalLayout(nn.Module):
    """Moments of the positions about their centre, as [N, (L+1)^2, C] with C = 2."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(O3Irreps("2x0e+2x1o", layout="spherical"))

    def forward(self, structure: Structure) -> Tensor:
        arms = structure.positions - structure.positions.mean(0)  # [N, 3]
        scalars = arms.square().sum(1, keepdim=True)  # [N, 1]
        values = torch.cat([scalars, arms], 1)  # [N, 4]
        return self.stage(torch.stack([values, values * scalars], -1))


def crystal() -> Structure:
    """A perfect simple cubic lattice: all l = 1 and l = 2 features cancel to rounding noise."""
    axis = torch.arange(3, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis, axis) * 1.7
    cell = torch.eye(3, dtype=torch.float64) * 5.1
    return Structure(points, torch.ones(27, dtype=torch.long), cell=cell, pbc=(True, True, True))


EXACT: dict[str, Callable[[], tuple[nn.Module, ModelInput]]] = {
    "a molecule": lambda: (toy(**FULL), molecule()),
    "a molecule in float32": lambda: (toy(torch.float32, **FULL), molecule()),
    "a periodic cell smaller than the cutoff": lambda: (toy(**FULL), molecule(4, cell=True)),
    "scaled by 1e5": lambda: (spoiled(lambda x, _: 1e5 * x, 1), molecule()),
    "scaled by 1e-5": lambda: (spoiled(lambda x, _: 1e-5 * x, 1), molecule()),
    "scaled by 1e-5, float32": lambda: (spoiled(lambda x, _: 1e-5 * x, 1, torch.float32), molecule()),
    "far from the origin": lambda: (toy(**FULL), molecule().transform(Translation(torch.tensor([900.0, 0.0, 50.0])))),
    "a list of structures": lambda: (toy(**FULL), [molecule(4), molecule(6, seed=1)]),
    "a graph": lambda: (toy(**FULL), toy(**FULL).prepare([molecule(4), molecule(6, seed=1)])),
    "e3nn modules without stages": lambda: (Declared(toy()).eval(), toy().prepare(molecule())),
    "another memory layout": lambda: (SphericalLayout(), molecule()),
    "a perfect crystal": lambda: (toy(), crystal()),
    "one atom": lambda: (toy(), molecule(1)),
    "two atoms": lambda: (toy(), molecule(2)),
    "collinear atoms": lambda: (toy(), line()),
    "coincident atoms": lambda: (toy(), Structure(torch.zeros(2, 3), torch.tensor([1, 2]))),
}


def line() -> Structure:
    points = torch.arange(4.0, dtype=torch.float64)[:, None] * torch.tensor([1.0, 0.3, -0.2], dtype=torch.float64)
    return Structure(points, torch.tensor([1, 2, 1, 2]))


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_model_raises_no_alarm(name: str) -> None:
    model, x = EXACT[name]()
    report = check(model, x, elements=3, wide=40)
    assert report.passed, report.describe()
    assert not report.diagnoses
    assert report.first_broken is None
    # They are no narrow escapes: the tolerance is at least twice what was found.
    assert all(finding.error <= finding.tolerance / 2 for finding in report.findings if finding.passed)


def test_a_cancelling_crystal_is_called_noise_and_not_broken() -> None:
    report = check(toy(), crystal(), elements=2)
    status = {(finding.stage, finding.irrep): finding.status for finding in report.findings}
    assert status["stage_layers.0", "0e"] == "holds"
    assert status["stage_layers.0", "1o"] in ("drowned in rounding", "all zero")
    assert "no larger than rounding noise" in report.describe()


def test_a_silent_model_does_not_pass_an_assertion() -> None:
    class Silent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")

        def forward(self, structure: Structure) -> Tensor:
            return self.stage(0 * structure.positions)

    assert not check(Silent(), molecule()).informative
    with pytest.raises(CheckError, match=r"Nothing in Silent was informative.*\n(.*\n)*Give an input"):
        assert_equivariant(Silent(), molecule())


def test_an_empty_structure_gives_an_answer() -> None:
    empty = Structure(torch.zeros(0, 3, dtype=torch.float64), torch.zeros(0, dtype=torch.long))
    report = check(toy(), empty, elements=2)
    assert report.passed
    assert not report.informative


def test_the_graph_of_a_batch_cannot_be_tried_in_other_company() -> None:
    network = toy()
    graph = network.prepare(molecule())
    assert isinstance(graph, Graph)
    report = check(network, graph, elements=1)
    assert report.groups["batch"].passed is None
    assert "Not tried: batch independence" in report.describe()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", ["Cu", "cubic Cu", "Fe", "Si", "NaCl"])
def test_perfect_crystals_of_few_atoms_raise_no_alarm(name: str, dtype: torch.dtype) -> None:
    """Vectors on sites of inversion symmetry cancel, exactly or to rounding: nothing breaks, nothing is a cause."""
    from ase.build import bulk

    atoms = {
        "Cu": lambda: bulk("Cu"),
        "cubic Cu": lambda: bulk("Cu", cubic=True),
        "Fe": lambda: bulk("Fe", cubic=True),
        "Si": lambda: bulk("Si"),
        "NaCl": lambda: bulk("NaCl", "rocksalt", a=5.64),
    }[name]()
    report = check(toy(dtype, cutoff=3.0), atoms, elements=3, wide=20)
    assert report.passed, report.describe()
    assert report.informative
    assert not report.diagnoses


def test_a_break_in_a_crystal_is_still_found() -> None:
    from ase.build import bulk

    broken = spoiled(on_block("1o", torch.relu), cutoff=3.0, velocity=False, spin=False)
    report = check(broken, bulk("ZnO", "wurtzite", a=3.25, c=5.2), elements=3)
    assert report.first_broken == ("stage_layers.0", "1o")
    assert report.diagnoses[0].code == "pointwise-nonlinearity"


def test_a_structure_in_float32_is_no_break_of_a_model_in_float64() -> None:
    report = check(toy(), molecule(5).to(torch.float32), elements=3, wide=20)
    assert report.passed, report.describe()


def test_a_cast_within_an_exact_model_is_rounding() -> None:
    def cast(p: Tensor) -> Tensor:
        near = p.float()
        between = near[:, None] - near[None]
        return (between * torch.exp(-between.norm(dim=-1, keepdim=True))).sum(1).to(p.dtype)

    x = molecule(6).positions.float() + 100.0
    report = check(cast, x, inputs="position", outputs="1o", wide=20)
    assert report.groups["rotation"].passed is not False, report.describe()


class Updating(nn.Module):
    """Moves positions, as EGNN does, and looks at coordinates before it takes differences."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3, bias=False).double()
        torch.nn.init.orthogonal_(self.linear.weight)
        self.step = Step()

    def forward(self, p: Tensor) -> Tensor:
        lengths = (self.linear(p)[:, None] - self.linear(p)[None]).norm(dim=-1, keepdim=True)
        moved = self.step(p)
        return (moved[:, None] - moved[None]).mul(torch.exp(-lengths)).sum(1)


class Step(nn.Module):
    def forward(self, p: Tensor) -> Tensor:
        return p + 0.1 * (p - p.mean(0)) * (p - p.mean(0)).norm(dim=1, keepdim=True)


def test_inner_tensors_of_exact_plain_modules_are_not_accused() -> None:
    report = check(Updating(), molecule(6).positions, inputs="position", outputs="1o", wide=20)
    assert report.passed, report.describe()
    assert "step" in report.stages
    assert "linear could not be typed" in report.describe()

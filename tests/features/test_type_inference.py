"""Can the types of tensors be told that nobody declares?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import equiviz
from equiviz.equivariance.check import check
from equiviz.features.capture import capture
from equiviz.features.inferred_model import InferredModel, inferred
from equiviz.features.type_inference import Orientations
from equiviz.nn.declared_function import declared
from equiviz.nn.errors import ModelError
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.harmonics import spherical_harmonics
from tests.toy_networks import molecule, toy

POSITIONS = torch.randn(6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
X = TypedTensors.make(POSITIONS, "position")


class Returns(nn.Module):
    """One submodule that returns what a function makes of positions about their centre."""

    class Part(nn.Module):
        def __init__(self, made: object) -> None:
            super().__init__()
            self.made = made

        def forward(self, p: Tensor) -> Tensor:
            return self.made(p - p.mean(0))  # type: ignore[operator]

    def __init__(self, made: object) -> None:
        super().__init__()
        self.part = self.Part(made)

    def forward(self, p: Tensor) -> Tensor:
        return self.part(p).flatten(1)[:, :1] * 0


def harmonics(lmax: int, p: Tensor) -> Tensor:
    return spherical_harmonics(lmax, p) * p.norm(dim=1, keepdim=True)


CASES = {
    "scalars": (lambda p: p.norm(dim=1, keepdim=True).expand(-1, 3), "3x0e", "mul_ir"),
    "vectors": (lambda p: torch.cat([p, 2 * p], 1), "2x1o", "mul_ir"),
    "a pseudo-scalar": (lambda p: torch.linalg.det(p[:3]) * torch.ones(6, 1).to(p), "1x0o", "mul_ir"),
    "pseudo-vectors": (lambda p: torch.linalg.cross(p, p.roll(1, 0) * p.norm()), "1x1e", "mul_ir"),
    "harmonics": (lambda p: harmonics(3, p), "1x0e+1x1o+1x2e+1x3o", "mul_ir"),
    "vectors as columns": (lambda p: p[:, :, None] * torch.tensor([1.0, 2.0]).to(p), "2x1o", "ir_mul"),
    "channels of harmonics": (
        lambda p: harmonics(2, p)[:, :, None] * torch.arange(1, 5).to(p),
        "4x0e+4x1o+4x2e",
        "spherical",
    ),
    "mixed": (lambda p: torch.cat([p.square().sum(1, True), p, p.norm(dim=1, keepdim=True)], 1), "1x0e+1x1o+1x0e", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_types_are_told_by_turning(name: str) -> None:
    made, irreps, layout = CASES[name]
    model = inferred(declared(Returns(made), "0e"), X)
    assert isinstance(model, InferredModel)
    found, support = model.types["part"]
    assert (str(found.representation.irreps), support) == (irreps, "node")
    assert found.representation.layout == (layout or "mul_ir")
    assert found.residual < 1e-13


def test_the_types_of_our_own_network_are_told() -> None:
    """Hidden behind a plain module, each layer gets the irreps that its stage declares, order of equals aside."""
    network = toy()
    graph = network.prepare(molecule())
    fields = capture(network, graph)
    elements = [*haar(4, 1, "SO(3)"), O3.inversion()]
    # A block of zeros, such as the 1e of a first layer, reads as scalars.
    full = {name: f for name, f in fields.items() if all(bool(f[label].any()) for label in f.representation.labels())}
    assert len(full) > 3
    for name, field in full.items():
        turned = torch.stack([network_output(network, graph.transform(g), name) for g in elements])
        found = Orientations(elements, field.values, turned).inferred()
        assert not isinstance(found, str), (name, found)
        assert counts(found.representation) == counts(field.representation), name


def network_output(network: nn.Module, graph: object, name: str) -> Tensor:
    return capture(network, graph)[name].values  # type: ignore[arg-type]


def counts(representation: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for block in representation.blocks:  # type: ignore[attr-defined]
        found[block.label] = found.get(block.label, 0) + block.multiplicity
    return found


def test_what_turns_like_nothing_is_left_untyped_with_the_reason() -> None:
    model = inferred(declared(Returns(lambda p: p.relu()), "0e"), X)
    assert isinstance(model, InferredModel)
    assert model.types == {}
    assert model.untyped["part"].startswith("no irrep up to l = 6 explains component 0 of 3 (the nearest, ")
    assert inferred(declared(Returns(lambda p: p * 0), "0e"), X).untyped["part"].startswith("it is zero everywhere")  # type: ignore[union-attr]
    pairs = inferred(declared(Returns(lambda p: torch.cdist(p, p)[:, :, None]), "0e"), X)
    assert pairs.untyped["part"] == "its rows are pairs of nodes"  # type: ignore[union-attr]


class Layers(nn.Module):
    """Vectors through two layers, as people write them who declare nothing."""

    def __init__(self, spoiled: bool) -> None:
        super().__init__()
        self.mix = nn.Linear(1, 4, bias=False).double()
        self.act = nn.ReLU() if spoiled else nn.Identity()
        self.out = nn.Linear(4, 1, bias=False).double()

    def forward(self, p: Tensor) -> Tensor:
        arms = (p - p.mean(0))[:, :, None]
        return self.out(self.act(self.mix(arms))).squeeze(-1)


def test_a_plain_module_is_checked_layer_by_layer() -> None:
    report = check(Layers(False), POSITIONS, inputs="position", outputs="1o", wide=20)
    assert report.passed, report.describe()
    assert report.stages == ["mix", "out", "output"]
    assert "mix: 4x1o (residual" in report.describe()
    broken = check(Layers(True), POSITIONS, inputs="position", outputs="1o", wide=20)
    assert broken.first_broken == ("act", "1o")
    assert broken.diagnoses[0].code == "pointwise-nonlinearity"
    assert "act: taken for 4x1o, as the tensor of its shape before it" in broken.describe()


def test_a_model_that_declares_stays_as_it_is() -> None:
    network = toy()
    assert inferred(network, molecule()) is network
    assert equiviz.inferred is inferred


def test_nothing_is_left_behind() -> None:
    module = Layers(True)
    check(module, POSITIONS, inputs="position", outputs="1o", elements=2, wide=0)
    assert not any(part._forward_hooks for part in module.modules())


class OfStructures(nn.Module):
    """Knows nothing of this package but the structure that it takes, and returns plain vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.group = 4
        self.arms = Arms()
        self.weigh = nn.Linear(1, 1, bias=False).double()

    def forward(self, structure: Structure) -> Tensor:
        arms = self.arms(structure.positions)
        lengths = self.weigh(arms.norm(dim=1, keepdim=True))
        return arms * lengths  # [N, 3]


class Arms(nn.Module):
    """Positions about their centre."""

    def forward(self, positions: Tensor) -> Tensor:
        return positions - positions.mean(0)


def test_a_foreign_module_of_structures_is_checked_by_its_parts() -> None:
    report = check(OfStructures(), molecule(), wide=5)
    assert report.passed, report.describe()
    assert report.informative
    assert report.stages == ["arms", "weigh"]
    assert report.claimed == "E(3)"


def test_a_model_of_graphs_still_refuses_structures() -> None:
    with pytest.raises(ModelError, match="its forward takes a Graph"):
        toy()(molecule())

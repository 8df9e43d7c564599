"""Does an equivariant probe find exact linear targets, give their weights back, and respect rotations and parity?"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from equiviz.descriptors.windows import Gaussian
from equiviz.explain.equivariant_probe import equivariant_probe
from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.equivariant_report import EquivariantProbeReport, EquivariantScore
from equiviz.explain.probing.equivariant_targets import MOMENTS, equivariant_targets, traceless_part
from equiviz.features.capture import capture
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.representations import CartesianTensor
from tests.explain.test_probe import DensityConfig, DensityLayer, liquid
from tests.toy_networks import toy

MODEL = DensityLayer(DensityConfig(lmax=2))
STRUCTURES = [liquid(seed) for seed in range(8)]
WEIGHTS = torch.tensor([[0.5, -2.0, 1.0]], dtype=torch.float64)
STAGE = "stage_density"
EXACT = 1e-8
"""Of a target that is linear in the layer: the smallest ridge penalty leaves an error of 3e-8 in weights (up to 2.0),
and of its square in r2. Weights get ten times this."""
BY_CHANCE = 0.05
"""Of a held-out r2 where nothing is to be found: 320 environments gave -0.008 to 0.006 for four draws."""


def of_stage(label: str) -> Tensor:
    """Channels of the layer on all nodes, [N, 3, 2l+1]."""
    return torch.cat([capture(MODEL, one)[STAGE][label] for one in STRUCTURES]).double()


def linear(label: str) -> Field:
    return Field((WEIGHTS @ of_stage(label)).flatten(1), f"1x{label}", "node")


def probed(targets: object, **more: object) -> EquivariantProbeReport:
    return equivariant_probe(MODEL, STRUCTURES, targets, **{"random_networks": 0, **more})  # type: ignore[arg-type]


def score(report: EquivariantProbeReport, stage: str = STAGE, control: str = "trained") -> EquivariantScore:
    (found,) = [one for one in report.scores if (one.stage, one.control) == (stage, control)]
    return found


@pytest.mark.parametrize("label", ["1o", "2e", "0e"])
def test_an_exact_linear_target_and_its_weights_are_found(label: str) -> None:
    report = probed({"known": linear(label)})
    assert score(report).r2 > 1 - EXACT
    fitted = report.map(STAGE, "known")
    torch.testing.assert_close(fitted.weights, WEIGHTS, atol=10 * EXACT, rtol=10 * EXACT)
    turned = score(report, control="turned")
    assert turned.r2 < BY_CHANCE


def test_predictions_turn_with_the_input() -> None:
    fitted = probed({"known": linear("2e")}).map(STAGE, "known")
    for g in [*haar(3, seed=1), O3.inversion()]:
        before = fitted(capture(MODEL, STRUCTURES[0])[STAGE]).transform(g)
        after = fitted(capture(MODEL, STRUCTURES[0].transform(g))[STAGE])
        torch.testing.assert_close(after.values, before.values, atol=1e-10, rtol=1e-10)


def test_a_map_with_a_weight_per_component_would_not_turn() -> None:
    # The control: free weights for components are no equivariant map.
    channels, g = capture(MODEL, STRUCTURES[0])[STAGE]["1o"].double(), haar(1, seed=2)[0]
    free = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    turned = capture(MODEL, STRUCTURES[0].transform(g))[STAGE]["1o"].double()
    assert float((turned * free - (channels * free) @ g.matrix.T).abs().max()) > 0.1


def test_parity_is_respected() -> None:
    # The numbers of a vector, declared a pseudovector: the layer has no channel for it.
    report = probed({"axial": Field(linear("1o").values, "1x1e", "node")})
    assert math.isnan(score(report).r2)
    assert score(report).channels == 0
    assert (
        "axial (1e) cannot be read off any stage: an equivariant linear map makes 1e of channels of 1e alone."
        in report.describe()
    )
    assert "No channel of 1e: stage_density, stage_scalars." in report.describe()
    with pytest.raises(ProbeError, match="found 0"):
        report.map(STAGE, "axial")


def test_what_the_layer_does_not_hold_is_not_found() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(sum(map(len, STRUCTURES)), 3, generator=generator, dtype=torch.float64)
    report = probed({"noise": Field(noise, "1x1o", "node")})
    assert score(report).r2 < BY_CHANCE
    assert "as they should" in report.describe()


def test_an_invariant_may_have_a_constant_but_a_vector_may_not() -> None:
    shifted = Field(linear("0e").values + 7, "1x0e", "node")
    report = probed({"shifted": shifted})
    assert score(report).r2 > 1 - EXACT
    assert report.map(STAGE, "shifted").constant.tolist() == pytest.approx([7], abs=10 * EXACT)
    assert probed({"known": linear("1o")}).map(STAGE, "known").constant.tolist() == [0]


@pytest.mark.parametrize("name", ["neighbour asymmetry", "local gyration"])
def test_moments_by_name_are_known_to_a_layer_of_densities(name: str) -> None:
    report = probed(name)
    assert score(report).r2 > 0.5
    assert score(report, "stage_scalars").channels == 0


def test_node_attributes_by_name_and_networks_of_random_weights() -> None:
    report = equivariant_probe(toy(velocity=True), STRUCTURES, ["velocity", "spin"], random_networks=1)
    known = {(s.stage, s.target): s.r2 for s in report.scores if s.control == "trained"}
    assert known["stage_inputs", "velocity"] > 1 - 1e-8
    assert math.isnan(known["stage_inputs", "spin"])
    assert {s.control for s in report.scores} == {"trained", "turned", "random weights"}
    assert "velocity (1o) is known best at stage_inputs: R2 1.000" in report.describe()
    assert list(report.table().columns) == ["velocity (1o)", "spin (1e)"]
    assert len(report.figure().data) == 1


# --- targets ----------------------------------------------------------------------------------------------------------


def with_attributes(structure: Structure) -> Structure:
    generator = torch.Generator().manual_seed(3)
    charge = Field(torch.randn(len(structure), 1, generator=generator, dtype=torch.float64), "1x0e")
    moved = Field(torch.randn(len(structure), 3, generator=generator, dtype=torch.float64), "1x1o")
    nodes = {**structure.node, "charge": charge, "displacement": moved}
    return Structure(structure.positions, structure.species, node=nodes)


@pytest.mark.parametrize("name", list(MOMENTS))
def test_targets_by_name_turn_as_they_say(name: str) -> None:
    structure = with_attributes(liquid(0, 30))
    (target,) = equivariant_targets(name, [structure])
    found = target.values(structure)
    for g in [*haar(3, seed=4), O3.inversion()]:
        again = target.values(structure.transform(g))
        torch.testing.assert_close(again.values, found.transform(g).values, atol=1e-10, rtol=1e-9)


def test_the_strain_of_an_affine_motion_is_its_own() -> None:
    structure = liquid(1, 30)
    strain = torch.tensor([[0.02, 0.01, 0], [0.01, -0.03, 0.005], [0, 0.005, 0.04]], dtype=torch.float64)
    turning = torch.tensor([[0, -0.1, 0], [0.1, 0, 0.2], [0, -0.2, 0]], dtype=torch.float64)
    moved = Field(structure.positions @ (strain + turning).T, "1x1o")
    moving = Structure(structure.positions, structure.species, node={"displacement": moved})
    (target,) = equivariant_targets("local strain", [moving])
    expected = traceless_part(strain[None]).expand(30, 5)
    right = (target.values(moving).values - expected).abs().amax(1) < 1e-9
    assert float(right.double().mean()) > 0.9  # the others have neighbours in a plane or fewer


def test_the_traceless_part_keeps_the_norm_and_forgets_the_trace() -> None:
    matrix = torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    symmetric = matrix + matrix.mT
    own = symmetric - symmetric.diagonal(dim1=1, dim2=2).sum(1)[:, None, None] * torch.eye(3) / 3
    torch.testing.assert_close(traceless_part(symmetric).norm(dim=1), own.norm(dim=(1, 2)))
    torch.testing.assert_close(traceless_part(symmetric), traceless_part(own), atol=1e-12, rtol=1e-12)


def test_the_asymmetry_points_to_the_crowded_side() -> None:
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0.9, 0.2, 0], [1.1, -0.2, 0], [-1, 0, 0]], dtype=torch.float64)
    structure = Structure(points, torch.ones(5, dtype=torch.long))
    (target,) = equivariant_targets("neighbour asymmetry", [structure])
    assert float(target.values(structure).values[0, 0]) > 0


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ("curl", "There is no vector or tensor 'curl'. Known by name: neighbour asymmetry.*attributes.*spin, velocity"),
        ("local dipole", "'local dipole' needs the node attribute 'charge' on every structure"),
        (
            {"f": torch.zeros(3)},
            r"Target 'f': expected a name .* or a Field such as Field\(values, '1x1o'\), got Tensor",
        ),
        ({"f": Field(torch.zeros(7, 3), "1x1o")}, "expected a field on the 320 nodes of all structures.*got 7 rows"),
        ([], "Expected at least one vector or tensor"),
    ],
)
def test_what_is_no_target_is_refused_in_words(targets: object, words: str) -> None:
    with pytest.raises(ProbeError, match=words):
        probed(targets)


def test_too_few_environments_and_unknown_stages_are_refused() -> None:
    with pytest.raises(ProbeError, match="20 environments are too few for 5 folds"):
        equivariant_probe(MODEL, liquid(0, 20), "velocity")
    with pytest.raises(ProbeError, match=r"No stage \['layer9'\] on nodes"):
        probed("velocity", stages=["layer9"])


def test_a_target_that_is_zero_says_so() -> None:
    total = sum(map(len, STRUCTURES))
    report = probed({"nothing": Field(torch.zeros(total, 3, dtype=torch.float64), "1x1o", "node")})
    assert math.isnan(score(report).r2)
    assert "nothing (1o) is zero everywhere, or the same everywhere if no rotation changes it" in report.describe()
    assert "cannot be read off" not in report.describe()


def test_other_representations_have_labels_of_their_own() -> None:
    total = sum(map(len, STRUCTURES))
    report = probed({"stress": Field(torch.ones(total, 9, dtype=torch.float64), CartesianTensor(2), "node")})
    assert score(report).channels == 0


def test_a_window_of_the_layer_is_found_as_one_channel() -> None:
    # One of the layer's own densities: its weight is 1, those of the others 0.
    window = Gaussian(2.5, 1.0, 0.4)
    rows: list[Tensor] = []
    for structure in STRUCTURES:
        gaps = structure.positions[None] - structure.positions[:, None]
        r = gaps.norm(dim=-1, keepdim=True)
        rows.append((window(r) * gaps / r.clamp(min=1e-9)).sum(1))
    report = probed({"density": Field(torch.cat(rows), "1x1o", "node")})
    found = report.map(STAGE, "density").weights[0]
    assert found.abs().argmax().item() == 1
    assert float(found.abs()[[0, 2]].max()) < 1e-3 * float(found[1].abs())

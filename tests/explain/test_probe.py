"""Does a probe find what a stage holds exactly, miss what it does not, and trip over its controls?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import pytest
import torch
from torch import Tensor

from equiviz.descriptors.registry import build
from equiviz.descriptors.windows import Gaussian, Hard
from equiviz.explain.errors import ProbeError
from equiviz.explain.probe import probe
from equiviz.explain.probing.invariant_columns import Invariants, invariant_columns
from equiviz.explain.probing.report import Control, ProbeReport, ProbeScore
from equiviz.explain.probing.words import probe_sentences
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.harmonics import spherical_harmonics
from tests.toy_networks import molecule

CUTOFF = 2.5
WINDOWS = (Hard(CUTOFF), Gaussian(CUTOFF, 1.0, 0.4), Gaussian(CUTOFF, 1.8, 0.4))


@dataclass(frozen=True)
class DensityConfig:
    """A first layer: densities of neighbours by window, l = 0 ... 4; then a random mixture of them."""

    lmax: int = 4


class DensityLayer(EquivariantModel):
    """c_nlm(i) = sum_j w_n(r_ij) Y_lm(r_ij): what a first layer with these radial functions holds."""

    family = "density"

    def __init__(self, config: DensityConfig) -> None:
        super().__init__(config)
        self.config: DensityConfig = config
        count = len(WINDOWS)
        self.stage_density = Stage("+".join(f"{count}x{l}{'eo'[l % 2]}" for l in range(config.lmax + 1)))  # noqa: E741
        self.stage_scalars = Stage("2x0e")
        self.mix = torch.nn.Linear(count, 2, dtype=torch.float64)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        return Graph.from_structures(structures, CUTOFF, dtype=torch.float64)

    def forward(self, graph: Graph) -> dict[str, Field]:
        vectors = graph.edge_vectors
        weights = torch.stack([window(vectors.norm(dim=1)) for window in WINDOWS], 1)  # [E, n]
        harmonics = spherical_harmonics(self.config.lmax, vectors)  # [E, (L+1)^2]
        edges = weights[:, :, None] * harmonics[:, None, :]  # [E, n, (L+1)^2]
        density = edges.new_zeros(len(graph), *edges.shape[1:]).index_add(0, graph.receivers, edges)
        blocks = [density[..., l**2 : (l + 1) ** 2].flatten(1) for l in range(self.config.lmax + 1)]  # noqa: E741
        values = self.stage_density(torch.cat(blocks, 1))
        return {
            "mixed": Field(self.stage_scalars(torch.tanh(self.mix(values[:, : len(WINDOWS)]) / 10)), "2x0e", "node")
        }


def liquid(seed: int, atoms: int = 40) -> Structure:
    return molecule(atoms, seed, length=4.0)


@pytest.fixture(scope="module")
def report() -> ProbeReport:
    targets = {
        "sums": build("steinhardt", degrees=(2, 4), window=Hard(CUTOFF), normalise=False, squared=True),
        "means": build("steinhardt", degrees=(4,), window=Hard(CUTOFF)),
        "beyond": build("steinhardt", degrees=(6,), window=Hard(CUTOFF), normalise=False, squared=True),
    }
    return probe(DensityLayer(DensityConfig()), [liquid(s) for s in range(10)], targets, random_networks=2)


def r2(report: ProbeReport, stage: str, target: str, control: str = "trained") -> float:
    (found,) = (s.r2 for s in report.scores if (s.stage, s.control) == (stage, control) and s.target.startswith(target))
    return found


def test_a_single_layer_expresses_an_angular_density_exactly(report: ProbeReport) -> None:
    for score in report.scores:
        if score.target.startswith("sums") and score.stage == "stage_density" and score.control == "trained":
            assert score.low > 0.9999


def test_a_degree_that_the_layer_lacks_is_not_found(report: ProbeReport) -> None:
    assert r2(report, "stage_density", "beyond") < 0.9


def test_scalars_alone_know_little_of_angles(report: ProbeReport) -> None:
    assert r2(report, "stage_scalars", "means") < 0.8


def test_a_mean_over_neighbours_needs_ratios(report: ProbeReport) -> None:
    means = {"means": build("steinhardt", degrees=(4,), window=Hard(CUTOFF))}
    structures = [liquid(s) for s in range(10)]
    model = DensityLayer(DensityConfig())
    asked = {"stages": ["stage_density"], "random_networks": 0}
    better = probe(model, structures, means, invariants=("norms", "ratios"), **asked)  # type: ignore[arg-type]
    assert better.scores[0].r2 > 0.99 > r2(report, "stage_density", "means")


def test_shuffled_targets_are_not_predicted(report: ProbeReport) -> None:
    assert max(score.r2 for score in report.scores if score.control == "shuffled") < 0.05
    assert "as they should" in report.describe()


def test_species_counts_are_a_control_of_their_own(report: ProbeReport) -> None:
    counts = [score for score in report.scores if score.control == "species counts"]
    assert {score.stage for score in counts} == {"species counts"}
    assert len(counts) == 4
    assert max(score.r2 for score in counts) < 0.9
    assert "The species of a node and counts of its neighbours alone reach R2" in report.describe()
    assert all("species counts: " in note for row in report.figure().data[0].customdata for note in row)


class CountOfSecondSpecies:
    """What composition alone tells: neighbours of species 2 within the reach of the control."""

    names = ("count",)

    def __init__(self, reach: float) -> None:
        self.reach = reach

    def __call__(self, structure: Structure) -> Field:
        near = torch.cdist(structure.positions, structure.positions) < self.reach
        count = (near & (structure.species == 2)[None] & ~torch.eye(len(structure), dtype=torch.bool)).sum(1)
        return Field(count[:, None].double(), "1x0e", "node")


def test_a_count_of_species_is_read_off_species_counts() -> None:
    structures = [liquid(seed) for seed in range(10)]
    asked = {"random_networks": 0, "stages": ["stage_scalars"]}
    reach = probe(DensityLayer(DensityConfig()), structures, "q_4", **asked).reach  # type: ignore[arg-type]
    found = probe(DensityLayer(DensityConfig()), structures, [CountOfSecondSpecies(reach)], **asked)  # type: ignore[arg-type]
    (alone,) = [score for score in found.scores if score.control == "species counts"]
    assert alone.r2 > 0.999
    assert "Counts of species alone tell more of " in found.describe()


def test_a_stage_that_gives_nothing_to_read_is_named() -> None:
    asked = {"random_networks": 0, "invariants": ("bispectrum",)}
    found = probe(DensityLayer(DensityConfig()), [liquid(seed) for seed in range(8)], "q_4", **asked)  # type: ignore[arg-type]
    assert found.silent() == ["stage_scalars"]
    assert "Nothing could be read by bispectrum of: stage_scalars. They hold no irreps of l > 0" in found.describe()
    assert found.unexplained["stage_scalars"] is None


def test_what_the_architecture_gives_is_not_credited_to_training(report: ProbeReport) -> None:
    same = [s for s in report.scores if s.stage == "stage_density" and s.target.startswith("sums")]
    assert {score.control for score in same} == {"trained", "random weights", "shuffled"}
    assert "the architecture gives it, whatever the weights" in report.describe()
    assert "training brought it out" not in report.describe()


def test_the_table_and_the_picture_show_every_stage_and_descriptor(report: ProbeReport) -> None:
    table = report.table()
    assert list(table.index) == ["stage_density", "stage_scalars"]
    assert table.shape == (2, 4)
    assert len(report.to_frame()) == 2 * 4 * 3 + 4
    known, learned = report.figure().data
    assert list(known.x) == list(learned.x) == list(table.index)
    assert list(known.y) == list(learned.y) == list(table.columns)
    assert (learned.z == report.learned().T.to_numpy()).all()
    assert (report.table() - report.table("random weights")).equals(report.learned())
    assert "400 environments, held out in 10 groups" in report.describe()


def test_the_same_seed_gives_the_same_numbers() -> None:
    target = [build("steinhardt", degrees=(4,), window=Hard(CUTOFF))]
    first, second = (
        probe(DensityLayer(DensityConfig()), liquid(0, 80), target, random_networks=1, seed=4) for _ in "ab"
    )
    again = [score for score in first.scores if score.stage == "stage_density"]
    assert again == [score for score in second.scores if score.stage == "stage_density"]
    assert first.groups == 10


def test_training_is_credited_only_where_the_intervals_part() -> None:
    def sentences(fresh_high: float) -> str:
        trained = ProbeScore("layer", "q_6", "trained", 0.9, 0.85, 0.95)
        fresh = ProbeScore("layer", "q_6", "random weights", 0.5, 0.4, fresh_high)
        return " ".join(probe_sentences([trained, fresh]))

    assert "training brought it out" in sentences(0.8)
    assert "the architecture gives it" in sentences(0.86)


def sentence(**r2: tuple[str, float]) -> str:
    """What is said of q_6, given the stage and the R2 of each control; intervals are 0.1 wide to both sides."""
    scores = [
        ProbeScore(stage, "q_6", cast("Control", control.replace("_", " ")), value, value - 0.1, value + 0.1)
        for control, (stage, value) in r2.items()
    ]
    return probe_sentences(scores)[0]


def test_no_better_than_nothing_is_no_knowledge() -> None:
    assert sentence(trained=("out", -0.2)) == (
        "No stage knows q_6: R2 -0.200 [-0.300, -0.100] at best, at out, where knowing nothing gives 0."
    )
    assert sentence(trained=("out", 0.05)).startswith("No stage knows q_6")  # the interval holds 0
    assert sentence(trained=("out", 0.3)).startswith("q_6 is known best at out: R2 0.300")
    told = sentence(trained=("out", -0.2), random_weights=("out", -0.3))
    assert told.endswith("; random weights reach -0.300 [-0.400, -0.200]: neither knows it.")


def test_where_species_alone_tell_more_no_stage_is_praised() -> None:
    told = sentence(trained=("out", 0.3), species_counts=("", 0.8))
    assert told == (
        "Counts of species alone tell more of q_6, R2 0.800 [0.700, 0.900], than any stage: out at best, R2 0.300 "
        "[0.200, 0.400]."
    )
    assert sentence(trained=("out", 0.7), species_counts=("", 0.8)).endswith("species alone reach 0.800, as much.")
    assert "species" not in sentence(trained=("out", -0.1), species_counts=("", -0.2))


def test_two_sentences_do_not_contradict_each_other() -> None:
    """Random weights know as much, at another stage: no credit to training in either sentence."""
    scores = [ProbeScore("lin", "q_4", "trained", 0.56, 0.5, 0.6), ProbeScore("sq", "q_4", "trained", 0.1, 0.0, 0.2)]
    scores += [ProbeScore("lin", "q_4", "random weights", 0.2, 0.1, 0.3)]
    scores += [ProbeScore("sq", "q_4", "random weights", 0.55, 0.5, 0.6)]
    words = ProbeReport("Net", scores, 900, 9, ("norms",), {"lin": 9, "sq": 9}, networks=2).describe()
    assert "The architecture alone, whatever the weights, gives as much of: q_4." in words
    assert "random weights reach 0.550 [0.500, 0.600] at sq: the architecture gives it, whatever the weights" in words
    assert "training brought" not in words


def test_what_neither_network_knows_is_no_gain() -> None:
    scores = [ProbeScore("lin", "q_6", "trained", -0.1, -0.2, -0.05)]
    scores += [ProbeScore("lin", "q_6", "random weights", -0.5, -0.6, -0.4)]
    found = ProbeReport("Net", scores, 900, 9, ("norms",), {"lin": 9}, networks=2)
    assert [gain.sign for gain in found.gains()] == [0]
    assert "Known neither to this network nor to 2 networks with random weights: q_6." in found.describe()
    assert "gives as much of" not in found.describe()


def test_training_is_credited_with_what_no_stage_of_random_weights_has() -> None:
    def score(target: str, stage: str, control: Control, r2: float) -> ProbeScore:
        return ProbeScore(stage, target, control, r2, r2 - 0.01, r2 + 0.01)

    scores = [score("mobility", "first", kind, 0.2) for kind in ("trained", "random weights")]
    scores += [score("mobility", "last", "trained", 0.5), score("mobility", "last", "random weights", 0.1)]
    scores += [score("G2", "first", kind, 1.0) for kind in ("trained", "random weights")]
    scores += [score("G2", "last", "trained", 0.3), score("G2", "last", "random weights", 0.6)]
    found = ProbeReport("Net", scores, 900, 9, ("norms",), {"first": 300, "last": 9}, networks=2)
    assert [(gain.target, gain.sign) for gain in found.gains()] == [("mobility", 1), ("G2", 0)]
    assert [(gain.target, gain.sign) for gain in found.gains("last")] == [("mobility", 1), ("G2", -1)]
    words = found.describe()
    assert "Beside 2 networks with random weights, training brought out: mobility (R2 0.20 to 0.50)." in words
    assert "The architecture alone, whatever the weights, gives as much of: G2." in words
    assert "For 900 environments these stages have many features: first (300 features)." in words
    assert "many features" not in ProbeReport("Net", scores, 900, 9, ("norms",), {"first": 9}).describe()


class Sums:
    """A quantity of the whole layer: the sum of its scalars at each atom, which only many features together tell."""

    names = ("sum",)

    def __call__(self, structure: Structure) -> Field:
        return Field(wide_scalars(structure)[:, :3].sum(1, keepdim=True), "1x0e", "node")


def wide_scalars(structure: Structure) -> Tensor:
    """Sixty scalars of which six vary freely [N, 60]: their 1,830 products are more than there are atoms."""
    distances = torch.cdist(structure.positions, structure.positions)
    freely = torch.stack([torch.exp(-((distances - r) ** 2)).sum(1) for r in (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)], 1)
    noise = torch.randn(len(structure), 54, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    mixed = freely.double() @ torch.randn(6, 54, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return torch.cat([freely.double(), mixed + 0.1 * noise], 1)


class WideLayer(torch.nn.Module):
    """Many scalars of one layer, as pooling makes them."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage("60x0e")

    def forward(self, structure: Structure) -> Field:
        return Field(self.stage(wide_scalars(structure)), "60x0e", "node")


def test_more_features_never_spoil_what_fewer_tell() -> None:
    def r2(kind: Invariants, most: int | None) -> float:
        asked: dict[str, object] = {"stages": ["stage"], "random_networks": 0, "max_features": most}
        found = probe(WideLayer(), [liquid(s) for s in range(10)], [Sums()], invariants=(kind,), **asked)  # type: ignore[arg-type]
        return found.scores[0].r2

    few = r2("norms", None)
    assert few > 0.99
    by_number = [r2("power_spectrum", most) for most in (20, 100, 200, 320, 390)]
    assert min(by_number) > 0.9
    assert all(more > fewer - 0.01 for fewer, more in pairwise(by_number))


def test_an_overfitting_probe_says_so() -> None:
    scores = [
        ProbeScore("layer", "q_6", "trained", 0.9, 0.8, 1.0),
        ProbeScore("layer", "q_6", "shuffled", 0.3, 0.1, 0.5),
    ]
    assert "trust none of this" in " ".join(probe_sentences(scores))


class Constant:
    """A target that says the same of every environment, or nothing finite."""

    def __init__(self, value: float) -> None:
        self.value, self.names = value, ("constant",)

    def __call__(self, structure: Structure) -> Field:
        return Field(torch.full((len(structure), 1), self.value), "1x0e", "node")


def test_a_constant_target_is_said_to_be_one() -> None:
    found = probe(DensityLayer(DensityConfig()), liquid(0, 80), [Constant(3.3)], random_networks=0)
    assert "constant is the same in all environments" in found.describe()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": [Constant(float("nan"))]}, "The target 'constant' has values that are not finite"),
        ({"targets": []}, "Expected at least one descriptor"),
        ({"targets": [Constant(1), Constant(2)]}, "columns named constant. Pass a dict"),
        ({"stages": ["layer9"]}, r"No stage \['layer9'\] on nodes; the model has stage_density, stage_scalars"),
        ({"species": [77]}, r"nodes of species \[77\], found none"),
        (
            {"invariants": ("trispectrum",)},
            r"Stage 'stage_density': Expected invariants out of norms.*got \['trispectrum'\]",
        ),
        ({"structures": liquid(0, 20)}, "20 environments are too few for 5 folds"),
    ],
)
def test_a_probe_that_cannot_be_made_says_why(settings: dict[str, object], message: str) -> None:
    asked: dict[str, object] = {"structures": liquid(0, 60), "targets": [Constant(1.0)], **settings}
    with pytest.raises(ProbeError, match=message):
        probe(DensityLayer(DensityConfig()), **asked)  # type: ignore[arg-type]


def test_invariants_that_are_not_finite_are_refused() -> None:
    values = torch.ones(6, 3)
    values[2, 0] = torch.inf
    with pytest.raises(ProbeError, match="1 environments have invariants that are not finite"):
        invariant_columns(Field(values, "1x1o"), ("norms",), 10)


def test_many_columns_are_reduced_without_losing_what_they_span() -> None:
    few: Tensor = torch.randn(50, 5, generator=torch.Generator().manual_seed(0))
    columns = invariant_columns(Field(torch.cat([few, few, 2 * few], 1), "15x0e"), ("norms",), 5)
    assert columns.shape == (50, 5)
    centred = few.double() - few.double().mean(0)
    residual = centred - columns @ torch.linalg.lstsq(columns, centred).solution
    assert float(residual.abs().max()) < 1e-9


def test_inner_products_leave_out_those_of_scalars() -> None:
    values = torch.randn(9, 2 + 3 * 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    field = Field(values, "2x0e+3x1o", "node")
    every = field.invariants("power_spectrum").values  # 2 scalars, 3 products of them, 6 of the vectors
    labels = field.invariant_labels("power_spectrum")
    wanted = every[:, [not name.startswith("<0e") for name in labels]]
    assert wanted.shape[1] == 8
    centred = wanted - wanted.mean(0)
    columns = invariant_columns(field, ("inner_products",), 100)
    torch.testing.assert_close(columns, centred / centred.square().mean(0).sqrt())


@pytest.mark.parametrize("rows", [12, 60])
def test_components_are_the_leading_ones_whether_rows_or_columns_are_fewer(rows: int) -> None:
    values = torch.randn(rows, 30, generator=torch.Generator().manual_seed(0))
    columns = invariant_columns(Field(values, "30x0e"), ("norms",), 8)
    standard = values.double() - values.double().mean(0)
    standard = standard / standard.square().mean(0).sqrt()
    largest = torch.linalg.svdvals(standard)[:8].flip(0)
    assert torch.allclose(columns.norm(dim=0), largest, rtol=1e-10)  # eigenvalues of a Gram matrix of order one
    assert torch.allclose(columns.T @ columns, torch.diag(largest**2), atol=1e-9)

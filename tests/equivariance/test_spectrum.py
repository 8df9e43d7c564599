"""Does the spectrum of a break agree with theory, and does it say when its rule is too coarse?

Breaks of known content: under integral normalisation the mean of Y_lm^2 over the sphere is 1 / (4 pi), and averages of
polynomials up to the band limit are exact to rounding (1e-13 or so), so that 1e-12 is what a test may ask.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.edge_order import edge_orders
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.spectrum import spectrum
from equiviz.equivariance.spectrum_report import SpectrumReport
from equiviz.equivariance.turned_copies import turned_copies
from equiviz.features.capture import capture
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.errors import BandLimitError
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.representations import CartesianTensor, O3Irreps, Representation
from tests.equivariance.planted_faults import FAULTS
from tests.equivariance.spoiled_networks import on_block, spoiled
from tests.toy_networks import Declared, molecule, toy

EXACT = 1e-12
POINTS = torch.tensor([[0.1, 0.2, -0.3], [1.0, -0.4, 0.9], [-0.5, 0.7, 1.1]], dtype=torch.float64)
UP = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)


def of_function(
    function: Callable[[Tensor], Tensor],
    outputs: str | Representation = "1x0e",
    band_limit: int = 6,
    group: str = "O(3)",
) -> SpectrumReport:
    """The spectrum of a function of three points."""
    return spectrum(
        function, {"points": POINTS}, band_limit, group, inputs={"points": "position"}, outputs=outputs, per="graph"
    )


def harmonic(points: Tensor, degree: int, order: int) -> Tensor:
    """Y_lm of the direction from the first to the second point, integral normalisation."""
    everything = spherical_harmonics(degree, points[1] - points[0], normalization="integral")
    return everything[degree**2 + degree + order]


@pytest.mark.parametrize("order", [-3, -1, 0, 2, 3])
def test_a_harmonic_of_degree_three_has_its_analytic_variance_and_nothing_but_its_character(order: int) -> None:
    block = of_function(lambda points: 1 + 0.3 * harmonic(points, 3, order)).block("output", "0e")
    variance = 0.09 / (4 * math.pi)
    assert block.variance == pytest.approx(variance, rel=EXACT)
    assert block.mean_square == pytest.approx(1 + variance, rel=EXACT)
    assert block.shares[0, 1] == pytest.approx(1 / (1 + variance), rel=EXACT)
    assert block.shares[3, 1] == pytest.approx(variance / (1 + variance), rel=EXACT)
    rest = [share for character, share in block.shares.items() if character not in ((0, 1), (3, 1))]
    assert max(rest) < EXACT**2
    assert block.completeness == pytest.approx(1, rel=EXACT)
    assert block.beyond < EXACT


@pytest.mark.parametrize("degree", [1, 2])
def test_the_parity_of_a_harmonic_is_natural(degree: int) -> None:
    block = of_function(lambda points: 2 + harmonic(points, degree, 0)).block("output", "0e")
    assert block.share_of_break((degree, 1)) == pytest.approx(1, rel=EXACT)


def test_a_pseudo_scalar_breaks_inversion_alone() -> None:
    def handed(points: Tensor) -> Tensor:
        return torch.linalg.det(points)

    report = of_function(lambda points: 3 + handed(points))
    block = report.block("output", "0e")
    size = float(torch.linalg.det(POINTS)) ** 2
    assert block.variance == pytest.approx(size, rel=EXACT)
    assert block.share_of_break((0, -1)) == pytest.approx(1, rel=EXACT)
    assert "changes by inversion alone" in report.describe()
    assert of_function(lambda points: 3 + handed(points), group="SO(3)").passed


def test_a_vector_fixed_in_space_is_a_break_of_lambda_one() -> None:
    block = of_function(lambda points: points[1] - points[0] + 0.2 * UP, "1x1o").block("output", "1o")
    length = float((POINTS[1] - POINTS[0]).square().sum())
    assert block.variance == pytest.approx(0.04, rel=EXACT)
    assert block.mean_square == pytest.approx(length + 0.04, rel=EXACT)
    assert block.share_of_break((1, 1)) == pytest.approx(1, rel=EXACT)


def test_on_rotations_alone_sigma_is_not_told() -> None:
    block = of_function(lambda points: 1 + harmonic(points, 2, 1), group="SO(3)").block("output", "0e")
    assert set(block.shares) == {(0, 0), (1, 0), (2, 0), (3, 0)}
    assert block.share_of_break((2, 0)) == pytest.approx(1, rel=EXACT)


@pytest.mark.parametrize(
    ("outputs", "function", "character"),
    [
        ("1x1o", lambda points: points[1] - points[0], (1, 1)),
        ("1x1e", lambda points: torch.linalg.cross(points[1], points[2]), (1, -1)),
        ("1x0o", lambda points: torch.linalg.det(points), (0, -1)),
        ("1x2e", lambda points: spherical_harmonics(2, points[1] - points[0])[4:], (2, 1)),
    ],
)
def test_an_exact_output_as_it_comes_has_the_character_of_its_irrep(
    outputs: str, function: Callable[[Tensor], Tensor], character: tuple[int, int]
) -> None:
    report = of_function(function, outputs, band_limit=4)
    (block,) = report.blocks
    assert report.passed
    assert block.raw is not None
    assert block.raw[character] == pytest.approx(1, rel=EXACT)
    assert block.shares[0, 1] == pytest.approx(1, rel=EXACT)


def test_a_cartesian_tensor_turns_back_too() -> None:
    report = of_function(lambda points: torch.outer(points[1], points[2]), CartesianTensor(2), band_limit=2)
    assert report.passed
    assert report.blocks[0].relative_std < EXACT


def test_what_lies_beyond_the_band_limit_is_told() -> None:
    coarse = of_function(lambda points: 1 + harmonic(points, 5, 2))
    block = coarse.block("output", "0e")
    assert block.beyond_of_break > 0.5
    assert block.completeness < 1
    assert "Raise band_limit" in coarse.describe()
    assert "integrates squares exactly for content up to lambda = L / 2" in coarse.describe()
    fine = of_function(lambda points: 1 + harmonic(points, 2, 2))
    assert "Raise band_limit" not in fine.describe()
    assert fine.block("output", "0e").change < EXACT
    assert "they have converged" in fine.describe()


def test_an_exact_network_is_constant_to_rounding() -> None:
    report = spectrum(toy(velocity=True, spin=True), molecule(5), 4)
    assert report.passed
    assert max(block.relative_std**2 for block in report.blocks) < 1e-24
    assert {block.support for block in report.blocks} == {"edge", "node", "graph"}
    assert all(block.completeness == pytest.approx(1, rel=EXACT) for block in report.blocks)
    assert "No block varies by more than rounding" in report.describe()


def test_a_network_in_a_cell_keeps_its_edges_apart() -> None:
    report = spectrum(toy(), molecule(4, cell=True), 2)
    assert report.passed
    assert "stage_harmonics" in {block.stage for block in report.blocks}


def test_a_broken_network_tells_the_same_batched_and_one_by_one() -> None:
    network, x = spoiled(on_block("1o", lambda v: v + 0.1 * v.abs())).eval(), molecule(4)
    together = spectrum(network, x, 4)
    alone = spectrum(network, network.prepare(x), 4)
    assert "one by one" in alone.describe()
    assert "one by one" not in together.describe()
    for one, other in zip(together.blocks, alone.blocks, strict=True):
        assert one.variance == pytest.approx(other.variance, rel=1e-9, abs=1e-24)
    broken = [block.stage for block in together.blocks if block.status == "varies"]
    assert broken[0] == "stage_layers.0"
    assert "stage_inputs" not in broken


def test_several_structures_share_a_batch() -> None:
    network, x = toy(), [molecule(3), molecule(4, seed=1)]
    report = spectrum(network, x, 2)
    assert report.passed
    assert "one by one" not in report.describe()


def test_a_model_that_mixes_its_batch_runs_one_by_one() -> None:
    report = spectrum(FAULTS["a mean over the whole batch"].make().eval(), molecule(4), 2)
    assert "depends on what else is in the batch" in report.describe()
    assert report.passed


def test_e3nn_modules_without_stages_are_heard() -> None:
    network = toy()
    report = spectrum(Declared(network), network.prepare(molecule(5)), 2)
    assert report.passed
    assert report.blocks


def test_values_that_are_not_finite_are_no_pass() -> None:
    report = spectrum(FAULTS["a NaN in one entry"].make().eval(), molecule(4), 2)
    assert not report.passed
    assert report.block("stage_layers.1", "2e").status == "not finite"
    assert "is not finite" in report.describe()
    report.figure()


def test_a_block_of_zeros_says_nothing() -> None:
    report = of_function(lambda points: points[0].sum() * 0 + torch.zeros(1, dtype=torch.float64), band_limit=2)
    assert report.blocks[0].status == "all zero"
    assert "No block says anything" in report.describe()
    report.figure()


def test_the_words_name_share_place_and_character() -> None:
    report = of_function(lambda points: 1 + 0.3 * harmonic(points, 2, 1))
    words = report.describe()
    assert "100 % of the break of output's 0e block" in words
    assert (
        "sits at lambda = 2, sigma = +1: it changes as the components of an l = 2 tensor (2e) fixed in space do"
        in words
    )


def test_the_table_and_the_picture_hold_every_character() -> None:
    report = spectrum(spoiled(on_block("1o", torch.relu)).eval(), molecule(3), 4)
    frame = report.to_frame()
    named = {"stage", "irrep", "variance", "relative_std", "function", "lambda", "sigma", "share"}
    assert named <= set(frame.columns)
    assert not frame.duplicated(["stage", "irrep", "function", "lambda", "sigma"]).any()
    raw = frame[frame.function == "raw"]
    assert set(raw.stage) == {"output.energy", "output.vector", "output.tensor"}
    chart = report.figure()
    assert chart.data[0].x == ("λ = 0, σ = −1", *(f"λ = {k}, σ = {s}1" for k in (1, 2) for s in "+−"), "beyond")
    assert len(chart.data[0].y) == len({(b.stage, b.irrep) for b in report.blocks if b.status != "all zero"})


def test_an_unknown_block_is_refused_with_those_that_are_known() -> None:
    report = of_function(lambda points: points[0].sum(), band_limit=2)
    with pytest.raises(KeyError, match="there are"):
        report.block("output", "1o")


def test_a_band_limit_out_of_range_is_refused() -> None:
    with pytest.raises(BandLimitError, match="from 0 to 131"):
        of_function(torch.sum, band_limit=200)


def test_a_model_that_raises_when_turned_is_named() -> None:
    def fragile(points: Tensor) -> Tensor:
        if points[0, 0] < 0:
            raise ValueError("negative")
        return points.sum()

    with pytest.raises(CheckError, match=r"raises when it is turned by .* ValueError: negative"):
        of_function(fragile, band_limit=2)


def test_neither_the_model_nor_the_random_state_changes() -> None:
    network, x = toy().train(), molecule(3)
    state = torch.get_rng_state()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    spectrum(network, x, 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_stage_in_another_layout_turns_back() -> None:
    class Spherical(nn.Module):
        def forward(self, points: Tensor) -> Tensor:
            arms = points - points.mean(0)
            values = torch.cat([arms.square().sum(1, keepdim=True), arms], 1)  # [N, 4]
            return torch.stack([values, 2 * values], -1).flatten(1)

    rep = O3Irreps("2x0e+2x1o", layout="spherical")
    report = spectrum(Spherical(), {"points": POINTS}, 2, inputs={"points": "position"}, outputs=rep)
    assert report.passed


def test_turned_copies_are_the_batch_of_turned_structures() -> None:
    x, network = molecule(5, cell=True), toy(velocity=True, spin=True)
    turns = haar(4, 1)
    one, copies = network.prepare(x), network.prepare([x.transform(g) for g in turns])
    made = turned_copies(one, Orbit.of(torch.stack([g.matrix for g in turns])))
    assert made.n_graphs == 4
    assert len(made) == 20
    for name, item in capture(network, copies).items():
        if item.support != "edge":
            torch.testing.assert_close(capture(network, made)[name].values, item.values, rtol=1e-12, atol=1e-12)


def test_edges_find_their_copies() -> None:
    x, network = molecule(6, cell=True), toy()
    turns = haar(3, 1)
    before, after = network.prepare(x), network.prepare([x.transform(g) for g in turns])
    orders = edge_orders(before, after, 3)
    assert orders is not None
    count = before.edge_index.shape[1]
    for place, (g, order) in enumerate(zip(turns, orders, strict=True)):
        vectors = after.edge_vectors[place * count : (place + 1) * count][order]
        torch.testing.assert_close(vectors, before.edge_vectors @ g.matrix.T, rtol=0, atol=1e-12)


def test_edges_that_came_or_went_are_no_match() -> None:
    x, network = molecule(6), toy()
    before: Graph = network.prepare(x)
    wider: Structure = molecule(6, length=2.0)
    assert edge_orders(before, network.prepare(wider), 1) is None


def test_a_field_is_turned_as_fields_are() -> None:
    turns = haar(5, 2)
    orbit = Orbit.of(torch.stack([g.matrix for g in turns]))
    item = Field(torch.randn(3, 2, 24, dtype=torch.float64), O3Irreps("2x0o+3x1e+2x2o+1x1o", "ir_mul"))
    turned = orbit.turn(item.representation, item.values[None])
    expected = torch.stack([item.transform(g).values for g in turns])
    torch.testing.assert_close(turned, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        orbit.turn(item.representation, turned, back=True), item.values.expand(5, -1, -1, -1), rtol=0, atol=1e-12
    )


def test_a_spectrum_that_would_fill_the_memory_is_refused_beforehand() -> None:
    x = torch.randn(400, 60, dtype=torch.float64)
    with pytest.raises(CheckError, match=r"turned inputs, and hold [\d.]+ GiB of coefficients"):
        spectrum(lambda x: x, x, 98, inputs="20x1o", outputs="20x1o")

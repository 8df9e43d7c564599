"""Does an ablation find what a network needs, where that is known; and nothing where nothing is taken away?"""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from e3nn import o3
from torch import nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.ablate import ablate
from equiviz.explain.interventions.ablation_report import AblationReport
from equiviz.explain.interventions.changes import HOWS, changed
from equiviz.explain.interventions.intervened_run import run
from equiviz.features.model_input import prepared
from equiviz.models.hcnn import SMALL, example
from equiviz.models.registry import build
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import CartesianTensor, O3Irreps
from tests.explain.interventions.known_network import KnownNetwork
from tests.toy_networks import Declared, molecule, toy

MOLECULES = [molecule(atoms=7, seed=seed) for seed in range(12)]


@functools.cache
def ablated(output: str, by: str = "irrep") -> AblationReport:
    return ablate(KnownNetwork(), MOLECULES, by=by, how=HOWS, output=output)  # type: ignore[arg-type]


def effect(report: AblationReport, stage: str, part: str, how: str) -> float:
    (found,) = [s.effect for s in report.scores if (s.stage, s.part, s.how) == (stage, part, how)]
    return found


def scalars() -> list[np.ndarray]:
    """What the network gives as "scalar", molecule by molecule."""
    model = KnownNetwork()
    return [run(model, prepared(model, one))["output.scalar"].values[:, 0].numpy() for one in MOLECULES]


def test_what_is_read_is_needed_and_the_rest_is_not() -> None:
    for output, needs in {"scalar": {"0e"}, "norm": {"1o"}, "dot": {"1o"}, "energy": {"0e"}}.items():
        report = ablated(output)
        for part in ("0e", "1o", "2e"):
            assert (effect(report, "features", part, "zero") > 0.5) == (part in needs), (output, part)
        assert (effect(report, "partner", "1o", "zero") > 0.5) == (output == "dot")


def test_effects_are_the_numbers_that_they_should_be() -> None:
    """Of an output that is the part itself, without: its mean square over its variance; with means: what is within."""
    values = scalars()
    every = np.concatenate(values)
    variance = every.var()
    report = ablated("scalar")
    assert effect(report, "features", "0e", "zero") == pytest.approx((every**2).mean() / variance, rel=1e-9)
    within = sum(((one - one.mean()) ** 2).sum() for one in values) / len(every)
    assert effect(report, "features", "0e", "mean") == pytest.approx(within / variance, rel=1e-9)


def test_turning_tells_norms_from_directions() -> None:
    """The control of the method: the norm of v does not feel it when v is turned at random; v . w does."""
    assert effect(ablated("norm"), "features", "1o", "rotate") < 1e-20
    assert effect(ablated("dot"), "features", "1o", "rotate") > 0.3
    assert effect(ablated("dot"), "partner", "1o", "rotate") > 0.3
    assert "not for a direction" in ablated("norm").describe()
    assert "Needed with their directions, against other rows or stages: 1o of features" in ablated("dot").describe()


def test_a_block_of_scalars_is_not_turned() -> None:
    assert effect(ablated("scalar"), "features", "0e", "rotate") == 0


def test_shuffling_matters_where_rows_differ_and_not_in_a_sum() -> None:
    assert effect(ablated("scalar"), "features", "0e", "shuffle") > 0.3
    assert effect(ablated("energy"), "features", "0e", "shuffle") < 1e-20
    assert effect(ablated("energy"), "features", "0e", "mean") < 1e-20


def test_nothing_taken_away_changes_nothing() -> None:
    report = ablated("dot")
    assert report.nothing == 0
    assert "Control: put in its own place, each part changes nothing" in report.describe()


def test_a_model_that_breaks_under_hooks_fails_the_control() -> None:
    class Restless(KnownNetwork):
        """Another answer at each call."""

        calls = 0

        def forward(self, graph):  # type: ignore[no-untyped-def]
            Restless.calls += 1
            found = super().forward(graph)
            return {name: field.with_values(field.values * Restless.calls) for name, field in found.items()}

    assert "The control FAILS" in ablate(Restless(), MOLECULES[:2], how="zero").describe()


@pytest.mark.parametrize(
    ("by", "parts"),
    [
        ("l", ["l = 0", "l = 1", "l = 2"]),
        ("parity", ["even", "odd"]),
        ("stage", ["all of it"]),
        ("channel", ["0e[0]", "1o[0]", "2e[0]"]),
    ],
)
def test_parts(by: str, parts: list[str]) -> None:
    report = ablate(KnownNetwork(), MOLECULES[:2], by=by, how="zero", stages=["features"])  # type: ignore[arg-type]
    assert [score.part for score in report.scores] == parts
    assert list(report.table().columns) == parts
    assert np.isfinite(report.to_frame()["effect"]).all()


def test_targets_make_it_a_loss_in_r2() -> None:
    """Perfect targets: the model has R2 = 1, and without what it reads it has that of zeros."""
    values = scalars()
    report = ablate(KnownNetwork(), MOLECULES, by="irrep", how="zero", targets={"scalar": values})
    assert report.loss == 0
    assert report.output == "scalar"
    assert effect(report, "features", "0e", "zero") == effect(ablated("scalar"), "features", "0e", "zero")
    noisy = [one + np.random.default_rng(0).normal(size=len(one)) for one in values]
    worse = ablate(KnownNetwork(), MOLECULES, by="irrep", how="zero", targets=np.concatenate(noisy), output="scalar")
    expected = np.mean([((a - b) ** 2).mean() for a, b in zip(values, noisy, strict=True)])
    assert worse.loss == pytest.approx(expected, rel=1e-9)
    assert "a loss in R2" in worse.describe()


def test_intervals_hold_the_effect_and_shrink() -> None:
    few = ablate(KnownNetwork(), MOLECULES[:4], by="irrep", how="zero", output="norm")
    for report in (few, ablated("norm")):
        for score in report.scores:
            assert score.low <= score.effect <= score.high or score.how != "zero"
    widths = [max(s.high - s.low for s in report.scores if s.how == "zero") for report in (few, ablated("norm"))]
    assert widths[1] < widths[0]
    assert few.resampled == "structures"
    single = ablate(KnownNetwork(), MOLECULES[0], by="irrep", how="zero", output="norm")
    assert "resampling its nodes, which are not independent" in single.describe()
    energy = ablate(KnownNetwork(), MOLECULES[0], by="irrep", how="zero", output="energy")  # one row: no interval
    assert np.isnan(energy.scores[0].low)
    assert energy.scores[0].effect == pytest.approx(1.0)


def test_it_is_deterministic_and_leaves_the_model_alone() -> None:
    model = toy().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    first = torch.rand(1)
    torch.manual_seed(3)
    reports = [ablate(model, MOLECULES[:2], by="l", how=("shuffle", "rotate"), seed=5) for _ in range(2)]
    assert torch.rand(1) == first
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert reports[0].to_frame().equals(reports[1].to_frame())
    other = ablate(model, MOLECULES[:2], by="l", how=("shuffle", "rotate"), seed=6)
    assert not other.to_frame().equals(reports[0].to_frame())


def test_paths_of_a_network_of_e3nn_modules() -> None:
    """All paths into the last layer's vectors, and no others, reach the vector output."""
    report = ablate(
        toy(), MOLECULES[:3], by="path", how=("zero", "rotate"), output="vector", stages=["layers.1.gate.mul"]
    )
    needed = {score.part for score in report.scores if score.how == "zero" and score.effect > 1e-9}
    assert needed == {"1o x 0e -> 1o"}
    assert report.nothing < 1e-12
    assert effect(report, "layers.1.gate.mul", "1o x 0e -> 1o", "zero") == pytest.approx(1.0)


def test_plain_modules_whose_output_has_no_type() -> None:
    report = ablate(Declared(toy()), [prepared(toy(), MOLECULES[0])][0], by="l", how="zero", output="vector")
    assert {score.stage for score in report.scores} >= {"layers.0.mix", "layers.1.mix"}
    assert report.to_frame()["effect"].max() > 0.5


@pytest.mark.parametrize("by", ["irrep", "path"])
def test_holograms(by: str) -> None:
    report = ablate(build("hcnn", SMALL), example(8, 0), by=by)  # type: ignore[arg-type]
    assert report.nothing < 1e-6
    assert report.rows == 8
    assert report.to_frame()["effect"].max() > 0.01


@pytest.mark.parametrize("carried", [O3Irreps("2x0e+1o+2o+1e"), O3Irreps("2x0e+2x1o", "spherical"), CartesianTensor(2)])
@pytest.mark.parametrize("group", ["SO(3)", "O(3)"])
def test_random_turns_keep_norms_and_are_the_representation_s_own(carried: object, group: str) -> None:
    field = Field(torch.randn(40, carried.dim, dtype=torch.float64), carried)  # type: ignore[attr-defined, arg-type]
    turned = field.with_values(changed(field, "rotate", group, 0))
    assert torch.allclose(turned.norms(), field.norms(), rtol=1e-12)
    assert torch.allclose(turned.norms().square().sum(1), field.values.square().sum(1), rtol=1e-12)
    if "0e" in carried.labels():  # type: ignore[attr-defined]
        assert torch.equal(turned["0e"], field["0e"])
    if "1o" in carried.labels():  # type: ignore[attr-defined]  - copies of a row turn together
        assert torch.allclose(turned["1o"] @ turned["1o"].mT, field["1o"] @ field["1o"].mT, rtol=1e-10, atol=1e-12)
        mean = turned["1o"].mean()
        assert abs(float(mean)) < 0.5


def test_the_report_has_its_faces(tmp_path: object) -> None:
    report = ablated("dot")
    assert len(report.to_frame()) == 16
    assert [title.text for title in report.figure().layout.annotations or ()] == []
    assert len(report.figure().data) == len(HOWS)
    page = str(report.to_html())
    assert "What dot of KnownNetwork needs, by irrep" in page
    with pytest.raises(InterventionError, match="Parts were changed by zero, mean, shuffle, rotate, not by 'x'"):
        report.table("x")  # type: ignore[arg-type]


@pytest.mark.parametrize("targets", [None, np.ones((1, 1))], ids=["change", "targets"])
def test_one_row_has_no_variance_and_no_interval(targets: np.ndarray | None) -> None:
    report = ablate(KnownNetwork(), MOLECULES[0], by="irrep", how="zero", output="energy", targets=targets)
    assert all(score.low != score.low for score in report.scores)
    words = report.describe()
    assert "one row has no variance" in words
    assert "no interval can be given" in words
    assert not any(said in words for said in ("R2 =", "over its variance", "95 %", "resampling"))
    several = ablate(KnownNetwork(), MOLECULES[:2], by="irrep", how="zero", output="energy")  # the control
    assert "over its variance" in several.describe()
    assert "Intervals are 95 %, by resampling 2 structures. So few tell little of others." in several.describe()


class Silent(nn.Module):
    """An e3nn network of one module: nothing passes before its output."""

    def __init__(self) -> None:
        super().__init__()
        self.irreps_out = o3.Irreps("1x0e")

    def forward(self, structure: Structure) -> torch.Tensor:
        return structure.positions.norm(dim=1, keepdim=True)


def test_errors_say_what_to_do() -> None:
    model, x = KnownNetwork(), MOLECULES[:2]
    for arguments, words in {
        "by": (
            {"by": "colour"},
            "Expected by= one of 'l', 'parity', 'irrep', .*, got 'colour'",
        ),
        "how": ({"how": "twist"}, "Expected how= one or several of 'zero', 'mean', 'shuffle', 'rotate', got 'twist'"),
        "stage": ({"stages": ["x"]}, "No stage 'x'; it has features, partner"),
        "output": (
            {"output": "x"},
            "this model gives scalar, norm, dot, energy; its stages may be named too: features, partner",
        ),
        "paths": ({"by": "path"}, "This model has no product of typed tensors to take away"),
        "rows": ({"targets": np.zeros(3)}, "Expected targets with 14 rows of 1 numbers"),
        "nan": ({"targets": np.full(14, np.nan)}, "The targets hold values that are not finite"),
        "names": ({"targets": {"a": np.zeros(14), "b": np.zeros(14)}}, "Targets are given for a, b: say output="),
    }.values():
        with pytest.raises(InterventionError, match=words.replace("(", r"\(")):
            ablate(model, x, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InterventionError, match="This model has no stage to take away"):
        ablate(Silent(), x[0])
    with pytest.raises(InterventionError, match="What is unused was not measured"):
        ablate(model, x, how="rotate").prune()

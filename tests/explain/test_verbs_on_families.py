"""The verbs of explain on every registered family, small and untrained: each runs, and says what must be so.

A verb that moves points is refused by families that read no structure, with a sentence; so is one that needs slopes
where there are none.
"""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

import equiviz
from equiviz.equivariance.errors import CheckError, NoSmallMotionError
from equiviz.explain.attribution.words import EXACT
from equiviz.explain.errors import (
    AttributionError,
    BlindSpotError,
    CounterfactualError,
    InterventionError,
    ProbeError,
)
from equiviz.features.capture import Capture, capture
from equiviz.models.registry import families
from equiviz.nn.product_paths import paths_of
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from equiviz.symmetry.representation_text import representation
from equiviz.symmetry.unitary_group import Unitary, haar_unitaries
from tests.models.test_contract import example, network

Example = Structure | TypedTensors
ATOMS = 16
# Columns of a regression without a limit to them: a thousand take half a minute.
WIDE = 500
# Families whose answer jumps on the way from the baseline, so that no number of steps integrates it.
JUMPING = {
    "glassy": "a mean over neighbours within a hard edge",
    "hermes": "a normalisation that forgets the size of what comes, so that all happens next to the baseline",
}
# Stages that the number asked about does not rest on, by how their names begin.
ASIDE: dict[str, tuple[str, ...]] = {
    "hcnn": ("feature_stages",),
    "hermes": ("feature_stages",),
    "painn": ("update_vectors.1", "dipole_head", "polarizability_head"),
}
# Families all of whose stages read what was measured on the structure before, so that no slope reaches the positions.
MEASURED_BEFORE = {"ridge": "ridge_features"}
NEAR = 1e-9  # rounding in float64, over some thousand operations

each_family = pytest.mark.parametrize("name", sorted(families()))


@functools.cache
def seen(name: str) -> tuple[nn.Module, Example, Capture]:
    """A family's small network, an input, and what passes; a verb leaves the network as it was."""
    model, x = network(name), example(name, ATOMS)
    return model, x, capture(model, x)


def inner(recorded: Capture) -> dict[str, Field]:
    return {name: field for name, field in recorded.items() if not name.startswith("output")}


def asked(recorded: Capture) -> dict[str, object]:
    """One number of the first output."""
    first = next(name for name in recorded if name.startswith("output"))
    several = recorded[first].dim > 1
    return {"output": first, "at": 0, **({"component": 0} if several else {})}


def number(recorded: Capture) -> torch.Tensor:
    found = recorded[str(asked(recorded)["output"])].values[0, 0].detach()
    return found.abs() if found.is_complex() else found  # the size of a complex number is asked about


@each_family
def test_ablate(name: str) -> None:
    model, x, recorded = seen(name)
    report = equiviz.ablate(model, x, by="stage", how="zero")
    assert report.nothing == 0
    assert {score.stage for score in report.scores} == set(inner(recorded))
    assert max(score.effect for score in report.scores) > 1e-3


@each_family
def test_ablate_paths(name: str) -> None:
    model, x, _ = seen(name)
    if not paths_of(model):
        with pytest.raises(InterventionError, match="no product of typed tensors to take away"):
            equiviz.ablate(model, x, by="path", how="zero")
        return
    report = equiviz.ablate(model, x, by="path", how="zero")
    assert report.nothing < NEAR
    assert max(score.effect for score in report.scores) > 1e-6


@each_family
def test_steer(name: str) -> None:
    model, x, recorded = seen(name)
    for stage, field in inner(recorded).items():
        label = field.representation.labels()[0]
        untouched = equiviz.steer(model, x, stage, label)
        assert all(untouched.change(output) == 0 for output in untouched.before)
    first = next(iter(inner(recorded)))
    label = recorded[first].representation.labels()[0]
    assert max(equiviz.steer(model, x, first, label, scale=3.0).response.changes(next(iter(untouched.before)))) > 1e-6


@each_family
def test_steer_by_what_acts(name: str) -> None:
    """An element of each group that acts on the block turns it; what does not act is refused, not done in vain."""
    model, x, recorded = seen(name)
    acting = [*haar(1, 0, "SO(3)"), Unitary(haar_unitaries(1, 3, 0)[0])]
    for stage, field in inner(recorded).items():
        label, known = field.representation.labels()[-1], field.representation.transformed_by()
        for g in acting:
            if any(kind.contains(g) for kind in known):
                steered = equiviz.steer(model, x, stage, label, rotate=g)  # type: ignore[arg-type]
                assert f"turned by {g!r}" in steered.describe()
            else:
                with pytest.raises(InterventionError, match=r"does not act on .* What does: "):
                    equiviz.steer(model, x, stage, label, rotate=g)  # type: ignore[arg-type]


@each_family
def test_spectrum(name: str) -> None:
    """Of an input that no rotation of space moves, a mean over rotations would say nothing."""
    model, x, _ = seen(name)
    if families()[name].group == "U(n)":
        with pytest.raises(CheckError, match="rotations of space, which do nothing to this input"):
            equiviz.spectrum(model, x, 2)
        return
    few = example(name, 3)
    report = equiviz.spectrum(model, few, 2)
    claimed = families()[name].group
    assert report.passed == (claimed not in ("T(3)", "I", "none")) or (report.group == "O(3)" and "S" in claimed)
    assert report.group == ("SO(3)" if claimed == "I" else "O(3)")


@each_family
def test_lie_derivative(name: str) -> None:
    model, _, _ = seen(name)
    few = example(name, 3)
    if families()[name].group == "I":
        with pytest.raises(NoSmallMotionError, match=r"equiviz\.check tries finite elements"):
            equiviz.lie_derivative(model, few)
        return
    assert equiviz.lie_derivative(model, few).passed


@each_family
def test_patch(name: str) -> None:
    """A copy, turned by what the family claims, changes nothing; another input does."""
    model, x, recorded = seen(name)
    stage = list(inner(recorded))[-1]
    same = x.transform(haar(1, 0, "SO(3)")[0]) if "3" in families()[name].group and isinstance(x, Structure) else x
    assert max(equiviz.patch(model, same, x, stage).change(output) for output in _names(recorded)) < 1e-6
    other = equiviz.patch(model, example(name, ATOMS, seed=1), x, stage)
    assert max(other.change(output) for output in _names(recorded)) > 1e-6


def _names(recorded: Capture) -> list[str]:
    return [name.removeprefix("output.") for name in recorded if name.startswith("output")]


@each_family
def test_attribute(name: str) -> None:
    model, x, recorded = seen(name)
    found = equiviz.attribute(model, x, steps=32, rotations=0, **asked(recorded))  # type: ignore[call-overload]
    shares, told = found.shares, found.describe()
    assert shares.value == pytest.approx(float(number(recorded)), rel=1e-9)
    missing = abs(shares.sum - (shares.value - shares.baseline)) / float(shares.nodes.abs().sum())
    assert found.quality.completeness == pytest.approx(missing, rel=1e-9)
    assert (missing > EXACT) == ("is missing" in told)
    assert (missing > 0.02) == (name in JUMPING)
    assert ("Of an input of zeros" in told) == (not isinstance(x, Structure))


@each_family
def test_attribute_to_stages(name: str) -> None:
    model, x, recorded = seen(name)
    found = equiviz.attribute(model, x, to="stages", steps=8, **asked(recorded))  # type: ignore[call-overload]
    shared = set(found.to_frame()["stage"])
    assert shared.isdisjoint(found.silent)
    assert shared | set(found.silent) == set(inner(recorded))
    assert all(stage.startswith(ASIDE.get(name, ("none",))) for stage in found.silent)
    assert any(stage.startswith(ASIDE.get(name, ("",))) for stage in found.silent) == (name in ASIDE)


@each_family
def test_attribute_to_positions(name: str) -> None:
    model, x, recorded = seen(name)
    if not isinstance(x, Structure):
        with pytest.raises(AttributionError, match="Expected a structure, whose points have positions, for to='pos"):
            equiviz.attribute(model, x, to="positions", **asked(recorded))  # type: ignore[call-overload]
        return
    if name in MEASURED_BEFORE:
        return  # no slope reaches positions, as below
    with pytest.warns(UserWarning, match="depends on where the origin of coordinates is"):
        equiviz.attribute(model, x, to="positions", method="saliency", rotations=0, **asked(recorded))  # type: ignore[call-overload]


@each_family
def test_what_takes_edges_away(name: str) -> None:
    model, x, recorded = seen(name)
    if not isinstance(x, Structure):
        with pytest.raises(AttributionError, match="this input has none"):
            equiviz.radial_and_angular(model, x, **asked(recorded))  # type: ignore[arg-type]
        with pytest.raises(AttributionError, match="this input has no edges"):
            equiviz.body_orders(model, x, highest=2, **asked(recorded))  # type: ignore[arg-type]
        return
    few = example(name, 5)
    orders = equiviz.body_orders(model, few, highest=2, output=str(asked(recorded)["output"]), at=0)
    assert orders.value == pytest.approx(float(number(capture(model, few))), rel=1e-9)
    split = equiviz.radial_and_angular(model, few, draws=4, output=str(asked(recorded)["output"]), at=0)
    assert split.value == pytest.approx(orders.value, rel=1e-9)


@each_family
def test_unseen_directions(name: str) -> None:
    model, x, recorded = seen(name)
    stage = list(inner(recorded))[-1]
    if not isinstance(x, Structure):
        with pytest.raises(BlindSpotError, match="Expected one structure, whose points can move"):
            equiviz.unseen_directions(model, x, stage)
        return
    if name in MEASURED_BEFORE:
        with pytest.raises(BlindSpotError, match=rf"reads {MEASURED_BEFORE[name]}, measured beforehand"):
            equiviz.unseen_directions(model, x, stage, at=0)
        return
    found = equiviz.unseen_directions(model, x, stage, at=0)
    assert found.rank + found.count + found.rigid == 3 * int(found.reached.sum())


@each_family
def test_counterfactual(name: str) -> None:
    model, x, recorded = seen(name)
    if not isinstance(x, Structure):
        with pytest.raises(CounterfactualError, match="Expected one structure, whose points can move"):
            equiviz.counterfactual(model, x, 0.01, at=0)
        return
    asking = {**asked(recorded), "output": str(asked(recorded)["output"]).removeprefix("output.")}
    found = equiviz.counterfactual(model, x, 1e-3, steps=3, descriptors=(), **asking)  # type: ignore[arg-type]
    assert found.flat == (name in MEASURED_BEFORE)
    assert found.before == pytest.approx(float(number(recorded)), rel=1e-9)


@each_family
def test_probe(name: str) -> None:
    model, _, recorded = seen(name)
    inputs = [example(name, ATOMS, seed) for seed in range(5)]
    if isinstance(inputs[0], Structure):
        targets: object = "density"
    else:
        targets = {"scalar": torch.randn(sum(map(len, inputs)), generator=torch.Generator().manual_seed(0)).double()}
    report = equiviz.probe(model, inputs, targets, random_networks=1)  # type: ignore[arg-type]
    assert set(report.table().index) == set(inner(recorded))
    assert report.networks == 1
    assert report.table("shuffled").max().max() < 0.5


@each_family
def test_equivariant_probe(name: str) -> None:
    """A stage's own channel can be read off it, where there are more environments than channels."""
    model, _, recorded = seen(name)
    inputs = [example(name, 12, seed) for seed in range(3)]
    stage, field = next(iter(inner(recorded).items()))
    if field.dim > WIDE:
        with pytest.raises(ProbeError, match="No stage"):
            equiviz.equivariant_probe(
                model, inputs, {"none": Field(torch.ones(36, 1), "1x0e")}, stages=["none"], folds=3
            )
        return
    label = field.representation.labels()[-1]
    values = torch.cat([capture(model, x)[stage][label][:, 0] for x in inputs])
    single = field.representation if values.shape[-1] == field.dim else representation(f"1x{label}")
    own = {"own channel": Field(values, single)}
    if values.is_complex():
        with pytest.raises(ProbeError, match="expected real numbers that turn with space"):
            equiviz.equivariant_probe(model, inputs, own, stages=[stage], folds=3)
        return
    report = equiviz.equivariant_probe(model, inputs, own, stages=[stage], folds=3, random_networks=0)
    scores = report.table().loc[stage]
    assert scores.notna().all()
    assert scores.max() > 0.2
    assert report.table("turned").loc[stage].max() < 0.2


@each_family
def test_likeness(name: str) -> None:
    model, _, recorded = seen(name)
    table = equiviz.likeness(model, [example(name, ATOMS, seed) for seed in range(3)]).table()
    assert set(table.index) == set(inner(recorded))
    first = table.index[-1]
    assert table.loc[first, first] == pytest.approx(1, abs=1e-6)


@each_family
def test_dictionary(name: str) -> None:
    model, _, recorded = seen(name)
    stage = list(inner(recorded))[-1]
    inputs = [example(name, ATOMS, seed) for seed in range(5)]
    report = equiviz.dictionary(model, inputs, stage, atoms=4, starts=1, random_weights=False)
    assert report.commuting < NEAR
    assert report.explained > 0

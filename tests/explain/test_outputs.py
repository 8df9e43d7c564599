"""Is the same number meant everywhere, whichever verb is asked?"""

from __future__ import annotations

import pytest
import torch

from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.counterfactual.counterfactual import counterfactual
from equiviz.explain.errors import AttributionError, CounterfactualError, InterventionError
from equiviz.explain.interventions.ablate import ablate
from equiviz.explain.interventions.patch import patch
from equiviz.explain.interventions.steer import steer
from equiviz.explain.outputs import AskedNumber, At, Component, output_in, outputs_in, usual_output
from equiviz.features.capture import capture
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from tests.toy_networks import molecule, toy


def _field(irreps: str, rows: int, support: str = "node") -> Field:
    from equiviz.symmetry.representation_text import representation

    values = torch.randn(rows, representation(irreps).dim, generator=torch.Generator().manual_seed(rows))
    return Field(values.double(), irreps, support)  # type: ignore[arg-type]


RECORDED = {
    "layer": _field("2x0e+1x1o", 4),
    "output.force": _field("1x1o", 4),
    "output.energy": _field("1x0e", 1, "graph"),
    "output.charge": _field("1x0e", 4),
    "output.levels": _field("3x0e", 1, "graph"),
}


def _asked(output: str | None = None, at: At = None, component: Component = None) -> AskedNumber:
    return AskedNumber.of(RECORDED, output, at, component, AttributionError)


def test_the_first_invariant_output_is_meant() -> None:
    assert output_in(RECORDED, None, AttributionError) == "output.energy"
    assert str(_asked()) == "energy"


def test_the_first_where_all_turn() -> None:
    turning = {"a": _field("1x1o", 4), "b": _field("1x2e", 4)}
    assert usual_output(turning) == "a"
    assert output_in({f"output.{name}": field for name, field in turning.items()}, None, AttributionError) == "output.a"


def test_plain_tensors_have_their_last_stage() -> None:
    stages = {"first": _field("1x0e", 4), "last": _field("1x1o", 4)}
    assert list(outputs_in(stages, AttributionError)) == ["last"]
    with pytest.raises(AttributionError, match="says nothing that is typed"):
        outputs_in({}, AttributionError)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"output": "force", "at": 2}, "norm of force at node 2"),
        ({"output": "force", "at": 2, "component": 1}, "force[1] at node 2"),
        ({"output": "force", "at": "all"}, "norm of the sum of force"),
        ({"output": "charge", "at": "all"}, "the sum of charge"),
        ({"output": "levels", "component": 2}, "levels[2]"),
        ({"output": "levels", "component": "norm"}, "norm of levels"),
        ({"output": "output.energy", "at": 0}, "energy"),
        ({"output": "layer", "at": 3, "component": 0}, "layer[0] at node 3"),
    ],
)
def test_the_words_say_which_number_it_was(asked: dict[str, object], words: str) -> None:
    assert str(_asked(**asked)) == words  # type: ignore[arg-type]


def test_the_numbers_are_those_of_the_field() -> None:
    force, levels = RECORDED["output.force"].values, RECORDED["output.levels"].values
    assert float(_asked("force", 2).values(RECORDED)) == pytest.approx(float(force[2].norm()), rel=1e-12)
    assert float(_asked("force", "all").values(RECORDED)) == pytest.approx(float(force.sum(0).norm()), rel=1e-12)
    assert float(_asked("force", "all", 1).values(RECORDED)) == pytest.approx(float(force[:, 1].sum()), rel=1e-12)
    assert float(_asked("levels", None, 2).values(RECORDED)) == float(levels[0, 2])


def test_what_is_meant_by_default_does_not_depend_on_the_axes() -> None:
    g = haar(1, 4, "O(3)")[0]
    turned = {name: field.transform(g) for name, field in RECORDED.items()}
    default, component = _asked("force", 2), _asked("force", 2, 0)
    assert not default.turns
    assert default.values(turned) == pytest.approx(default.values(RECORDED), rel=1e-12)
    assert component.turns
    assert component.values(turned) != pytest.approx(component.values(RECORDED), rel=1e-3)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"output": "mass"}, "this model gives force, energy, charge, levels; its stages may be named too: layer"),
        ({"output": "charge"}, "'charge' has 4 rows, one per node: say which, at=0 to at=3, or at='all' for their sum"),
        ({"output": "charge", "at": 4}, r"Expected at= from 0 to 3 \(nodes\), got 4"),
        ({"output": "charge", "at": "first"}, "say which, at=0 to at=3.*got 'first'"),
        ({"output": "levels"}, "'levels' has 3 components: say which, component=0 to component=2, or component='norm'"),
        ({"output": "levels", "component": 3}, "Expected component= from 0 to 2 of 'levels', or 'norm', got 3"),
        ({"output": "levels", "component": "largest"}, "of 'levels', or 'norm', got 'largest'"),
    ],
)  # fmt: skip
def test_errors_list_the_choices(asked: dict[str, object], text: str) -> None:
    with pytest.raises(AttributionError, match=text):
        _asked(**asked)  # type: ignore[arg-type]


def test_all_verbs_mean_the_same_output() -> None:
    model, structure = toy(lmax=1, layers=1), molecule(6, length=1.6)
    usual = usual_output({n: f for n, f in capture(model, structure).items() if n.startswith("output.")})
    name = usual.removeprefix("output.")
    assert attribute(model, structure, steps=4, rotations=0).asked == name
    assert counterfactual(model, structure, 1e-4, descriptors=(), steps=2).output == name
    assert ablate(model, structure, how="zero").output == name
    report = steer(model, structure, "stage_layers.0", "1o", scale=0.0)
    assert report.change() == report.change(name)
    assert report.response.changes() == report.response.changes(name)
    other = patch(model, molecule(6, seed=2, length=1.6), structure, "stage_layers.0")
    assert (other.change(), other.way()) == (other.change(name), other.way(name))


def test_all_verbs_refuse_the_same_output() -> None:
    model, structure = toy(lmax=1, layers=1), molecule(6, length=1.6)
    text = "There is no output 'mass'; this model gives "
    with pytest.raises(AttributionError, match=text):
        attribute(model, structure, output="mass")
    with pytest.raises(CounterfactualError, match=text):
        counterfactual(model, structure, 1e-4, "mass")
    with pytest.raises(InterventionError, match=text):
        ablate(model, structure, output="mass")
    with pytest.raises(InterventionError, match="There is no output 'mass'; this report holds energy"):
        steer(model, structure, "stage_layers.0", "1o", scale=0.0).change("mass")


def test_a_hidden_channel_can_be_shared_out_like_an_output() -> None:
    model, structure = toy(lmax=1, layers=2), molecule(6, length=1.6)
    report = attribute(model, structure, output="stage_layers.0", at=1, component=0)
    assert report.asked == "stage_layers.0[0] at node 1"
    # The path has 64 steps; what the trapezoidal rule misses of a smooth network is below a hundredth.
    assert report.quality.completeness < 0.01

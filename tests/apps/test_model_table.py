"""The table of models: does it measure what it says, and does it notice a network that breaks its claim?"""

from __future__ import annotations

import pytest
import torch
from typer.testing import CliRunner

from equiviz.apps.model_table import ATOMS, FRESH, equivariance_errors, model_table, seconds_per_row
from equiviz.cli import app
from equiviz.datasets.glass.shipped import load_shipped
from equiviz.models.errors import UnknownFamily
from equiviz.models.painn import Painn
from equiviz.models.registry import families, family
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.training.tasks.task import task_named


class Leaning(Painn):
    """Adds the same arrow to all forces: no rotation turns it."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        found = super().forward(graph)
        forces = found["forces"]
        return {**found, "forces": forces.with_values(forces.values + torch.tensor([0.0, 0.1, 0.0]))}


def built(kind: type[Painn]) -> Painn:
    torch.manual_seed(0)
    return kind(family("painn").configure({"width": 8, "layers": 1, "outputs": ["energy", "forces"]})).eval()


def test_a_table_has_the_shipped_weights_of_a_family() -> None:
    table = model_table(["unitary"])
    assert [row.weights for row in table.rows] == ["unitary-charges", "unitary-oscillators"]
    for row in table.rows:
        assert 1e-9 < row.error32 < 1e-5  # rounding in single precision, and not none: the weights are float32
        assert row.error64 < 1e-12
        assert row.parameters > 10_000
        assert row.microseconds > 0
        assert row.reference
    frame = table.to_frame()
    assert list(frame["family"]) == ["unitary", "unitary"]
    assert "%" in frame["score"][0]
    assert len(table.figure().data) == 2


def test_markdown_has_a_row_for_each_and_says_where_it_was_measured() -> None:
    table = model_table(["unitary"])
    lines = table.markdown().splitlines()
    columns = lines[0].count("|")
    assert all(line.count("|") == columns for line in lines[: 2 + len(table.rows)])
    assert "cores" in lines[-1]
    assert "µs per system" in lines[2]


def test_a_network_that_breaks_its_claim_has_a_large_error() -> None:
    honest, leaning = built(Painn), built(Leaning)
    sample = task_named("molecules", "painn").sample(honest)
    single, double = equivariance_errors(honest, sample)
    assert single < 1e-4
    assert double < 1e-12
    assert min(equivariance_errors(leaning, sample)) > 1e-3


def test_a_family_without_weights_is_measured_as_it_is_built() -> None:
    (row,) = model_table(["ridge"]).rows
    assert (row.weights, row.data, row.score) == (FRESH, "", "")
    assert row.parameters > 0


def test_speed_of_a_small_molecule_is_that_of_a_batch() -> None:
    model = built(Painn)
    sample = task_named("molecules", "painn").sample(model)
    shown: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: shown.append(len(inputs[0])))
    assert seconds_per_row(model, sample) > 0
    assert len(shown) > 1  # more than the one that may compile
    assert set(shown) == {len(sample) * (ATOMS // len(sample))}
    large = load_shipped("test")[0].structure  # not copied: it is no small molecule
    ridge = family("ridge").build().eval()
    ridge.register_forward_pre_hook(lambda _, inputs: shown.append(len(inputs[0])))
    shown.clear()
    seconds_per_row(ridge, ridge.measure(large))
    assert set(shown) == {len(large)}


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(UnknownFamily, match=r"no family 'unitari'\. Did you mean 'unitary'"):
        model_table(["unitari"])


def test_the_command_lists_and_measures() -> None:
    listed = CliRunner().invoke(app, ["models"])
    assert all(name in listed.output for name in families())
    measured = CliRunner().invoke(app, ["models", "ridge", "--markdown"])
    assert measured.exit_code == 0, measured.output
    assert "| `ridge`: Boattini" in measured.output


def test_a_setting_that_is_none_is_refused() -> None:
    asked = ["train", "unitary", "--data", "oscillators", "--out", "nowhere", "--set", "layers"]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code != 0
    assert "NAME=VALUE" in refused.output

"""Does a probe take what people would pass to it?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from equiviz.descriptors import Hard, build
from equiviz.explain.errors import ProbeError
from equiviz.explain.probe import probe
from equiviz.explain.probing.asked_targets import as_targets
from equiviz.explain.probing.targets import column_names, target_columns
from equiviz.structures import Structure
from equiviz.symmetry import Field
from tests.explain.test_probe import DensityConfig, DensityLayer, liquid

SOME = [liquid(seed, 30) for seed in range(3)]
TOTAL = 90


def crystal() -> Structure:
    """A face-centred cubic crystal with neighbours at distance 1: 32 points."""
    corner = torch.tensor([[0.0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], dtype=torch.float64)
    cells = torch.cartesian_prod(*[torch.arange(2.0, dtype=torch.float64)] * 3)
    positions = (corner[None] + cells[:, None]).flatten(0, 1) * 2**0.5
    return Structure(positions, torch.ones(32, dtype=torch.long), 2 * 2**0.5 * torch.eye(3), (True, True, True))


def test_a_name_is_that_column_within_the_first_shell() -> None:
    structure = crystal()
    found = as_targets("q_6", [structure])
    assert column_names(found) == ["q_6"]
    q6 = target_columns(found, structure)
    assert q6.squeeze(1).tolist() == pytest.approx([0.57452] * 32, abs=1e-4)  # Mickel et al. 2013, table I: fcc


def test_a_family_by_name_is_all_of_its_columns() -> None:
    assert column_names(as_targets(["steinhardt"], SOME)) == [f"q_{degree}" for degree in range(2, 9)]


def test_descriptors_stay_what_they_are() -> None:
    own = build("steinhardt", degrees=(4,), window=Hard(2.0))
    for asked in (own, [own], (own,)):
        (found,) = as_targets(asked, SOME)
        assert found is own
    assert column_names(as_targets({"mine": own, "theirs": "q_6"}, SOME)) == ["mine q_4", "theirs q_6"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q_4", 0.1909),
        ("w_hat_4", -0.1593),
        ("q_bar_6", 0.5745),
        ("w_bar_hat_6", -0.0132),
        ("coordination", 12.0),
        ("bonds 421", 12.0),
        ("bonds 555", 0.0),
    ],
)
def test_names_of_experts_mean_what_they_mean_in_books(name: str, value: float) -> None:
    # Fcc: Mickel et al. (2013), Steinhardt et al. (1983), Honeycutt and Andersen (1987).
    found = as_targets(name, [crystal()])
    assert column_names(found) == [name]
    assert target_columns(found, crystal())[:, 0].tolist() == pytest.approx([value] * 32, abs=6e-5)


def test_every_family_of_experts_can_be_asked_for_by_name() -> None:
    words = ["w_6", "density", "tetrahedrality", "radial_symmetry_functions", "angular_symmetry_functions"]
    found = as_targets([*words, "SOAP", "common-neighbour signature"], [crystal()])
    assert len(column_names(found)) == target_columns(found, crystal()).shape[1] > 40
    assert target_columns(found, crystal()).isfinite().all()


@pytest.mark.parametrize("form", ["array", "tensor", "list", "field", "per structure", "numbers"])
def test_arrays_are_split_along_the_structures(form: str) -> None:
    values: Tensor = torch.arange(TOTAL, dtype=torch.float32)
    given = {
        "array": values.numpy(),
        "tensor": values,
        "list": values.tolist(),
        "field": Field(values[:, None], "1x0e", "node"),
        "per structure": list(values.numpy().reshape(3, 30)),
        "numbers": values.int().numpy(),
    }[form]
    found = as_targets({"mobility": given}, SOME)
    assert column_names(found) == ["mobility"]
    joined = torch.cat([target_columns(found, structure) for structure in SOME])
    assert torch.equal(joined, values.double()[:, None])


def test_several_columns_are_numbered() -> None:
    found = as_targets({"mobility": np.zeros((TOTAL, 2)), "more": np.zeros(TOTAL)}, SOME)
    assert column_names(found) == ["mobility 0", "mobility 1", "more"]


def test_a_probe_reads_names_and_arrays() -> None:
    model, structures = DensityLayer(DensityConfig()), [liquid(seed) for seed in range(6)]
    density = torch.cat([model.predict(structure)["mixed"].values[:, 0] for structure in structures])
    report = probe(model, structures, {"mixed": density.numpy(), "order": "q_4"}, random_networks=0)
    own = {(s.stage, s.target): s.r2 for s in report.scores if s.control == "trained"}
    assert own["stage_scalars", "mixed"] > 0.99
    assert ("stage_scalars", "order q_4") in own


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (np.zeros(TOTAL), r"Expected targets as a name .*got ndarray. An array needs a name: \{'mobility': array\}"),
        (7, "Expected targets as a name .*, a descriptor, a list of those, or a dict.*got int"),
        (
            "q4",
            r"no descriptor 'q4'. Known by name: .*steinhardt.*; q_4, w_6, .*columns of all these, such as q_2.*build",
        ),
        ({"m": np.zeros(5)}, r"Target 'm': expected one row per node, shape \[90\].*of 3 structures.*got shape \[5\]"),
        ({"m": ["a"] * TOTAL}, "Target 'm': expected a name, a descriptor or an array of numbers, got list"),
        ({"m": Field(torch.zeros(TOTAL, 3), "1x1o", "node")}, r"expected invariants \(0e\) on nodes, got 1x1o"),
    ],
)
def test_what_is_no_target_is_refused_in_words(asked: object, words: str) -> None:
    with pytest.raises(ProbeError, match=words):
        as_targets(asked, SOME)  # type: ignore[arg-type]


def test_arrays_of_a_structure_that_is_given_twice_are_refused() -> None:
    with pytest.raises(ProbeError, match="given twice"):
        as_targets({"m": np.zeros(60)}, [SOME[0], SOME[0]])

"""Do the irreps of a stage, and the paths of a product, share out the whole?"""

from __future__ import annotations

import pytest
import torch

from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.known_answers import ShellQuadrupole
from equiviz.explain.errors import AttributionError
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.symmetry.groups import haar
from tests.toy_networks import molecule, toy

DENSE = {"atoms": 10, "length": 1.8}


@pytest.fixture(scope="module")
def network() -> EquivariantModel:
    return toy()


class TestStages:
    def test_the_last_stage_carries_everything(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(**DENSE), to="stages")  # type: ignore[arg-type]
        missing = report.missing()
        assert abs(missing["stage_layers.1"]) < 1e-3 * abs(report.change)  # the trapezoid of 64 steps
        finer = attribute(network, molecule(**DENSE), to="stages", steps=256).missing()  # type: ignore[arg-type]
        # Its error falls with the square of the step.
        assert (
            abs(finer["stage_layers.1"]) < abs(missing["stage_layers.1"]) / 10 or abs(finer["stage_layers.1"]) < 1e-15
        )

    def test_an_energy_is_read_off_the_scalars_of_the_last_layer(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(**DENSE), to="stages")  # type: ignore[arg-type]
        last = report.by("irrep").query("stage == 'stage_layers.1'").set_index("irrep")["score"]
        assert last["0e"] == pytest.approx(report.change, rel=1e-3)
        assert last.drop("0e").abs().max() == 0.0
        assert report.by(["l", "parity"]).query("stage == 'stage_layers.0'")["score"].abs().min() == 0.0  # 1e, 2o

    def test_a_direction_is_carried_by_what_has_one(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(**DENSE), to="stages", output="vector", at=2)  # type: ignore[arg-type]
        last = report.by("irrep").query("stage == 'stage_layers.1'").set_index("irrep")["score"]
        assert last["1o"] == pytest.approx(report.change, rel=1e-2)
        assert last.drop("1o").abs().max() == 0.0

    def test_scores_do_not_turn(self, network: EquivariantModel) -> None:
        structure = molecule(**DENSE)  # type: ignore[arg-type]
        one, other = (attribute(network, x, to="stages") for x in (structure, structure.transform(haar(1, 5)[0])))
        first, second = (report.nodes("stage_layers.0", "2e").values for report in (one, other))
        assert torch.allclose(first, second, atol=1e-12)

    def test_relevance_is_conserved_where_there_are_no_biases(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(**DENSE), to="stages", method="relevance")  # type: ignore[arg-type]
        for stage, missing in report.missing().items():
            assert abs(missing) < 1e-9 * abs(report.change), stage

    def test_the_face(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(**DENSE), to="stages")  # type: ignore[arg-type]
        assert "stage_layers.1: most is carried by 0e" in report.describe()
        assert list(report.figure().data[0].x) == ["0e", "1o", "2e", "1e", "2o"]
        assert report.title == f"Which irreps carry {report.asked} in ToyNetwork"
        assert report.title in str(report.to_html())
        with pytest.raises(AttributionError, match=r"Nothing flows through 'stage_layers.9'"):
            report.nodes("stage_layers.9")


class TestPaths:
    @pytest.mark.parametrize("method", ["integrated_gradients", "relevance"])
    def test_paths_sum_up(self, network: EquivariantModel, method: str) -> None:
        report = attribute(network, molecule(**DENSE), to="paths", method=method)  # type: ignore[arg-type]
        frame = report.to_frame()
        if method == "integrated_gradients":
            assert frame["score"].sum() == pytest.approx(report.value - report.baseline, rel=1e-6)
        else:
            for layer in ("layers.0.product", "layers.1.product"):
                assert frame[frame["module"] == layer]["score"].sum() == pytest.approx(report.value, rel=1e-9)

    def test_paths_that_end_in_no_scalar_carry_no_energy(self, network: EquivariantModel) -> None:
        frame = attribute(network, molecule(**DENSE), to="paths").to_frame()  # type: ignore[arg-type]
        last = frame[frame["module"] == "layers.1.product"]
        assert last[last["out"] != "0e"]["score"].abs().max() == 0.0
        assert last[last["out"] == "0e"]["score"].abs().min() > 0.0

    def test_the_face(self, network: EquivariantModel) -> None:
        report = attribute(network, molecule(**DENSE), to="paths")  # type: ignore[arg-type]
        assert "paths carry nothing" in report.describe()
        assert "layers.1.product" in list(report.figure().data[0].x)
        with pytest.raises(AttributionError, match="has no product of typed tensors whose paths could be told apart"):
            attribute(ShellQuadrupole(), ShellQuadrupole().example(0), to="paths")

"""What every adapter owes to the verbs of `equiviz.explain`: each runs on the real package, and says what is so.

The verbs know typed stages and typed outputs only; nothing here knows a package. A representation that is not of O(3)
irreps, and a model without products of typed tensors, are refused with a sentence, which is tested too.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

import pytest
import torch

import equiviz
from equiviz.explain.errors import (
    AttributionError,
    BlindSpotError,
    CounterfactualError,
    InterventionError,
    SymmetryBreakingError,
)
from equiviz.features.capture import Capture, capture
from equiviz.interop import ForeignModel
from equiviz.nn.product_paths import paths_of
from equiviz.symmetry.errors import EquivizError
from equiviz.symmetry.groups import O3, haar
from tests.interop.examples import crystal, molecule, part_of_molecule, shaken, square


class ExplainContract(ABC):
    """Tests of the verbs on one foreign model."""

    dtypes: ClassVar[tuple[torch.dtype, ...]]
    #: A stage through which the energy flows.
    upstream: ClassVar[str]

    @abstractmethod
    def model(self, dtype: torch.dtype = torch.float64) -> ForeignModel:
        """A small untrained model with seeded weights."""

    def subject(self) -> tuple[ForeignModel, Capture]:
        """The model in its first dtype, and what passes through it on the molecule."""
        model = self.model(self.dtypes[0])
        return model, capture(model, molecule())

    @property
    def near(self) -> float:
        """Rounding, over some thousand operations."""
        return 1e-9 if self.dtypes[0] == torch.float64 else 1e-3

    def test_the_first_output_is_the_energy(self) -> None:
        model, recorded = self.subject()
        assert next(name for name in recorded if name.startswith("output.")) == "output.energy"
        assert "output.stress" not in capture(copy.deepcopy(model), molecule())

    def test_ablate(self) -> None:
        model, _ = self.subject()
        report = equiviz.ablate(model, shaken(2), by="l", how="zero", output="energy")
        assert report.nothing == 0
        effects = {score.part: score.effect for score in report.scores if score.stage == self.upstream}
        assert max(effects.values()) > 1e-4, "all of a stage that the energy reads goes, block by block"

    def test_forces_after_an_ablation_are_those_of_the_energy_that_is_left(self) -> None:
        """The pruned model takes its forces through what is zero; the ablated one must give the same."""
        model, _ = self.subject()
        report = equiviz.ablate(model, shaken(2), by="l", how="zero", output="forces", stages=[self.upstream])
        least = min(max(score.effect, score.high) for score in report.scores)
        pruned = report.prune(threshold=1.01 * least + 1e-12)
        assert pruned.removed
        assert pruned.disagreement < 100 * self.near, pruned.describe()

    def test_ablate_paths(self) -> None:
        model, _ = self.subject()
        if not paths_of(model):
            with pytest.raises(InterventionError, match="no product of typed tensors"):
                equiviz.ablate(model, molecule(), by="path", how="zero", output="energy")
            return
        report = equiviz.ablate(model, shaken(2), by="path", how="zero", output="energy")
        assert report.nothing < self.near
        assert max(score.effect for score in report.scores) > 1e-3

    def test_steer(self) -> None:
        model, recorded = self.subject()
        label = recorded[self.upstream].representation.labels()[-1]
        untouched = equiviz.steer(model, crystal(), self.upstream, label)
        assert all(untouched.change(output) == 0 for output in untouched.before)
        report = equiviz.steer(model, molecule(), self.upstream, label, scale=0.0)
        assert report.response.changes("energy")[0] == 0
        assert report.change("forces") > 1e-6
        turned = equiviz.steer(model, molecule(), self.upstream, label, rotate=O3.rotation([0, 0, 1], 1.0), nodes=0)
        assert (turned.change("forces") > self.near) == (label != "0e")

    def test_patch(self) -> None:
        model, _ = self.subject()
        same = molecule().transform(haar(1, 3, "O(3)")[0])
        copied = equiviz.patch(model, same, molecule(), self.upstream)
        assert max(copied.change("energy"), copied.change("node_energy")) < self.near
        assert equiviz.patch(model, shaken(1)[0], molecule(), self.upstream).change("node_energy") > 1e-6

    @pytest.mark.parametrize("method", ["integrated_gradients", "shapley"])
    def test_attribute(self, method: str) -> None:
        model, _ = self.subject()
        found = equiviz.attribute(model, molecule(), output="energy", method=method, steps=48, samples=4)
        change = found.shares.value - found.shares.baseline
        assert abs(change) > 0
        assert float(found.nodes.values.sum()) == pytest.approx(change, rel=1e-2, abs=10 * self.near)
        assert found.quality.departure < 100 * self.near

    def test_attribute_inside(self) -> None:
        model, _ = self.subject()
        stages = equiviz.attribute(model, molecule(), output="energy", to="stages", steps=32).to_frame()
        assert self.upstream in set(stages["stage"])
        if not paths_of(model):
            with pytest.raises(AttributionError, match="no product of typed tensors whose paths could be told apart"):
                equiviz.attribute(model, molecule(), output="energy", to="paths")
            return
        paths = equiviz.attribute(model, molecule(), output="energy", to="paths").to_frame()
        assert paths["score"].abs().max() > 0

    def test_body_orders(self) -> None:
        """Three atoms: pairs and the triplet are all there is."""
        found = equiviz.body_orders(self.subject()[0], part_of_molecule(3), output="energy")
        totals = found.totals()
        assert abs(totals["pairs"]) > 1e-6
        assert abs(totals["more"]) < 10 * self.near * max(1.0, abs(found.value))

    def test_radial_and_angular(self) -> None:
        """What two atoms say has no direction."""
        model = self.subject()[0]
        two = equiviz.radial_and_angular(model, part_of_molecule(2), output="energy", draws=4)
        assert abs(two.angular) < 10 * self.near * max(1.0, abs(two.value))
        assert abs(two.radial) > 1e-6
        many = equiviz.radial_and_angular(model, molecule(), output="energy", draws=4)
        assert abs(many.radial) > 1e-6

    def refused(self, error: type[EquivizError]) -> AbstractContextManager[object]:
        """What searches among small changes say of a model that does not run in float64; nothing of all others."""
        return nullcontext() if torch.float64 in self.dtypes else pytest.raises(error, match="does not run in float64")

    def test_blind_spots(self) -> None:
        with self.refused(BlindSpotError):
            self.blind_spots()

    def blind_spots(self) -> None:
        report = equiviz.blind_spots(self.subject()[0], like=molecule(), unrelated=3, progress=False)
        assert report.verdict("output.energy", "control: unrelated") == "tells apart"
        assert report.verdict("output.energy", "mirror images") == "cannot tell apart"
        assert "output.stress" not in set(report.to_frame()["stage"])

    def test_unseen_directions(self) -> None:
        with self.refused(BlindSpotError):
            self.unseen_directions()

    def unseen_directions(self) -> None:
        found = equiviz.unseen_directions(self.subject()[0], molecule(), self.upstream)
        assert found.rigid == 6
        assert found.rank + found.count + found.rigid == 3 * int(found.reached.sum())
        assert found.rank > 0

    def test_find_blind_spot(self) -> None:
        with self.refused(BlindSpotError):
            self.find_blind_spot()

    def find_blind_spot(self) -> None:
        """The search comes nearer to the same features than a displacement of that size does by chance."""
        found = equiviz.find_blind_spot(
            self.subject()[0], part_of_molecule(4), self.upstream, attempts=1, steps=8, progress=False
        )
        assert found.ratio < 0.5
        assert float(found.displacement.values.norm()) > 0

    def test_counterfactual(self) -> None:
        with self.refused(CounterfactualError):
            self.counterfactual()

    def counterfactual(self) -> None:
        model, recorded = self.subject()
        energies = torch.stack([capture(model, one)["output.energy"].values.double() for one in shaken(4)])
        asked = 0.2 * float(energies.std())
        report = equiviz.counterfactual(model, molecule(), asked, "energy", descriptors=())
        assert report.converged, report.describe()
        reached = capture(model, report.moved)["output.energy"].values - recorded["output.energy"].values
        # The search ends within a thousandth of the change; energies are rounded in the model's own dtype.
        assert float(reached) == pytest.approx(asked, rel=1e-2, abs=10 * self.near)

    def test_symmetry_breaking(self) -> None:
        model = self.subject()[0]
        report = equiviz.symmetry_breaking(model, square(), square(1.9, 1.3), output="forces")
        assert report.needed == ["2e"]
        assert report.model_breaks < 10 * self.near
        with pytest.raises(SymmetryBreakingError, match=r"it does not read 'graph\.order'. Leave out where="):
            equiviz.symmetry_breaking(model, square(), square(1.9, 1.3), output="forces", where="graph.order")

    def test_probe(self) -> None:
        report = equiviz.probe(self.subject()[0], shaken(10), ["density", "q_2"])
        known = report.table()
        assert known["density"].max() > 0.3
        assert report.table("shuffled")["density"].max() < 0.3
        assert report.networks == 0, "how to build another one is known to the package only"

    def test_equivariant_probe(self) -> None:
        model, recorded = self.subject()
        carriers = [
            name
            for name, field in recorded.items()
            if "1o" in field.representation.labels() and field.support == "node" and not name.startswith("output")
        ]
        known = equiviz.equivariant_probe(model, shaken(10), "neighbour asymmetry").table().iloc[:, 0]
        assert set(known.dropna().index) == set(carriers)
        assert not carriers or known.max() > 0.2

    def test_likeness(self) -> None:
        model, _ = self.subject()
        table = equiviz.likeness(model, shaken(10)).table()
        assert table.loc[self.upstream, self.upstream] == pytest.approx(1, abs=1e-6)
        assert table.min().min() < 0.9

    def test_dictionary(self) -> None:
        model, _ = self.subject()
        report = equiviz.dictionary(model, shaken(10), self.upstream, atoms=8)
        assert report.commuting < 100 * self.near
        shuffled = [score.share for score in report.scores if "shuffled" in score.of]
        assert report.explained > max(shuffled)

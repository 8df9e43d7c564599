"""Distances against directions, pairs against triplets: is each part what it should be where the answer is known?"""

from __future__ import annotations

import pytest
import torch

from equiviz.explain.attribution.body_orders import body_orders
from equiviz.explain.attribution.directions import radial_and_angular
from equiviz.explain.attribution.known_answers import Angle, Chirality, KnownAnswer, MarkedAtom, PairDistance
from equiviz.explain.errors import AttributionError
from equiviz.symmetry.groups import haar
from equiviz.symmetry.quadrature import sphere_rule
from tests.toy_networks import molecule, toy


def plain(task: KnownAnswer) -> KnownAnswer:
    """Without its ripple."""
    task.height = 0.0
    return task


class TestBodyOrders:
    @pytest.mark.parametrize(("task", "order"), [(PairDistance(), 2), (Angle(), 3), (Chirality(), 4)], ids=str)
    def test_a_label_is_of_the_order_of_its_atoms(self, task: KnownAnswer, order: int) -> None:
        model, structure = plain(task), task.example(1, crowd=4)
        report = body_orders(model, structure, highest=order)
        totals = report.totals()
        assert report.value != 0
        assert totals.pop({2: "pairs", 3: "triplets", 4: "quadruplets"}[order]) == pytest.approx(report.value)
        assert max(map(abs, totals.values())) < 1e-12 * max(1, abs(report.value))
        strongest = max(report.terms, key=lambda atoms: abs(report.terms[atoms]))
        assert strongest == tuple(range(order))  # those that take part come first

    def test_all_orders_sum_up(self) -> None:
        report = body_orders(toy(), molecule(4, length=1.8), highest=4)
        totals = report.totals()
        assert totals["more"] == pytest.approx(0.0, abs=1e-12)
        assert sum(totals.values()) == pytest.approx(report.value - report.baseline)
        assert "Beyond that: pairs" in report.describe()
        assert set(report.to_frame()["order"]) == {2, 3, 4}
        assert "How many atoms together decide" in str(report.to_html())

    def test_an_atom_s_own_images_are_of_order_one(self) -> None:
        report = body_orders(toy(), molecule(1, cell=True, length=2.0))
        totals = report.totals()
        assert report.value != 0
        assert totals["single atoms and their images"] == pytest.approx(report.value - report.baseline)
        assert totals["more"] == pytest.approx(0.0, abs=1e-12)
        assert report.baseline == body_orders(toy(), molecule(3, length=1.8)).baseline

    def test_too_many_sets_and_none(self) -> None:
        with pytest.raises(AttributionError, match=r"or more sets of up to 4 atoms hang together; at most 30000"):
            body_orders(toy(), molecule(60, length=1.5), highest=4)
        with pytest.raises(AttributionError, match="this input has no edges"):
            body_orders(toy(), molecule(1))
        with pytest.raises(AttributionError, match="Expected highest= from 2 to 4"):
            body_orders(toy(), molecule(4), highest=5)


class TestDirections:
    def test_one_draw_has_no_spread(self) -> None:
        with pytest.raises(AttributionError, match="at least 2 draws"):
            radial_and_angular(toy(), molecule(4), draws=1)

    def test_a_count_has_no_directions_and_an_angle_nothing_else(self) -> None:
        count, angle = plain(MarkedAtom()), plain(Angle())
        counted = radial_and_angular(count, count.example(0))
        assert counted.angular == pytest.approx(0.0, abs=1e-12)
        assert counted.radial == pytest.approx(counted.value)
        assert max(map(abs, counted.scores)) < 1e-12
        turned = radial_and_angular(angle, angle.example(0), draws=400)
        assert abs(turned.radial) < 4 * turned.error  # the mean cosine of two random directions is 0
        assert turned.angular == pytest.approx(turned.value, abs=4 * turned.error)
        sides = turned.to_frame().head(2)
        # With one side pointing anywhere the cosine is lost as a whole.
        assert sides["angular_score"].to_numpy() == pytest.approx([turned.value] * 2)
        assert set(sides["one"]) | set(sides["other"]) == {"N 0", "O 1", "F 2"}

    def test_scores_do_not_turn_where_the_quadrature_is_exact(self) -> None:
        model = toy(layers=1)
        structure = molecule(6, length=1.8)
        one, other = (radial_and_angular(model, x, draws=2) for x in (structure, structure.transform(haar(1, 0)[0])))
        assert one.scores == pytest.approx(other.scores, abs=1e-12)

    def test_the_face(self) -> None:
        report = radial_and_angular(toy(), molecule(6, length=1.8), draws=8)
        assert "Distances alone change it by" in report.describe()
        assert list(report.figure().data[0].y)[:2] == ["all distances", "all directions"]
        assert "of ToyNetwork" in str(report.to_html())


def test_the_sphere_rule_averages_harmonics_to_zero() -> None:
    from equiviz.symmetry.harmonics import spherical_harmonics

    points, weights = sphere_rule(5)
    averages = weights @ spherical_harmonics(5, points)
    assert torch.allclose(averages[1:], torch.zeros(35, dtype=torch.float64), atol=1e-13)
    assert float(averages[0]) == pytest.approx(1.0)

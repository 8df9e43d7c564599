"""Does the report of an evaluation say what its scores say, and not more?"""

from __future__ import annotations

import json
import math

import pytest

from equiviz.training.evaluation_report import EvaluationReport, Score


def report(*scores: Score) -> EvaluationReport:
    return EvaluationReport("model", "data", scores)


def test_a_time_is_found_as_people_name_it() -> None:
    own = report(Score("A", 12.87, "x", 0.7), Score("A", 51.6, "x", 0.5))
    assert own.rho("A", 13).mean == pytest.approx(0.7)
    assert own.rho("A", 52.0).mean == pytest.approx(0.5)
    assert math.isnan(own.rho("A", 26).mean)  # twice as long is another time


def test_the_nearest_of_several_times_is_meant() -> None:
    own = report(Score("A", 10.0, "x", 0.1), Score("A", 10.5, "x", 0.2), Score("A", 11.0, "x", 0.3))
    assert own.times() == [10.0, 10.5, 11.0]
    assert [own.rho("A", time).mean for time in (10.1, 10.5, 10.9)] == pytest.approx([0.1, 0.2, 0.3])


def test_times_that_differ_by_rounding_are_one() -> None:
    own = report(Score("A", 0.13, "x", 0.2), Score("A", 0.13 * (1 + 1e-7), "y", 0.6))
    assert own.times() == [0.13]
    assert (own.rho("A", 0.13).mean, own.rho("A", 0.13).count) == (pytest.approx(0.4), 2)
    cells = own.to_dict()["rho"]
    assert isinstance(cells, dict)
    assert cells["A"]["0.13"]["per_configuration"] == {"x": 0.2, "y": 0.6}


def test_negative_rho_is_on_the_axis() -> None:
    own = report(*(Score("A", t, name, -0.34 + t / 100) for t in (1.0, 10.0) for name in ("x", "y")))
    low, high = own.figure().layout.yaxis.range
    assert low == pytest.approx(-0.4)  # the lowest is -0.33
    assert high == 1
    usual = report(*(Score("A", t, name, 0.3) for t in (1.0, 10.0) for name in ("x", "y")))
    assert list(usual.figure().layout.yaxis.range) == [0, 1]


@pytest.mark.parametrize("times", [(1.0,), (1.0, 10.0)])
def test_one_configuration_gives_no_interval(times: tuple[float, ...]) -> None:
    one = report(*(Score("A", time, "x", 0.5) for time in times))
    assert "1 configuration: Pearson rho at times t (LJ time units). One configuration gives no" in one.describe()
    assert "[" not in one.describe()
    picture = one.figure()
    assert "one configuration: no interval" in picture.layout.title.text
    assert not any(getattr(trace, "fill", None) == "toself" for trace in picture.data)
    assert all(getattr(trace, "error_y", None) is None or trace.error_y.array is None for trace in picture.data)
    cells = json.loads(json.dumps(one.to_dict(), allow_nan=False))["rho"]["A"]["1"]
    assert (cells["mean"], cells["low"], cells["high"]) == (0.5, None, None)


def test_two_configurations_give_an_interval() -> None:
    two = report(*(Score("A", 1.0, name, rho) for name, rho in (("x", 0.4), ("y", 0.6))))
    assert "95 % interval over configurations" in two.describe()
    assert "0.500 [0.400, 0.600]" in two.describe()
    assert "no interval" not in two.figure().layout.title.text
    assert two.figure().data[0].error_y.array is not None

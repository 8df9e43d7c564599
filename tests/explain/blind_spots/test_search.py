"""Does the search find blind spots where there are some, and none where there are none?"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch

from equiviz.explain.blind_spots.search import CLOSEST, find_blind_spot
from equiviz.explain.blind_spots.stage_invariants import stage_invariants
from equiviz.explain.errors import BlindSpotError
from equiviz.explain.pair_distances import shortest_distance
from equiviz.features.capture import capture
from tests.explain.blind_spots.known import Known, all_distances, cloud, density, distances_from_first, radial


def test_distances_alone_have_blind_spots() -> None:
    model, structure = Known(distances_from_first, "4x0e", "graph"), cloud(5)
    report = find_blind_spot(model, structure, "stage_read", attempts=2, progress=False)
    assert report.found
    assert report.ratio < 1e-9
    assert report.apart.rms > 0.1
    assert "A blind spot of stage_read" in report.describe()


def test_what_is_found_is_the_same_to_the_stage() -> None:
    model, structure = Known(functools.partial(density, lmax=2), "1x0e+1x1o+1x2e", cutoff=9.0), cloud(6)
    report = find_blind_spot(model, structure, "stage_read", at=0, attempts=2, progress=False)
    assert report.found
    one, other = (stage_invariants(capture(model, s)["stage_read"], 0) for s in (report.first, report.second))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)
    assert shortest_distance(report.second) >= CLOSEST * shortest_distance(report.first)


def test_control_what_sees_everything_has_none() -> None:
    model, structure = Known(all_distances, "10x0e", "graph"), cloud(5)
    report = find_blind_spot(model, structure, "stage_read", attempts=3, progress=False)
    assert not report.found
    assert "No blind spot of stage_read (all rows) was found" in report.describe()
    assert "no proof" in report.describe()


def test_the_same_seed_finds_the_same() -> None:
    model, structure = Known(radial, "8x0e"), cloud(5)
    found = [find_blind_spot(model, structure, "stage_read", at=0, attempts=1, progress=False) for _ in range(2)]
    assert torch.equal(found[0].displacement.values, found[1].displacement.values)


def test_bad_questions_are_refused() -> None:
    model, structure = Known(radial, "8x0e"), cloud(5)
    with pytest.raises(BlindSpotError, match="Expected a distance above 0, got -1"):
        find_blind_spot(model, structure, "stage_read", distance=-1.0, progress=False)
    with pytest.raises(BlindSpotError, match="at least two points"):
        find_blind_spot(model, cloud(1), "stage_read", progress=False)


def test_the_report_has_its_face(tmp_path: Path) -> None:
    report = find_blind_spot(Known(radial, "8x0e"), cloud(5), "stage_read", at=0, attempts=1, progress=False)
    assert "displacement_Å" in report.to_frame()
    assert "The two arrangements" in Path(report.to_html(tmp_path / "report.html")).read_text()

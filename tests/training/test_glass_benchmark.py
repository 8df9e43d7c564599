"""Does the benchmark resume, and do its tables say what its cells hold?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from equiviz.apps import glass_benchmark
from equiviz.apps.glass_benchmark import benchmark
from equiviz.apps.glass_benchmark_cells import CELLS, Cell
from equiviz.datasets.glass.configuration import GlassConfiguration
from tests.training.liquids import liquid

TINY = {"width": 8, "steps": 1}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Sequence[GlassConfiguration]]:
    monkeypatch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path / "cache"))
    cells = (
        Cell("c3-offset", ("c3",), "trivial", "offset"),
        Cell("b-bapst", ("b", "c1"), "Bapst", "bapst", TINY, {"epochs": 1, "turn": True}, count=1, seeds=(0, 1)),
    )
    monkeypatch.setattr(glass_benchmark, "CELLS", cells)
    return {"train": [liquid(0), liquid(1)], "validation": [liquid(2)], "test": [liquid(3), liquid(4)]}


def test_cells_are_computed_once_and_again_when_their_settings_change(
    data: Mapping[str, Sequence[GlassConfiguration]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results"
    first = benchmark(out, shipped=data)
    assert list(first.cells) == ["c3-offset", "b-bapst"]
    document = json.loads((out / "b-bapst.json").read_text())
    assert [run["seed"] for run in document["runs"]] == [0, 1]
    assert document["machine"]
    monkeypatch.setattr(glass_benchmark, "run_cell", lambda *_: pytest.fail("a finished cell was computed again"))
    assert benchmark(out, shipped=data).describe() == first.describe()
    changed = (Cell("b-bapst", ("b",), "Bapst", "bapst", TINY, {"epochs": 2}),)
    monkeypatch.setattr(glass_benchmark, "CELLS", changed)
    monkeypatch.setattr(glass_benchmark, "run_cell", lambda *_: {"called": True})
    benchmark(out, shipped=data, names=["b-bapst"])
    assert json.loads((out / "b-bapst.json").read_text()) == {"called": True}


def test_the_tables_name_models_times_and_the_machine(
    data: Mapping[str, Sequence[GlassConfiguration]], tmp_path: Path
) -> None:
    words = benchmark(tmp_path, shipped=data).describe()
    assert "What equivariance buys (iii)" in words
    assert "| Bapst | 1 |" in words  # trained on one configuration
    assert "A, t = 10" in words
    assert "Measured on" in words
    assert "kob_andersen_T044" not in words


def test_without_results_the_table_says_so(tmp_path: Path) -> None:
    assert benchmark(tmp_path, only_table=True).describe() == "No cell of the benchmark is finished yet."


def test_cells_have_names_of_their_own_and_settings_that_their_families_know() -> None:
    from equiviz.models.registry import family
    from equiviz.training.glass_training import plan_from

    assert len({cell.name for cell in CELLS}) == len(CELLS)
    for cell in CELLS:
        plan_from(cell.plan)
        if cell.family != "offset":
            family(cell.family).configure(dict(cell.settings))

"""Does a network learn a field on the sphere, does it turn along, and what do plainer guesses reach?"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.sphere.weather import synthetic_maps
from equiviz.models.gauge_cnn import Atlas, GaugeCnn, GaugeCnnConfig
from equiviz.models.registry import family
from equiviz.symmetry.icosahedral_grid import DIRECTIONS, grid
from equiviz.training.bundle import read_bundle
from equiviz.training.errors import TrainingError
from equiviz.training.field_baselines import CLIMATOLOGY, LAW, LINEAR, plainer_guesses, slopes
from equiviz.training.field_report import FieldReport, Guess
from equiviz.training.field_training import FieldObjective, deviation, evaluate_fields, read_maps, train_fields
from equiviz.training.load import load, manifest_of
from tests.training.interruptions import same_weights, stopping, without_memory

SMALL = {"level": 2, "widths": [6, 6]}


def few() -> object:
    return synthetic_maps(times=10, degree=3)


def network() -> GaugeCnn:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return GaugeCnn(GaugeCnnConfig(2, 2, (3, 3), (1, 1), "field", outputs=1)).eval()


def test_it_learns_and_is_loaded(tmp_path: Path) -> None:
    trained = train_fields(family("gauge_cnn"), few(), tmp_path, epochs=12, config=SMALL, progress=False)
    usual = trained.report.plainer[CLIMATOLOGY].rmse()
    assert trained.report.rmse() < 0.75 * usual
    assert trained.report.is_exact()
    # The spheres are turned by symmetries, sampled there and rounded to float32.
    assert trained.report.rmse("I") == pytest.approx(trained.report.rmse("N"), rel=1e-4)
    assert 0 < abs(trained.report.rmse("R") / trained.report.rmse("N") - 1) < 0.3
    untrained = evaluate_fields(network(), few().part("test"))  # type: ignore[attr-defined]
    assert untrained.rmse() > usual  # the control: the same network, not trained
    assert set(untrained.plainer) == {LAW}
    loaded = load(tmp_path)
    again = evaluate_fields(loaded, few().part("test"))  # type: ignore[attr-defined]
    assert again.rmse() == trained.report.rmse()
    manifest = manifest_of(loaded)
    assert manifest is not None
    assert manifest.scores["rmse_N_N_m_per_s"] == again.rmse()
    assert manifest.data == {"name": "synthetic maps", "maps": 6, "field": "wind speed in 10 m/s"}
    assert "Saved in" in trained.describe()


def test_a_training_that_was_stopped_goes_on_bit_for_bit(tmp_path: Path) -> None:
    own, settings = family("gauge_cnn"), {"epochs": 4, "config": SMALL, "progress": False}
    whole = train_fields(own, few(), tmp_path / "whole", **settings)  # type: ignore[arg-type]
    for name in ("stopped", "forgetful"):
        with pytest.raises(KeyboardInterrupt, match="Stopped after 2 epochs"):
            train_fields(stopping(own, 2), few(), tmp_path / name, **settings)  # type: ignore[arg-type]
    resumed = train_fields(own, few(), tmp_path / "stopped", **settings)  # type: ignore[arg-type]
    assert same_weights(whole.model, resumed.model)
    assert [r.score for r in whole.history.records] == [r.score for r in resumed.history.records]
    without_memory(tmp_path / "forgetful" / "state")
    assert not same_weights(whole.model, train_fields(own, few(), tmp_path / "forgetful", **settings).model)  # type: ignore[arg-type]


def test_few_maps_are_seen_on_turned_grids(tmp_path: Path) -> None:
    two = synthetic_maps(times=2, degree=3)
    trained = train_fields(family("gauge_cnn"), two, tmp_path, epochs=1, config=SMALL, progress=False)
    assert "64 examples" in str(read_bundle(tmp_path / "state")[1])
    assert torch.tensor(trained.history.best_score).isnan()  # none is left for validation


def test_only_what_counts_is_learned_and_scored() -> None:
    target = torch.zeros(1, 2, 162)
    target[:, 1, :50] = 1
    model = network()
    x = synthetic_maps(times=1).on_sphere(2).inputs
    with torch.no_grad():
        outputs = model(model.prepare(x))
    expected = outputs["field"].values[:, :50].square().mean()
    torch.testing.assert_close(FieldObjective().loss(outputs, target), expected)
    assert FieldObjective().score(outputs, target) == pytest.approx(-10 * float(expected) ** 0.5)
    guess = Guess(torch.tensor([[1.0, 9.0]]), torch.tensor([[3.0, 0.0]]), torch.tensor([[True, False]]))
    assert (guess.rmse(), guess.mae()) == (2, 2)


def test_symmetries_turn_the_field_along_and_a_broken_margin_is_told() -> None:
    model, weather = network(), synthetic_maps(times=1).on_sphere(2)
    assert deviation(model, weather.inputs) < 1e-13
    for part in model.modules():
        if isinstance(part, Atlas) and part.index.shape[1] == DIRECTIONS:
            points, _ = grid(part.level).padding
            part.index.copy_(torch.arange(DIRECTIONS)[:, None, None] * (len(grid(part.level)) + 1) + points[:, None])
    found = deviation(model, weather.inputs)
    assert found > 1e-4
    guess = Guess(weather.speeds, weather.speeds, weather.known)
    report = FieldReport("a network", "maps", {"N": guess, "I": guess, "R": guess}, {}, found)
    assert not report.is_exact()
    assert "the network breaks what it claims" in report.describe()
    assert "Other guesses" not in report.describe()


def test_the_law_is_nearly_exact_on_maps_that_obey_it_and_nothing_else_is() -> None:
    maps = synthetic_maps(times=20, degree=3)
    tested, trained = (maps.part(name).on_sphere(4) for name in ("test", "train"))
    guesses = plainer_guesses(tested, trained)
    assert guesses[LAW].explained() > 0.995  # differences over 4 degrees
    assert guesses[LINEAR].explained() < 0.6
    assert guesses[CLIMATOLOGY].explained() < 0.6


def test_slopes_are_those_of_a_known_field() -> None:
    points = grid(4).positions
    found = slopes(points[:, 1], 4)  # the sine of the latitude, whose slope is the cosine
    cosine = (1 - points[:, 1] ** 2).clamp(min=0).sqrt()
    torch.testing.assert_close(found, cosine, rtol=0, atol=0.02)  # points are 0.08 apart; it is worst at corners
    assert float((slopes(points[:, 1] ** 2, 4) - found).abs().max()) > 0.5


def test_a_report_shows_maps_on_the_sphere() -> None:
    weather = synthetic_maps(times=2).on_sphere(2)
    guess = Guess(weather.speeds + 1, weather.speeds, weather.known)
    report = FieldReport("a <network>", "maps", {"N": guess, "I": guess, "R": guess}, {LAW: guess}, 1e-16)
    assert report.to_frame()["rmse [m/s]"].tolist() == pytest.approx([1, 1, 1, 1], rel=1e-5)
    page = str(report.to_html())
    assert "What the network says" in page
    assert "<network>" not in page
    assert report.to_dict()["rmse_N_R_m_per_s"] == pytest.approx(1, rel=1e-5)


def test_shipped_weights_reach_what_their_manifest_says() -> None:
    model = load("gauge_cnn-weather")
    manifest = manifest_of(model)
    assert manifest is not None
    report = evaluate_fields(model, "synthetic")
    assert report.rmse() == pytest.approx(manifest.scores["rmse_N_N_m_per_s"], rel=1e-4)  # float32, another processor
    assert report.is_exact()
    # Any other rotation costs next to nothing: smooth maps look alike on all grids.
    assert report.rmse("R") < 1.2 * report.rmse()
    assert report.rmse() < 0.2 * report.plainer[LINEAR].rmse()


def test_weights_of_drawn_maps_know_the_wind_of_the_globe(real_data: Path) -> None:
    report = evaluate_fields(load("gauge_cnn-weather"), real_data / "sphere" / "eraint_uvz.nc")
    assert report.guesses["N"].explained() > 0.95
    assert report.plainer[CLIMATOLOGY].explained() < 0  # January says nothing of July
    assert "Trained on synthetic maps." in report.describe()


def test_what_are_no_maps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Expected 'synthetic' .* got int"):
        read_maps(3)
    (tmp_path / "file.nc").write_bytes(b"no netcdf")
    with pytest.raises(DatasetError, match="NetCDF"):
        read_maps(tmp_path / "file.nc")

"""Does the tour tell a true story, and does its page draw offline? One tour serves all questions: it takes a minute."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from equiviz.apps.glass_stages import stage_words
from equiviz.apps.glass_tour import GlassTour, tour, weights_folder
from equiviz.cli import app, main
from equiviz.explain.probing.report import ProbeReport, ProbeScore
from equiviz.view.errors import ViewError
from equiviz.view.layers import Arrows
from tests.browser_visits import Open

# Two minutes are promised on two free cores; tests share them with each other.
PROMISED, SHARED = 120, 2


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tour") / "glass.html"


@pytest.fixture(scope="module")
def journey(page: Path) -> GlassTour:
    started = time.monotonic()
    finished = tour(page)
    assert time.monotonic() - started < PROMISED * SHARED
    return finished


def test_mobility_is_predicted_on_unseen_glasses(journey: GlassTour) -> None:
    # README: .684 and .712 at the longest time. The same weights on the same data: only rounding may differ, and .005
    # allows for another processor's arithmetic in the quench.
    last = journey.evaluation.times()[-1]
    assert journey.evaluation.rho("A", last).mean == pytest.approx(0.684, abs=0.005)
    assert journey.evaluation.rho("B", last).mean == pytest.approx(0.712, abs=0.005)


def test_vectors_beat_the_trivial_predictor(journey: GlassTour) -> None:
    last = journey.evaluation.times("displacement")[-1]
    # .437 (A) and .432 (B) is what thermal minus inherent position alone reaches (benchmarks/results/glass/c3-offset).
    assert journey.evaluation.rho("A", last, "displacement").mean > 0.5
    assert journey.evaluation.rho("B", last, "displacement").mean > 0.5


def test_the_model_is_equivariant_at_every_stage(journey: GlassTour) -> None:
    assert journey.equivariance.passed
    assert journey.equivariance.informative


def test_first_layer_expresses_what_the_paper_says(journey: GlassTour) -> None:
    first = journey.knowledge.table().iloc[0]
    exact = [name for name in first.index if name.startswith("G2") or name in ("(Σq_1)²", "(Σq_2)²", "(Σq_3)²")]
    assert len(exact) == 11
    assert first[exact].min() >= 0.99
    assert first["(Σq_6)²"] < 0.9  # the layer ends at l = 3: a control that must stay lower
    assert journey.knowledge.table("shuffled").to_numpy().max() < 0.05


def test_what_training_gave_is_mobility(journey: GlassTour) -> None:
    """With random weights no stage knows it nearly as well: .46 against .2 to .3, measured."""
    (mobility,) = [gain for gain in journey.knowledge.gains() if gain.target.startswith("mobility")]
    assert mobility.trained.stage == "pooled_stage"
    assert mobility.trained.r2 > 0.4 > 0.35 > mobility.fresh.r2
    assert mobility.sign == 1
    # Of all descriptors the layers that carry no learned weight say as much: a control that must stay zero.
    assert journey.knowledge.learned().loc["density_stage"].abs().max() < 1e-9


def test_no_stage_is_worse_than_the_mean(journey: GlassTour) -> None:
    """Where more features than the environments bear were regressed, R2 fell to 0 or far below."""
    assert journey.knowledge.table().to_numpy().min() > -0.05
    pooled = journey.knowledge.table().loc["pooled_stage"]
    assert pooled[["G2 A 0.85σ", "G5 ζ=1 λ=+1"]].min() > 0.3


def test_words_follow_from_the_numbers(journey: GlassTour) -> None:
    text = "\n".join(f"{part.prose} {part.caption}" for part in journey.sections())
    first, last = (journey.baseline.rho("A", time, "displacement").mean for time in (0.13, 26.0))
    assert (first, last) == pytest.approx((0.848, 0.437), abs=0.002)  # benchmarks/results/glass/c3-offset.json
    assert f"{first:.3f} at t = 0.13, {last:.3f} at t = 26" in text
    assert "tau_alpha, about 27" in text
    assert "forget" not in text
    gain = next(g for g in journey.knowledge.gains() if g.target.startswith("mobility"))
    assert f"{gain.trained.r2:.2f}" in journey.describe()
    assert all(stage_words(stage) for stage in journey.knowledge.table().index)


def test_arrows_are_drawn_alike(journey: GlassTour) -> None:
    measured, predicted = (
        next(layer for layer in scene.layers if isinstance(layer, Arrows)) for scene in journey.motion.scenes
    )
    lengths = [np.linalg.norm(layer.vectors, axis=1).mean() * layer.magnify for layer in (measured, predicted)]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-6)
    assert measured.magnify == predicted.magnify
    figure = journey.motion.figure()
    assert figure.layout.scene.xaxis.range == figure.layout.scene2.xaxis.range


def test_both_ceilings_are_drawn_and_all_rows_told(journey: GlassTour) -> None:
    names = [trace.name for trace in journey.scores.figure().data]
    assert {"noise ceiling A", "noise ceiling B"} <= set(names)
    assert len(journey.scores.to_frame()) == 16


def test_page_draws_offline(journey: GlassTour, page: Path, browser: Open) -> None:
    visit = browser(page)
    visit.wait_until_drawn()
    visit.assert_sound()
    hidden = "() => [...document.querySelectorAll('.table')].filter((t) => t.scrollHeight > t.clientHeight + 1).length"
    assert visit.page.evaluate(hidden) == 0
    assert visit.page.locator("h2").count() == len(journey.sections())
    scenes = visit.page.locator(".gl-container canvas, canvas")
    assert scenes.count() >= 2
    assert _share_coloured(visit.page.screenshot(full_page=True)) > 0.02


def test_tour_needs_a_name() -> None:
    answer = CliRunner().invoke(app, ["tour"])
    assert "glass" in answer.output


def test_a_folder_as_destination_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("equiviz.apps.glass_tour.load", lambda name: pytest.fail("the work has begun"))
    with pytest.raises(ViewError, match=rf"{tmp_path} is a folder. Name a file, such as {tmp_path}/glass.html"):
        tour(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        ViewError, match=r"The tour cannot write .*/file/deep/glass.html: (Not a directory|File exists)"
    ):
        tour(tmp_path / "file" / "deep" / "glass.html")
    monkeypatch.setattr("sys.argv", ["equiviz", "tour", "glass", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()  # no traceback: one sentence
    assert stopped.value.code == 2


def test_weights_trained_here_never_lie_where_the_page_will() -> None:
    assert weights_folder(Path("reports/glass.html")) == Path("reports/glass")
    assert weights_folder(Path("reports/glass")) == Path("reports/glass-weights")


def test_a_model_without_vectors_leaves_them_out() -> None:
    from equiviz.models.bapst import Bapst, BapstConfig
    from tests.training.liquids import liquid

    journey = GlassTour(Bapst(BapstConfig(times=(1.0, 10.0), width=8, steps=1)), [liquid(0), liquid(1)])
    # What takes long, and is not asked about here.
    journey.__dict__["equivariance"] = SimpleNamespace(passed=False, describe=lambda: "")
    score = ProbeScore("first", "G2", "trained", 1.0, 1.0, 1.0)
    journey.__dict__["knowledge"] = ProbeReport("Bapst", [score], 1, 1, ("norms",))
    assert journey.motion is None
    (section,) = [part for part in journey.sections() if part.heading == "Where do particles go?"]
    assert section.content is None
    assert "predicts no mean displacement vectors" in section.prose


def _share_coloured(screenshot: bytes) -> float:
    """The share of pixels with a hue: particles have one, text and paper have none."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB")).astype(int)  # [H, W, 3]
    return float(((pixels.max(-1) - pixels.min(-1)) > 40).mean())

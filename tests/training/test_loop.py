"""Does the loop train, stop, resume bit for bit, and leave nothing behind?"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from equiviz.models.bapst import Bapst, BapstConfig
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.training.errors import TrainingError
from equiviz.training.glass_task import GlassObjective, GlassTarget, examples, random_turn
from equiviz.training.loop import Training
from equiviz.training.objective import Example
from equiviz.training.recipe import Hardware, Recipe, learning_rate
from equiviz.training.seeds import RandomState, seeded
from tests.training.liquids import liquid

CONFIG = BapstConfig(times=(1.0, 10.0), width=8, steps=2)
RECIPE = Recipe(epochs=4, learning_rate=5e-3, seed=3, ema=0.5)


class WithDropout(Bapst):
    """The same network, drawing random numbers while it trains: what a resumed run must draw again."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        outputs = super().forward(graph)
        own = outputs["propensity"]
        return {"propensity": own.with_values(nn.functional.dropout(own.values, 0.2, self.training))}


@pytest.fixture(scope="module")
def data() -> tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]]:
    model = fresh()
    every = examples(model, [liquid(seed) for seed in range(6)], (1.0, 10.0))
    return every[:4], every[4:]


def fresh() -> WithDropout:
    with seeded(0):
        return WithDropout(CONFIG)


def training(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]],
    recipe: Recipe = RECIPE,
    folder: Path | None = None,
    model: Bapst | None = None,
) -> Training[GlassTarget]:
    return Training(
        model or fresh(), GlassObjective(), *data, recipe, folder=folder, augment=random_turn, progress=False
    )


def test_it_fits_what_it_sees(data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]]) -> None:
    """Counting neighbours is within reach of one message step; a constant or a random answer scores about 0."""
    with seeded(0):
        model = Bapst(CONFIG)
    seen = data[0][:2]
    recipe = Recipe(epochs=60, learning_rate=1e-2, weight_decay=0.0, seed=3)
    history = Training(model, GlassObjective(), seen, seen, recipe, progress=False).run()
    assert history.best_score > 0.5
    assert history.records[-1].loss < 0.8 * history.records[0].loss


@pytest.mark.parametrize("stop", [1, 3])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]], tmp_path: Path, stop: int
) -> None:
    whole = training(data, folder=tmp_path / "whole")
    expected = whole.run()
    with pytest.raises(KeyboardInterrupt, match="Run the same command to continue"):
        training(_interrupting(data, stop), folder=tmp_path / "parts").run()
    torch.rand(7)  # whatever happens between the two runs
    resumed = training(data, folder=tmp_path / "parts", model=_other_weights())
    found = resumed.run()
    assert [(r.loss, r.score) for r in found.records] == [(r.loss, r.score) for r in expected.records]
    assert found.best_epoch == expected.best_epoch
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name


def _other_weights() -> WithDropout:
    with seeded(99):
        return WithDropout(CONFIG)


class _Interrupting(list[Example[GlassTarget]]):
    """Validation examples that press Ctrl-C in a given epoch, after it has changed weights and random states."""

    def __init__(self, items: list[Example[GlassTarget]], epoch: int) -> None:
        super().__init__(items)
        self.left = epoch

    def __iter__(self):  # type: ignore[no-untyped-def]
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().__iter__()


def _interrupting(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]], epoch: int
) -> tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]]:
    return data[0], _Interrupting(data[1], epoch)


def test_without_its_random_state_a_resumed_run_differs(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control of the test above: it would notice a state that forgets the generators."""
    expected = training(data).run()
    with pytest.raises(KeyboardInterrupt):
        training(_interrupting(data, 2), folder=tmp_path).run()
    monkeypatch.setattr(RandomState, "restore", lambda _: torch.manual_seed(1234))
    found = training(data, folder=tmp_path).run()
    assert [r.loss for r in found.records[:2]] == [r.loss for r in expected.records[:2]]
    assert found.records[-1].loss != expected.records[-1].loss


def test_it_stops_when_the_score_no_longer_improves_and_keeps_the_best(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]],
) -> None:
    # So small a rate changes no float32 weight: the score can only stand still.
    recipe = Recipe(epochs=50, learning_rate=1e-30, schedule="constant", patience=2, seed=1)
    run = training(data, recipe)
    history = run.run()
    assert len(history.records) < 50
    assert history.best_score == max(record.score for record in history.records)
    assert not run.model.training


def test_without_validation_nothing_stops_early(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]],
) -> None:
    assert len(training((data[0], []), replace(RECIPE, patience=1)).run().records) == RECIPE.epochs


def test_keep_last_keeps_the_last(data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]]) -> None:
    history = training(data, replace(RECIPE, keep="last")).run()
    assert history.best_epoch == RECIPE.epochs - 1


def test_another_recipe_is_not_resumed(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]], tmp_path: Path
) -> None:
    training(data, replace(RECIPE, epochs=1), tmp_path).run()
    with pytest.raises(TrainingError, match=r"another recipe \(learning_rate: 0.005 then, 0.1 now\)"):
        training(data, replace(RECIPE, epochs=1, learning_rate=0.1), tmp_path).run()


def test_another_network_is_not_resumed(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]], tmp_path: Path
) -> None:
    training(data, replace(RECIPE, epochs=1), tmp_path).run()
    with pytest.raises(TrainingError, match="network of another shape"):
        training(data, replace(RECIPE, epochs=1), tmp_path, Bapst(replace(CONFIG, width=16))).run()


def test_the_finished_state_of_another_fold_is_not_taken_for_this_one(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]], tmp_path: Path
) -> None:
    """Else a cross-validation would score weights on configurations that they were trained on."""
    recipe, (first, *others) = replace(RECIPE, epochs=1), data[0]
    training(([first, *others[:1]], []), recipe, tmp_path).run()
    with pytest.raises(TrainingError, match=r"started on something else \(training data: 2 examples"):
        training(([first, *others[1:2]], []), recipe, tmp_path).run()


def test_a_state_is_not_continued_with_other_targets_or_another_objective(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]], tmp_path: Path
) -> None:
    recipe = replace(RECIPE, epochs=1)
    training(data, recipe, tmp_path).run()
    target = data[0][0].target
    other = replace(data[0][0], target=GlassTarget(2 * target.propensity, target.species, target.displacement))
    with pytest.raises(TrainingError, match="training data: 4 examples"):
        training(([other, *data[0][1:]], data[1]), recipe, tmp_path).run()
    with pytest.raises(TrainingError, match=r"objective: GlassObjective.*vector_weight=0.1.*vector_weight=0.5"):
        replace(training(data, recipe, tmp_path), objective=GlassObjective(vector_weight=0.5)).run()
    assert training(data, recipe, tmp_path).run().best_epoch == 0


def test_a_loss_that_is_not_finite_names_its_example(
    data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]],
) -> None:
    broken = replace(data[0][0], target=GlassTarget(data[0][0].target.propensity * math.nan, data[0][0].target.species))
    with pytest.raises(TrainingError, match=r"became nan on 'liquid_0'.*Lower the learning rate"):
        training(([broken], [])).run()


def test_nothing_to_train_on_is_said() -> None:
    with pytest.raises(TrainingError, match="at least one training example"):
        training(([], [])).run()


def test_batches_average_gradients(data: tuple[list[Example[GlassTarget]], list[Example[GlassTarget]]]) -> None:
    """Two equal examples in one step move the weights as one of them does."""
    twice, once = ([data[0][0]] * 2, []), ([data[0][0]], [])
    recipe = Recipe(epochs=1, schedule="constant", seed=0)
    ends: list[dict[str, Tensor]] = []
    for examples_, batch in ((twice, 2), (once, 1)):
        with seeded(0):
            run = Training(Bapst(CONFIG), GlassObjective(), *examples_, replace(recipe, batch=batch), progress=False)
        run.run()
        ends.append(dict(run.model.named_parameters()))  # running statistics see two examples, and should
    for name, value in ends[0].items():
        # float32 sums in another order
        torch.testing.assert_close(value, ends[1][name], rtol=1e-5, atol=1e-6)


def test_the_schedule_rises_and_falls() -> None:
    recipe = Recipe(learning_rate=1.0)
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    scheduler_model = nn.Linear(1, 1)
    optimiser = torch.optim.SGD(scheduler_model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=100, cycle_momentum=False)
    theirs = []
    for _ in range(100):
        theirs.append(scheduler.get_last_lr()[0])
        optimiser.step()
        scheduler.step()
    assert rates == pytest.approx(theirs[: len(rates)], rel=1e-9)
    cosine = [learning_rate(Recipe(learning_rate=1.0, schedule="cosine"), step, 10) for step in range(10)]
    assert cosine == sorted(cosine, reverse=True)
    assert learning_rate(Recipe(learning_rate=0.5, schedule="constant"), 7, 10) == 0.5


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"epochs": 0}, "epochs and batch should be at least 1"),
        ({"learning_rate": math.inf}, "learning_rate should be positive"),
        ({"ema": 1.0}, r"ema should lie in \[0, 1\)"),
        ({"schedule": "linear"}, "schedule should be one of one-cycle, cosine, constant"),
        ({"optimiser": "sgd"}, "optimiser should be one of adamw, adam"),
    ],
)
def test_a_recipe_that_cannot_train_says_so(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(TrainingError, match=complaint):
        Recipe(**settings)  # type: ignore[arg-type]


PARALLEL = """
import sys, torch
torch.set_num_threads(1)
from dataclasses import replace
from equiviz.models.bapst import Bapst
from equiviz.training.glass_task import GlassObjective, examples
from equiviz.training.loop import Training
from equiviz.training.recipe import Hardware, Recipe
from equiviz.training.seeds import seeded
from tests.training.liquids import liquid
from tests.training.test_loop import CONFIG

with seeded(0):
    model = Bapst(CONFIG)
data = examples(model, [liquid(seed) for seed in range(2)], (1.0, 10.0))
hardware = Hardware(devices=2, strategy="ddp") if sys.argv[1] == "two" else Hardware()
recipe = Recipe(epochs=2, batch=1 if sys.argv[1] == "two" else 2, schedule="constant", keep="last")
history = Training(model, GlassObjective(), data, data[:1], recipe, hardware, progress=False).run()
print("score", round(history.records[-1].score, 5))
"""


@pytest.mark.slow
def test_two_processes_of_one_example_equal_one_process_of_two(tmp_path: Path) -> None:
    """Data-parallel steps average the gradients of all processes, as a batch averages those of its examples."""
    script = tmp_path / "parallel.py"
    script.write_text(PARALLEL)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    scores = []
    for how in ("one", "two"):
        command = [sys.executable, str(script), how]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        scores.append({line for line in done.stdout.splitlines() if line.startswith("score")})
    assert len(scores[0]) == 1
    assert scores[0] == scores[1]


@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork", "ddp_notebook"])
def test_strategies_that_would_lose_the_weights_are_refused(strategy: str) -> None:
    with pytest.raises(TrainingError, match="their weights would be lost"):
        Hardware(devices=2, strategy=strategy)

"""The tour of the glass: predict, check, probe and draw, on one page that opens offline.

The walk: shipped configurations -> model -> fields -> evaluation, check, probe -> scenes and charts -> one HTML file.
What each section says in words is in :mod:`equiviz.apps.glass_tour_words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor
from tqdm.auto import tqdm

from equiviz.apps import glass_tour_words as words
from equiviz.apps.glass_descriptors import expert_descriptors
from equiviz.datasets.glass.configuration import SPECIES_A, GlassConfiguration
from equiviz.datasets.glass.shipped import load_shipped
from equiviz.equivariance.check import check
from equiviz.explain.probe import probe
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.atomic_file import expect_writable
from equiviz.symmetry.field import Field
from equiviz.training.evaluate import evaluate, predict
from equiviz.training.glass_task import relative_to_inherent, standardised, vectors
from equiviz.training.load import load
from equiviz.training.train import train
from equiviz.view.errors import ViewError
from equiviz.view.page import Section
from equiviz.view.report import Report
from equiviz.view.scene import Scene, SceneRow
from equiviz.view.show import show

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.equivariance.check_report import CheckReport
    from equiviz.explain.probe_report import ProbeReport
    from equiviz.training.evaluation_report import EvaluationReport

WEIGHTS, TRAINED_HERE = "glassy-T056", "glassy, trained here"
PROBED = 3  # configurations: 2,400 particles A, more than the first layer has invariants
STANDARD_UNIT = "standard deviations"


def tour(out: Path | str, *, train_first: bool = False, seed: int = 0) -> GlassTour:
    """Run the tour and write its page.

    Args:
        out: The HTML file to write, atomically.
        train_first: Train from scratch on the shipped training set, instead of loading the shipped weights.
        seed: Of training, and of the random elements of the check.

    Returns:
        The finished tour: a report, whose parts are reports too.

    Raises:
        ViewError: The page cannot be written to this place; found out before anything is computed.
    """
    out = _destination(out)
    model = _trained(weights_folder(out), seed) if train_first else load(WEIGHTS)
    journey = GlassTour(model, load_shipped("test"), seed, name=TRAINED_HERE if train_first else WEIGHTS)
    with tqdm(journey.steps(), unit="step") as steps:
        for name in steps:
            steps.set_description(f"{name:10}")
            getattr(journey, name)
    journey.to_html(out)
    return journey


def weights_folder(out: Path) -> Path:
    """Where a tour that trains first keeps the weights: beside its page."""
    return out.with_suffix("") if out.suffix else out.with_name(f"{out.name}-weights")


@dataclass(eq=False, repr=False)
class GlassTour(Report):
    """A model of mobility in a glass, looked at from all sides. Each part is computed once, when first asked for.

    Attributes:
        model: Predicts ``propensity`` (Tx0e, standard units) and ``displacement`` (Tx1o) from a glass.
        configurations: Configurations that it was not trained on.
        seed: Of the check's random elements.
        name: What to call the model.
    """

    model: EquivariantModel
    configurations: Sequence[GlassConfiguration]
    seed: int = 0
    title: str = "What a network sees in a glass"
    name: str = WEIGHTS

    @staticmethod
    def steps() -> tuple[str, ...]:
        """The names of the parts, in order."""
        return ("evaluation", "equivariance", "knowledge", "mobility", "motion")

    @property
    def shown(self) -> GlassConfiguration:
        """The configuration that is drawn."""
        return self.configurations[0]

    @property
    def time(self) -> int:
        """The index of the time that is drawn: the last, at which the liquid has relaxed."""
        return len(self.shown.times) - 1

    @cached_property
    def evaluation(self) -> EvaluationReport:
        """Rho per type and time on all configurations."""
        return evaluate(self.model, self.configurations, name=self.name)

    @cached_property
    def equivariance(self) -> CheckReport:
        """The check of the model on the configuration that is drawn."""
        return check(self.model, self.shown.structure, elements=10, seed=self.seed)

    @cached_property
    def knowledge(self) -> ProbeReport:
        """Which expert descriptors the stages of (the first member of) the model know."""
        first = next((part for part in self.model.children() if isinstance(part, EquivariantModel)), self.model)
        structures = [known.structure for known in self.configurations[:PROBED]]
        return probe(
            first,
            structures,
            expert_descriptors(),
            stages=_milestones(first),
            species={SPECIES_A},
            invariants=("power_spectrum",),
            folds=3,
            max_features=1_400,  # all products of the first layer's channels: with fewer it is not exact
            random_networks=1,
            seed=self.seed,
        )

    @cached_property
    def predictions(self) -> dict[str, Field]:
        """The model's fields on the configuration that is drawn."""
        return predict(self.model, self.shown)

    @cached_property
    def mobility(self) -> SceneRow:
        """Measured beside predicted mobility, each in standard units of its type."""
        measured = standardised(self.shown.propensity[self.time][:, None].double(), self.shown.species)
        predicted = standardised(self.predictions["propensity"].values[:, self.time, None].double(), self.shown.species)
        return self._coloured(measured, "Measured").beside(self._coloured(predicted, "Predicted"), title=words.MOBILITY)

    @cached_property
    def motion(self) -> SceneRow | None:
        """Measured beside predicted mean displacement from the inherent structure, as arrows.

        None where the model has no vector output, or the data no mean displacements.
        """
        if "displacement" not in self.predictions or self.shown.mean_displacement is None:
            return None
        measured = relative_to_inherent(self.shown)[self.time]  # [N, 3]
        predicted = vectors(self.predictions)[:, self.time].double()  # [N, 3]
        predicted = predicted * (measured.square().mean() / predicted.square().mean()).sqrt()
        return self._arrows(measured, "Measured").beside(self._arrows(predicted, "Predicted"), title=words.MOTION)

    def to_frame(self) -> DataFrame:
        """The scores: one row per type, time and configuration."""
        return self.evaluation.to_frame()

    def figure(self) -> Figure:
        """Measured beside predicted mobility."""
        return self.mobility.figure()

    def describe(self) -> str:
        """What the model learned, in a few sentences."""
        return words.summary(self.evaluation, self.equivariance, self.knowledge)

    def sections(self) -> list[Section]:
        """The page."""
        shown = words.shown(self.shown, self.time)
        directions = words.NO_MOTION if self.motion is None else words.motion(self.evaluation)
        return [
            Section("The glass, and who moves", words.mobility(shown), self.mobility, words.HOW_TO_SLICE),
            Section("How well is mobility predicted?", words.evaluation(self.evaluation), self.evaluation),
            Section("Where do particles go?", directions, self.motion),
            Section("Is it equivariant?", words.equivariance(self.equivariance), self.equivariance),
            Section("What do its layers know?", words.knowledge(self.knowledge), self.knowledge),
            Section("The numbers", words.NUMBERS, self._table()),
        ]

    def _coloured(self, values: Tensor, title: str) -> Scene:
        return show(
            self.shown.structure,
            colour=values[:, 0],
            title=title,
            name="mobility",
            unit=STANDARD_UNIT,
            signed=True,
            limits=(-2.5, 2.5),
            radii=words.RADII,
        )

    def _arrows(self, displacement: Tensor, title: str) -> Scene:
        field = Field(displacement, "1x1o", "node")
        return show(self.shown.structure, field, title=title, name="mean displacement", unit="sigma", radii=words.RADII)

    def _table(self) -> DataFrame:
        frame = self.evaluation.to_frame()
        keys, scores = ["output", "type", "time (LJ)"], ["rho", "noise ceiling"]
        return frame.pivot_table(index=keys, values=scores, sort=False).reset_index().round(3)


def _destination(out: Path | str) -> Path:
    try:
        return expect_writable(out)
    except IsADirectoryError as problem:
        example = Path(out) / "glass.html"
        raise ViewError(
            f"The tour writes one file, and {out} is a folder. Name a file, such as {example}."
        ) from problem
    except OSError as problem:
        raise ViewError(
            f"The tour cannot write {out}: {problem.strerror or problem}. Choose a place where files can be made."
        ) from problem


def _milestones(model: EquivariantModel) -> list[str]:
    """The stages that the probe reads: the first two, the first and the last layer, and the last of all."""
    names = list(model.stages())
    layers = [name for name in names if name.startswith("layer")]
    wanted = {*names[:2], *layers[:1], *layers[-1:], *names[-1:]}
    return [name for name in names if name in wanted]


def _trained(folder: Path, seed: int) -> EquivariantModel:
    """A model trained from scratch on the shipped training and validation sets, saved in ``folder``."""
    configurations = [*load_shipped("train"), *load_shipped("validation")]
    return train("glassy", configurations, folder, seed=seed).model

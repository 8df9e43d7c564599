"""The tour of the glass: predict, check, probe and draw, on one page that opens offline.

The walk: shipped configurations -> model -> fields -> evaluation, check, probe -> scenes and charts -> one HTML file.
What each section says in words is in :mod:`equiviz.apps.glass_tour_words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor
from tqdm.auto import tqdm

from equiviz.apps import glass_tour_words as words
from equiviz.apps.destination import destination
from equiviz.apps.glass_baseline import offset_report
from equiviz.apps.glass_descriptors import Attached, expert_descriptors
from equiviz.apps.glass_knowledge_words import MOBILITY, knowledge
from equiviz.apps.glass_scores import GlassScores
from equiviz.apps.glass_stages import descriptor_table, stage_table
from equiviz.datasets.glass.configuration import SPECIES_A, GlassConfiguration
from equiviz.datasets.glass.shipped import load_shipped
from equiviz.equivariance.check import check
from equiviz.explain.probe import probe
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.training.glass_evaluation import evaluate_mobility, predict
from equiviz.training.glass_task import relative_to_inherent, standardised, vectors
from equiviz.training.load import load
from equiviz.training.train import train
from equiviz.view.layers import Arrows
from equiviz.view.page import Section
from equiviz.view.report import Report
from equiviz.view.scene import Scene, SceneRow
from equiviz.view.show import show

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.equivariance.check_report import CheckReport
    from equiviz.explain.probing.report import ProbeReport
    from equiviz.training.evaluation_report import EvaluationReport

WEIGHTS, TRAINED_HERE = "glassy-T056", "glassy, trained here"
ASKED = 2_500  # particles A: twice the invariants of the first layer, all of which it needs to be exact
NETWORKS = 2  # with random weights, beside the trained one
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
    out = destination(out, "glass.html")
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
        return evaluate_mobility(self.model, self.configurations, self.name)

    @cached_property
    def baseline(self) -> EvaluationReport | None:
        """The rho of thermal minus inherent position as displacement, without a network; None where `motion` is."""
        return offset_report(self.configurations) if self.has_vectors else None

    @property
    def has_vectors(self) -> bool:
        """Whether there are vectors to compare: an output of the model, and mean displacements in the data."""
        return "displacement" in self.predictions and self.shown.mean_displacement is not None

    @cached_property
    def scores(self) -> GlassScores:
        """The evaluation beside noise ceilings and baseline, as the page shows it."""
        return GlassScores(self.evaluation, self.baseline)

    @cached_property
    def equivariance(self) -> CheckReport:
        """The check of the model on the configuration that is drawn."""
        return check(self.model, self.shown.structure, elements=10, seed=self.seed)

    @cached_property
    def knowledge(self) -> ProbeReport:
        """Which expert descriptors the stages of (the first member of) the model know."""
        first = next((part for part in self.model.children() if isinstance(part, EquivariantModel)), self.model)
        asked = Attached(MOBILITY, [f"{MOBILITY} t={float(self.shown.times[self.time]):g}"])
        return probe(
            first,
            [self._with_mobility(known) for known in self.configurations],
            [*expert_descriptors(), asked],
            species={SPECIES_A},
            invariants=("inner_products",),
            max_environments=ASKED,
            max_features=ASKED // 2,
            random_networks=NETWORKS,
            seed=self.seed,
        )

    def _with_mobility(self, known: GlassConfiguration) -> Structure:
        """The structure with the measured mobility attached, in standard units of the configuration and the type."""
        values = standardised(known.propensity[self.time][:, None].double(), known.species)
        return replace(known.structure, node={**known.structure.node, MOBILITY: Field(values, "1x0e", "node")})

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
        if not self.has_vectors:
            return None
        measured, predicted = self._directions()
        predicted = predicted * (_mean_length(measured) / _mean_length(predicted))
        left = self._arrows(measured, "Measured")
        right = self._arrows(predicted, "Predicted", _magnification(left))
        return left.beside(right, title=words.MOTION)

    def _directions(self) -> tuple[Tensor, Tensor]:
        """Measured and predicted vectors [N, 3] of the configuration and time that are drawn."""
        return relative_to_inherent(self.shown)[self.time], vectors(self.predictions)[:, self.time].double()

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
        directions, lengths = words.NO_MOTION, ""
        if self.motion is not None and self.baseline is not None:
            directions = words.motion(self.evaluation, self.baseline)
            lengths = words.arrows(_mean_length(self._directions()[0]), _magnification(self.motion.scenes[0]))
        probed = [self.knowledge, stage_table(list(self.knowledge.table().index)), descriptor_table()]
        return [
            Section("The glass, and who moves", words.mobility(shown), self.mobility, words.HOW_TO_SLICE),
            Section("How well is mobility predicted?", words.evaluation(self.evaluation), self.scores),
            Section("Where do particles go?", directions, self.motion, lengths),
            Section("Is it equivariant?", words.equivariance(self.equivariance), self.equivariance),
            Section("What do its layers know?", knowledge(self.knowledge), probed),
            Section("The numbers", words.NUMBERS, self.scores.to_frame(), words.DASHES),
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

    def _arrows(self, displacement: Tensor, title: str, magnify: float | None = None) -> Scene:
        return show(
            self.shown.structure,
            Field(displacement, "1x1o", "node"),
            title=title,
            name="mean displacement",
            unit="sigma",
            radii=words.RADII,
            magnify=magnify,
        )


def _mean_length(vectors: Tensor) -> float:
    return float(vectors.norm(dim=1).mean())


def _magnification(scene: Scene) -> float:
    """How many times as long as they are its arrows are drawn."""
    return next(layer.magnify for layer in scene.layers if isinstance(layer, Arrows))


def _trained(folder: Path, seed: int) -> EquivariantModel:
    """A model trained from scratch on the shipped training and validation sets, saved in ``folder``."""
    configurations = [*load_shipped("train"), *load_shipped("validation")]
    return train("glassy", configurations, folder, seed=seed).model

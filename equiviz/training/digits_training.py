"""Training of networks that read digits on the sphere, and their score when the spheres are turned.

The protocol of arXiv:1902.04615, section 5.1: trained on digits at the north pole (N), tested on the same (N/N), on
digits turned by symmetries of the icosahedron (N/I), and by any rotations (N/R).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from equiviz.datasets.sphere.digits import CLASSES, Digits, embedded_digits, mnist
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.field import Field
from equiviz.training.errors import TrainingError
from equiviz.training.load import manifest_of
from equiviz.training.loop import Training
from equiviz.training.objective import Example
from equiviz.training.recipe import Hardware, Recipe
from equiviz.training.score_report import ScoreReport
from equiviz.training.seeds import seeded
from equiviz.training.trained_network import TrainedNetwork, saved
from equiviz.training.turned_spheres import TURNED, ReadsSpheres, Turned, glued, turns, way_of
from equiviz.view.page import Section

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

EMBEDDED = "digits"
"""The word for the digits that scikit-learn brings."""
DIGITS_RECIPE = Recipe(epochs=30, learning_rate=1e-2, weight_decay=1e-2, clip=5.0, batch=32, keep="best")
BATCH = 64


class DigitObjective:
    """Cross entropy in nats; scored by minus it."""

    def loss(self, outputs: Mapping[str, Field], target: Tensor) -> Tensor:
        """The mean over spheres."""
        return cross_entropy(outputs["classes"].values, target)

    def score(self, outputs: Mapping[str, Field], target: Tensor) -> float:
        """The higher the better."""
        return -float(self.loss(outputs, target))


@dataclass(eq=False, repr=False)
class DigitReport(ScoreReport):
    """Digits recognised on spheres that were not turned, and turned.

    Attributes:
        model, data: their names.
        known: [S] what the pictures show.
        guessed: by how spheres were turned ("N", "I", "R") [S] what the network takes them for.
        note: what readers should know besides.
        trained: how spheres were turned in training.
    """

    model: str
    data: str
    known: Tensor
    guessed: Mapping[Turned, Tensor]
    note: str = ""
    trained: Turned = "N"

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model} on {self.data}"

    def accuracy(self, turned: Turned) -> float:
        """The share that is recognised."""
        return float((self.guessed[turned] == self.known).double().mean())

    def agree(self) -> bool:
        """Whether each picture is taken for the same before and after a symmetry of the icosahedron."""
        return torch.equal(self.guessed["N"], self.guessed["I"])

    def to_frame(self) -> DataFrame:
        """One row per way of turning: accuracy, pictures, and how many are taken for something else than unturned."""
        import pandas as pd

        rows = [
            {
                "trained/tested": f"{self.trained}/{turned}",
                "tested": TURNED[turned],
                "accuracy": self.accuracy(turned),
                "pictures": len(self.known),
                "changed": int((self.guessed[turned] != self.guessed["N"]).sum()),
            }
            for turned in self.guessed
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """What pictures are taken for, of unturned spheres: shares of each row."""
        from plotly.graph_objects import Figure, Heatmap

        counts = torch.zeros(CLASSES, CLASSES)
        counts.index_put_((self.known, self.guessed["N"]), torch.ones(len(self.known)), accumulate=True)
        shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
        names = [str(digit) for digit in range(CLASSES)]
        heat = Heatmap(z=shares.numpy(), x=names, y=names, colorscale="Viridis", zmin=0, zmax=1, colorbar_title="share")
        made = Figure(heat)
        made.update_layout(title=self.title, xaxis_title="taken for", yaxis_title="shows", yaxis_autorange="reversed")
        return made

    def sections(self) -> list[Section]:
        """Numbers first."""
        return [Section("Numbers", "", self.to_frame()), Section("What is taken for what", "", self.figure())]

    def describe(self) -> str:
        """The three accuracies, and whether symmetries change anything."""
        told = ", ".join(f"{self.trained}/{turned} {self.accuracy(turned):.2%}" for turned in self.guessed)
        changed = int((self.guessed["I"] != self.guessed["N"]).sum())
        exact = (
            "Symmetries of the icosahedron change no answer."
            if not changed
            else f"Symmetries of the icosahedron change {changed} answers: the network breaks what it claims."
        )
        lines = [f"{self.title}: {len(self.known):,} pictures; {told}.", exact]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON."""
        scores = {f"accuracy_{self.trained}_{turned}": self.accuracy(turned) for turned in self.guessed}
        return {"model": self.model, "data": self.data, "pictures": len(self.known), **scores, "note": self.note}


def read_digits(data: object) -> Digits:
    """Pictures by "digits" (those of scikit-learn), from a folder with MNIST's files, or as they are.

    Raises:
        DatasetError: no such files.
        TrainingError: neither.
    """
    if isinstance(data, Digits):
        return data
    if isinstance(data, (str, Path)):
        return embedded_digits() if str(data) == EMBEDDED else mnist(data)
    raise TrainingError(
        f"Expected {EMBEDDED!r} (those of scikit-learn), or a folder with MNIST's files, got {type(data).__name__}."
    )


def train_digits(
    family: Family,
    data: object,
    out: str | Path,
    seed: int = 0,
    epochs: int | None = None,
    config: Mapping[str, object] | None = None,
    hardware: Hardware | None = None,
    progress: bool = True,
    turned: Turned = "N",
    copies: int = 1,
) -> TrainedNetwork[DigitReport]:
    """Train a family on digits at the north pole, and save it; run it again to continue after an interruption.

    Args:
        family: of the registry, with the task "digits".
        data: "digits", or a folder with MNIST's files; seven tenths of the pictures train, one validates, two test.
        out: gets weights and manifest; ``out/state`` the state of an unfinished training.
        seed: of the weights and of the order.
        epochs: instead of the recipe's.
        config: settings of the family.
        hardware: where to run; one CPU process by default.
        progress: whether to show a progress bar.
        turned: what training spheres are turned by, each by its own rotation: a control that shows what a network can
            learn of turned digits.
        copies: of each training picture, turned differently; for "I" and "R".

    Raises:
        DatasetError, ConfigError, TrainingError: as the reader, the family and the loop.
    """
    digits = read_digits(data)
    recipe = dataclasses.replace(DIGITS_RECIPE, seed=seed, epochs=DIGITS_RECIPE.epochs if epochs is None else epochs)
    with seeded(seed):
        model = family.build(config or {})
    level = cast(ReadsSpheres, model).level
    held = glued(_examples(digits.part("validation"), level, turned, seed))
    known, spread = digits.part("train"), copies if turned != "N" else 1
    examples = [
        example for copy in range(spread) for example in _examples(known, level, turned, 1000 * (seed + 1) + copy)
    ]
    task = Training(
        model,
        DigitObjective(),
        examples,
        [held],
        recipe,
        hardware or Hardware(),
        Path(out) / "state",
        progress=progress,
        glue=glued,
    )
    history = task.run()
    report = evaluate_digits(model, digits.part("test"), family.name)
    report.trained = turned
    told = {"name": digits.name, "pictures": len(known), "turned": turned}
    return saved(model, history, report, out, told, recipe)


def evaluate_digits(model: EquivariantModel, data: object, name: str = "", seed: int = 0) -> DigitReport:
    """Recognise digits on unturned and on turned spheres.

    Args:
        model: of the task "digits".
        data: as `train_digits`; of whole sets the part kept for testing.
        name: what to call the model; by default its title.
        seed: of the rotations.

    Raises:
        DatasetError, TrainingError: as `read_digits`.
    """
    digits = data if isinstance(data, Digits) else read_digits(data).part("test")
    level = cast(ReadsSpheres, model).level
    guessed = {turned: _guessed(model, digits, level, turned, seed) for turned in get_args(Turned)}
    manifest = manifest_of(model)
    stated = {} if manifest is None else manifest.data
    trained = str(stated.get("name", ""))
    other = f"Trained on {trained}." if trained and trained != digits.name else ""
    return DigitReport(name or model.title, digits.name, digits.labels, guessed, other, way_of(stated.get("turned")))


def _examples(digits: Digits, level: int, turned: Turned = "N", seed: int = 0) -> list[Example[Tensor]]:
    spheres = digits.on_sphere(level, turns(turned, len(digits), seed)).spread
    return [
        Example(f"picture {place}", SphereSignal.of(spheres[place : place + 1]), digits.labels[place : place + 1])  # type: ignore[arg-type]
        for place in range(len(digits))
    ]


def _guessed(model: EquivariantModel, digits: Digits, level: int, turned: Turned, seed: int) -> Tensor:
    """[S] the class with the largest number, a batch of spheres at a time."""
    found = []
    rotations = turns(turned, len(digits), seed)
    model.eval()
    for rows in torch.arange(len(digits)).split(BATCH):
        spheres = digits[rows].on_sphere(level, None if rotations is None else rotations[rows])
        with torch.no_grad():
            found.append(model(model.prepare(spheres))["classes"].values.argmax(1))  # type: ignore[arg-type]
    return torch.cat(found)

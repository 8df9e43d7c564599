"""The cells of the glass benchmark: which model, on how much of which data, and which question it helps to answer.

A cell gives one row of one or several tables: numbers with their intervals. Costs decide the order: cheap ones first,
so that an interrupted benchmark has answered as many questions as it could.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Less than a third of the parameters of Bapst's network (64,712), by narrower inputs, products, layers and decoder.
SMALL_GLASSY: dict[str, object] = {"width": 28, "products": 6, "pooled": 20, "scalars": 8, "layers": 4}

# The network alone (`linear_share` is 0), no ridge regression blended in: table b would compare ridge with ridge.
GLASSY_PLAN: dict[str, object] = {"epochs": 16, "learning_rate": 4e-3, "weight_decay": 0.1, "vector_weight": 0.1}
# Bapst's network needs more steps, and no weight decay; the rate of the paper would need days.
BAPST_PLAN: dict[str, object] = {"epochs": 30, "learning_rate": 2e-3, "optimiser": "adam"}

# Ten configurations of 4,096 particles. Blended with its ridge regression, which saturates at four configurations; the
# share was chosen in the same cross-validation, whose figure is flat around it.
T044_PLAN: dict[str, object] = {
    "epochs": 8,
    "learning_rate": 4e-3,
    "weight_decay": 0.1,
    "vector_weight": 0.3,
    "keep": "last",
}
# Longer training leaves rho as it is and makes the vectors of type A a third better; with 20 epochs rho begins to fall.
CAGED_PLAN: dict[str, object] = {**T044_PLAN, "epochs": 14}
CAGED: dict[str, object] = {"linear_share": 0.75, "cage_temperature": 0.44, "surroundings": 1078, "local": 154}


@dataclass(frozen=True)
class Cell:
    """One training, or several that differ by seed or fold, and their score on configurations not trained on.

    Attributes:
        name: Of its file; unique.
        tables: The tables it stands in.
        label: What the tables call it.
        family: As in the registry; "offset" is the trivial predictor of vectors, thermal minus inherent position.
        settings: Of the family.
        plan: Settings of recipe and objective, as in a family's ``training_defaults``.
        count: Number of training configurations of the shipped set, from the first; 0 takes all.
        seeds: One training each, in every fold.
        folds: 0: the splits of the shipped set; n: n-fold cross-validation over kob_andersen_T044.
    """

    name: str
    tables: tuple[str, ...]
    label: str
    family: str
    settings: Mapping[str, object] = field(default_factory=dict)
    plan: Mapping[str, object] = field(default_factory=dict)
    count: int = 0
    seeds: tuple[int, ...] = (0,)
    folds: int = 0

    def key(self) -> dict[str, object]:
        """Everything that decides the result, as JSON holds it; a finished cell with another key is done again."""
        return {
            "family": self.family,
            "settings": dict(self.settings),
            "plan": dict(self.plan),
            "count": self.count,
            "seeds": list(self.seeds),
            "folds": self.folds,
        }


# Fewer configurations get more epochs: about as many steps as overfitting allows, chosen on the validation set.
_EPOCHS = {1: 60, 3: 40, 10: 24}


def _few(count: int) -> list[Cell]:
    name, plan = f"{count:02d}", {**GLASSY_PLAN, "epochs": _EPOCHS[count]}
    return [
        Cell(f"c1-glassy-{name}", ("c1",), "glassy", "glassy", SMALL_GLASSY, plan, count),
        Cell(f"c1-ridge-{name}", ("c1",), "ridge", "ridge", count=count),
    ]


# Bapst's network learns slowly: some two hundred steps each, ten minutes of one core.
_BAPST_EPOCHS = {1: 160, 3: 64, 10: 24}


def _few_bapst(count: int) -> list[Cell]:
    name, plan = f"{count:02d}", {**BAPST_PLAN, "epochs": _BAPST_EPOCHS[count]}
    return [
        Cell(f"c1-bapst-{name}", ("c1",), "Bapst, turned", "bapst", {}, {**plan, "turn": True}, count),
        Cell(f"c1-bapst-fixed-{name}", ("c1",), "Bapst, not turned", "bapst", {}, {**plan, "turn": False}, count),
    ]


CELLS: tuple[Cell, ...] = (
    Cell("b-ridge", ("b", "c4"), "ridge", "ridge"),
    Cell("c3-offset", ("c3",), "thermal minus inherent position", "offset"),
    Cell("b-glassy", ("b", "c2", "c3"), "glassy", "glassy", SMALL_GLASSY, GLASSY_PLAN),
    Cell(
        "c2-scalar",
        ("c2",),
        "glassy, scalar messages",
        "glassy",
        {**SMALL_GLASSY, "messages": "scalar"},
        {**GLASSY_PLAN, "vector_weight": 0.0},
    ),
    Cell("b-bapst", ("b",), "Bapst", "bapst", {}, {**BAPST_PLAN, "turn": True}),
    *(cell for count in _EPOCHS for cell in (*_few(count), *_few_bapst(count))),
    Cell("c4-ridge-radial", ("c4",), "ridge, radial features only", "ridge", {"lmax": 0}),
    Cell("a-ridge", ("a",), "ridge", "ridge", folds=5),
    Cell(
        "a-glassy", ("a", "a3"), "glassy, structure alone", "glassy", {"linear_share": 0.75}, T044_PLAN, 0, (0, 1, 2), 5
    ),
    Cell(
        "a-glassy-cage",
        ("a", "a3"),
        "glassy with cages (a short simulation)",
        "glassy",
        CAGED,
        CAGED_PLAN,
        0,
        (0,),
        5,
    ),
)

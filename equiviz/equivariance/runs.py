"""One run of one trial: free, as the model does it; or forced, with each stage made right before the next reads it.

Forcing tells the guilty stage from those that only inherit: when every stage but one is handed the exactly transformed
output of those before it, only the one that breaks the symmetry itself differs. All stages are forced in one run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.op_watch import Act, Acts, Watch
from equiviz.equivariance.row_matching import RowMatching
from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import ModelInput, prepared
from equiviz.features.recorder import Replacement
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph


@dataclass(frozen=True, eq=False)
class Runs:
    """A model and its record on the input as it came.

    Attributes:
        model: the module.
        supports: as in `equiviz.capture`.
        reference: the record.
        without: acts of torch that are left out (see `equiviz.equivariance.op_watch`).
    """

    model: nn.Module
    supports: Mapping[str, Support] | None
    reference: Capture
    without: frozenset[Act] = frozenset()

    @classmethod
    def of(
        cls,
        model: nn.Module,
        x: ModelInput,
        supports: Mapping[str, Support] | None,
        without: frozenset[Act] = frozenset(),
    ) -> Runs:
        """Run the model on the input as it came; raises CaptureError as `equiviz.capture`."""
        return cls(model, supports, _recorded(model, prepared(model, x), supports, None, without), without)

    def free(self, trial: Trial) -> tuple[Capture, RowMatching]:
        """The trial's record, and how its rows belong to the reference's."""
        taken = self._prepared(trial)
        matching = self._matching(trial, taken)
        return self._record(trial, taken, None), matching

    def forced(self, trial: Trial) -> tuple[Capture, RowMatching]:
        """The trial's record when each stage reads what the stages before it should have given."""
        taken = self._prepared(trial)
        matching = self._matching(trial, taken)
        return self._record(trial, taken, matching), matching

    def acts_before(self, stage: str, x: ModelInput) -> Acts:
        """What the model asks torch to do between the stage before and this one."""
        watch = Watch()
        taken = prepared(self.model, x)
        with watch:
            record(self.model, taken, self.supports, replace=watch.noting(None))
        return Acts(tuple(watch.before(stage)))

    def arguments(self, trial: Trial) -> dict[Act, Tensor]:
        """What each act is given in a trial, when each stage reads what it should."""
        watch = Watch(keeping=True)
        taken = self._prepared(trial)
        with watch:
            record(self.model, taken, self.supports, replace=watch.noting(self._matching(trial, taken).forced))
        return watch.arguments

    def _matching(self, trial: Trial, taken: ModelInput) -> RowMatching:
        return RowMatching(self.reference, taken if isinstance(taken, Graph) else None, trial)

    def _prepared(self, trial: Trial) -> ModelInput:
        try:
            return prepared(self.model, trial.x)
        except Exception as problem:
            raise self._failure(trial, problem) from problem

    def _record(self, trial: Trial, taken: ModelInput, matching: RowMatching | None) -> Capture:
        try:
            replace = None if matching is None else matching.forced
            return _recorded(self.model, taken, self.supports, replace, self.without)
        except Exception as problem:
            raise self._failure(trial, problem) from problem

    def _failure(self, trial: Trial, problem: Exception) -> CheckError:
        error = CheckError(
            f"{self.reference.model} takes the input as it came, but raises under {trial.kind} ({trial.words}): "
            f"{type(problem).__name__}: {problem}. The transformed input was {trial.x!r}{_first_points(trial.x)}; the "
            "error holds it as .input."
        )
        error.input = trial.x
        return error


def _first_points(x: ModelInput) -> str:
    """Where the first points lie, for readers."""
    first = x[0] if isinstance(x, Sequence) else x
    points = first.positions
    if points is None or not len(points):
        return ""
    shown = ", ".join(f"({', '.join(f'{number:.4g}' for number in point)})" for point in points[:3].tolist())
    return f", with points at {shown}{' ...' if len(points) > 3 else ''}"


def _recorded(
    model: nn.Module,
    taken: ModelInput,
    supports: Mapping[str, Support] | None,
    replace: Replacement | None,
    without: frozenset[Act],
) -> Capture:
    if not without:
        return record(model, taken, supports, replace=replace)
    watch = Watch(without)
    with watch:
        return record(model, taken, supports, replace=watch.noting(replace))

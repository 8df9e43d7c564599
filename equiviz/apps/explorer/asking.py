"""What can be asked about a prediction, and what is asked: by the menus, and by the atom that is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from equiviz.explain.errors import AttributionError
from equiviz.explain.outputs import At, outputs_in, own_name
from equiviz.features.capture import Capture
from equiviz.symmetry.field import Field

NORM = -1
"""In the menu of components: the norm, or the only number there is."""
PER = {"node": "atom", "edge": "edge"}
"""What one row of an output is of."""
WHOLE = "structure"


@dataclass(frozen=True)
class Asked:
    """One number that a model says.

    Attributes:
        output: name of the output.
        at: its row, or "all" for the sum; None where there is one.
        component: which one; None for the norm, or for the only one.
        of: what the row is of, in words.
    """

    output: str
    at: At
    component: int | None
    of: str

    @property
    def words(self) -> str:
        """The number, and whose it is."""
        which = "" if self.component is None else f", component {self.component},"
        return f"{own_name(self.output)}{which} {self.of}"


def offered_outputs(capture: Capture, whole: str = WHOLE) -> dict[str, str]:
    """Titles of the outputs by name; the first invariant one comes first, for it is asked about by default.

    Args:
        capture: one run.
        whole: what the model was shown, in a word.

    Raises:
        AttributionError: the model says nothing that is typed.
    """
    fields = outputs_in(capture, AttributionError)
    ordered = sorted(fields, key=lambda name: not _invariant(fields[name]))
    per = {name: _per(fields[name], whole) for name in ordered}
    return {name: f"{own_name(name)} ({_short(fields[name])} per {per[name]})" for name in ordered}


def offered_components(field: Field) -> list[tuple[str, int]]:
    """Titles and numbers of the components: first the norm, of what turns; nothing to choose of a single number."""
    count = field.values.flatten(1).shape[1]
    if count == 1:
        return [("the only one", NORM)]
    norm = [] if _invariant(field) else [("norm", NORM)]
    return [*norm, *((str(number), number) for number in range(count))]


def asked(
    capture: Capture,
    output: str,
    component: int,
    selected: Sequence[int],
    labels: Sequence[str],
    whole: str = WHOLE,
) -> Asked:
    """The question about an output: of the first selected atom where it has one row per atom, else of the sum.

    Args:
        capture: one run.
        output: name of one of `offered_outputs`.
        component: one of `offered_components`.
        selected: numbers of atoms.
        labels: of all atoms.
        whole: what the model was shown, in a word.
    """
    field, which = outputs_in(capture, AttributionError)[output], None if component == NORM else component
    if len(field) == 1 and field.support != "node":
        return Asked(output, None, which, f"of the whole {whole}")
    if field.support == "node" and selected and selected[0] < len(field):
        return Asked(output, selected[0], which, f"at atom {labels[selected[0]]} {selected[0]}")
    return Asked(output, "all", which, f"summed over all {_per(field, whole)}s")


def _invariant(field: Field) -> bool:
    return all(block.invariant for block in field.blocks)


def _per(field: Field, whole: str) -> str:
    return PER.get(field.support, whole if field.support == "graph" else field.support)


def _short(field: Field) -> str:
    irreps = str(field.representation)
    return irreps if len(irreps) <= 20 else irreps[:19] + "…"

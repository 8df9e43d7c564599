"""Numbers that are none: every verb refuses them in the same words, before it says anything of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from equiviz.symmetry.errors import EquivizError
from equiviz.symmetry.field import Field


def refuse_not_finite(
    recorded: Mapping[str, Field],
    refusal: type[EquivizError],
    asked: Collection[str] | None = None,
    remedy: str = "Repair the weights, or leave this input out.",
) -> None:
    """Raise where what is asked for holds NaN or infinity; the message names the first stage that does.

    Args:
        recorded: one pass, in the order in which it passed.
        refusal: the error of the verb.
        asked: names in it of what the verb speaks of; None for all.
        remedy: what to do about it.
    """
    bad = next((name for name in (recorded if asked is None else asked) if _count(recorded[name])), None)
    if bad is None:
        return
    first = next(name for name, field in recorded.items() if _count(field))
    begins = "" if first == bad else f"; the first stage where they appear is {first!r}"
    raise refusal(
        f"{_count(recorded[bad])} of {recorded[bad].values.numel()} values of {bad!r} are not finite (NaN or "
        f"infinity){begins}: nothing can be said of them. {remedy}"
    )


def refuse_answers(answers: Tensor, refusal: type[EquivizError], changed: str) -> None:
    """Raise where the answers ``[K]`` to inputs that were changed hold NaN or infinity.

    Args:
        answers: of the model.
        refusal: the error of the verb.
        changed: what was done to the inputs, as in "with edges taken away".
    """
    bad = int((~answers.detach().isfinite()).sum())
    if bad:
        raise refusal(
            f"The prediction is finite, but of {answers.numel()} inputs {changed}, {bad} give NaN or infinity: does "
            "the model divide by the number of neighbours, or by a length? Let it divide by a number that is not zero."
        )


def _count(field: Field) -> int:
    """How many of its values are not finite."""
    return int((~field.values.detach().isfinite()).sum())

"""ScoreReport: what `evaluate` returns, whatever was scored."""

from __future__ import annotations

from abc import abstractmethod

from equiviz.view.report import Report


class ScoreReport(Report):
    """A report whose scores go into a manifest, or to a program, as plain values."""

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON."""

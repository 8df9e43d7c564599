"""Where problems are told: a callback has nobody else to tell."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from equiviz.equivariance.check_widget.look import line, say


class Banner:
    """One line that cannot be missed; empty where all is well.

    Attributes:
        line: the widget.
        problem: what it says, with the traceback after a line break; "" where all is well.
    """

    def __init__(self) -> None:
        self.line = line()
        self.line.layout.display = "none"
        self.problem = ""

    def show(self, problem: str) -> None:
        """Say what went wrong, or with "" that all is well."""
        self.problem = problem
        say(self.line, problem.partition("\n")[0], "equiviz-problem")
        self.line.layout.display = None if problem else "none"

    def guarded(self, callback: Callable[..., object]) -> Callable[..., None]:
        """A callback whose errors are shown, and not swallowed."""

        def called(*given: Any) -> None:
            try:
                callback(*given)
            except Exception as problem:
                self.show(f"{type(problem).__name__}: {problem}\n{traceback.format_exc()}")
            else:
                self.show("")

        return called

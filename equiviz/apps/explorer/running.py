"""Work that a button starts: what is done is told before, and what went wrong in one sentence after."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from equiviz.equivariance.check_widget.look import say

if TYPE_CHECKING:
    from ipywidgets import HTML, Button

STOPPED = "Stopped: the kernel was interrupted."


def run_by(button: Button, status: HTML, doing: str, work: Callable[[], object]) -> bool:
    """Do something that takes a while, with the button off.

    Args:
        button: that was pressed.
        status: where it is told.
        doing: what is done.
        work: it.

    Returns:
        whether it was done.
    """
    button.disabled = True
    say(status, doing, "equiviz-quiet")
    begun = time.perf_counter()
    try:
        work()
    except KeyboardInterrupt:
        say(status, STOPPED, "equiviz-problem")
        return False
    except Exception as problem:
        say(status, " ".join(str(problem).split()) or type(problem).__name__, "equiviz-problem")
        return False
    finally:
        button.disabled = False
    say(status, f"Done in {time.perf_counter() - begun:.1f} s.", "equiviz-quiet")
    return True

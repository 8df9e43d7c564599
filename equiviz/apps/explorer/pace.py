"""Keeping up with a hand: of many values that come in a row, only the latest is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")
PAUSE = 0.03
"""Seconds to wait for a newer value, so that what queued up while the model ran is skipped."""


class Latest(Generic[Value]):
    """Hands on the latest of the values that came, once the event loop has time; at once where there is no loop.

    Attributes:
        act: is handed the value. It must not raise.
    """

    def __init__(self, act: Callable[[Value], object]) -> None:
        self.act = act
        self._waiting: list[Value] = []
        self._busy = False

    def __call__(self, value: Value) -> None:
        """A value has come; `act` may hand on the next one itself."""
        self._waiting.append(value)
        if len(self._waiting) > 1 or self._busy:
            return
        loop = _loop()
        if loop is None:
            self._go()
        else:
            loop.call_later(PAUSE, self._go)

    def _go(self) -> None:
        while self._waiting:
            value = self._waiting[-1]
            self._waiting.clear()
            self._busy = True
            try:
                self.act(value)
            finally:
                self._busy = False
            loop = _loop()
            if loop is not None and self._waiting:
                loop.call_later(PAUSE, self._go)
                return


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

"""The browser of the view's tests; any folder of tests gets it by the same two imports."""

from __future__ import annotations

from tests.browser_visits import browser, chromium

__all__ = ["browser", "chromium"]

"""The browser, for pages that apps write."""

from __future__ import annotations

from tests.browser_visits import browser, chromium

__all__ = ["browser", "chromium"]

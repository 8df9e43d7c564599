"""Where the cache is; it lives in `equiviz.datasets.cache`."""

from __future__ import annotations

from equiviz.datasets.cache import cache_folder as cache_folder

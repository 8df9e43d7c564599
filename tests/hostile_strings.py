"""Strings that try to run a script, and the trap that tells whether one did.

The trap is the name of the window: a script that runs sets it, and the tests read it.
"""

from __future__ import annotations

PAYLOAD = "window.name='EXECUTED'"
HOSTILE = (
    f"</script><script>{PAYLOAD}</script>",
    f'<img src=x onerror="{PAYLOAD}">',
    f'<svg onload="{PAYLOAD}">',
    f'<a href="javascript:{PAYLOAD}">click</a>',
    f'"><script>{PAYLOAD}</script>',
    f"'-->]]><script>{PAYLOAD}</script><!--",
    "%{customdata}<b>bold</b>&lt;script&gt;\u2028${1+1}{{1}}",
)
ALL = " ".join(HOSTILE)

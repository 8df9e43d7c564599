"""How fast scenes appear and change in a real notebook, beside plotly, py3Dmol and nglview.

`python -m benchmarks.view` runs JupyterLab and Chromium with software WebGL on this machine, without a network, so only
ratios within one run mean anything. Each measurement is a visit (`visit.py`) of a fresh browser to a fresh notebook. A
page's own record of what it drew and what reached it (`record.js`) gives the times; pixels of a screenshot must agree.
`verdict.py` holds the figures to reach, and decides the exit code.
"""

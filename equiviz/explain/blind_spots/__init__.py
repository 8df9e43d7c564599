"""Blind spots: pairs of environments that a stage cannot tell apart though they differ.

Known families (`pairs.py`, each with a certificate of `certificate.py`), a search for new ones (`search.py`), and the
directions in which a stage sees nothing to first order (`unseen.py`).
"""

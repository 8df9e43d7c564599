"""Sparse dictionaries whose atoms are irreps: of which few directed parts is an environment made?"""

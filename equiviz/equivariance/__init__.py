"""The instrument: does a model turn with its input, and if not, where does it break?"""

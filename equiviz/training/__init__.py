"""Training: the loop, the checkpoints, the scores."""

"""Acting on what flows through a model, and watching the prediction: ablate, prune, patch, steer."""

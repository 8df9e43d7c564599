"""The recording of stages: which typed tensors flow through a model."""

"""What models learn, a file each: how such a model is trained, scored, and shown something real."""

"""What turns token ids or texts into vectors: torch, ONNX Runtime, or a server somewhere else."""

"""vLLM, started, watched and started again by Plumbline (docs/engine.md)."""

"""Planted violations and harmless answers that measure a guard of streamed answers."""

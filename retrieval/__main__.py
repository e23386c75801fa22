"""`python -m retrieval …` is `plumbline search …`."""

from retrieval.command import search

search(prog_name="python -m retrieval")

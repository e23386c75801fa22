"""`python -m ingest PATH…` is `plumbline ingest PATH…`."""

from ingest.command import ingest

ingest(prog_name="python -m ingest")

"""`python -m server` is `plumbline serve`."""

from server.command import serve

serve(prog_name="python -m server")

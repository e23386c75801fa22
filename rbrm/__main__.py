"""`python -m rbrm FILE` is `plumbline judge FILE`."""

from rbrm.command import judge

judge(prog_name="python -m rbrm")

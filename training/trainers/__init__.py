"""One trainer for each kind of run, on top of TRL's."""

#!/bin/sh
# What `make serve` does, inside the container: bring the index in step, then serve. Exit code 3 of the
# ingest means that some files failed and are listed; the rest is served.
set -eu
plumbline ingest /documents --prune || [ $? -eq 3 ]
exec plumbline serve

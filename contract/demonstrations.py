"""The wire types of `/v1/demonstrations`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from contract.wire import Body

# The name of a source of imports: letters, digits and any of _ . @ -.
SOURCE_NAME = r"^\w[\w.@-]{0,63}$"

_MOST = 200


class Demonstrations(Body):
    """Examples of good answers; each has the columns of a row of `plumbline feedback import`."""

    examples: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=_MOST)]
    source_name: Annotated[str, Field(pattern=SOURCE_NAME)] = "written"
    collection: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    dry_run: bool = False

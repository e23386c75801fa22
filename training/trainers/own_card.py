"""A run has a card of its own, and so its trainer writes none."""

from __future__ import annotations

from typing import Any


class OwnCard:
    """A mixin for TRL's trainers."""

    def create_model_card(self, *args: Any, **options: Any) -> None:
        """Nothing."""

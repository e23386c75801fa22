"""Do two questions ask the same? Rules that would rather miss a likeness than see one that is not there."""

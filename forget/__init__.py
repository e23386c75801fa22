"""Forgetting a person or a document, in every place that this project keeps texts."""

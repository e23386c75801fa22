"""The rubrics that come with Plumbline."""

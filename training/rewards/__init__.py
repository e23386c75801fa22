"""What an answer earns in training beside the judge's reward."""

"""An answer becomes a verdict: rule-based rewards and a reward model."""

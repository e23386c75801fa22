"""Two policies on the same prompts: who is better, at what, and how sure that is."""

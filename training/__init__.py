"""Examples become a better policy, and numbers that the embedded parts run on."""

"""Every figure that the documentation quotes, and the script that made it."""

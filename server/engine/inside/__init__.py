"""What runs outside Plumbline's own process and environment; it imports nothing of the project."""

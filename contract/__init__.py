"""What every part agrees on, and what the outside world sees."""

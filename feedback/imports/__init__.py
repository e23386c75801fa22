"""What people said elsewhere comes into the log: demonstrations, rankings, pairs and ratings from files."""

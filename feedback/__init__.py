"""Turns become examples: the log, people's preferences, and the files of the next round."""

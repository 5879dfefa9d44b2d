"""Drives: clips of a camera that belong together, by the names that cameras give them and by their times."""

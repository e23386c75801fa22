"""The suite mirrors the tree. Each test builds the smallest thing that shows the behaviour."""

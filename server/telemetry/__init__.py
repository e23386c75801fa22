"""What can be seen of a running server: metrics, traces and logs, none of them with user text."""

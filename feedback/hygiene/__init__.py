"""What is taken out of logged turns before anybody trains on them. Each file is one step."""

"""What the work needs of the world, each behind a port: HTTP, an index, a state."""

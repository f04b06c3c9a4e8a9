"""The HTTP API (Incoming): the guard, the routes, the answers."""

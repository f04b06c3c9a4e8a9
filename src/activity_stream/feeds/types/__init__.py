"""One file per kind of source; kinds do not know each other."""

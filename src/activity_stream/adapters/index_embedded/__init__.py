"""The embedded index: tantivy holds all feeds of both aliases in one directory (docs/decisions/0001)."""

"""The two cycles of each feed, supervised."""

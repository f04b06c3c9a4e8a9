"""Activity Stream: collects ActivityStreams 2.0 feeds into one searchable, permissioned stream."""

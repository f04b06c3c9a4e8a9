"""The index on OpenSearch or Elasticsearch."""

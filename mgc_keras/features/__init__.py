"""From a manifest to a feature table on disk."""

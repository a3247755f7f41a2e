"""Weight files, old and new: reading, fetching, caching."""

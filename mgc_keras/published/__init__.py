"""Networks that others trained and published, and that no study here is about: one folder each, found as studies are."""

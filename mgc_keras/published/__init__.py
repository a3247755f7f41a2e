"""Networks that others trained and published and no study here is about: a folder each, found as studies are."""

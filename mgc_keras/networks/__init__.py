"""One module a published network, and what turns one variant of it into another."""

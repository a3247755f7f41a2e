"""The five studies, a folder each."""

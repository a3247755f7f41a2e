"""Answers about songs: a genre or tags, how sure they are, and why. Begin with `songs`."""

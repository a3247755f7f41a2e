"""Keras layers: the Kapre front end and the normalisations of the published networks."""

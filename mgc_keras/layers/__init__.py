"""Keras layers: front ends, normalisations, scattering, recurrent cells, and what turns spectrograms into images."""

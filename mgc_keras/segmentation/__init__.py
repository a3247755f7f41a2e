"""Segmentation of songs by the spectral error between their windows (Asgharivaskasi et al. 2019)."""

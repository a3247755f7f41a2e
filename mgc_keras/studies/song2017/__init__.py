"""Song, Wang, Han and Ding: Transfer learning for music genre classification (2017).

Scattering coefficients go through five GRU layers, trained on tags first, then on genres, or on genres alone. Begin
with `study`, whose docstring tells protocols and commands, then `steps`; `network` holds the GRU layers.
"""

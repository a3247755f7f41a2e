"""Asgharivaskasi et al.: Music genre recognition using deep learning (2019).

Classic classifiers, ImageNet networks and recurrent networks on whole clips, on voting segments and on the largest
cluster of a segmented song. Begin with `study`, whose docstring tells protocols and commands, then `steps`.
"""

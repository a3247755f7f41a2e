"""Choi, Fazekas, Sandler and Cho: Transfer learning for music classification and regression tasks (ISMIR 2017).

A convnet is trained on tags; features from its five layers then serve support-vector machines on six other tasks.
Begin with `study`, whose docstring tells protocols and commands, then `steps`; `network` is the convnet.
"""

"""Ouyang: Music genre classification (2023).

Clips are cleaned and balanced; a frozen InceptionV3 is compared with a convolutional network from scratch. Begin with
`study`, whose docstring tells protocols and commands, then `steps`; `networks` builds both.
"""

"""Jiménez and José: Music genre classification using deep neural networks (UPC, 2017).

A network trained on tags becomes a genre classifier, as a fixed extractor or fine-tuned; songs are judged by their
excerpts. Begin with `study`, whose docstring tells protocols and commands, then `steps`; `network` is the CRNN.
"""

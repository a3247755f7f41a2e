"""Audio in, manifests, splits, the built-in corpus, checks of a folder of clips. Imports no TensorFlow."""

"""musicnn (Pons and Serra 2019): musically motivated and VGG-like taggers, from their authors' files. Begin with `network`."""

"""musicnn (Pons and Serra 2019): two kinds of taggers, from their authors' files. Begin with `network`."""

"""The run folder: `writer` lists and writes its files, `reader` reads them, `summary` makes scores from predictions."""

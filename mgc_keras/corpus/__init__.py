"""The built-in corpus: music, voices, speech, dances and street noises rendered from rows of a table."""

from mgc_keras.corpus.tasks import TASKS, Task, corpus_table, render_clip
from mgc_keras.corpus.write import write_corpus

__all__ = ["TASKS", "Task", "corpus_table", "render_clip", "write_corpus"]

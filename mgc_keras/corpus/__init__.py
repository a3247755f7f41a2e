"""The built-in corpus: music, voices, speech, dances and street noises rendered from rows of a table.

Begin with `tasks`, which names the tasks with their tables and renderers, and `write`, which renders one to a folder.
A row becomes an `arrangement` (who plays what, how), this a `composition` (which notes), this a waveform (`mixing`).
"""

from mgc_keras.corpus.tasks import TASKS, Task, corpus_table, render_clip
from mgc_keras.corpus.write import write_corpus

__all__ = ["TASKS", "Task", "corpus_table", "render_clip", "write_corpus"]

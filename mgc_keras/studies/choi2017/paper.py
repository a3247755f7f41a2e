"""What Choi, Fazekas, Sandler and Cho (2017) print."""

# What the paper's scores call the tasks of these datasets.
TASK_NAMES = {
    "gtzan_music_speech": "gtzan_speechmusic",
    "emomusic": "emoMusic",
    "jamendo_vocal": "jamendo_vd",
    "urbansound8k": "urbansound",
}
SHORT_LABELS = {"arousal": "a", "valence": "v"}

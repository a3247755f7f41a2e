"""What Choi, Fazekas, Sandler and Cho (2017) print."""

from mgc_keras.studies.common.paper import BEST, GTZAN, Claim, Paper, PrintedDataset, PrintedFigure

# What the paper's scores call the tasks of these datasets.
TASK_NAMES = {
    "gtzan_music_speech": "gtzan_speechmusic",
    "emomusic": "emoMusic",
    "jamendo_vocal": "jamendo_vd",
    "urbansound8k": "urbansound",
}
SHORT_LABELS = {"arousal": "a", "valence": "v"}

_SCORES = "scores of {} with MFCCs"
_FIGURES = "Figures 2 to 7"
_STATE = "Figures 2 to 7, red bars"

PAPER = Paper(
    key="choi2017",
    authors=("Keunwoo Choi", "György Fazekas", "Mark Sandler", "Kyunghyun Cho"),
    year=2017,
    title="Transfer learning for music classification and regression tasks",
    venue="18th International Society for Music Information Retrieval Conference (ISMIR)",
    url="https://arxiv.org/abs/1703.09179",
    doi=None,
    citation="""@inproceedings{choi2017transfer,
  author = {Choi, Keunwoo and Fazekas, György and Sandler, Mark and Cho, Kyunghyun},
  title = {Transfer learning for music classification and regression tasks},
  booktitle = {18th International Society for Music Information Retrieval Conference (ISMIR)},
  year = {2017}
}""",
    figures=(
        PrintedFigure("source", "tags", "auc", 0.849, "text"),
        PrintedFigure("ballroom_extended", "123", "accuracy", 0.867, _FIGURES),
        PrintedFigure("ballroom_extended", "1", "accuracy", 0.738, _FIGURES),
        PrintedFigure("ballroom_extended", "state of the art", "weighted average recall", 0.949, _STATE, quoted=True),
        PrintedFigure(GTZAN, "12345", "accuracy", 0.898, _FIGURES),
        PrintedFigure(GTZAN, "mfcc", "accuracy", 0.66, _FIGURES),
        PrintedFigure(GTZAN, "mfcc+12345", "accuracy", 0.781, _FIGURES),
        PrintedFigure(GTZAN, "state of the art", "accuracy", 0.945, _STATE, quoted=True),
        PrintedFigure("gtzan_speechmusic", "12345", "accuracy", 1.0, _FIGURES),
        PrintedFigure("gtzan_speechmusic", "mfcc", "accuracy", 0.992, _FIGURES),
        PrintedFigure("gtzan_speechmusic", "state of the art", "accuracy", 1.0, _STATE, quoted=True),
        PrintedFigure("emoMusic_a", BEST, "r2", 0.633, _FIGURES),
        PrintedFigure("emoMusic_a", "state of the art", "r2", 0.704, _STATE, quoted=True),
        PrintedFigure("emoMusic_v", BEST, "r2", 0.415, _FIGURES),
        PrintedFigure("emoMusic_v", "state of the art", "r2", 0.5, _STATE, quoted=True),
        PrintedFigure("urbansound", "mfcc+12345", "accuracy", 0.714, _FIGURES),
        PrintedFigure("urbansound", "state of the art, with augmentation", "accuracy", 0.79, _STATE, quoted=True),
        PrintedFigure("urbansound", "state of the art, without augmentation", "accuracy", 0.74, _STATE, quoted=True),
    ),
    claims=(
        Claim(
            "a",
            "Most convnet sets beat MFCC on all six tasks.",
            "More than half of the trained convnet's layer sets have a higher score than MFCC; one row a task.",
            _SCORES.format("two layer sets or more"),
        ),
        Claim(
            "b",
            "Adding MFCC to 12345 does not help except on UrbanSound8K.",
            "mfcc+12345 minus 12345: above 0 on UrbanSound8K (or the built-in events), not above 0 elsewhere.",
            _SCORES.format("12345, and of 12345"),
        ),
        Claim(
            "c",
            "Ballroom: the top 7 sets all hold layer 2 and 6 of 7 layer 1; the lowest 7 are 5, 4, 3, 45, 35, 2, 25.",
            "The ranks of the layer sets, as the sentence says.",
            "scores of more than 14 layer sets on Ballroom",
        ),
        Claim(
            "d",
            "GTZAN: the top three are 12345, 2345, 1234; the top 7 all have more than three layers; the lowest 7 "
            "have one or two.",
            "The ranks of the layer sets, as the sentence says; one row each for its three parts.",
            "scores of more than 14 layer sets on GTZAN",
        ),
        Claim(
            "e",
            "GTZAN: with layer 5 alone classical is the best genre, disco and reggae are near the mean.",
            "The accuracy of each genre; near: no further from the mean over genres than their standard deviation.",
            "predictions of layer 5 alone on GTZAN",
        ),
        Claim(
            "f",
            "Arousal: the top 7 sets all hold layer 5; the top 5 all hold 1 and 5.",
            "The ranks of the layer sets, as the sentence says.",
            "scores of more than 14 layer sets on arousal",
        ),
        Claim(
            "g",
            "Valence: layer 3 is in the top 6 sets and is the best single layer.",
            "The ranks of the layer sets: the top 6 all hold layer 3, and 3 has the highest score of the five layers.",
            "scores of more than 14 layer sets on valence",
        ),
        Claim(
            "h",
            "Vocal: the 14 sets with layer 4 beat the 14 without.",
            "The lowest score of a set with layer 4 is above the highest of a set without.",
            "scores of more than 14 layer sets on Jamendo",
        ),
        Claim(
            "i",
            "No random convnet's best beats a trained one's best; random convnets reach MFCC or better.",
            "Two rows a task: the best layer set of the random convnet is below that of the trained one; it is not "
            "below MFCC.",
            "scores of a random convnet's layer sets",
        ),
    ),
    datasets=(
        PrintedDataset(
            "Million Song Dataset previews",
            244_224,
            note="The text has 201 680 / 12 605 / 25 940 for training / validation / test, which add up to 240 225.",
        ),
        PrintedDataset("Extended Ballroom", 4180, note="13 classes"),
        PrintedDataset("GTZAN", 1000, note="10 classes"),
        PrintedDataset("GTZAN speech/music", 128, note="2 classes"),
        PrintedDataset("emoMusic", 744, note="arousal and valence, r²; 45 s, of which the first 29 are used"),
        PrintedDataset("Jamendo vocal detection", 4086, note="2 classes; no state of the art quoted"),
        PrintedDataset("UrbanSound8K", 8732, note="10 classes"),
    ),
    settings={
        "source task": "50 last.fm tags, binary cross-entropy, Adam",
        "clips shorter than 29 s": "repeated (tasks 5 and 6)",
        "GTZAN's state of the art": "the ceiling of a faulty dataset",
    },
    # The authors' own convnet features came out of batches in file order.
    leaks=lambda feature, command: "--published-features" in command and feature != "mfcc",
)

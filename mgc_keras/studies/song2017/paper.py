"""What Song, Wang, Han and Ding (2017) print."""

from mgc_keras.studies.common.paper import GTZAN, Claim, Paper, PrintedDataset, PrintedFigure

# The task of the pre-trained network's own score.
SOURCE = "source"

PAPER = Paper(
    key="song2017",
    authors=("Guangxiao Song", "Zhijie Wang", "Fang Han", "Shenyi Ding"),
    year=2017,
    title="Transfer learning for music genre classification",
    venue="International Conference on Intelligence Science (ICIS)",
    url=None,
    doi=None,
    citation="""@inproceedings{song2017transfer,
  author = {Song, Guangxiao and Wang, Zhijie and Han, Fang and Ding, Shenyi},
  title = {Transfer learning for music genre classification},
  booktitle = {International Conference on Intelligence Science (ICIS)},
  year = {2017}
}""",
    figures=(
        PrintedFigure(GTZAN, "Panagakos & Kotropoulos", "accuracy", 0.924, "Table 1", quoted=True),
        PrintedFigure(GTZAN, "Andén & Mallat", "accuracy", 0.916, "Table 1", quoted=True),
        PrintedFigure(GTZAN, "Lee et al.", "accuracy", 0.906, "Table 1", quoted=True),
        PrintedFigure(GTZAN, "Dai & Liu", "accuracy", 0.934, "Table 1", quoted=True),
        PrintedFigure(GTZAN, "random-start", "accuracy", 0.935, "Table 1"),
        PrintedFigure(GTZAN, "transfer", "accuracy", 0.958, "Table 1"),
    ),
    claims=(
        Claim(
            "accuracy",
            "After pre-training on tags the accuracy is higher (95.8 against 93.5 %).",
            "Accuracy of transfer minus random start, over seeds where there are several, else over folds; p after "
            "Holm.",
            "fine-tuning from both starts",
        ),
        Claim(
            "epochs",
            "After pre-training the accuracy is stable after about 100 epochs, from a random start later.",
            "Epochs to 90 % of a fold's last test accuracy, transfer minus random start, tested in the same way; a "
            "run of fewer than 100 epochs speaks of the order alone.",
            "fine-tuning from both starts",
        ),
        Claim(
            "folds",
            "Three picked folds show it (Figure 3, accuracy on a random batch of training data).",
            "Epochs to 90 % of a fold's last training accuracy, transfer minus random start, over all folds (Nadeau "
            "and Bengio's corrected t-test).",
            "learning curves of two folds or more from both starts",
        ),
    ),
    datasets=(
        PrintedDataset("MagnaTagATune", 25_863, note="188 tags; the last 2105 (folder f) for validation"),
        PrintedDataset("GTZAN", 1000, note="ten times 10-fold cross-validation"),
    ),
    settings={
        "waveform": "16 kHz, mono",
        "network": "5 GRU layers of 512, dropout 0.7",
        "learning rate": "1e-5",
    },
)

"""What Asgharivaskasi et al. (2019) print."""

from mgc_keras.studies.common.paper import GTZAN, Claim, Paper, PrintedDataset, PrintedFigure

_TABLE_2 = {
    # Full songs, then segments of 3 s that vote.
    "svm": (0.4356, 0.4567),
    "softmax": (0.38, 0.4267),
    "tree": (0.5008, 0.3964),
    "naive_bayes": (0.3067, 0.3067),
    "knn": (0.2767, 0.34),
}

PAPER = Paper(
    key="asgharivaskasi2019",
    authors=("Asgharivaskasi et al.",),
    year=2019,
    title="Music genre recognition using deep learning",
    venue="",
    url=None,
    doi=None,
    citation="""@misc{asgharivaskasi2019music,
  author = {Asgharivaskasi and others},
  title = {Music genre recognition using deep learning},
  year = {2019}
}""",
    figures=(
        *(
            PrintedFigure(GTZAN, f"{name}{suffix}", "accuracy", value, "Table 2")
            for name, values in _TABLE_2.items()
            for suffix, value in zip(("", "-3s"), values)
        ),
        PrintedFigure(GTZAN, "vgg16", "accuracy", 0.75, "Table 3"),
        PrintedFigure("ballroom_extended", "vgg16", "accuracy", 0.636, "Table 3"),
        PrintedFigure("artists1517", "vgg16", "accuracy", 0.62, "Table 3"),
        PrintedFigure(GTZAN, "resnet34", "accuracy", 0.79, "Table 3"),
        PrintedFigure("ballroom_extended", "resnet34", "accuracy", 0.754, "Table 3"),
        PrintedFigure(GTZAN, "rnn", "accuracy", 0.403, "text"),
        PrintedFigure(GTZAN, "vgg16-segmented", "accuracy", 0.67, "text"),
    ),
    claims=(
        Claim(
            "over-fits",
            "VGG16 over-fits beyond 30 epochs.",
            "Between epoch 30 and the last, training loss falls and validation loss rises (means of five epochs "
            "each). One training, so no interval.",
            "training of VGG16 on whole clips over 35 epochs or more",
        ),
        Claim(
            "3s",
            "Training on segments of 3 s is comparable with full songs.",
            "Accuracy of the 3-s classifier minus that on whole clips: confirmed where the 95 % interval lies within 5 "
            "points of 0 (the most by which the paper's own SVM and soft-max differ), refuted where it lies outside.",
            "comparison of a classifier on segments of 3 s with the same one on whole clips",
        ),
        Claim(
            "resnet34",
            "ResNet34 beats VGG16.",
            "Accuracy of resnet34 minus vgg16 on the same test clips; p after Holm.",
            "comparison of resnet34 with vgg16",
        ),
        Claim(
            "skip-rnn",
            "A skip-RNN lowers training accuracy and leaves validation accuracy (Figures 14 to 17).",
            "Over seeds: the gap between training and validation accuracy is smaller (p after Holm), and validation "
            "accuracy is not lower.",
            "two seeds or more of rnn and skip-rnn (--seeds 5)",
        ),
        Claim(
            "cyclic",
            "Loss curves are cyclic under cyclical learning rates.",
            "Correlation over epochs of the learning rate with the training loss, both without their linear trend: "
            "above 0 with its 95 % interval (Fisher; epochs as independent).",
            "training under a cyclical rate with eight epochs or more (--policy triangular)",
        ),
    ),
    datasets=(
        PrintedDataset("GTZAN", 1000, note="Table 1: 10 genres x 100"),
        PrintedDataset(
            "Extended Ballroom",
            4180,
            {
                "Cha Cha": 455,
                "Slow Waltz": 65,
                "Viennese Waltz": 252,
                "Tango": 464,
                "Samba": 468,
                "Rumba": 470,
                "Quickstep": 497,
                "Jive": 350,
                "Waltz": 529,
                "Salsa": 47,
                "Foxtrot": 507,
                "Pasodoble": 53,
                "Weswing": 23,
            },
            note="Table 1",
        ),
        PrintedDataset(
            "1517 Artists",
            3100,
            {
                "Alternative & Punk": 182,
                "Blues": 186,
                "Childrens": 164,
                "Classical": 125,
                "Comedy & Spoken Word": 134,
                "Country": 187,
                "Easy Listening & Vocals": 175,
                "Electronic & Dance": 164,
                "Folk": 185,
                "Hip Hop": 155,
                "Jazz": 177,
                "Latin": 163,
                "New Age": 175,
                "R&B & Soul": 175,
                "Reggae": 172,
                "Religious": 172,
                "Rock & Pop": 181,
                "Soundtracks & More": 150,
                "World": 158,
            },
            note="Table 1; 3100 is the printed total, cut into 23 000 tracks of 30 s",
        ),
    ),
    settings={
        "split": "training / validation 70 / 30",
        "mel-spectrogram": "22 050 Hz, window 2048, hop 1024, 128 bands",
        "heads": "256-128-64",
    },
)

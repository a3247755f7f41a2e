"""What Ouyang (2023) prints."""

from mgc_keras.studies.common.paper import GTZAN, Claim, Paper, PrintedDataset, PrintedFigure

HARD_TO_REACH = 0.8

PAPER = Paper(
    key="ouyang2023",
    authors=("Ouyang",),
    year=2023,
    title="Music genre classification",
    venue="",
    url=None,
    doi=None,
    citation="""@misc{ouyang2023music,
  author = {Ouyang},
  title = {Music genre classification},
  year = {2023}
}""",
    figures=(
        PrintedFigure(GTZAN, "inceptionv3", "accuracy", 0.64, "text"),
        PrintedFigure(GTZAN, "inceptionv3", "training accuracy", 0.979, "text"),
        PrintedFigure(GTZAN, "inceptionv3", "accuracy of metal", 1.0, "confusion matrix"),
        PrintedFigure(GTZAN, "inceptionv3", "accuracy of pop", 0.3, "confusion matrix"),
        PrintedFigure(GTZAN, "cnn", "accuracy", 0.73, "text"),
        PrintedFigure(GTZAN, "cnn", "training accuracy", 0.999, "text"),
        PrintedFigure(GTZAN, "cnn", "accuracy of metal", 1.0, "confusion matrix"),
        PrintedFigure(GTZAN, "cnn", "accuracy of reggae", 0.5, "confusion matrix"),
        PrintedFigure(GTZAN, "cnn", "loss difference", 0.2809, "text"),
    ),
    claims=(
        Claim(
            "scratch",
            "The CNN from scratch beats the frozen InceptionV3 (73 % to 64 %).",
            "Accuracy of the CNN minus InceptionV3 on the same test clips; p after Holm.",
            "comparison of cnn with inceptionv3",
        ),
        Claim(
            "sgd",
            "SGD beats Adam, Adadelta and Adagrad.",
            "Not judged: this study trains by SGD, as the paper's networks were.",
            "training by another optimizer than SGD",
        ),
        Claim(
            "80",
            "80 % is hard to reach.",
            "The best network's accuracy on a task of ten genres: confirmed where its 95 % interval lies below 80 %, "
            "refuted where it lies above.",
            "predictions on a task of ten genres",
        ),
    ),
    datasets=(PrintedDataset("GTZAN", 1000, note="jazz.00054 is broken; 99 clips a class; parts 80 / 9 / 10"),),
    settings={
        "optimizer": "SGD; learning rate 1e-4 (InceptionV3) and 1e-3 (custom CNN)",
        "InceptionV3": "ImageNet weights, frozen; stops after about 40 epochs",
        "custom CNN": "about twice the epochs; rock, hip-hop and pop confused",
        "training": "at most 500 epochs, batch 32, early stopping",
        "loss and activations": "sparse categorical cross-entropy, ReLU, soft-max",
    },
)

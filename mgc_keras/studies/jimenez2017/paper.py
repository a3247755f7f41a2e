"""What Jiménez and José (2017) print."""

from mgc_keras.studies.common.paper import GTZAN, Claim, Paper, PrintedDataset, PrintedFigure

PAPER = Paper(
    key="jimenez2017",
    authors=("Jiménez", "José"),
    year=2017,
    title="Music genre classification using deep neural networks",
    venue="Universitat Politècnica de Catalunya",
    url="https://github.com/jsalbert/Music-Genre-Classification-with-Deep-Learning",
    doi=None,
    citation="""@misc{jimenez2017music,
  author = {Jiménez and José},
  title = {Music genre classification using deep neural networks},
  howpublished = {Universitat Politècnica de Catalunya},
  year = {2017}
}""",
    figures=(PrintedFigure(GTZAN, "finetune-mean", "accuracy", 0.78, "text (about 78 %)"),),
    claims=(
        Claim(
            "over-fits",
            "Fine-tuning more than the classifier over-fits.",
            "The gap between training and validation accuracy at the last epoch, fine-tuned minus new classifier: "
            "above 0 with its 95 % interval over folds (Nadeau and Bengio's corrected t-test); one fold decides "
            "nothing.",
            "training of both sub-runs",
        ),
        Claim(
            "frames",
            "Averaging over frames beats the single frame.",
            "Accuracy of songs by all excerpts minus the one at the centre, for every average; p after Holm.",
            "comparison of several excerpts with the centre",
        ),
        Claim(
            "scratch",
            "Training from scratch needs more data.",
            "Not judged: no sub-run trains from scratch.",
            "training from scratch",
        ),
    ),
    datasets=(
        PrintedDataset(
            "songs",
            300,
            note="30 a genre, ten genres; 20 train and 10 test songs a genre, 1468 and 747 frames of 29.12 s",
        ),
    ),
    settings={
        "song": "frame scores averaged over a song; k-NN over frames",
        "future work": "geometric mean",
    },
)

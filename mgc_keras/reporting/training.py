"""How the training of the source tagger went."""

from pathlib import Path

from mgc_keras.reporting.style import BLUE, ORANGE, label_axes, new_figure, save_png
from mgc_keras.runs.reader import RunFolder


def draw_training(run: RunFolder) -> Path | None:
    """Draw ``figures/training.png``: losses and AUC against epochs; None where no history was saved."""
    history = run.history
    losses = [name for name in history if name.endswith("loss")]
    areas = [name for name in history if name.endswith("auc")]
    panels = [
        (names, axis)
        for names, axis in ((losses, "Binary cross-entropy (nats a tag)"), (areas, "Macro AUC-ROC"))
        if names
    ]
    if history.empty or not panels:
        return None
    epochs = history["epoch"] if "epoch" in history else history.index + 1
    figure, axes = new_figure(4.8 * len(panels), 3.6, len(panels), across=True)
    for one, (names, axis) in zip(axes, panels):
        for name in names:
            kind, colour, line = ("validation", ORANGE, "--") if name.startswith("val") else ("training", BLUE, "-")
            one.plot(epochs, history[name], color=colour, linestyle=line, marker="o", markersize=3.5, label=kind)
        label_axes(one, "", "Epoch", axis)
        one.xaxis.get_major_locator().set_params(integer=True)
        one.legend(fontsize=10, frameon=False)
    return save_png(figure, run.folder / "figures" / "training.png")

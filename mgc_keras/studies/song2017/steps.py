"""The steps of the Song 2017 study, in the order in which `song2017.py` takes them."""

import argparse
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold, repeated_folds
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.evaluation.intervals import bootstrap_macro_auc
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.files import whole_file
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.networks.load import load_model
from mgc_keras.runs.writer import RunWriter, write_table
from mgc_keras.studies.common.exports import write_errors
from mgc_keras.studies.song2017.audit import melspectrogram_relation
from mgc_keras.studies.song2017.data import (
    SAMPLING_RATE,
    sequences_of,
    some_waveforms,
    source_examples,
    source_manifest,
    target_examples,
)
from mgc_keras.studies.song2017.finetuning import FinetuningSettings, Start, cross_validate
from mgc_keras.studies.song2017.network import (
    STANDARDIZATION,
    dropped_share,
    gru_network,
    is_gru_network,
    options_of_network,
    replace_head,
)
from mgc_keras.studies.song2017.pretraining import PretrainingSettings, SourceTagger, train_source_tagger
from mgc_keras.studies.song2017.report import PAPER_ACCURACY, SOURCE
from mgc_keras.studies.song2017.scores import STARTS, FineTuned, TransferScores, score_transfer
from mgc_keras.studies.song2017.waveform import with_scattering
from mgc_keras.training.examples import Examples

PAPER_TASK = "gtzan_genre"
AUDITED_CLIPS = 20


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that make no sense before any clip is rendered or read."""
    _pretraining(options, options.seed)
    _finetuning(options, options.seed)
    dropped_share(options.dropout, options.dropout_meaning)
    for name in ("width", "depth", "seeds", "repetitions"):
        if getattr(options, name) < 1:
            raise OptionError("must be 1 or more", field=f"--{name}")
    for name in ("folds", "corrected_folds"):
        if getattr(options, name) < 2:
            raise OptionError("must be 2 or more", field=f"--{name.replace('_', '-')}")
    if options.seconds <= 0:
        raise OptionError("must be above 0", field="--seconds")
    if options.source_model:
        if options.step == "pretrain":
            raise OptionError("is trained already", field="--source-model", cure="leave it out, or use finetune")
        _given_network(options.source_model)


def check_pretrained(options: argparse.Namespace, writer: RunWriter) -> None:
    """Raise `MgcKerasError` unless there is a pre-trained network for every seed."""
    for seed in seeds_of(options) if not options.source_model else ():
        _trained_network(writer, seed)


def seeds_of(options: argparse.Namespace) -> list[int]:
    """Return the run's seeds: `--seeds` of them, from `--seed` on."""
    return list(range(options.seed, options.seed + options.seeds))


def pretrain_all(options: argparse.Namespace, writer: RunWriter) -> None:
    """Pre-train one network a seed; nothing to do where a network was given."""
    folders = [_source_folder(writer, seed) for seed in seeds_of(options)]
    if options.source_model or all(SourceTagger.of(folder).is_finished() for folder in folders):
        return
    sequences, manifest = sequences_of(source_manifest(options, writer), options, writer)
    examples, held_out, clip_ids, tags = source_examples(manifest, sequences, options)
    for seed, folder in zip(seeds_of(options), folders):
        tagger = train_source_tagger(
            partial(_untrained, examples.values.shape[2], len(tags), "tags", options, seed),
            examples,
            held_out,
            folder=folder,
            clip_ids=clip_ids,
            tags=tags,
            score=lambda truth, scores: macro_auc(truth, scores).score,
            settings=_pretraining(options, seed),
        )
        if seed == options.seed:
            writer.history(pd.read_csv(tagger.history))


def save_tagger(options: argparse.Namespace, writer: RunWriter) -> Path | None:
    """Save the first seed's network with the scattering in front, ``tagger.h5``: waveforms in, tags out."""
    trained, path = SourceTagger.of(_source_folder(writer, options.seed)), writer.folder / "tagger.h5"
    if not trained.is_finished():
        return None
    if not path.exists():
        n_samples = int(round(options.seconds * SAMPLING_RATE))
        model = with_scattering(load_model(trained.network), n_samples, J=options.J, Q=options.Q)
        with whole_file(path) as temporary:
            model.save(temporary)
    return path


def source_rows(study: str, options: argparse.Namespace, writer: RunWriter) -> list[dict[str, Any]]:
    """Judge the first seed's pre-trained network on its held-out clips; write ``source_tags.csv``, one row a tag."""
    tagger = SourceTagger.of(_source_folder(writer, options.seed))
    if not tagger.is_finished():
        return []
    validation = pd.read_csv(tagger.validation)
    truth, scores = validation.filter(regex="^truth_"), validation.filter(regex="^score_").to_numpy()
    tags = [name.removeprefix("truth_") for name in truth]
    found = macro_auc(truth.to_numpy(), scores, tags)
    table = pd.DataFrame({"tag": tags, "n_positive": truth.sum().to_numpy(), "n_clips": len(truth)})
    write_table(table.assign(auc=table["tag"].map(found.per_tag)), writer.folder / "source_tags.csv")
    if found.left_out:
        print(f"{len(found.left_out)} tags cannot be scored on the held-out clips: {', '.join(found.left_out)}")
    interval = bootstrap_macro_auc(truth.to_numpy(), scores, seed=options.seed)
    keys = {"study": study, "task": SOURCE, "feature": "tags", "protocol": "corrected", "metric": "auc"}
    ends = {"score": interval.score, "ci_low": interval.low, "ci_high": interval.high}
    return [{**keys, **ends, "published": np.nan, "n_clips": len(truth)}]


def fine_tune_all(manifests: list[Manifest], options: argparse.Namespace, writer: RunWriter) -> list[FineTuned]:
    """Fine-tune from both starts on every task, under every protocol, with every seed."""
    tuned = []
    for manifest in manifests:
        sequences, readable = sequences_of(manifest, options, writer)
        for protocol in [name for name in ("published", "corrected") if options.protocol in (name, "both")]:
            task, examples, names = target_examples(readable, sequences, protocol)
            folders = {
                seed: writer.folder / "finetuning" / f"{task.name}_{protocol}" / f"seed{seed}"
                for seed in seeds_of(options)
            }
            for seed, folder in folders.items():
                source = _given_network(options.source_model or _trained_network(writer, seed))
                model = replace_head(
                    source, len(names), dropout=options.dropout, dropout_meaning=options.dropout_meaning
                )
                n_folds = options.folds if protocol == "published" else options.corrected_folds
                cross_validate(
                    model,
                    examples,
                    list(repeated_folds(task, protocol, n_folds=n_folds, n_repetitions=options.repetitions, seed=seed)),
                    starts(source, examples, len(names)),
                    folder=folder,
                    clip_ids=task.clip_ids,
                    class_names=names,
                    settings=_finetuning(options, seed),
                    provenance={"source": _fingerprint(source), "protocol": protocol},
                )
            rule = options.published_epoch if protocol == "published" else "validation"
            tuned.append(FineTuned(task, protocol, folders, rule))
    return tuned


def starts(source: keras.Model, examples: Examples, n_classes: int) -> dict[str, Start]:
    """Return the two ways to begin a fold: the pre-trained weights under a new head, or random weights throughout.

    Both have the same random head. The pre-trained network keeps the standardisation of its own training clips; the
    random one is given that of the fold's.
    """
    shape = {
        name: value for name, value in vars(options_of_network(source)).items() if name not in ("n_outputs", "head")
    }

    def transfer(fold: Fold, seed: int) -> list[np.ndarray]:
        return replace_head(source, n_classes, seed=seed).get_weights()

    def random(fold: Fold, seed: int) -> list[np.ndarray]:
        model = gru_network(n_outputs=n_classes, head="genres", seed=seed, **shape)
        model.get_layer(STANDARDIZATION).set_weights(path_statistics(examples.values, examples.rows[fold.training]))
        return model.get_weights()

    return dict(zip(STARTS, (transfer, random)))


def write_scores(
    study: str, rows: list[dict[str, Any]], tuned: list[FineTuned], options: argparse.Namespace, writer: RunWriter
) -> None:
    """Score what was fine-tuned and write the run's tables."""
    published = {PAPER_TASK: PAPER_ACCURACY}
    scored = [
        score_transfer(study, one, writer, published=published.get(one.task.name), seed=options.seed) for one in tuned
    ]
    writer.scores([*rows, *(row for one in scored for row in one.scores)])
    write_errors(writer)
    if not scored:
        return
    writer.comparisons([row for one in scored for row in one.comparisons])
    for name in ("curves", "folds", "levels", "seeds", "seed_intervals"):
        _write_joined(name, scored, writer)


def audit_scattering(manifest: Manifest, options: argparse.Namespace, writer: RunWriter) -> None:
    """Compare first-order coefficients with a mel-spectrogram, the paper's eq. 1, on some clips; once a run."""
    if (writer.folder / "audit" / "melspectrogram.csv").exists():
        return
    _, readable = sequences_of(manifest, options, writer)
    waveforms = some_waveforms(readable, options, AUDITED_CLIPS)
    writer.audit(melspectrogram_relation(waveforms, SAMPLING_RATE, options.J, options.Q))


def _write_joined(name: str, scored: list[TransferScores], writer: RunWriter) -> None:
    tables = [table for one in scored if len(table := getattr(one, name))]
    if tables:
        write_table(pd.concat(tables, ignore_index=True), writer.folder / f"{name}.csv")


def _untrained(n_paths: int, n_outputs: int, head: str, options: argparse.Namespace, seed: int) -> keras.Model:
    return gru_network(
        n_paths,
        n_outputs,
        head=head,
        width=options.width,
        depth=options.depth,
        dropout=options.dropout,
        dropout_meaning=options.dropout_meaning,
        clip_output=options.clip_output,
        reset_after=options.reset_after,
        seed=seed,
    )


def _pretraining(options: argparse.Namespace, seed: int) -> PretrainingSettings:
    return PretrainingSettings(
        options.source_epochs, options.batch_size, options.source_learning_rate, options.patience, seed=seed
    )


def _finetuning(options: argparse.Namespace, seed: int) -> FinetuningSettings:
    return FinetuningSettings(options.epochs, options.batch_size, options.learning_rate, seed)


def _source_folder(writer: RunWriter, seed: int) -> Path:
    return writer.folder / "training" / f"seed{seed}"


def _trained_network(writer: RunWriter, seed: int) -> Path:
    tagger = SourceTagger.of(_source_folder(writer, seed))
    if not tagger.is_finished():
        raise MgcKerasError(
            "there is no pre-trained network", path=tagger.network, cure="run pretrain first, or give --source-model"
        )
    return tagger.network


def _given_network(path: Path) -> keras.Model:
    model = load_model(path)
    if not is_gru_network(model):
        raise OptionError(
            "is not the Song 2017 network", path=path, field="--source-model", cure="give one that pretrain saved"
        )
    return model


def _fingerprint(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()

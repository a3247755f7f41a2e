"""The steps of the Song 2017 study: pre-train on tags, fine-tune from both starts, score and compare them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.datasets.repeated_folds import Fold, repeated_folds
from mgc_keras.datasets.tasks import StudyTask
from mgc_keras.errors import MgcKerasError, OptionError
from mgc_keras.evaluation.intervals import macro_auc_interval
from mgc_keras.evaluation.metrics import macro_auc
from mgc_keras.features.melspectrogram_cache import SourceClips, share_clips
from mgc_keras.features.sequences import Sequences
from mgc_keras.files import whole_file
from mgc_keras.layers.standardization import path_statistics
from mgc_keras.networks.load import load_model
from mgc_keras.networks.tensors import weights_sha256
from mgc_keras.protocols import Protocol
from mgc_keras.runs.rows import ScoreRow
from mgc_keras.runs.writer import write_table
from mgc_keras.studies.common.run import Run, task_of
from mgc_keras.studies.song2017.audit import melspectrogram_relation
from mgc_keras.studies.song2017.data import (
    SAMPLING_RATE,
    check_source,
    sequences_of,
    some_waveforms,
    source_clips,
    source_manifest,
    target_manifests,
)
from mgc_keras.studies.song2017.finetuning import Start, cross_validate
from mgc_keras.studies.song2017.learning_curves import STARTS
from mgc_keras.studies.song2017.network import (
    STANDARDIZATION,
    dropped_share,
    gru_network,
    is_gru_network,
    options_of,
    with_head,
    with_scattering,
)
from mgc_keras.studies.song2017.paper import SOURCE
from mgc_keras.studies.song2017.pretraining import NETWORK, VALIDATION, is_pretrained, pretrain, train_source_tagger
from mgc_keras.studies.song2017.scores import FineTuned, score_transfer
from mgc_keras.studies.song2017.study import Options, TrainingOptions
from mgc_keras.training.examples import Examples
from mgc_keras.training.strategies import Workers
from mgc_keras.training.tagger import HISTORY

AUDITED_CLIPS = 20


def run(run: Run[Options]) -> None:
    """Take the steps that the command names; what an earlier command finished is taken as it is."""
    options, step = run.options, run.options.choice.step
    workers = run.open_workers(options.training.strategy, options.training.batch_size)
    if run.only_trains:
        pretrain_with_the_chief(run, workers)
        return
    # Options that make no sense are refused before any clip is rendered or read.
    dropped_share(options.network.dropout, options.network.dropout_meaning)
    if options.data.source_model:
        _given_network(options.data.source_model)
    if step == "finetune" and not options.data.source_model:
        for seed in options.seeds:
            _trained_network(run, seed)
    # A wrong manifest is refused before anything is trained.
    if step != "finetune" and not options.data.source_model:
        check_source(run)
    targets = target_manifests(run) if step != "pretrain" else []
    run.check_tasks(targets, lambda task, protocol: folds_of(task, protocol, run.seed, options.training))
    if step != "finetune":
        pretrain_all(run, workers)
    is_trained = is_pretrained(_source_folder(run, run.seed))
    if is_trained:
        save_tagger(run)
    run.add_scores([source_row(run)] if is_trained else [])
    write_scores([tuned for manifest in targets for tuned in fine_tune(manifest, run)], run)
    if targets:
        audit_scattering(targets[0], run)


def pretrain_all(run: Run[Options], workers: Workers) -> None:
    """Pre-train one network a seed; nothing to do where a network was given."""
    options, folders = run.options, {seed: _source_folder(run, seed) for seed in run.options.seeds}
    todo = [seed for seed, folder in folders.items() if not (options.data.source_model or is_pretrained(folder))]
    with workers:
        workers.tell({"seeds": todo})
        if not todo:
            return
        sequences, manifest = sequences_of(source_manifest(run), run)
        clips = source_clips(manifest, sequences, options.data)
        share_clips(clips, workers)
        clip_ids = np.asarray(manifest.clip_ids)[clips.examples.rows].tolist()
        for seed, folder in folders.items():
            build, training = _untrained(clips, seed, options), options.training
            train_source_tagger(build, clips, clip_ids, folder=folder, training=training, seed=seed, workers=workers)
            if seed == run.seed:
                run.writer.history(pd.read_csv(folder / HISTORY))


def pretrain_with_the_chief(run: Run[Options], workers: Workers) -> None:
    """Take part in the pre-training of what the chief has not finished yet."""
    with workers:
        seeds = workers.tell()["seeds"].tolist()
        if seeds and (clips := share_clips(None, workers)):
            for seed in seeds:
                folder, model = run.place / "training" / f"seed{seed}", _untrained(clips, seed, run.options)()
                pretrain(model, clips, folder=folder, training=run.options.training, seed=seed, workers=workers)


def _untrained(clips: SourceClips, seed: int, options: Options) -> Callable[[], keras.Model]:
    shape = {name: value for name, value in vars(options.network).items() if name != "paper_size"}
    return partial(gru_network, clips.examples.shape[1], len(clips.tags), seed=seed, **shape)


def save_tagger(run: Run[Options]) -> None:
    """Save the first seed's network with the scattering in front, ``tagger.h5``: waveforms in, tags out."""
    data, path = run.options.data, run.folder / "tagger.h5"
    if not path.exists():
        n_samples = int(round(data.seconds * SAMPLING_RATE))
        model = with_scattering(load_model(_source_folder(run, run.seed) / NETWORK), n_samples, J=data.J, Q=data.Q)
        with whole_file(path) as temporary:
            model.save(temporary)
    run.results.append((f"tagger (mono waveforms of {data.seconds:g} s at 16 kHz in, tags out)", path))


def source_row(run: Run[Options]) -> ScoreRow:
    """Judge the first seed's pre-trained network on its held-out clips; write ``source_tags.csv``, one row a tag."""
    validation = pd.read_csv(_source_folder(run, run.seed) / VALIDATION)
    truth, scores = validation.filter(regex="^truth_"), validation.filter(regex="^score_").to_numpy()
    tags = [name.removeprefix("truth_") for name in truth]
    found = macro_auc(truth.to_numpy(), scores, tags)
    table = pd.DataFrame({"tag": tags, "n_positive": truth.sum().to_numpy(), "n_clips": len(truth)})
    write_table(table.assign(auc=table["tag"].map(found.per_tag)), run.folder / "source_tags.csv")
    if found.left_out:
        print(f"{len(found.left_out)} tags cannot be scored on the held-out clips: {', '.join(found.left_out)}")
    interval = macro_auc_interval(truth.to_numpy(), scores)
    ends = (interval.score, interval.low, interval.high)
    return ScoreRow(run.study.key, SOURCE, "tags", "corrected", "auc", *ends, np.nan, len(truth))


def fine_tune(manifest: Manifest, run: Run[Options]) -> list[FineTuned]:
    """Fine-tune from both starts on a manifest's task, under every protocol, with every seed."""
    sequences, _ = sequences_of(manifest, run)
    return [_fine_tuned(manifest, sequences, protocol, run) for protocol in run.protocols]


def folds_of(task: StudyTask, protocol: Protocol, seed: int, training: TrainingOptions) -> list[Fold]:
    """Return the folds of every repetition; see `repeated_folds` for the errors."""
    grouped = protocol.mends("artists-together")
    folds = repeated_folds(
        task,
        grouped=grouped,
        validation=protocol.mends("epoch-on-validation"),
        n_folds=training.corrected_folds if grouped else training.folds,
        n_repetitions=training.repetitions,
        seed=seed,
    )
    return list(folds)


def _fine_tuned(manifest: Manifest, sequences: Sequences, protocol: Protocol, run: Run[Options]) -> FineTuned:
    training, network = run.options.training, run.options.network
    task, rows = task_of(manifest, sequences.clip_ids, protocol.mends("fault-filtered-split"))
    names, targets = np.unique(task.target, return_inverse=True)
    examples = Examples(sequences.values, rows, targets)
    parent = run.folder / "finetuning" / f"{task.name}_{protocol.name}"
    folders = {seed: parent / f"seed{seed}" for seed in run.options.seeds}
    for seed, folder in folders.items():
        source = _given_network(run.options.data.source_model or _trained_network(run, seed))
        folds = folds_of(task, protocol, seed, training)
        run.note_task(task, protocol, [fold.test for fold in folds])
        cross_validate(
            with_head(source, len(names), dropped=dropped_share(network.dropout, network.dropout_meaning)),
            examples,
            folds,
            starts(source, examples, len(names)),
            folder=folder,
            clip_ids=task.clip_ids,
            class_names=names.tolist(),
            training=training,
            seed=seed,
            provenance={"source": weights_sha256(source), "protocol": protocol.name},
        )
    quoted = "validation" if protocol.mends("epoch-on-validation") else training.published_epoch
    return FineTuned(task, protocol, folders, quoted)


def starts(source: keras.Model, examples: Examples, n_classes: int) -> dict[str, Start]:
    """Return the two ways to begin a fold: the pre-trained weights under a new head, or random weights throughout.

    Both have the same random head. The pre-trained network keeps the standardisation of its own training clips; the
    random one is given that of the fold's.
    """
    options = options_of(source) | {"n_outputs": n_classes, "head": "genres"}

    def transfer(fold: Fold, seed: int) -> list[np.ndarray]:
        return with_head(source, n_classes, seed=seed).get_weights()

    def random(fold: Fold, seed: int) -> list[np.ndarray]:
        model = gru_network(**options, seed=seed)
        model.get_layer(STANDARDIZATION).set_weights(path_statistics(examples.values, examples.rows[fold.training]))
        return model.get_weights()

    return dict(zip(STARTS, (transfer, random)))


def write_scores(tuned: list[FineTuned], run: Run[Options]) -> None:
    """Score what was fine-tuned and write the run's tables."""
    scored = [score_transfer(part, run.writer, seed=run.seed) for part in tuned]
    run.add_scores(row for part in scored for row in part.scores)
    if not scored:
        return
    run.writer.comparisons([row for part in scored for row in part.comparisons])
    for name in scored[0].tables:
        tables = [part.tables[name] for part in scored if len(part.tables[name])]
        if tables:
            write_table(pd.concat(tables, ignore_index=True), run.folder / f"{name}.csv")


def audit_scattering(manifest: Manifest, run: Run[Options]) -> None:
    """Compare first-order coefficients with a mel-spectrogram, the paper's eq. 1, on some clips; once a run."""
    if (run.folder / "audit" / "melspectrogram.csv").exists():
        return
    data, (_, readable) = run.options.data, sequences_of(manifest, run)
    waveforms = some_waveforms(readable, data.seconds, AUDITED_CLIPS)
    run.writer.audit(melspectrogram_relation(waveforms, SAMPLING_RATE, data.J, data.Q))


def _source_folder(run: Run[Options], seed: int) -> Path:
    return run.folder / "training" / f"seed{seed}"


def _trained_network(run: Run[Options], seed: int) -> Path:
    folder = _source_folder(run, seed)
    if not is_pretrained(folder):
        cure = "run pretrain first, or give --source-model"
        raise MgcKerasError("there is no pre-trained network", path=folder / NETWORK, cure=cure)
    return folder / NETWORK


def _given_network(path: Path) -> keras.Model:
    model = load_model(path)
    if not is_gru_network(model):
        raise OptionError(
            "is not the Song 2017 network", path=path, field="--source-model", cure="give one that pretrain saved"
        )
    return model

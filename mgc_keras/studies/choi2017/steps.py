"""The steps of the Choi 2017 study: source network, features, search, audits."""

from pathlib import Path

from mgc_keras.datasets.manifest import Manifest
from mgc_keras.protocols import Protocol
from mgc_keras.studies.choi2017.audits.run import run_audits
from mgc_keras.studies.choi2017.authors_files import PUBLISHED_TASKS, published_data
from mgc_keras.studies.choi2017.extractors import (
    Source,
    check_source,
    export_table,
    extractors,
    refuse_tested_clips,
    source_network,
    train_with_the_chief,
)
from mgc_keras.studies.choi2017.feature_sets import RANDOM, feature_blocks, layer_sets, planned_pairs
from mgc_keras.studies.choi2017.features import StudyData, exported_data
from mgc_keras.studies.choi2017.network import SAMPLING_RATE
from mgc_keras.studies.choi2017.scored_search import check_folds, search_and_score
from mgc_keras.studies.choi2017.study import Options, weighting_of
from mgc_keras.studies.common.run import Run

# One built-in task for each of the paper's six.
BUILT_IN_TASKS = ("genre", "dance", "speech_music", "emotion", "voice", "events")
# Where clips of the authors' features are many, nested searches take hours; these answer the paper's questions.
HEADLINE_FEATURES = ("12345", "mfcc", "mfcc+12345")
FEW_RANDOM = tuple(f"random_{layers}" for layers in ("1", "2", "3", "4", "5", "12345"))
# Iterations of libsvm, for each pair of classes. The recorded scores of mfcc+12345 come from linear kernels that need
# up to 5.6 million; with MFCCs alone the winners need fewer, and losers would take all they are given.
BUDGET, BUDGET_OF_MFCC_ALONE, BUDGET_OF_OWN_SVR = 10_000_000, 3_000_000, 100_000


def run(run: Run[Options]) -> None:
    """Get the features of every task, search them under every protocol, test the planned pairs, and audit."""
    source = None
    workers = run.open_workers(run.options.training.strategy, run.options.training.batch_size)
    if run.only_trains:
        train_with_the_chief(run, workers)
        return
    # A cluster that does not answer is told before anything is trained.
    run.connect()
    if run.options.data.published_features:
        folder, tasks = run.options.data.published_features, run.shared.tasks or PUBLISHED_TASKS
        searched = [published_data(folder, name, run.protocols) for name in tasks]
    else:
        check_source(run)
        # A wrong task is refused before anything is trained.
        manifests = run.manifests(BUILT_IN_TASKS, lambda name: run.rendered(name, SAMPLING_RATE))
        run.check_tasks(manifests, lambda task, protocol: check_folds(task, protocol, run), classified=False)
        source = source_network(run, workers)
        refuse_tested_clips(source, manifests)
        searched = data_from_audio(manifests, source, run)
    for data in searched:
        for protocol in run.protocols:
            features = features_to_search(data, protocol, run)
            budget = _budget(data, protocol, features, run.options)
            run.add_scores(search_and_score(data, protocol, features, run, max_iter=budget))
    run.compare(planned_pairs, weighting=weighting_of)
    run_audits(searched, source, run)


def data_from_audio(manifests: list[Manifest], source: Source, run: Run[Options]) -> list[StudyData]:
    """Export the features of every task with every network, and join them."""
    networks = extractors(source, run)
    searched = []
    for manifest in manifests:
        # Protocols that see the same features share an extractor, and MFCCs are the same under all of them.
        exported: dict[int, Path] = {}
        for (protocol, kind), extractor in networks.items():
            if id(extractor) not in exported:
                exported[id(extractor)] = export_table(manifest, f"{kind}_{protocol}", extractor, run)
        searched += exported_data(manifest, {key: exported[id(extractor)] for key, extractor in networks.items()})
    return searched


def features_to_search(data: StudyData, protocol: Protocol, run: Run[Options]) -> list[str]:
    """Name the feature sets to search: as `--layer-sets` says, MFCCs, and the random network's if exported."""
    blocks, which = data.blocks[protocol.name], run.options.search.layer_sets
    if run.options.data.published_features and protocol.mends("nested") and which == "all":
        names = list(HEADLINE_FEATURES)
    else:
        random = [RANDOM + name for name in layer_sets(which)]
        if run.options.is_built_in and which in ("all", "published"):
            # Searches cost a third of the run; the random network's single layers and all of them show what it can do.
            random = list(FEW_RANDOM)
        names = [*layer_sets(which), "mfcc", "mfcc+12345", *random]
    return [name for name in names if set(feature_blocks(name)) <= set(blocks)]


def _budget(data: StudyData, protocol: Protocol, features: list[str], options: Options) -> dict[str, int] | None:
    # Only features that nothing scales let libsvm run away (a linear kernel with a large C, for an hour a candidate);
    # every candidate that is cut off is named in candidates/.
    given = options.search.mfcc_budget
    if protocol.mends("scaling") or given == 0:
        return None
    budgets = {name: given or BUDGET for name in features if "mfcc" in name}
    if given is None:
        if data.task.estimator == "SVR" and not options.data.published_features:
            return dict.fromkeys(budgets, BUDGET_OF_OWN_SVR)
        if data.task.estimator == "SVC" and "mfcc" in budgets:
            budgets["mfcc"] = BUDGET_OF_MFCC_ALONE
    return budgets

"""Every number among the studies' options has its range, and is checked before anything is loaded."""

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.studies.common.main import main
from mgc_keras.studies.common.options import flag_of, resolved
from mgc_keras.studies.common.study import Study, studies
from mgc_keras.studies.jimenez2017.study import SongOptions

# A share that may be kept or dropped: `dropped_share` knows the range of each meaning.
CHECKED_ELSEWHERE = {"--dropout of song2017"}


def number_options(study: Study) -> dict[str, dict]:
    found = {}
    for section in get_type_hints(study.options).values():
        hints = get_type_hints(section)
        for given in fields(section):
            kinds = {hints[given.name], *get_args(hints[given.name])}
            if kinds & {int, float}:
                found[flag_of(given)] = dict(given.metadata)
    return found


@pytest.mark.parametrize("key", list(studies()))
def test_every_number_has_a_range_and_a_word_outside_it_is_refused(key: str, capsys: pytest.CaptureFixture) -> None:
    options = number_options(studies()[key])
    assert len(options) > 5
    for flag, about in options.items():
        if f"{flag} of {key}" in CHECKED_ELSEWHERE:
            continue
        assert {about["least"], about["above"]} != {None}, flag
        count = about["nargs"] if isinstance(about["nargs"], int) else 1
        assert main(studies()[key], [flag, *["-1"] * count]) == 2, flag
        assert f"{flag}: must be" in capsys.readouterr().err


def test_both_ends_of_a_range_and_what_is_no_number_are_refused(capsys: pytest.CaptureFixture) -> None:
    study = studies()["ouyang2023"]
    for words, message in (
        (["--dropout", "1"], "--dropout: must be 0 or more and below 1, not 1"),
        (["--seconds", "nan"], "--seconds: must be above 0, not nan"),
        (["--learning-rate", "inceptionv3=0.1", "cnn=0"], "--learning-rate: must be above 0, not 0"),
    ):
        assert main(study, words) == 2 and message in capsys.readouterr().err


def test_a_range_holds_for_options_that_are_made_in_python() -> None:
    study = studies()["jimenez2017"]
    with pytest.raises(OptionError, match="--k: must be 1 or more, not 0"):
        resolved(study.options(songs=SongOptions(k=0)))

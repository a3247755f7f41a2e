"""Protocols: published mends nothing, corrected everything, and each repair can be left out by itself."""

import pytest

from mgc_keras.errors import OptionError
from mgc_keras.protocols import Repair, protocol_named, protocol_title, protocols_of

REPAIRS = [Repair(name, "It is wrong.", "It is right.") for name in ("scaling", "nested", "artists-together")]


def test_published_mends_nothing_and_corrected_everything() -> None:
    published, corrected = protocols_of(REPAIRS)
    assert (published.name, corrected.name) == ("published", "corrected")
    assert not any(published.mended.values()) and all(corrected.mended.values())
    assert set(published.mended) == set(corrected.mended) == {"scaling", "nested", "artists-together"}
    with pytest.raises(KeyError, match="hope"):
        corrected.mends("hope")


def test_each_repair_is_left_out_under_a_name_of_its_own() -> None:
    protocols = protocols_of(REPAIRS, "corrected", ["nested", "scaling", "nested"])
    assert [protocol.name for protocol in protocols] == [
        "corrected", "corrected-without-nested", "corrected-without-scaling",
    ]  # fmt: skip
    for protocol in protocols[1:]:
        left_out = protocol.name.removeprefix("corrected-without-")
        assert [name for name, mended in protocol.mended.items() if not mended] == [left_out]
        assert protocol_named(protocol.name, REPAIRS) == protocol
    assert len({*protocols}) == 3  # they can be keys


def test_a_repair_that_is_not_there_is_refused() -> None:
    with pytest.raises(OptionError, match="'hope' is unknown.*scaling, nested, artists-together"):
        protocols_of(REPAIRS, without=["hope"])


def test_a_repair_needs_the_corrected_protocol_beside_it() -> None:
    with pytest.raises(OptionError, match="--without: needs the corrected protocol"):
        protocols_of(REPAIRS, "published", ["scaling"])


def test_a_protocol_that_is_not_there_is_refused() -> None:
    with pytest.raises(OptionError, match="'fixed' is unknown"):
        protocol_named("fixed", REPAIRS)


def test_titles() -> None:
    assert protocol_title("corrected") == "Corrected" and protocol_title("published") == "Published protocol"
    assert protocol_title("corrected-without-nested") == "Corrected without nested"

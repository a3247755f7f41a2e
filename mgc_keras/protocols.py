"""Protocols: what the original program did, and that with its faults mended, one by one.

A study declares its `Repair` objects. Its "published" protocol mends nothing, "corrected" mends everything, and
"corrected-without-X" leaves one fault in, so that a user sees what its repair is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError

PUBLISHED, CORRECTED = "published", "corrected"
# The repair that studies share: folds and splits keep the clips of an artist together.
ARTISTS_TOGETHER = "artists-together"
_WITHOUT = f"{CORRECTED}-without-"


@dataclass(frozen=True)
class Repair:
    """A fault of an original program, and what is done about it.

    Parameters
    ----------
    name : str
        Names it on the command line and in tables: "scaling".
    fault, cure : str
        What the original does, and what the corrected protocol does instead; a sentence each.
    """

    name: str
    fault: str
    cure: str


@dataclass(frozen=True)
class Protocol:
    """A name, which stands in file names and tables, and for each of the study's repairs whether it is made.

    Example
    -------
    >>> repairs = [Repair("scaling", "Nothing is standardised.", "Features are standardised.")]
    >>> [protocol.mends("scaling") for protocol in protocols_of(repairs)]
    [False, True]
    """

    name: str
    mended: Mapping[str, bool] = field(default_factory=dict, hash=False)

    def mends(self, repair: str) -> bool:
        """Tell whether a repair is made; raise a `KeyError` where the study declares none of this name."""
        return self.mended[repair]

    @property
    def keeps_artists_together(self) -> bool:
        """Whether `ARTISTS_TOGETHER` is made; False where the study declares no such repair."""
        return self.mended.get(ARTISTS_TOGETHER, False)


def protocols_of(repairs: Sequence[Repair], which: str = "both", without: Sequence[str] = ()) -> tuple[Protocol, ...]:
    """Return the protocols of a run ("published", "corrected" or "both") of a study that declares these repairs.

    The corrected protocol is also run without each of the repairs in `without`.

    Raises
    ------
    OptionError
        There is no such protocol or repair, or the corrected protocol is not run, beside which a repair's worth shows.
    """
    checked_choice("--protocol", which, (PUBLISHED, CORRECTED, "both"))
    if without and which == PUBLISHED:
        cure = f"take --protocol {CORRECTED} or both"
        raise OptionError(f"needs the {CORRECTED} protocol to be compared with", field="--without", cure=cure)
    names = [name for name in (PUBLISHED, CORRECTED) if which in (name, "both")]
    names += [_WITHOUT + repair for repair in dict.fromkeys(without)]
    return tuple(protocol_named(name, repairs) for name in names)


def protocol_named(name: str, repairs: Sequence[Repair]) -> Protocol:
    """Return the protocol that a table names; raise an `OptionError` where there is no such protocol or repair."""
    known, left_out = [repair.name for repair in repairs], None
    if name.startswith(_WITHOUT):
        left_out = checked_choice("--without", name.removeprefix(_WITHOUT), known)
    elif name not in (PUBLISHED, CORRECTED):
        cure = f"choose {PUBLISHED}, {CORRECTED} or {_WITHOUT}REPAIR"
        raise OptionError(f"{name!r} is unknown", field="protocol", cure=cure)
    return Protocol(name, {repair: name != PUBLISHED and repair != left_out for repair in known})


def repair_left_out(protocol: str) -> str:
    """Return the repair that a protocol, by its name, leaves out of the corrected one; "" for the others.

    Example
    -------
    >>> repair_left_out("corrected-without-scaling"), repair_left_out("corrected")
    ('scaling', '')
    """
    return protocol.removeprefix(_WITHOUT) if protocol.startswith(_WITHOUT) else ""


def protocol_title(name: str) -> str:
    """Return a protocol's name as tables head a column with it.

    Example
    -------
    >>> protocol_title("published"), protocol_title("corrected-without-scaling")
    ('Published protocol', 'Corrected without scaling')
    """
    if name == PUBLISHED:
        return "Published protocol"
    return f"Corrected without {name.removeprefix(_WITHOUT)}" if name.startswith(_WITHOUT) else name.capitalize()

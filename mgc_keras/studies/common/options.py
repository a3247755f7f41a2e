"""Options of a study: frozen dataclasses, a section each, from which the command line is made.

A section is a frozen dataclass whose first line of docstring heads its group in ``--help``, and whose fields are
`option` calls. The options of a study are a frozen dataclass of sections; it may have a method ``resolved()`` that
returns a copy in which defaults that depend on other options are filled in. Steps see only that copy: a field that
`resolved` always fills in has the type of what it is filled in with, though its default is None.
"""

import argparse
import difflib
import math
import os
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from mgc_keras.checks import checked_choice
from mgc_keras.errors import OptionError


def option(
    default: Any,
    help: str,
    *,
    choices: Sequence[str] | None = None,
    metavar: str | tuple[str, ...] | None = None,
    nargs: int | str | None = None,
    names: Sequence[str] | None = None,
    what: str = "network",
    flag: str | None = None,
    positional: bool = False,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    locks: bool = True,
) -> Any:
    """Declare an option as a field of a section.

    Parameters
    ----------
    default
        None where it follows from other options; ``resolved()`` then fills it in.
    help : str
        A whole phrase; "%(default)s" stands for the default.
    choices, metavar, nargs
        As in `argparse`.
    names : sequence of str, optional
        What a field of type ``dict[str, …]`` may name: ``cnn=60 vgg16=500``, or one value for all of them. Errors call
        these names `what`.
    flag : str, optional
        The option on the command line; default: ``--field-name``.
    positional : bool
        Whether it stands without a flag.
    least, above, below : float, optional
        The smallest value; a value that it must exceed; a value that it must stay below.
    locks : bool
        Whether a run folder holds to its first value. What a command adds to a folder (steps, networks) does not lock.
    """
    metadata = {
        "help": help, "choices": choices, "metavar": metavar, "nargs": nargs, "names": names, "what": what,
        "flag": flag, "positional": positional, "least": least, "above": above, "below": below, "locks": locks,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


def names_option(known: Sequence[str], default: str, flag: str) -> Any:
    """Declare names without a flag, any number of those known, for `chosen_names`; `default` tells what none means."""
    help = f"one of {', '.join(known)} (default: {default})"
    return option((), help, positional=True, flag=flag, metavar=flag, nargs="*", locks=False)


def strategy_option(training: str) -> Any:
    """Declare on which devices a training runs; see `mgc_keras.training.strategies`."""
    help = (
        f"{training} on several devices: mirrored takes all GPUs of this machine, multiworker those of all machines "
        "that TF_CONFIG names, where each runs this same command (default: one device)"
    )
    return option(None, help, choices=("mirrored", "multiworker"), locks=False)


@dataclass(frozen=True)
class RunOptions:
    """Run."""

    out: Path | None = option(None, "run folder (default: runs/STUDY)", metavar="DIR", locks=False)
    data_home: Path | None = option(None, "folder of audio and manifests (default: the built-in corpus)", metavar="DIR")
    tasks: tuple[str, ...] | None = option(
        None, "names of tasks, or manifests (.csv) (default: all there are)", metavar="TASK"
    )
    protocol: str = option(
        "both",
        "score as the original did, with its faults mended, or both (default: %(default)s)",
        choices=("published", "corrected", "both"),
    )
    without: tuple[str, ...] = option(
        (),
        "run the corrected protocol also without this repair, to see what it is worth; --help lists them below",
        metavar="REPAIR",
        locks=False,
    )
    seed: int = option(0, "seed of everything random (default: %(default)s)", least=0)
    precision: str = option(
        "exact",
        "exact: the same numbers every time, in full float32; fast: on a GPU, with TensorFloat-32, bfloat16 and XLA "
        "(default: %(default)s)",
        choices=("exact", "fast"),
    )
    jobs: int | None = option(
        None, "processes and threads that work at once (default: one a core)", least=1, locks=False
    )

    @property
    def is_built_in(self) -> bool:
        """Whether the clips are those of the built-in corpus: neither a folder nor a manifest is named."""
        return not self.data_home and not any(task.endswith(".csv") for task in self.tasks or ())

    @property
    def n_jobs(self) -> int:
        """How many processes and threads work at once."""
        return self.jobs or os.cpu_count() or 1


class StudyOptions(Protocol):
    """The options of a study: sections, of which all studies share one."""

    @property
    def run(self) -> RunOptions:
        """The section that all studies share."""


Options = TypeVar("Options", bound=StudyOptions)


def add_options(parser: argparse.ArgumentParser, options: type) -> None:
    """Add every option of a study's options class to a parser, a group for each section."""
    for section_type in get_type_hints(options).values():
        group = parser.add_argument_group((section_type.__doc__ or "").splitlines()[0].rstrip(".").lower())
        hints = get_type_hints(section_type)
        for given in fields(section_type):
            _add_option(group, given, hints[given.name])


class Parser(argparse.ArgumentParser):
    """A parser whose options are spelt out: what is cut short or misspelt is refused by the command it was given to.

    A beginning of an option would be taken for it, and for another one as soon as there is one. The error names the
    option that is nearest. Help that cannot be written is an error, too.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **given, "allow_abbrev": False})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; what is not known ends the program here, not in the parser above, which knows other options."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._nearest(unknown)}")
        return parsed, unknown

    def _nearest(self, unknown: Sequence[str]) -> str:
        word = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
        options = [option for option in self._option_string_actions if option.startswith("--")]
        near = [option for option in options if word and option.startswith(word)]
        near = near or difflib.get_close_matches(word, options, n=2)
        return f" (did you mean {' or '.join(near)}?)" if near else ""

    def _print_message(self, message: str, file: Any = None) -> None:
        (sys.stderr if file is None else file).write(message)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add the option that hides progress.

    It has no default: a command may take it as well, and what stands there would be overwritten.
    """
    parser.add_argument("-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="show no progress")


def options_from(options: type[Options], namespace: argparse.Namespace) -> Options:
    """Return the options that a command line gave, with all defaults filled in.

    Raises `OptionError` where a value is out of its range, or names something unknown.
    """
    sections = {
        name: section(**{given.name: _value(given, getattr(namespace, given.name)) for given in fields(section)})
        for name, section in get_type_hints(options).items()
    }
    return resolved(options(**sections))


def resolved(options: Options) -> Options:
    """Check every value's range, and fill in the defaults that depend on other options."""
    for given, values in _all(options):
        several = values.values() if isinstance(values, dict) else values if isinstance(values, tuple) else (values,)
        for value in several:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                _check_range(given, value)
    return options.resolved() if hasattr(options, "resolved") else options


def flat(options: Any, locks: bool = False) -> dict[str, Any]:
    """Return every option by name; with `locks`, only those that a run folder holds to."""
    return {given.name: value for given, value in _all(options) if not locks or given.metadata["locks"]}


def flag_of(given: Field) -> str:
    """Return what an option is called on the command line."""
    return given.metadata["flag"] or f"--{given.name.replace('_', '-')}"


def refuse_beside(options: Any, given: str, *others: str) -> None:
    """Raise `OptionError` if an option is given together with one that makes it idle; names of fields."""
    values = flat(options)
    for other in others:
        if values[given] and values[other]:
            flags = [f"--{name.replace('_', '-')}" for name in (given, other)]
            raise OptionError(f"leaves {flags[1]} without use", field=flags[0], cure=f"leave {flags[1]} out")


def chosen_names(given: Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the names that were given, all where none was, in the order of `known`; `OptionError` if one is not."""
    for name in given:
        checked_choice(what.upper().replace("-", "_"), name, known)
    return tuple(name for name in known if name in (given or known))


def check_named(values: Mapping[str, Any], needed: Sequence[str], field: str, metavar: str) -> None:
    """Raise `OptionError` unless each of these names has a value."""
    for name in sorted(set(needed) - set(values)):
        raise OptionError(f"says nothing of {name}", field=field, cure=f"add {name}={metavar}")


def _all(options: Any) -> Iterator[tuple[Field, Any]]:
    for section in fields(options):
        values = getattr(options, section.name)
        yield from ((given, getattr(values, given.name)) for given in fields(values))


def _add_option(group: argparse._ArgumentGroup, given: Field, hint: Any) -> None:
    about = given.metadata
    kind, container = _kind(hint)
    if kind is bool:
        group.add_argument(flag_of(given), action="store_true", help=about["help"])
        return
    words = {name: about[name] for name in ("help", "metavar", "choices")}
    words |= {"default": given.default, "nargs": about["nargs"] or ("+" if container else None)}
    words["type"] = None if container is dict else kind
    if about["positional"]:
        group.add_argument(given.name, **words)
    else:
        group.add_argument(flag_of(given), dest=given.name, **words)


def _value(given: Field, value: Any) -> Any:
    """Return what a command line gave as the option's field holds it: ``cnn=60 vgg16=500`` as a dictionary."""
    if not isinstance(value, (list, tuple)):
        return value
    names, flag = given.metadata["names"], flag_of(given)
    if names is None:
        return tuple(value)
    words = [f"{name}={value[0]}" for name in names] if len(value) == 1 and "=" not in value[0] else value
    kind, _ = _kind(given.type)
    values = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator or name not in names:
            examples = " and ".join(f"{known}={given.metadata['metavar']}" for known in names)
            cure = f"give one value for all, or {examples}"
            raise OptionError(f"{word!r} names no {given.metadata['what']}", field=flag, cure=cure)
        try:
            values[name] = kind(text)
        except ValueError:
            raise OptionError(f"{text!r} makes no sense", field=flag, cure="give a number") from None
    return values


def _kind(hint: Any) -> tuple[Any, type | None]:
    """Return the type of a single value, and the container of several; None is left out of either."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    origin = get_origin(hint)
    if origin in (tuple, dict):
        return get_args(hint)[-1 if origin is dict else 0], origin
    return hint, None


def _check_range(given: Field, value: float) -> None:
    least, above, below = (given.metadata[name] for name in ("least", "above", "below"))
    if (
        math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (below is None or value < below)
    ):
        return
    bounds = {"{:g} or more": least, "above {:g}": above, "below {:g}": below}
    wanted = " and ".join(text.format(bound) for text, bound in bounds.items() if bound is not None)
    count = {2: "two numbers ", 3: "three numbers "}.get(given.metadata["nargs"], "")
    raise OptionError(f"must be {count}{wanted or 'finite'}, not {value:g}", field=flag_of(given))

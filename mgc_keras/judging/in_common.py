"""What clips have in common, artists above all, written alike: one of two spellings would stand on both sides."""

import re
import unicodedata

import pandas as pd

# What clips may have in common, the loosest bond last.
GROUP_COLUMNS = ("artist", "album", "song", "recording", "cut_from")
# Behind the first of several artists.
_OTHERS = re.compile(r"\s*(;|,|\s/\s|&|\+|[(\[]?\b(feat|ft|featuring|with|and|vs|x)\b).*$")
# What stands for no name.
_NOBODY = {"", "unknown", "unknown artist", "various", "various artists", "va", "n a", "na", "none", "nan", "null"}


def completed(known: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """Write what clips have in common alike, and let each clip without a name stand for itself.

    Parameters
    ----------
    known : pd.DataFrame
        Columns of text, such as artist, fold and split.

    Returns
    -------
    known : pd.DataFrame
        Without columns that name nobody, or no fold for some.
    incomplete : dict of str to int
        Columns that are empty for some clips, and for how many; none where all artists are known.
    notes : list of str
    """
    incomplete: dict[str, int] = {}
    notes = []
    for name in list(known):
        if name in GROUP_COLUMNS:
            column = known[name].map(first_artist if name == "artist" else plain)
        else:
            column = known[name].str.strip()
        is_empty = column.isin(_NOBODY) if name in GROUP_COLUMNS else column == ""
        n_empty = int(is_empty.sum())
        if name in GROUP_COLUMNS and n_empty < len(column):
            known[name] = column.mask(is_empty, [f"\0{row}" for row in range(len(column))])
            if n_empty:
                incomplete[name] = n_empty
                text = f"Column {name} is empty or unknown for {n_empty} of {len(column)} clips"
                notes.append(f"{text}: none of these is taken to share its {name}.")
        elif n_empty and name != "split":
            known = known.drop(columns=name)
            notes.append(f"Column {name} is empty for {n_empty} clips and cannot keep folds apart; it is not used.")
    # Where all artists are known, folds of artists part whatever else is empty.
    return known, incomplete if "artist" in incomplete or "artist" not in known else {}, notes


def first_artist(name: str) -> str:
    """Return the first of the artists that a name names, as `plain` writes it.

    Who has a comma or an "and" in the name is taken for more than one: too much kept together claims nothing wrong.

    Example
    -------
    >>> [first_artist(name) for name in ("The Beatles", "BEATLES, The", "Beyonc\u00e9 (feat. Jay-Z)", "Ike & Tina")]
    ['beatles', 'beatles', 'beyonce', 'ike']
    """
    return plain(_OTHERS.sub("", " ".join(name.casefold().split()))) or plain(name)


def plain(name: str) -> str:
    """Return a name without capitals, accents, marks, double spaces and "the".

    Example
    -------
    >>> plain("The  Sig\u00fbr-R\u00f3s."), plain("!!!")
    ('sigur ros', '!!!')
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(
        letter if letter.isalnum() else " " for letter in letters if unicodedata.category(letter) not in "Mn Cf"
    )
    words = bare.split()
    if len(words) > 1:
        words = words[words[0] == "the" : len(words) - (words[-1] == "the")]
    return " ".join(words) or " ".join(name.casefold().split())

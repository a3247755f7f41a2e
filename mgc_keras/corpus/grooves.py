"""Drum patterns: one string a drum, one character a sixteenth note; X accented, x played, o soft, - maybe, . silent.

A pattern is as long as a bar or a whole number of bars. Where the beat swings, the player swings it, not the pattern.
"""

from collections.abc import Mapping

Groove = Mapping[str, str]

GROOVES: Mapping[str, Groove] = {
    # four to the bar
    "rock_straight": {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
    "rock_drive": {"kick": "X..x..x.X..x..-.", "snare": "....X.......X..-", "open_hat": "x...x...x...x..."},
    "rock_tom": {"kick": "X.x.....X.x.....", "snare": "....X.......X...", "tom_low": "x.x.x.x.x.x.x.x."},
    "rock_half": {"kick": "X.....x...x.....", "snare": "........X.......", "ride": "X...x...X...x..."},
    "pop_plain": {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
    "pop_four": {"kick": "X...X...X...X...", "clap": "....X.......X...", "hat": "..x...x...x...x."},
    "pop_syncopated": {
        "kick": "X..x..x...x.....",
        "snare": "....X.......X...",
        "hat": "x.xxx.x.x.xxx.x.",
        "tambourine": "....x.......x...",
    },
    "disco_four": {
        "kick": "X...X...X...X...",
        "snare": "....X.......X...",
        "open_hat": "..X...X...X...X.",
        "hat": "x...x...x...x...",
    },
    "disco_sixteen": {
        "kick": "X...X...X...X...",
        "snare": "....X.......X...",
        "hat": "xoXoxoXoxoXoxoXo",
        "clap": "....x.......x...",
    },
    "funk": {"kick": "X.-...x..xx.....", "snare": "....X..o.o..X..o", "hat": "xoxoxoxoxoxoxoxo"},
    "boom_bap": {"kick": "X......x..X.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
    "boom_bap_busy": {"kick": "X.x....x..x..-..", "snare": "....X.......X..-", "hat": "x.xxx.x.x.xxx.xo"},
    "trap": {"kick": "X.....x...-.....", "clap": "........X.......", "hat": "xxxoxxxoxxxoxxxx"},
    "one_drop": {"kick": "........X.......", "rim": "........X......-", "hat": "..x...x...x...x."},
    "rockers": {"kick": "X.......X.......", "rim": "....-...X......-", "hat": "x.X.x.X.x.X.x.X."},
    "steppers": {"kick": "X...X...X...X...", "rim": "........X..-...-", "hat": "x.x.x.x.x.x.x.x."},
    "train": {"kick": "X.......X.......", "brush": "ooXoooXoooXoooXo"},
    "country_two": {"kick": "X.......X.......", "rim": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
    "country_backbeat": {"kick": "X.....-.X.x.....", "snare": "....X.......X...", "hat": "x...x...x...x..."},
    "jazz_ride": {
        "ride": "X...X.x.X...X.x.",
        "hat": "....x.......x...",
        "snare": "..-....o.....-.-",
        "kick": "o...o...o...o...",
    },
    "jazz_brushes": {"brush": "x...X.x.x...X.x.", "hat": "....x.......x...", "kick": "o.......o......."},
    "bossa": {"kick": "x..xx..xx..xx..x", "rim": "x..x..x...x..x..", "hat": "xoxoxoxoxoxoxoxo"},
    "shuffle": {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
    "slow_blues": {"kick": "X.......x.....x.", "rim": "....X.......X...", "ride": "X.x.X.x.X.x.X.x."},
    "blues_ride": {"kick": "X.x.....X.......", "snare": "....X.-.....X.-.", "ride": "X...X.x.X...X.x."},
    "double_kick": {
        "kick": "xxxxxxxxxxxxxxxx",
        "snare": "....X.......X...",
        "crash": "X...............",
        "ride": "X.x.X.x.X.x.X.x.",
    },
    "thrash": {"kick": "X.xxX.xxX.xxX.xx", "snare": "..X...X...X...X.", "hat": "x.x.x.x.x.x.x.x."},
    "breakdown": {"kick": "X..x..x...xx..x.", "snare": "........X.......", "crash": "X...x...x...x..."},
    "march": {"kick": "X.......X.......", "march_snare": "x.x.x.xxx.x.xxxx", "crash": "....x.......x..."},
    "timpani": {"timpani": "X.......o.....oo"},
    # Latin and ballroom, four to the bar
    "chacha": {
        "cowbell": "X...x...x...x...",
        "guiro": "X...x.x.X...x.x.",
        "conga_high": "....x.......x...",
        "conga_low": "............x.x.",
        "timbale": "............X.X.",
    },
    "rumba": {
        "clave": "x..x..x...x.x...",
        "bongo": "xoxoxoxoxoxoxoxo",
        "conga_low": "x.....x.....x.x.",
        "shaker": "x.x.x.x.x.x.x.x.",
    },
    "salsa": {
        "clave": "..x.x...x..x..x.",
        "timbale": "x.xxxx.xx.xx.x.x",
        "conga_high": "..x...x...x...x.",
        "conga_low": "......xx......xx",
        "cowbell": "X...x...X...x...",
    },
    "samba": {
        "surdo": "o.......X.......",
        "tamborim": "x.x.xx.x.x.xx.x.",
        "shaker": "XoxXXoxXXoxXXoxX",
        "snare": "xooxooxoxooxooxo",
    },
    "tango": {"rim": "X...x...x...x.x.", "march_snare": "............o.xx", "kick": "X.......x......."},
    "paso": {"march_snare": "X..xX.x.X..xX.xx", "kick": "X.......X.......", "crash": "X..............."},
    "quickstep": {"kick": "X.......X.......", "hat": "x...X.x.x...X.x.", "snare": "....x.......x..-"},
    "foxtrot": {"kick": "X.......x.......", "brush": "x...X...x...X...", "hat": "....x.......x..."},
    "jive": {"kick": "X.......X.......", "snare": "....X.......X...", "ride": "X...X.x.X...X.x."},
    "wcswing": {
        "kick": "X.....x.X.x.....",
        "snare": "....X.......X...",
        "hat": "x.x.x.xox.x.x.xo",
        "clap": "....x.......x...",
    },
    # three to the bar
    "waltz": {"kick": "X...........", "brush": "....x...x...", "hat": "....x...x..."},
    "slow_waltz": {"kick": "X...........", "ride": "x...o...o.o."},
    "viennese": {"kick": "X...........", "march_snare": "....x...x...", "tambourine": "X..........."},
    "jazz_waltz": {"ride": "X...x.x.x...", "hat": "....x.......", "kick": "X.....o....."},
}
FILLS: tuple[Groove, ...] = (
    {"snare": "x.x.xxxx", "kick": "X......."},
    {"tom_high": "xxx.....", "tom_low": "...xx.xx", "snare": "......x."},
    {"snare": "..x.x.xx"},
)
# How hard each character is struck, 0 to 1.
STRENGTHS = {"X": 1.0, "x": 0.72, "-": 0.55, "o": 0.38, ".": 0.0}


def is_four_on_the_floor(groove: Groove) -> bool:
    """Tell whether the bass drum strikes every beat and nothing between beats."""
    kick = groove.get("kick", "")
    return len(kick) % 16 == 0 and kick != "" and all((c in "Xx") == (i % 4 == 0) for i, c in enumerate(kick))


def has_backbeat(groove: Groove) -> bool:
    """Tell whether a snare drum, clap or rim accents the second and the fourth beat alone."""
    return any(
        [i for i, c in enumerate(groove.get(drum, "")) if c == "X"] == [4, 12] for drum in ("snare", "clap", "rim")
    )

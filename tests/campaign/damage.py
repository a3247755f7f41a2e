"""How files are damaged: bytes of any format, the cells of tables, the values of JSON. Each damage says what it did."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Generator = np.random.Generator
Damage = Callable[[bytes, Generator], tuple[bytes, str]]

# What fields of headers hold in files that somebody made on purpose, or by accident.
EXTREMES = (0, 1, 2, 255, 256, 65535, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 10**8, 1 << 36, (1 << 63) - 1)


def pick(generator: Generator, things: Sequence[Any]) -> Any:
    """Return one of these things, as it is."""
    return things[int(generator.integers(len(things)))]


def damaged(content: bytes, generator: Generator, damages: Sequence[Damage]) -> tuple[bytes, str]:
    """Apply one of these damages; another try where it changed nothing."""
    for _ in range(20):
        found, note = pick(generator, damages)(content, generator)
        if found != content:
            break
    return found, note


def flip_bits(content: bytes, generator: Generator, stop: int | None = None) -> tuple[bytes, str]:
    """Flip 1 to 16 bits of the first `stop` bytes."""
    changed = bytearray(content)
    places = sorted(generator.integers(min(len(content), stop or len(content)), size=int(generator.integers(1, 17))))
    for place in places:
        changed[place] ^= 1 << int(generator.integers(8))
    return bytes(changed), f"bits flipped at bytes {', '.join(map(str, places))}"


def flip_head(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Flip bits near the start, where the headers are."""
    return flip_bits(content, generator, stop=pick(generator, (16, 48, 128, 512)))


def cut_off(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Keep the first part."""
    kept = int(generator.integers(min(200, len(content)) if generator.random() < 0.2 else len(content)))
    return content[:kept], f"cut off behind {kept} of {len(content)} bytes"


def set_field(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Put an extreme number where the header may have one."""
    width, order = pick(generator, (1, 2, 4, 4, 8)), pick(generator, ("little", "big"))
    place = int(generator.integers(0, max(1, min(len(content), 120) - width), endpoint=True)) & ~1
    return set_number(content, generator, place, width, order, pick(generator, EXTREMES))


def set_number(
    content: bytes, generator: Generator, place: int, width: int, order: str, number: int
) -> tuple[bytes, str]:
    """Put a number of `width` bytes at a place."""
    number %= 1 << 8 * width
    changed = content[:place] + number.to_bytes(width, order) + content[place + width :]  # type: ignore[arg-type]
    return changed, f"bytes {place} to {place + width} are {number} ({order} endian)"


def insert_zeros(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Put 1 to 70 000 zero bytes between any two."""
    place, count = int(generator.integers(len(content))), pick(generator, (1, 2, 7, 512, 4096, 70_000))
    return content[:place] + bytes(count) + content[place:], f"{count} zero bytes inserted at {place}"


def _block(content: bytes, generator: Generator) -> tuple[int, int]:
    length = int(min(len(content), 4 ** generator.integers(1, 8)))
    start = int(generator.integers(len(content) - length + 1))
    return start, start + length


def zero_block(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Overwrite a block by zeros."""
    start, stop = _block(content, generator)
    return content[:start] + bytes(stop - start) + content[stop:], f"bytes {start} to {stop} are zeros"


def noise_block(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Overwrite a block by noise."""
    start, stop = _block(content, generator)
    return content[:start] + generator.bytes(stop - start) + content[stop:], f"bytes {start} to {stop} are noise"


def drop_block(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Leave a block out."""
    start, stop = _block(content, generator)
    return content[:start] + content[stop:], f"bytes {start} to {stop} are missing"


def repeat_block(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Put a block in twice."""
    start, stop = _block(content, generator)
    return content[:stop] + content[start:], f"bytes {start} to {stop} come twice"


def swap_blocks(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Exchange two neighbouring blocks."""
    first, middle, last = sorted(int(place) for place in generator.integers(len(content) + 1, size=3))
    changed = content[:first] + content[middle:last] + content[first:middle] + content[last:]
    return changed, f"bytes {first} to {middle} stand behind those up to {last}"


def empty(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Leave nothing."""
    return b"", "empty"


BYTES: tuple[Damage, ...] = (
    flip_bits, flip_bits, flip_head, flip_head, cut_off, cut_off, set_field, set_field, insert_zeros, zero_block,
    noise_block, drop_block, repeat_block, swap_blocks,
)  # fmt: skip


def other_json(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Change one value, anywhere in a JSON text, into one of another kind; or drop, rename or nest it."""
    root = json.loads(content)
    places = list(_places(root))
    if not places:
        return content, "nothing to change"
    holder, key = pick(generator, places)
    old = json.dumps(holder[key])[:40]
    what = pick(generator, ("other", "other", "other", "drop", "rename", "nest"))
    if what == "drop":
        del holder[key]
    elif what == "rename" and isinstance(holder, dict):
        holder[f"{key}_"] = holder.pop(key)
    elif what == "nest":
        holder[key] = [holder[key]]
    else:
        holder[key] = pick(generator, OTHER_VALUES)
    return json.dumps(root, indent=2).encode(), f"JSON: {key!r}, which was {old}: {what}"


OTHER_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**40, 10**400, 1e308, float("nan"), float("inf"), "", "x", "1", "\0",
    "../../etc/passwd", "$x_1^{2$", "\ud800", [], [[]], {}, {"class_name": "Lambda", "config": {}}, [None] * 3,
)  # fmt: skip


def _places(node: Any) -> Any:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def other_table(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Damage a CSV as spreadsheets, editors and people do."""
    return pick(generator, TABLES)(content, generator)


def _line(content: bytes, generator: Generator, first: int = 0) -> tuple[list[bytes], int]:
    lines = content.splitlines(keepends=True)
    return lines, int(generator.integers(min(first, len(lines) - 1), len(lines)))


def comma_in_a_line(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Put a comma into one line, or into all but the first."""
    lines, number = _line(content, generator, first=1)
    chosen = range(1, len(lines)) if generator.random() < 0.4 else [number]
    for index in chosen:
        place = int(generator.integers(max(1, len(lines[index]))))
        lines[index] = lines[index][:place] + b"," + lines[index][place:]
    return b"".join(lines), f"a comma more in {'each line' if len(chosen) > 1 else f'line {number + 1}'}"


def last_cell(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Give every row but the header a cell more, or take its last one."""
    lines = content.splitlines()
    rows = [line + pick(generator, (b",", b",x")) if generator.random() < 0.9 else line for line in lines[1:]]
    if generator.random() < 0.5:
        rows = [line.rpartition(b",")[0] for line in lines[1:]]
    return b"\n".join([lines[0], *rows]) + b"\n", "rows have other numbers of cells than the header"


def quote_in_a_line(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Put a quotation mark into a line."""
    lines, number = _line(content, generator)
    place = int(generator.integers(max(1, len(lines[number]))))
    lines[number] = lines[number][:place] + b'"' + lines[number][place:]
    return b"".join(lines), f"a quotation mark in line {number + 1}"


def other_cell(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Put something odd into one cell, quoted as it should be."""
    lines, number = _line(content, generator, first=pick(generator, (0, 1, 1, 1)))
    end = lines[number][len(lines[number].rstrip(b"\r\n")) :]
    cells = lines[number].rstrip(b"\r\n").split(b",")
    place = int(generator.integers(len(cells)))
    cell = pick(generator, CELLS)
    cells[place] = b'"' + cell.replace(b'"', b'""') + b'"' if set(cell) & set(b',"\n') else cell
    lines[number] = b",".join(cells) + end
    return b"".join(lines), f"cell {place + 1} of line {number + 1} is {cell[:40]!r}"


CELLS = (
    b"", b" ", b"NA", b"nan", b"None", b"inf", b"-inf", b"1e400", b"1,5", b"0x10", b"1_0", b"\0", b"a\0b", b"\xff\xfe",
    "\u00e9\u0301".encode(), "\u202e".encode(), "\ufeff".encode(), b"..", b"../../etc/passwd", b"/etc/passwd",
    b"a\\b.wav", b"C:\\music\\a.wav", b"a/./b.wav", b"./a.wav", b"a//b.wav", b"a" * 5000, b"=1+1", b"$x_1^{2$",
    b"<script>campaign</script>", b'"', b"a,b", b"a\nb", b"TRUE", b"007", b"1.0", b"-1", b"9" * 30,
    b"train ", b"Train", b"label",
)  # fmt: skip


def swap_lines(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Exchange two lines, the header maybe among them; or have one twice, or not at all."""
    lines, first = _line(content, generator)
    second = int(generator.integers(len(lines)))
    what = pick(generator, ("swap", "copy", "drop"))
    if what == "copy":
        lines.insert(second, lines[first])
        note = f"line {first + 1} stands in front of line {second + 1}, too"
    elif what == "drop":
        del lines[first]
        note = f"line {first + 1} is missing"
    else:
        lines[first], lines[second] = lines[second], lines[first]
        note = f"lines {first + 1} and {second + 1} stand in each other's place"
    return b"".join(lines), note


def other_separator(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Separate by something else than commas, or announce the separator as Excel does."""
    mark = pick(generator, (b";", b"\t", b"|", b" ", b"sep"))
    if mark == b"sep":
        return b"sep=,\n" + content, "begins with sep=,"
    return content.replace(b",", mark), f"{mark!r} separates"


def other_encoding(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Write it as another program would: byte-order mark, UTF-16, Latin-1, ends of lines."""
    text = content.decode("utf-8", "replace")
    what = pick(generator, ("utf-8-sig", "utf-16", "utf-32", "latin-1", "\r", "\r\n", "\n\n"))
    if what in ("\r", "\r\n", "\n\n"):
        return text.replace("\n", what).encode(), f"lines end in {what!r}"
    return text.encode(what, "replace"), f"is {what}"


def drop_column(content: bytes, generator: Generator) -> tuple[bytes, str]:
    """Leave a column out, or exchange the names of two."""
    rows = [line.split(b",") for line in content.splitlines()]
    place, other = (int(number) for number in generator.integers(len(rows[0]), size=2))
    if generator.random() < 0.5:
        rows[0][place], rows[0][other] = rows[0][other], rows[0][place]
        note = f"columns {place + 1} and {other + 1} have each other's names"
    else:
        rows = [row[:place] + row[place + 1 :] for row in rows]
        note = f"column {place + 1} is missing"
    return b"\n".join(map(b",".join, rows)) + b"\n", note


TABLES: tuple[Damage, ...] = (
    comma_in_a_line, comma_in_a_line, last_cell, quote_in_a_line, other_cell, other_cell, other_cell, other_cell,
    swap_lines, other_separator, other_encoding, drop_column, flip_bits, cut_off, drop_block, swap_blocks, empty,
)  # fmt: skip


def damage_file(content: bytes, suffix: str, generator: Generator) -> tuple[bytes, str]:
    """Damage a file by what it holds: tables and JSON mostly in their own ways, others byte by byte."""
    if content and generator.random() < 0.7:
        if suffix == ".csv":
            return damaged(content, generator, [other_table])
        if suffix == ".json":
            return damaged(content, generator, [other_json])
    return damaged(content, generator, BYTES if content else [empty])

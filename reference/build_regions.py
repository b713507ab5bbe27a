"""Derive regions.csv and region_changes.csv from the public sources that README.md names.

    python reference/build_regions.py --kepmendagri CSV --bridge CSV --provinces CSV --editions FOLDER

`--kepmendagri` (code, level, type, name), `--bridge` and `--provinces` (bps_code, kemendagri_code) hold codes without
points. The folder holds one SQL dump per edition, `2016.sql` … `2025.sql`: `db/archive` and `db/wilayah.sql` of
cahyadsn/wilayah. Run by hand when an edition appears; the product only reads the two CSV files.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

LEVELS = {2: "province", 5: "regency", 8: "district", 13: "village"}
ROW = re.compile(r"""\(\s*(['"])([\d.]+)\1\s*,\s*(['"])((?:\\.|''|(?!\3).)*)\3\s*\)""")


def with_points(digits: str) -> str:
    """`3510161014` -> `35.10.16.1014`."""
    cuts = [cut for cut in (0, 2, 4, 6, 10) if cut <= len(digits)]
    return ".".join(digits[start:end] for start, end in pairwise(cuts))


def plain(name: str) -> str:
    """A name without case, blanks and marks, so that two editions meet; a city stays apart from a regency."""
    return re.sub(r"[^A-Z0-9]", "", re.sub(r"^(KABUPATEN|KAB\.?)\s+", "KAB", name.upper().strip()))


def read_edition(path: Path) -> dict[str, str]:
    """Code -> name of one edition."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return {code: name.replace("\\'", "'").replace("''", "'") for _, code, _, name in ROW.findall(text)}


def successors(editions: dict[int, dict[str, str]], today: dict[str, str]) -> dict[str, str]:
    """Retired code -> the one code that took its place: the same name, under the same parent or its successor.

    A successor must be newer than the retired code's last edition, the only such one of that name there, and claimed by
    one retired code only. What split, merged or changed its name at the same time has none.
    """
    last = {code: year for year, codes in sorted(editions.items()) for code in codes}
    first = {code: year for year, codes in sorted(editions.items(), reverse=True) for code in codes}
    named = by_place_and_name(today)
    found: dict[str, str] = {}
    for length in LEVELS:
        proposed = {}
        for code in (code for code in last if code not in today and len(code) == length):
            name = plain(editions[last[code]][code])
            places = [""] if length == 5 else [code.rpartition(".")[0], code[:5]]
            candidates = next((c for p in places if (c := named.get((length, found.get(p, p), name)))), [])
            newer = [candidate for candidate in candidates if first[candidate] > last[code]]
            if len(newer) == 1:
                proposed[code] = newer[0]
        claims = Counter(proposed.values())
        found |= {code: successor for code, successor in proposed.items() if claims[successor] == 1}
    return found


def by_place_and_name(today: dict[str, str]) -> dict[tuple[int, str, str], list[str]]:
    """Codes of today by length, place (everywhere, the regency or the parent) and plain name."""
    named: dict[tuple[int, str, str], list[str]] = {}
    for code, name in today.items():
        for place in {"", code[:5], code.rpartition(".")[0]}:
            named.setdefault((len(code), place, plain(name)), []).append(code)
    return named


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write one CSV with LF line ends."""
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Read the sources and write both tables beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--kepmendagri", "--bridge", "--provinces", "--editions"):
        parser.add_argument(option, type=Path, required=True)
    options = parser.parse_args()
    folder = Path(__file__).parent
    bps = {}
    for path in (options.bridge, options.provinces):
        with path.open(newline="", encoding="utf-8") as source:
            bps |= {with_points(row["kemendagri_code"]): row["bps_code"] for row in csv.DictReader(source)}
    with options.kepmendagri.open(newline="", encoding="utf-8") as source:
        regions = [(with_points(r["code"]), r["level"], r["type"], r["name"]) for r in csv.DictReader(source)]
    editions = {int(path.stem): read_edition(path) for path in sorted(options.editions.glob("[0-9]*.sql"))}
    today = {code: name for code, _, _, name in regions}
    found = successors(editions, today)
    carried = {successor: bps[code] for code, successor in found.items() if code in bps}
    columns = ["code", "level", "type", "name", "bps_code"]
    numbered = [[*row, bps.get(row[0]) or carried.get(row[0], "")] for row in sorted(regions)]
    write(folder / "regions.csv", columns, numbered)
    rows = []
    for code in sorted({code for codes in editions.values() for code in codes} - set(today)):
        years = [year for year, codes in editions.items() if code in codes]
        gone = min(year for year in editions if year > max(years))
        named = [code, found.get(code, ""), LEVELS[len(code)], editions[max(years)][code]]
        rows.append([*named, str(min(years)), str(max(years)), str(gone), bps.get(code, "")])
    header = ["retired_code", "successor_code", "level", "name", "first_edition", "last_edition", "gone_in_edition"]
    write(folder / "region_changes.csv", [*header, "bps_code"], rows)


if __name__ == "__main__":
    main()

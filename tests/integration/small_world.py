"""A small invented world of two regions that share families: what its agencies deliver, and the families that tests follow."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import yaml

from perlinsos.recipients.determine import determine
from perlinsos.settings import find_project
from perlinsos.synthesis.deliveries import TRUTH_COLUMNS
from perlinsos.synthesis.order import SynthOrder, run_order

OPEN, SHUT = "35.09", "35.10"
"""The region whose window opens with its first revision, and the one whose window stays shut."""
STAGE, SNAPSHOT = "2026-T1", "2025-12-20"
SIZES = {OPEN: 300, SHUT: 400}
QUOTAS = {OPEN: {"pkh": 5000, "bpnt": 5000}, SHUT: {"pkh": 20, "bpnt": 40}}
ELECTRICITY, SCHOOLS = "pln-electricity", "dapodik-enrolment"
UNREAD_POWER, UNKNOWN_SCHOOL = "sembilan ratus", "PAKET A"
Row = dict[str, Any]


@dataclass(frozen=True)
class Followed:
    """Card numbers by region: of whom a row of PLN cannot be read, and of whom a child's school has an unknown word.

    All of them would be chosen for both programmes, and nothing else is wrong with what is known of them. `pupil` is the row,
    from 1, of another family's child in the schools' delivery: a primary school whose level a correction may change.
    """

    power: dict[str, str]
    school: dict[str, str]
    pupil: int


def make_deliveries(out: Path) -> Followed:
    """Invent the people and the dirty deliveries, and spoil one row of PLN and one of the schools in each region."""
    run_order(SynthOrder(SIZES, out, form="both", seed=7, share_with=tuple(SIZES), canonical=True))
    dirty = _numbers_of_dirty_rows(out)
    chosen = {region: _choose(out, region, dirty) for region in SIZES}
    for power, school, _ in chosen.values():
        _spoil(out, ELECTRICITY, power[1], "DAYA_VA", UNREAD_POWER, "value_type")
        _spoil(out, SCHOOLS, school[1], "jenjang", UNKNOWN_SCHOOL, "code_unknown")
    pupil = next(n for n, row in enumerate(read_rows(out, SCHOOLS, "national"), 1) if row["nik_siswa"] == chosen[SHUT][2][1])
    return Followed(
        {region: found[0][0] for region, found in chosen.items()},
        {region: found[1][0] for region, found in chosen.items()},
        pupil,
    )


def read_rows(out: Path, source: str, scope: str) -> Iterator[Row]:
    """The rows of a first delivery as texts, through its parts in the order of their names."""
    for path in sorted((out / source / scope / SNAPSHOT).glob("part-*")):
        if path.suffix == ".parquet":
            yield from pq.read_table(path).to_pylist()
        else:
            with path.open(newline="", encoding="utf-8") as file:
                yield from csv.DictReader(file)


def read_truth(out: Path) -> list[dict[str, str]]:
    """The errors that were put into the deliveries."""
    with (out / "truth" / "errors.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _numbers_of_dirty_rows(out: Path) -> set[str]:
    """Every NIK and card number that a row with an error says or should say."""
    places: dict[tuple[str, str], dict[int, list[str]]] = {}
    for error in read_truth(out):
        rows = places.setdefault((error["source"], error["scope"]), {})
        rows.setdefault(int(error["row"]), []).extend((error["old_value"], error["new_value"]))
    found: set[str] = set()
    for (source, scope), dirty in places.items():
        for number, row in enumerate(read_rows(out, source, scope), 1):
            words = [*row.values(), *dirty[number]] if number in dirty else []
            found |= {word for word in words if isinstance(word, str) and re.fullmatch("[0-9]{16}", word)}
    return found


def _choose(out: Path, region: str, dirty: set[str]) -> list[tuple[str, str]]:
    """Three families (card, NIK of the row to change): with a row of PLN, with a pupil, with a pupil of a primary school."""
    determine(region, STAGE, out / "canonical" / region, out / f"clean-{region}")
    known = {row["nomor_kartu_keluarga"] for row in read_rows(out, "dtsen-family", region)}
    families = [card for card in _find_chosen(out, region, dirty) if card in known]
    persons = duckdb.sql(
        f"select nik, no_kk from read_parquet('{out}/canonical/{region}/population.parquet') where status = 'active' order by nik"
    ).fetchall()
    card_of = dict(persons)
    power = [row["NIK"] for row in read_rows(out, ELECTRICITY, "national")]
    pupils = [(row["nik_siswa"], row["jenjang"]) for row in read_rows(out, SCHOOLS, "national")]
    found: list[tuple[str, str]] = []
    for niks in (power, [nik for nik, _ in pupils], [nik for nik, level in pupils if level == "SD"]):
        taken = {card for card, _ in found}
        found.append(next((card_of[nik], nik) for nik in niks if card_of.get(nik) in families and card_of[nik] not in taken))
    return found


def _find_chosen(out: Path, region: str, dirty: set[str]) -> set[str]:
    """Families that clean inputs would have chosen for both programmes, of whom no number is dirty or known elsewhere."""
    elsewhere = next(code for code in SIZES if code != region)
    rows = duckdb.execute(
        f"""
        with bad as (
            select unnest(?) as number
            union all select nik from read_parquet('{out}/canonical/{elsewhere}/population.parquet')
            union all select no_kk from read_parquet('{out}/canonical/{elsewhere}/population.parquet')
        )
        select no_kk from read_parquet('{out}/clean-{region}/decisions.parquet') as d
        where outcome = 'LAYAK' and warnings = [] and no_kk not in (select number from bad)
            and not exists (
                select 1 from read_parquet('{out}/canonical/{region}/population.parquet') as p
                where p.no_kk = d.no_kk and p.nik in (select number from bad))
        group by no_kk having count(*) = 2
        """,
        [sorted(dirty)],
    ).fetchall()
    return {card for (card,) in rows}


def _spoil(out: Path, source: str, nik: str, header: str, word: str, message_id: str) -> None:
    """Write a wrong word into one cell of a national delivery, and enter it in the truth file."""
    before = 0
    for path in sorted((out / source / "national" / SNAPSHOT).glob("part-*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        column = lines[0].split(",").index(header)
        for number, line in enumerate(lines[1:], 1):
            cells = line.split(",")
            if cells[0] == nik:
                old, cells[column] = cells[column], word
                lines[number] = ",".join(cells)
                entry = ("T01", source, "national", SNAPSHOT, path.name, before + number, header, "value", "row", "quarantine")
                _enter(out, (*entry, message_id, old, word))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        before += len(lines) - 1


def _enter(out: Path, entry: tuple[Any, ...]) -> None:
    assert len(entry) == len(TRUTH_COLUMNS)
    with (out / "truth" / "errors.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(entry)


def write_settings(folder: Path, quotas: dict[str, dict[str, int]]) -> Path:
    """Regions, cycles and decrees after the demo's; the window of SHUT is announced in the far future."""
    shutil.copytree(find_project() / "demo", folder)
    _change(folder / f"cycle-{SHUT}-{STAGE}.yaml", announce_at="2199-01-01T09:00:00+07:00")
    for region in SIZES:
        _change(folder / "decrees" / f"tim-{region}.yaml", in_force_until=None)
    rows = [
        {"region_code": region, "programme": programme, "stage": STAGE, "quota": quota}
        for region, of_region in quotas.items()
        for programme, quota in of_region.items()
    ]
    _change(folder / "decrees" / f"kuota-{STAGE}.yaml", in_force_until=None, quotas=rows, regions=list(quotas))
    return folder


def _change(path: Path, **changed: Any) -> None:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(found | changed, allow_unicode=True, sort_keys=False), encoding="utf-8")

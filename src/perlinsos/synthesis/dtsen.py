"""BPS's two deliveries of the welfare data: the export's real headers with invented extensions (sources/dtsen-*.yaml)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.synthesis import welfare
from perlinsos.synthesis.draws import Array, Ints
from perlinsos.synthesis.names import write_names
from perlinsos.synthesis.parameters import Tables
from perlinsos.synthesis.regency import Regency, WelfarePersons
from perlinsos.synthesis.register import RELATIONS, SEXES
from perlinsos.synthesis.text import constant, day_text, look_up, number_text, scatter

BIRTH_FORM = "%d%m%Y"
LEVELS = ("TIDAK SEKOLAH", "SD", "SMP", "SMA")
DISABILITIES = ("TIDAK", "RINGAN", "BERAT")
ASSET_COLUMNS = tuple(
    f"aset_{'tidak_bergerak' if name in ('lahan_lainnya', 'rumah_lainnya') else 'bergerak'}_{name.removesuffix('_5_5kg')}"
    for name in welfare.ASSETS
)


def period(snapshot: date, back: int = 0) -> str:
    """The DTSEN period of a day, or the one `back` quarters before: `2025-Q4`."""
    quarters = snapshot.year * 4 + (snapshot.month - 1) // 3 - back
    return f"{quarters // 4}-Q{quarters % 4 + 1}"


def family_rows(regency: Regency) -> Ints:
    """The cards that the welfare data has."""
    return np.flatnonzero(regency.families.is_listed)


def family_table(regency: Regency, tables: Tables, rows: Ints) -> pa.Table:  # noqa: ARG001 (one shape for all tables)
    """The rows of these cards, every cell as text."""
    families, places = regency.families, regency.villages
    village, count = families.welfare_village[rows], len(rows)
    decile = families.decile[rows]
    columns = {
        "provinsi": constant(regency.targets.province_name.upper(), count),
        "kabupaten_kota": constant(regency.targets.name.upper(), count),
        "kecamatan": look_up([place.district_name.upper() for place in places], village),
        "kelurahan_desa": look_up([place.name.upper() for place in places], village),
        "nomor_kartu_keluarga": number_text(families.card[rows]),
        "id_keluarga": family_ids(regency, rows),
        "jumlah_anggota_keluarga": number_text(np.bincount(regency.persons.family, minlength=len(families.card))[rows]),
        "pbi_nas": look_up(("2", "1"), (decile <= 4).astype(np.int64)),
        "pbi_pemda": look_up(("2", "1"), (scatter(rows, 20) == 0).astype(np.int64)),
        "luas_lantai": number_text(24 + 6 * decile + scatter(rows, 20)),
        **_living_columns(regency, rows),
        "skor": look_up([f"{score / 100:.2f}" for score in range(10001)], families.rank[rows] * 10000 // 93_682_961),
        "desil_nasional": number_text(decile),
        "periode": look_up([period(regency.snapshot), period(regency.snapshot, 1)], families.period[rows]),
        "peringkat_nasional": number_text(families.rank[rows]),
        "kode_kabupaten_bps": constant(regency.targets.bps_code, count),
        "kode_kecamatan_bps": look_up([place.bps_district_code for place in places], village),
        "kode_desa_bps": look_up([place.bps_code for place in places], village),
    }
    return pa.table(columns)


def family_ids(regency: Regency, rows: Ints) -> pa.Array:
    """DTSEN's own ids of families: letters, the regency and a number, never 16 digits."""
    own = int(regency.targets.code.replace(".", "")) * 10_000_000
    return pc.binary_join_element_wise("K", number_text(own + rows), "")


def _living_columns(regency: Regency, rows: Ints) -> dict[str, pa.Array]:
    """Housing, assets and livestock in the export's order."""
    families = regency.families
    codes = [str(code) for code in range(12)]
    drawn = {name: look_up(codes, families.housing[rows, column]) for column, name in enumerate(welfare.HOUSING)}
    columns = {name: drawn.pop(name) for name in welfare.HOUSING[:4]}
    columns["sumber_air_minum_utama"] = look_up(codes[2:8], scatter(rows + 17, 6))
    columns |= drawn
    columns["jenis_kloset"] = look_up(codes[1:5], np.maximum(scatter(rows + 19, 20) - 16, 0))
    columns["pembuangan_akhir_tinja"] = look_up(codes[1:5], np.maximum(scatter(rows + 23, 20) - 16, 0))
    for column, name in enumerate(ASSET_COLUMNS):
        columns[name] = look_up(("2", "1"), families.assets[rows, column].astype(np.int64))
    for number, name in enumerate(("sapi", "kerbau", "kuda", "babi", "kambing_domba")):
        many = np.maximum(scatter(rows + 29 + number, 40) - 37, 0) if name in ("sapi", "kambing_domba") else rows * 0
        columns[f"jumlah_ternak_{name}"] = number_text(many)
    return columns


def person_table(regency: Regency, tables: Tables, known: WelfarePersons, rows: Ints) -> pa.Table:
    """The rows `rows` of the welfare persons `known`, every cell as text."""
    persons, families, facts = regency.persons, regency.families, regency.facts
    person = known.person[rows]
    pregnancy: Array = facts.pregnancy[person].astype(np.int64)
    return pa.table(
        {
            "nomor_kartu_keluarga": number_text(families.card[known.family[rows]]),
            "nomor_induk_kependudukan": number_text(persons.nik[person]),
            "desil_nasional": number_text(families.decile[known.family[rows]]),
            "nama": write_names(tables, persons.words[person]),
            "jenis_kelamin": look_up(SEXES, persons.sex[person]),
            "tanggal_lahir": day_text(persons.birth[person], BIRTH_FORM),
            "hubungan_dengan_kepala_keluarga": look_up(RELATIONS, known.relation[rows]),
            "disabilitas": look_up(DISABILITIES, facts.disability[person]),
            "sedang_hamil": look_up(("TIDAK", "YA"), (pregnancy > 0).astype(np.int64)),
            "kehamilan_ke": number_text(pregnancy, missing=pregnancy == 0),
            "jenjang_sekolah": look_up(LEVELS, facts.level[person]),
        }
    )

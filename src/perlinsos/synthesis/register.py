"""The register's delivery: the SIAK export's columns, extended (sources/dukcapil-population.yaml)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from perlinsos.synthesis import moves
from perlinsos.synthesis.draws import Array, Ints
from perlinsos.synthesis.families import HEAD, SPOUSE
from perlinsos.synthesis.names import write_names
from perlinsos.synthesis.parameters import Tables
from perlinsos.synthesis.persons import days
from perlinsos.synthesis.regency import Regency
from perlinsos.synthesis.text import constant, day_text, look_up, number_text, scatter

RELATIONS = (
    None, "KEPALA KELUARGA", "SUAMI", "ISTRI", "ANAK", "MENANTU", "CUCU", "ORANG TUA", "MERTUA", "FAMILI LAIN",
    "PEMBANTU", "LAINNYA",
)  # fmt: skip
SEXES = ("LAKI-LAKI", "PEREMPUAN")
STATUSES = ("AKTIF", "MENINGGAL", "PINDAH")
MARITAL = ("BELUM KAWIN", "KAWIN", "CERAI HIDUP", "CERAI MATI")
OCCUPATIONS = (
    "BELUM/TIDAK BEKERJA", "PELAJAR/MAHASISWA", "MENGURUS RUMAH TANGGA", "PETANI/PEKEBUN", "BURUH TANI", "NELAYAN", "PEDAGANG",
    "KARYAWAN SWASTA", "WIRASWASTA", "BURUH HARIAN LEPAS", "PEGAWAI NEGERI SIPIL", "PENSIUNAN",
)  # fmt: skip
DATE_FORM = "%d-%m-%Y"


def register_rows(regency: Regency) -> Ints:
    """Every person whom the register knows."""
    return np.arange(len(regency.persons.nik))


def register_table(regency: Regency, tables: Tables, rows: Ints) -> pa.Table:
    """The rows of these persons, every cell as text, with the headers of the delivery."""
    persons, families = regency.persons, regency.families
    village = families.village[persons.family[rows]]
    places = regency.villages
    birth, status = persons.birth[rows], persons.status[rows]
    age = (days(regency.snapshot) - birth) / 365.25
    phone = scatter(rows, 1_000_000)
    return pa.table(
        {
            "NOMOR_KK": number_text(families.card[persons.family[rows]]),
            "NIK": number_text(persons.nik[rows]),
            "NAMA_LENGKAP": write_names(tables, persons.words[rows]),
            "KECAMATAN": look_up([place.district_name.upper() for place in places], village),
            "DESA": look_up([place.name.upper() for place in places], village),
            "DUSUN": look_up([f"DUSUN {name}" for name in ("KRAJAN", "SUMBER", "GAYAM", "SALAKAN")], scatter(village + 7, 4)),
            "RT": look_up([f"{number:03d}" for number in range(1, 13)], scatter(persons.family[rows], 12)),
            "JENIS_KELAMIN": look_up(SEXES, persons.sex[rows]),
            "TANGGAL_LAHIR": day_text(birth, DATE_FORM),
            "HUBUNGAN_KEPALA_KELUARGA": look_up(RELATIONS, persons.relation[rows]),
            "STATUS_PERNIKAHAN": look_up(MARITAL, _marital(persons.relation[rows], age, persons.sex[rows], rows)),
            "HP": look_up([f"0812700{number:05d}" for number in range(1000)], np.where(age >= 17, phone % 1000, -1)),
            "EKTP": look_up(("BELUM", "SUDAH"), (age >= 17).astype(np.int64)),
            "AKTE": look_up(("TIDAK ADA", "ADA"), (phone % 10 < 8).astype(np.int64)),
            "PEKERJAAN": look_up(OCCUPATIONS, _occupation(regency, age, rows)),
            "KODE_KABUPATEN": constant(regency.targets.code, len(rows)),
            "KODE_KECAMATAN": look_up([place.district_code for place in places], village),
            "KODE_DESA": look_up([place.code for place in places], village),
            "STATUS_PENDUDUK": look_up(STATUSES, status),
            "TANGGAL_STATUS": day_text(persons.status_day[rows], DATE_FORM, missing=persons.status_day[rows] == 0),
        }
    )


def _marital(relation: Ints, age: Array, sex: Ints, rows: Ints) -> Ints:
    """Positions in MARITAL: spouses and most heads are married, women who head a card are mostly divorced or widowed."""
    alone = np.where(age > 50, 3, np.where(scatter(rows, 10) < 5, 2, 0))
    head = np.where(sex == 1, alone, np.where(age < 23, 0, 1))
    others = np.where(age > 65, 3, 0)
    return np.select([relation == SPOUSE, relation == HEAD], [1, head], others)


def _occupation(regency: Regency, age: Array, rows: Ints) -> Ints:
    """Positions in OCCUPATIONS."""
    any_work = 3 + scatter(rows + 11, 7)
    at_home = (regency.persons.sex[rows] == 1) & (scatter(rows + 13, 10) < 6)
    employed = regency.employment[rows]
    working = np.where(at_home, 2, any_work)
    found = np.select([age < 6, age < 18, age >= 75], [0, 1, 0], working)
    found = np.where((employed == 1) | (employed == 2), 10, np.where(employed == 5, 11, found))
    return np.where(regency.persons.status[rows] == moves.DECEASED, 0, found)

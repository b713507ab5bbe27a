"""The other agencies' deliveries: work, wages, power, cars, school, and the portal's registrations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perlinsos.synthesis import moves, numbers, welfare
from perlinsos.synthesis.draws import Ints
from perlinsos.synthesis.families import HEAD
from perlinsos.synthesis.regency import Regency
from perlinsos.synthesis.text import constant, day_text, look_up, number_text, scatter

DAPODIK, EMIS = 1, 2


@dataclass(frozen=True)
class SignalRows:
    """The facts of one agency about one regency: the person's position and the value's, by row."""

    person: Ints
    value: Ints


def family_heads(regency: Regency) -> Ints:
    """The living head of each card, -1 where it has none in the register."""
    persons = regency.persons
    heads = np.full(len(regency.families.card), -1)
    rows = np.flatnonzero((persons.relation == HEAD) & (persons.status == moves.ACTIVE))
    heads[persons.family[rows]] = rows
    return heads


def reported_here(regency: Regency, rows: SignalRows) -> SignalRows:
    """Without the persons whom another regency shares and whose part of a national delivery has them already."""
    nik = regency.persons.nik[rows.person]
    left = (nik % 10**4 >= numbers.SHARED_SERIAL) & (nik // 10**12 == numbers.digits(regency.targets.code))
    return SignalRows(rows.person[~left], rows.value[~left])


def employment_rows(regency: Regency) -> SignalRows:
    """Those whom the state employs or pensions; the value is the category's number."""
    person = np.flatnonzero(regency.employment > 0)
    return SignalRows(person, regency.employment[person].astype(np.int64) - 1)


def wage_rows(regency: Regency) -> SignalRows:
    """Reported wages in rupiah a month."""
    person = np.flatnonzero(regency.wages > 0)
    return SignalRows(person, regency.wages[person])


def electricity_rows(regency: Regency) -> SignalRows:
    """Installed power of the nine in ten families whose head is the customer."""
    heads = family_heads(regency)
    families = np.flatnonzero((heads >= 0) & (scatter(np.arange(len(heads)) + 31, 10) < 9))
    return SignalRows(heads[families], regency.families.power_va[families])


def car_rows(regency: Regency) -> SignalRows:
    """Cars of the head, in the families that have one."""
    heads = family_heads(regency)
    owns = regency.families.assets[:, welfare.ASSETS.index("mobil")]
    families = np.flatnonzero((heads >= 0) & owns)
    return SignalRows(heads[families], 1 + (scatter(families + 37, 12) == 0))


def pupil_rows(regency: Regency, system: int) -> SignalRows:
    """Pupils by level; three in twenty at madrasahs (EMIS), two in a hundred in neither system."""
    person = np.flatnonzero((regency.facts.level > 0) & (regency.persons.status == moves.ACTIVE))
    drawn = scatter(regency.persons.nik[person], 100)
    in_system = (drawn >= 2) & ((drawn < 17) if system == EMIS else (drawn >= 17))
    person = person[in_system]
    return SignalRows(person, regency.facts.level[person].astype(np.int64))


def registration_rows(regency: Regency) -> SignalRows:
    """Families that registered by their head: the poorer the more often."""
    heads = family_heads(regency)
    share = np.maximum(70 - 6 * regency.families.decile, 8)
    families = np.flatnonzero((heads >= 0) & (scatter(np.arange(len(heads)) + 41, 100) < share))
    return SignalRows(heads[families], families)


def employment_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """BKN."""
    names = [category for category, *_ in welfare.EMPLOYMENT]
    return pa.table(
        {
            "NIK": number_text(regency.persons.nik[rows.person]),
            "KATEGORI": look_up(names, rows.value),
            "PER_TANGGAL": constant(_observed(regency, 20), len(rows.person)),
        }
    )


def wage_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """BPJS Ketenagakerjaan."""
    return pa.table(
        {
            "NIK": number_text(regency.persons.nik[rows.person]),
            "UPAH_SEBULAN": number_text(rows.value),
            "TANGGAL_LAPOR": constant(_observed(regency, 19), len(rows.person)),
        }
    )


def electricity_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """PLN."""
    return pa.table(
        {
            "NIK": number_text(regency.persons.nik[rows.person]),
            "ID_PELANGGAN": number_text(510_070_000_000 + regency.persons.family[rows.person]),
            "DAYA_VA": number_text(rows.value),
            "TANGGAL_DATA": constant(_observed(regency, 20), len(rows.person)),
        }
    )


def car_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """Samsat."""
    return pa.table(
        {
            "NIK": number_text(regency.persons.nik[rows.person]),
            "JUMLAH_MOBIL": number_text(rows.value),
            "TANGGAL_DATA": constant(_observed(regency, 10), len(rows.person)),
        }
    )


def dapodik_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """Dapodik: schools; a third of the seniors at vocational ones."""
    vocational = (rows.value == 3) & (scatter(rows.person + 43, 3) == 0)
    return pa.table(
        {
            "nik_siswa": number_text(regency.persons.nik[rows.person]),
            "jenjang": look_up((None, "SD", "SMP", "SMA", "SMK"), np.where(vocational, 4, rows.value)),
            "tanggal_sinkron": constant(_observed(regency, 50), len(rows.person)),
        }
    )


def emis_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """EMIS: madrasahs."""
    return pa.table(
        {
            "nik": number_text(regency.persons.nik[rows.person]),
            "jenjang": look_up((None, "MI", "MTS", "MA"), rows.value),
            "tanggal": constant(_observed(regency, 50), len(rows.person)),
        }
    )


def registration_table(regency: Regency, rows: SignalRows) -> pa.Table:
    """The portal: three in a hundred do not consent."""
    back = 1 + scatter(rows.person + 47, 45)
    day = (regency.snapshot - date(1970, 1, 1)).days - back
    clock = [f"T{7 + minute // 60:02d}:{minute % 60:02d}:00+07:00" for minute in range(900)]
    moment = pc.binary_join_element_wise(day_text(day, "%Y-%m-%d"), look_up(clock, scatter(rows.person, 900)), "")
    channel = np.array([0, 0, 1, 1, 1, 2])[scatter(rows.person + 53, 6)]
    agents = [f"{number:04d}" for number in range(1, 400)]
    return pa.table(
        {
            "nik": number_text(regency.persons.nik[rows.person]),
            "no_kk": number_text(regency.families.card[rows.value]),
            "waktu_daftar": moment,
            "kanal": look_up(("PORTAL", "AGEN", "DESA"), channel),
            "persetujuan": look_up(("YA", "TIDAK"), (scatter(rows.person + 59, 100) < 3).astype(np.int64)),
            "id_agen": look_up(agents, np.where(channel == 1, scatter(rows.person + 61, len(agents)), -1)),
        }
    )


def _observed(regency: Regency, days_before: int) -> str:
    """The day that a delivery speaks of."""
    return (regency.snapshot - timedelta(days=days_before)).isoformat()


@dataclass(frozen=True)
class SignalSource:
    """How one agency's delivery is made, and the header of its NIK."""

    source: str
    scope: str
    nik_header: str
    rows: Callable[[Regency], SignalRows]
    table: Callable[[Regency, SignalRows], pa.Table]


SIGNAL_SOURCES = (
    SignalSource("bkn-employment", "national", "NIK", employment_rows, employment_table),
    SignalSource("bpjs-ketenagakerjaan-wage", "national", "NIK", wage_rows, wage_table),
    SignalSource("pln-electricity", "national", "NIK", electricity_rows, electricity_table),
    SignalSource("samsat-vehicle", "region", "NIK", car_rows, car_table),
    SignalSource("dapodik-enrolment", "national", "nik_siswa", lambda r: pupil_rows(r, DAPODIK), dapodik_table),
    SignalSource("emis-enrolment", "national", "nik", lambda r: pupil_rows(r, EMIS), emis_table),
    SignalSource("perlinsos-registration", "region", "nik", registration_rows, registration_table),
)

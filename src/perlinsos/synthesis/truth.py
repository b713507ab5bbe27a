"""The truth that no agency has: persons and families with their true ids, and clean canonical inputs for `determine`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perlinsos.synthesis import dtsen, signals, welfare
from perlinsos.synthesis.draws import Array
from perlinsos.synthesis.names import write_names
from perlinsos.synthesis.parameters import Tables
from perlinsos.synthesis.regency import Regency
from perlinsos.synthesis.text import constant, day_text, look_up, number_text

ROW_GROUP = 122_880
STATUSES = ("active", "deceased", "moved")
SIGNAL_CODES = {
    "bkn-employment": "BKN", "bpjs-ketenagakerjaan-wage": "BPJS_KETENAGAKERJAAN", "pln-electricity": "PLN",
    "samsat-vehicle": "SAMSAT", "dapodik-enrolment": "DAPODIK", "emis-enrolment": "EMIS",
}  # fmt: skip
EMPLOYMENT_CODES = (
    "ASN", "ASN", "TNI_POLRI", "TNI_POLRI", "PENSIUNAN", "UPAH_APBN_APBD", "PERANGKAT_DESA", "BUMN_BUMD", "BUMN_BUMD",
    "GURU_SERTIFIKASI", "TENAGA_KESEHATAN", "SDM_KESOS",
)  # fmt: skip
FACT_CODES = {"bpjs-ketenagakerjaan-wage": "WAGE", "pln-electricity": "ELECTRICITY", "samsat-vehicle": "CAR"}


def _dates(values: Array, missing: Array | None = None) -> pa.Array:
    """Days since 1970 as dates."""
    return pa.array(values.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())


def population(regency: Regency, tables: Tables) -> pa.Table:
    """The dataset `population`, clean."""
    persons, places = regency.persons, regency.villages
    village = regency.families.village[persons.family]
    count = len(persons.nik)
    return pa.table(
        {
            "nik": number_text(persons.nik),
            "no_kk": number_text(regency.families.card[persons.family]),
            "name": write_names(tables, persons.words),
            "sex": look_up(("L", "P"), persons.sex),
            "birth_date": _dates(persons.birth),
            "family_relation": pa.array(persons.relation),
            "marital_status": pa.nulls(count, pa.string()),
            "occupation": pa.nulls(count, pa.string()),
            "region_code": constant(regency.targets.code, count),
            "district_code": look_up([place.district_code for place in places], village),
            "village_code": look_up([place.code for place in places], village),
            "status": look_up(STATUSES, persons.status),
            "status_date": _dates(persons.status_day, persons.status_day == 0),
        }
    )


def welfare_family(regency: Regency) -> pa.Table:
    """The dataset `welfare_family`, clean."""
    families, places = regency.families, regency.villages
    rows = dtsen.family_rows(regency)
    village = families.welfare_village[rows]
    housing = {name: families.housing[rows, number] for number, name in enumerate(welfare.HOUSING)}
    codes = [str(code) for code in range(12)]
    return pa.table(
        {
            "no_kk": number_text(families.card[rows]),
            "dtsen_family_id": dtsen.family_ids(regency, rows),
            "dtsen_period": look_up([dtsen.period(regency.snapshot, back) for back in (0, 1)], families.period[rows]),
            "decile": pa.array(families.decile[rows]),
            "national_rank": pa.array(families.rank[rows]),
            "region_code": constant(regency.targets.code, len(rows)),
            "district_code": look_up([place.district_code for place in places], village),
            "village_code": look_up([place.code for place in places], village),
            "floor": look_up(codes, housing["jenis_lantai_terluas"]),
            "wall": look_up(codes, housing["jenis_dinding_terluas"]),
            "roof": look_up(codes, housing["jenis_atap_terluas"]),
            "electricity_va": pa.array(families.power_va[rows]),
        }
    )


def welfare_person(regency: Regency, tables: Tables) -> pa.Table:
    """The dataset `welfare_person`, clean."""
    persons, known, facts = regency.persons, regency.welfare_persons, regency.facts
    pregnancy = facts.pregnancy[known.person].astype(np.int64)
    return pa.table(
        {
            "nik": number_text(persons.nik[known.person]),
            "no_kk": number_text(regency.families.card[known.family]),
            "name": write_names(tables, persons.words[known.person]),
            "sex": look_up(("L", "P"), persons.sex[known.person]),
            "birth_date": _dates(persons.birth[known.person]),
            "family_relation": pa.array(known.relation),
            "disability": look_up(("none", "mild", "severe"), facts.disability[known.person]),
            "is_pregnant": pa.array(pregnancy > 0),
            "pregnancy_number": pa.array(pregnancy, mask=pregnancy == 0),
            "school_level": look_up((None, "SD", "SMP", "SMA"), facts.level[known.person]),
        }
    )


def signal(regency: Regency) -> pa.Table:
    """The dataset `signal` of all agencies, clean."""
    parts = []
    for source in signals.SIGNAL_SOURCES:
        if source.source not in SIGNAL_CODES:
            continue
        rows = source.rows(regency)
        delivered = source.table(regency, rows)
        count = delivered.num_rows
        if source.source == "bkn-employment":
            code, value = look_up(EMPLOYMENT_CODES, rows.value), constant("true", count)
        elif source.source in FACT_CODES:
            code, value = constant(FACT_CODES[source.source], count), number_text(rows.value)
        else:
            code, value = constant("ENROLLED", count), look_up((None, "SD", "SMP", "SMA"), rows.value)
        day = pc.cast(delivered.column(delivered.num_columns - 1), pa.date32())
        agency = constant(SIGNAL_CODES[source.source], count)
        columns = {"nik": delivered.column(0), "source": agency, "code": code, "value": value, "observed_on": day}
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def registration(regency: Regency) -> pa.Table:
    """The dataset `registration`, clean."""
    delivered = signals.registration_table(regency, signals.registration_rows(regency))
    moment = pc.cast(delivered.column("waktu_daftar"), pa.timestamp("us", tz="UTC"))
    words = pa.array(["portal", "agent", "village"])
    channel = pc.take(words, pc.index_in(delivered.column("kanal"), value_set=pa.array(["PORTAL", "AGEN", "DESA"])))
    return pa.table(
        {
            "nik": delivered.column("nik"),
            "no_kk": delivered.column("no_kk"),
            "registered_at": moment,
            "channel": channel,
            "consent": pc.equal(delivered.column("persetujuan"), "YA"),
            "agent_id": delivered.column("id_agen"),
        }
    )


def write_canonical(regency: Regency, tables: Tables, out: Path) -> None:
    """`out/canonical/<region>/<dataset>.parquet`: what `perlinsos determine` reads, without any error."""
    folder = out / "canonical" / regency.targets.code
    folder.mkdir(parents=True, exist_ok=True)
    makers: dict[str, Callable[[], pa.Table]] = {
        "population": partial(population, regency, tables),
        "welfare_family": partial(welfare_family, regency),
        "welfare_person": partial(welfare_person, regency, tables),
        "signal": partial(signal, regency),
        "registration": partial(registration, regency),
    }
    for name, make in makers.items():
        pq.write_table(make(), folder / f"{name}.parquet", compression="zstd", row_group_size=ROW_GROUP)


def true_persons(regency: Regency) -> pa.Table:
    """One row a row of the register; `person_id` is the person's, whichever regency's register the row is of."""
    persons = regency.persons
    count = len(persons.nik)
    return pa.table(
        {
            "person_id": pc.binary_join_element_wise("P", number_text(persons.nik), "-"),
            "region_code": constant(regency.targets.code, count),
            "nik": number_text(persons.nik),
            "family_id": pa.array(persons.family),
            "no_kk": number_text(regency.families.card[persons.family]),
            "sex": look_up(("L", "P"), persons.sex),
            "birth_date": day_text(persons.birth, "%Y-%m-%d"),
            "status": look_up(STATUSES, persons.status),
            "is_shared": pa.array(persons.nik % 10000 >= 9500),
            "is_base": pa.array(np.arange(count) < regency.base_persons),
        }
    )


def true_families(regency: Regency) -> pa.Table:
    """One row a card."""
    families = regency.families
    return pa.table(
        {
            "family_id": pa.array(np.arange(len(families.card))),
            "region_code": constant(regency.targets.code, len(families.card)),
            "no_kk": number_text(families.card),
            "true_decile": pa.array(families.true_decile),
            "dtsen_decile": pa.array(families.decile),
            "is_poor": pa.array(families.is_poor),
            "electricity_va": pa.array(families.power_va),
            "is_listed": pa.array(families.is_listed),
            "is_base": pa.array(np.arange(len(families.card)) < regency.base_families),
        }
    )

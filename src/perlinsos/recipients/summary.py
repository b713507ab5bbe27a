"""The summary of a determination: counts by outcome and reason, amounts, funnel, digests."""

from __future__ import annotations

import platform
from typing import Any

import duckdb
import pyarrow as pa

from perlinsos import __version__
from perlinsos.recipients.rules import ProgrammeInForce

OUTCOMES = ("LAYAK", "ANTREAN", "TIDAK_LAYAK", "TUNDA")


def summarise_programme(connection: duckdb.DuckDBPyConnection, programme: ProgrammeInForce) -> dict[str, Any]:
    """Unit, outcomes, reasons and amounts of one programme; of one for persons the outcomes count persons."""
    code = [programme.code]
    outcomes = dict.fromkeys(OUTCOMES, 0) | dict(
        connection.execute(
            "select outcome, count(*) from decision where cast(programme as varchar) = $1 group by outcome", code
        ).fetchall()
    )
    reasons = connection.execute(
        "select r.code, sum(m.families)::bigint from "
        "(select reasons, count(*) as families from decision where cast(programme as varchar) = $1 group by reasons) as m "
        "inner join rule_reason as r on m.reasons & reason_bit(r.code) <> 0 group by r.code order by r.code",
        code,
    ).fetchall()
    amounts = connection.execute(
        "select coalesce(sum(amount_year_idr), 0)::bigint, coalesce(sum(amount_stage_idr), 0)::bigint "
        "from decision where cast(programme as varchar) = $1 and outcome = 'LAYAK'",
        code,
    ).fetchall()[0]
    return {
        "unit": programme.programme.unit,
        "outcomes": outcomes,
        "reasons": dict(reasons),
        "amount_year_idr": amounts[0],
        "amount_stage_idr": amounts[1],
    }


def summarise_funnel(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Families seen = placed elsewhere + PINDAH + TIDAK_MENDAFTAR + decided."""
    counts = dict(connection.execute("select kind, count(*) from family_not_decided group by all").fetchall())
    counts["decided"] = connection.execute("select count(*) from family").fetchall()[0][0]
    return {
        "families_seen": sum(counts.values()),
        "elsewhere": counts.get("ELSEWHERE", 0),
        "PINDAH": counts.get("PINDAH", 0),
        "TIDAK_MENDAFTAR": counts.get("TIDAK_MENDAFTAR", 0),
        "decided": counts["decided"],
    }


def ignored_codes(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Signal codes that the rules do not know, with their rows; an empty code counts under the empty text."""
    rows = connection.execute(
        "select coalesce(code, '') as word, count(*) from input_signal "
        "where code is null or code not in (select code from rule_signal) group by word order by word"
    ).fetchall()
    return dict(rows)


def versions() -> dict[str, str]:
    """The program and what it computes with."""
    return {
        "perlinsos": __version__,
        "duckdb": duckdb.__version__,
        "pyarrow": pa.__version__,
        "python": platform.python_version(),
    }

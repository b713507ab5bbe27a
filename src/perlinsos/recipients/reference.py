"""Quotas and minimum wages of one list, taken from their reference tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from perlinsos.errors import Refused
from perlinsos.model.stages import Stage


@dataclass(frozen=True)
class MinimumWage:
    """The wages of a region on a day; None where there is none."""

    umk_idr: int | None
    ump_idr: int | None

    def limit(self, reference: str) -> int | None:
        """The UMK, where there is none the UMP; with `ump` the other way round."""
        first, second = (self.umk_idr, self.ump_idr) if reference == "umk" else (self.ump_idr, self.umk_idr)
        return second if first is None else first


def read_minimum_wage(connection: duckdb.DuckDBPyConnection, region: str, as_of: date) -> MinimumWage:
    """The row of the region and the year of as_of with the newest first day up to as_of. Two of one day: Refused."""
    rows = connection.execute(
        "select coalesce(valid_from, make_date($2, 1, 1)) as first_day, umk_idr, ump_idr from input_minimum_wage "
        "where region_code = $1 and year = $2 order by first_day",
        [region, as_of.year],
    ).fetchall()
    days = [row[0] for row in rows]
    if len(set(days)) != len(days):
        raise Refused(
            "Two minimum wages hold from the same day",
            where=f"minimum_wage, region {region}, year {as_of.year}",
            remedy="keep the row of the decree that holds",
        )
    begun = [row for row in rows if row[0] <= as_of]
    return MinimumWage(begun[-1][1], begun[-1][2]) if begun else MinimumWage(None, None)


def read_quota(connection: duckdb.DuckDBPyConnection, region: str, programme: str, stage: Stage) -> tuple[int, str] | None:
    """The quota of a list and its decree; None without a row. Refused where it is null, negative or there twice."""
    rows = connection.execute(
        "select quota, decree_id from input_quota where region_code = $1 and programme = $2 and stage = $3",
        [region, programme, str(stage)],
    ).fetchall()
    if not rows:
        return None
    if len(rows) > 1 or rows[0][0] is None or rows[0][0] < 0:
        why = "it stands there twice" if len(rows) > 1 else "it is empty or negative"
        raise Refused(
            "A quota cannot be used", where=f"quota, {stage}/{region}/{programme}", why=why,
            remedy="keep one row with a number from 0",
        )  # fmt: skip
    return int(rows[0][0]), rows[0][1]


def refuse_wage_without_limit(connection: duckdb.DuckDBPyConnection, region: str, as_of: date) -> None:
    """Refused where no minimum wage is known and a member of a decided family has a wage."""
    rows = connection.execute(
        "select count(*) from signal_fact as s semi join member as m on m.nik = s.nik where s.code = 'WAGE'::signal_code"
    ).fetchall()
    if rows[0][0]:
        raise Refused(
            "No minimum wage is known for this region and year",
            where=f"minimum_wage, region {region}, year {as_of.year}",
            why="members have a reported wage, which cannot be judged",
            remedy="add a row with umk_idr or ump_idr that is in force on that day",
        )

"""Two regions know some of the same families: moved, in both registers, or with a person on two cards."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest


@pytest.fixture(scope="module")
def register(world: Path) -> duckdb.DuckDBPyConnection:
    """View `shared`: the persons who stand in both registers, side by side."""
    connection = duckdb.connect()
    connection.execute(
        f"""
        create view register as select * from read_parquet('{world}/canonical/*/population.parquet');
        create view shared as
        select there.nik, there.no_kk as origin_card, there.status as origin_status, here.no_kk as new_card,
               here.status as new_status, there.status_date as origin_date, here.status_date as new_date
        from register as there
        inner join register as here using (nik)
        where there.region_code = '35.10' and here.region_code = '35.09'
        """
    )
    return connection


def _count(register: duckdb.DuckDBPyConnection, condition: str) -> int:
    ((count,),) = register.execute(f"select count(*) from shared where {condition}").fetchall()
    return int(count)


def test_families_moved_from_one_region_to_the_other(register: duckdb.DuckDBPyConnection) -> None:
    assert _count(register, "origin_status = 'moved' and new_status = 'active' and origin_card <> new_card") == 48


def test_families_stand_in_both_registers_on_one_card(register: duckdb.DuckDBPyConnection) -> None:
    both = "origin_status = 'active' and new_status = 'active' and origin_card = new_card"
    assert _count(register, both) == 21
    assert _count(register, f"{both} and new_date > origin_date") == 21


def test_persons_are_active_on_a_card_in_each_region(register: duckdb.DuckDBPyConnection) -> None:
    assert _count(register, "origin_status = 'active' and new_status = 'active' and origin_card <> new_card") == 7


def test_a_card_of_both_welfare_files_has_two_periods(world: Path) -> None:
    rows = duckdb.sql(
        f"""
        select no_kk, list(dtsen_period order by dtsen_period) as periods
        from read_parquet('{world}/canonical/*/welfare_family.parquet') group by no_kk having count(*) > 1
        """
    ).fetchall()
    assert len(rows) == 7
    assert {tuple(periods) for _, periods in rows} == {("2025-Q3", "2025-Q4")}

"""The audit chain: append-only, and a change shows."""

import psycopg2
import pytest

from perlinsos.ledger.connection import call, fetch_rows, transaction


def test_every_act_appends_and_the_chain_holds(settings, cycle):
    with transaction(settings, "reader") as connection:
        actions = [row["action"] for row in fetch_rows(connection, "select action from audit order by audit_id")]
        assert actions == ["add_region", "add_cycle", "move_list", "move_list"]
        assert call(connection, "find_audit_break", []) is None


def test_even_the_superuser_cannot_change_a_row_by_accident(database_url, cycle):
    connection = psycopg2.connect(database_url)
    with pytest.raises(psycopg2.Error, match="append-only"):
        connection.cursor().execute("update perlinsos.audit set actor = 'nobody'")
    connection.close()


def test_a_forged_row_breaks_the_chain_where_it_stands(settings, database_url, cycle):
    connection = psycopg2.connect(database_url)
    cursor = connection.cursor()
    cursor.execute("alter table perlinsos.audit disable trigger user")
    cursor.execute("update perlinsos.audit set detail = '{}' where audit_id = 2")
    connection.commit()
    connection.close()
    with transaction(settings, "reader") as connection:
        assert call(connection, "find_audit_break", []) == 2

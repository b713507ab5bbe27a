"""Connections that a step keeps: each block is one transaction, in its role, also after the server ended the connection."""

from contextlib import closing

import psycopg2
import pytest

from perlinsos.errors import Refused
from perlinsos.ledger import records
from perlinsos.ledger.connection import KeptConnections, fetch_rows, transaction

from .records_of_tests import make_cycle, make_region

_WHO = "select pg_backend_pid() as pid, current_user as role, current_setting('perlinsos.actor') as actor"


@pytest.fixture
def kept(settings):
    """Kept connections of one step."""
    with closing(KeptConnections(settings, actor="a run")) as found:
        yield found


def ask(kept, role="reader"):
    """Who a transaction of a role is."""
    with kept.transaction(role) as connection:
        return fetch_rows(connection, _WHO)[0]


def test_a_role_keeps_its_connection_and_each_role_has_its_own(kept):
    first = ask(kept)
    assert (first["role"], first["actor"]) == ("perlinsos_reader", "a run")
    assert ask(kept) == first
    other = ask(kept, "decider")
    assert other["role"] == "perlinsos_decider" and other["pid"] != first["pid"]


def test_what_raises_is_rolled_back_and_what_ends_is_seen_by_others(kept, settings):
    with pytest.raises(ValueError, match="a fault"), kept.transaction("registrar") as connection:
        records.add_region(connection, make_region())
        raise ValueError("a fault")
    with pytest.raises(Refused), kept.transaction("registrar") as connection:
        records.add_cycle(connection, make_cycle())  # its region is not there
    with kept.transaction("registrar") as connection:
        records.add_region(connection, make_region())
    with transaction(settings, "reader") as connection:
        assert len(fetch_rows(connection, "select region_code from region")) == 1


def test_a_connection_that_the_server_ended_is_replaced(kept, database_url):
    first = ask(kept)
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", [first["pid"]])
    again = ask(kept)
    assert again["pid"] != first["pid"] and again["role"] == first["role"]


def test_two_transactions_of_one_role_at_once_do_not_share(kept):
    with kept.transaction("reader") as one, kept.transaction("reader") as two:
        assert one is not two
    assert ask(kept)["role"] == "perlinsos_reader"


def test_after_the_step_no_connection_is_left(settings, database_url):
    kept = KeptConnections(settings)
    pids = [ask_pid(kept, role) for role in ("reader", "decider")]
    kept.close()
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        for _ in range(100):  # the server ends a backend soon after its client is gone
            cursor.execute("select count(*), pg_sleep(0.1) from pg_stat_activity where pid = any (%s)", [pids])
            if cursor.fetchone()[0] == 0:
                return
            connection.rollback()
    pytest.fail("a connection is left")


def ask_pid(kept, role):
    """The server's process of a role's connection."""
    with kept.transaction(role) as connection:
        return fetch_rows(connection, "select pg_backend_pid() as pid")[0]["pid"]

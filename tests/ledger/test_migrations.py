"""The schema's migrations: once each, in order, never rewritten."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from perlinsos.errors import Conflict, Unreachable
from perlinsos.ledger.connection import connect, fetch_rows
from perlinsos.ledger.migrations import migrate, read_migrations
from perlinsos.settings import Settings, find_project

FOLDER = find_project() / "sql" / "schema"


def test_a_second_migration_finds_nothing_to_do(database_url):
    connection = psycopg2.connect(database_url)
    assert migrate(connection, FOLDER) == []
    connection.close()


def test_two_that_migrate_at_once_apply_each_file_once(new_database):
    url = new_database()

    def run(_):
        connection = psycopg2.connect(url)
        try:
            return migrate(connection, FOLDER)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(run, range(2)))
    assert sorted(applied, key=len) == [[], [m.name for m in read_migrations(FOLDER)]]


def test_a_changed_file_is_named(database_url, tmp_path):
    shutil.copytree(FOLDER, tmp_path / "schema")
    changed = tmp_path / "schema" / "0002_regions_cycles_decrees.sql"
    changed.write_text(changed.read_text() + "-- later thought\n")
    connection = psycopg2.connect(database_url)
    with pytest.raises(Conflict, match=r"0002_regions_cycles_decrees\.sql was changed"):
        migrate(connection, tmp_path / "schema")
    connection.close()


def test_no_ledger_is_exit_3(tmp_path):
    with pytest.raises(Unreachable, match="no ledger is configured"):
        connect(Settings(tmp_path, find_project()), "reader")


def test_a_ledger_that_does_not_answer_is_exit_3_without_its_password(tmp_path):
    url = "postgresql://somebody:top-secret@127.0.0.1:1/perlinsos"
    with pytest.raises(Unreachable) as error:
        connect(Settings(tmp_path, find_project(), database_url=url), "reader")
    assert "top-secret" not in str(error.value) and "127.0.0.1:1/perlinsos" in str(error.value)


def test_no_role_may_write_a_table(settings):
    for role in ("registrar", "loader", "decider", "publisher", "approver_region", "approver_centre", "reader"):
        connection = connect(settings, role)
        rows = fetch_rows(
            connection,
            "select relname from pg_class where relnamespace = 'perlinsos'::regnamespace and relkind = 'r' and ("
            "has_table_privilege(oid, 'insert') or has_table_privilege(oid, 'update') "
            "or has_table_privilege(oid, 'delete') or has_table_privilege(oid, 'truncate'))",
        )
        assert rows == [], role
        connection.close()


def test_a_reader_may_call_only_what_changes_nothing(settings):
    connection = connect(settings, "reader")
    rows = fetch_rows(
        connection,
        "select proname from pg_proc where pronamespace = 'perlinsos'::regnamespace "
        "and has_function_privilege(oid, 'execute') order by proname",
    )
    assert [row["proname"] for row in rows] == ["calling_role", "decrees_in_force", "find_audit_break"]
    connection.close()

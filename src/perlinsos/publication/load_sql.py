"""`load.sql`: what loads `recipients.csv.gz` into PostgreSQL with types, key and comments, made from the schema.

It reads revision, status and digest from `manifest.json` beside it, so it is the same file for a proposed and a final
revision; it refuses a simulation, an older revision, and rows that are not as many as the manifest says or do not sum to
its rupiah, outcome by outcome.
"""

from __future__ import annotations

from perlinsos.publication.manifest import AMOUNTS
from perlinsos.publication.schema import SCHEMA_VERSION, Field, Profile, fields_of

_TYPES = {"text": "text", "int64": "bigint", "date": "date", "bool": "boolean", "list<text>": "text[]"}

_HEAD = r"""-- Loads this list into PostgreSQL 15 or newer. Run in this folder:  psql -d DATABASE -f load.sql
--   -v schema=NAME           the schema of the tables (default perlinsos)
--   -v plain=1               where there is no gzip: unpack recipients.csv.gz to recipients.csv first
--   -v allow_simulation=1    load a simulation all the same, which is no list
-- The list's rows are replaced as a whole, or nothing is changed. An older revision than the loaded one is refused.
\set ON_ERROR_STOP on
\if :{?schema}
\else
\set schema perlinsos
\endif
begin;
set local client_min_messages = warning;
set local client_encoding = 'UTF8';
set local datestyle = 'ISO';
create schema if not exists :"schema";
set local search_path = :"schema", pg_temp;
\if :{?allow_simulation}
set local perlinsos.allow_simulation = 'yes';
\endif

create table if not exists loaded_list (
    list_id text primary key,
    revision int not null,
    status text not null,
    list_digest text not null,
    as_of date not null,
    loaded_at timestamptz not null default now()
);
"""
_ARRIVE = r"""
create temp table manifest_line (number bigint generated always as identity, line text) on commit drop;
\copy manifest_line (line) from 'manifest.json' with (format csv, delimiter E'\x01', quote E'\x02')
create temp table manifest on commit drop as
select string_agg(line, E'\n' order by number)::jsonb as document from manifest_line;
"""
_COPY = r"""\if :{?plain}
\copy arrived from 'recipients.csv' with (format csv, header match)
\else
\copy arrived from program 'gzip -dc recipients.csv.gz' with (format csv, header match)
\endif
"""
_CHECK = r"""
do $check$
declare
    manifest jsonb := (select m.document from pg_temp.manifest as m);
    file jsonb := (select f from jsonb_array_elements(manifest -> 'files') as f where f ->> 'path' = 'recipients.csv.gz');
    unequal text;
    newest int := (select revision from loaded_list where list_id = manifest ->> 'list_id');
begin
    if manifest ->> 'status' = 'simulation' and coalesce(current_setting('perlinsos.allow_simulation', true), '') <> 'yes' then
        raise exception 'SIMULASI / SIMULATION: % is no list', manifest ->> 'list_id'
            using hint = 'never pay by it; to load it all the same: -v allow_simulation=1';
    end if;
    if newest > (manifest ->> 'revision')::int then
        raise exception 'revision % of % is loaded already, this is revision %',
            newest, manifest ->> 'list_id', manifest ->> 'revision';
    end if;
    if (select count(*) from pg_temp.arrived) <> (file ->> 'rows')::bigint then
        raise exception 'the CSV has % rows, the manifest says %', (select count(*) from pg_temp.arrived), file ->> 'rows';
    end if;
    if exists (select from pg_temp.arrived where list_id is distinct from manifest ->> 'list_id') then
        raise exception 'the CSV holds rows of another list than the manifest';
    end if;
    select string_agg(outcome, ', ' order by outcome) into unequal
    from (
        select key as outcome, PROMISED
        from jsonb_each(manifest -> 'outcomes')ONLY
    ) as promised
    full join (
        select outcome, FOUND
        from pg_temp.arrived
        group by outcome
    ) as found using (outcome)
    where UNEQUAL;
    if unequal is not null then
        raise exception 'the rows of % do not sum to the manifest''s totals', unequal
            using hint = 'the CSV was changed after it was published: fetch it again, and verify it';
    end if;
end
$check$;

delete from recipients where list_id = (select document ->> 'list_id' from pg_temp.manifest);
insert into loaded_list (list_id, revision, status, list_digest, as_of)
select document ->> 'list_id', (document ->> 'revision')::int, document ->> 'status', document ->> 'list_digest',
    (document ->> 'as_of')::date
from pg_temp.manifest
on conflict (list_id) do update set revision = excluded.revision, status = excluded.status,
    list_digest = excluded.list_digest, as_of = excluded.as_of, loaded_at = now();
"""


def write_load_sql(profile: Profile) -> str:
    """The text of `load.sql` for a profile's columns."""
    fields = fields_of(profile)
    parts = [
        _HEAD,
        _create_table(fields, profile.key),
        _ARRIVE,
        _create_arrived(fields),
        _COPY,
        _check(profile, [field.name for field in fields if field.name in AMOUNTS]),
        _insert(fields),
        "commit;\n",
    ]
    return "".join(parts)


def _create_table(fields: tuple[Field, ...], key: tuple[str, ...]) -> str:
    """The table, columns that a later version added, and a comment for each."""
    lines = ",\n".join(f"    {_define(field)}" for field in fields)
    unique = f",\n    unique nulls not distinct ({', '.join(key)})" if key else ""
    added = "".join(f"alter table recipients add column if not exists {field.name} {_TYPES[field.kind]};\n" for field in fields)
    about = _quoted(f"Recipients of social assistance, schema {SCHEMA_VERSION}")
    comments = "".join(
        f"comment on column recipients.{field.name} is {_quoted(f'{field.meaning_id} / {field.meaning_en}')};\n"
        for field in fields
    )
    table = f"create table if not exists recipients (\n{lines}{unique}\n);\n"
    return f"{table}{added}create index if not exists recipients_list on recipients (list_id);\n" + (
        f"comment on table recipients is {about};\n{comments}"
    )


def _define(field: Field) -> str:
    references = " references loaded_list" if field.name == "list_id" else ""
    return f"{field.name} {_TYPES[field.kind]}{'' if field.is_nullable else ' not null'}{references}"


def _check(profile: Profile, amounts: list[str]) -> str:
    """What is compared with the manifest; its outcomes are those of the whole list, the rows those of the profile."""
    promised = ["(value ->> 'rows')::bigint as rows_promised", *(f"(value ->> '{name}')::bigint as {name}" for name in amounts)]
    found = ["count(*) as rows_found", *(f"sum({name}::bigint) as found_{name}" for name in amounts)]
    pairs = [("rows_promised", "rows_found"), *((f"promised.{name}", f"found.found_{name}") for name in amounts)]
    only = f"\n        where key in ({', '.join(map(_quoted, profile.outcomes))})" if profile.outcomes else ""
    unequal = "\n        or ".join(f"coalesce({one}, 0) <> coalesce({other}, 0)" for one, other in pairs)
    parts = {"PROMISED": ", ".join(promised), "ONLY": only, "FOUND": ", ".join(found), "UNEQUAL": unequal}
    text = _CHECK
    for place, part in parts.items():
        text = text.replace(place, part)
    return text


def _create_arrived(fields: tuple[Field, ...]) -> str:
    names = ", ".join(f"{field.name} text" for field in fields)
    return f"create temp table arrived ({names}) on commit drop;\n"


def _insert(fields: tuple[Field, ...]) -> str:
    names = ", ".join(field.name for field in fields)
    values = ", ".join(_cast(field) for field in fields)
    return f"insert into recipients ({names})\nselect {values}\nfrom pg_temp.arrived;\n"


def _cast(field: Field) -> str:
    if field.kind == "list<text>":
        return f"string_to_array({field.name}, '|')"
    return field.name if field.kind == "text" else f"{field.name}::{_TYPES[field.kind]}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

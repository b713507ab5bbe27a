"""Fill a ledger with invented regions, stages, lists and troubles, for measuring and looking at the pages. No persons."""

from __future__ import annotations

import csv

from perlinsos.ledger.connection import connect
from perlinsos.settings import Settings

STAGES = ("2024-T2", "2024-T3", "2024-T4", "2025-T1", "2025-T2", "2025-T3", "2025-T4", "2026-T1")
PROGRAMMES = ("bpnt", "pkh")
_STATEMENTS = (
    "insert into record values (%(digest)s, 'region', 'invented') on conflict do nothing",
    "insert into input_set values (%(digest)s, '{}') on conflict do nothing",
    """insert into region select c.code, c.name, 'WIB', '{bpnt,pkh}', 'population', '{}', %(digest)s
        from unnest(%(codes)s, %(names)s) as c (code, name)""",
    """insert into cycle (cycle_id, region_code, stage, purpose, cut_off, required, announce_at, window_months,
            lottery_seed_rule, settings, record_digest)
        select s.stage || '/' || r.region_code, r.region_code, s.stage,
            case when s.stage = %(newest)s then 'live' else 'backfill' end, current_date + (s.number - 8)::int * 91 - 20,
            '[{"source": "pln-electricity", "max_age_days": 100}]', now() - interval '10 days', 1, 'none', '{}', %(digest)s
        from region as r cross join unnest(%(stages)s) with ordinality as s (stage, number)""",
    "insert into cycle_input_set select cycle_id, 1, repeat('7', 64), 'cut-off', now() - interval '9 days' from cycle",
    """insert into work (kind, region_code, stage, purpose, input_set_digest, statuses, state, error)
        select 'determine', region_code, stage, purpose, %(digest)s, '{}',
            case when hashtext(cycle_id) %% 50 = 0 then 'failed' else 'done' end,
            case when hashtext(cycle_id) %% 50 = 0 then '{"what": "the determination lacks summary.json"}'::jsonb end
        from cycle""",
    """insert into list select c.stage || '/' || c.region_code || '/' || p.programme, c.cycle_id, c.region_code, c.stage,
            p.programme, case when c.purpose = 'live' then 'provisional' else 'simulation' end::list_state
        from cycle as c cross join unnest(%(programmes)s) as p (programme)""",
    """insert into list_step (list_id, from_state, to_state, reason, at)
        select list_id, 'planned', 'collecting', 'invented', now() - interval '12 days' from list""",
    """insert into objection_window select list_id, 1, 1, now() - interval '8 days',
            now() + interval '1 hour' * (24 + abs(hashtext(list_id)) %% 20 * 12), 'WIB', null
        from list where state = 'provisional'""",
    """insert into list_revision (list_id, track, revision, status, list_digest, input_set_digest, state, work_id, fence,
            manifest_key, manifest_sha256, rows, published_at)
        select l.list_id, case when l.state = 'simulation' then 'simulation' else 'list' end, 1, l.state::text, %(digest)s,
            %(digest)s, 'published', w.work_id, 1, 'invented', %(digest)s, '{}', now() - interval '9 days'
        from list as l join work as w using (region_code, stage)""",
    """insert into delivery (source_id, scope, snapshot_date, landing_prefix, content_digest, state, error_code, error,
            landed_at, judged_at)
        select 'dukcapil-population', region_code, current_date - 30, 'dukcapil-population/' || region_code || '/x/', %(digest)s,
            'refused', 'delivery_refused', '{"what": "columns are missing: sex (from ''JK'')", "where": "00001-part.csv"}',
            now() - interval '1 day', now() - interval '1 day'
        from region where hashtext(region_code) %% 12 = 0""",
)


def fill_ledger(settings: Settings, *, regions: int = 514, stages: int = 8) -> int:
    """Fill an empty, migrated ledger; gives the number of regions. The login must be the one that migrated it."""
    with (settings.folder("reference") / "regions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["level"] == "regency"][:regions]
    values = {
        "codes": [row["code"] for row in rows],
        "names": [row["name"] for row in rows],
        "stages": list(STAGES[-stages:]),
        "newest": STAGES[-1],
        "programmes": list(PROGRAMMES),
        "digest": "7" * 64,
    }
    connection = connect(settings)
    with connection.cursor() as cursor:
        cursor.execute("set role perlinsos_owner")
        cursor.execute("set search_path to perlinsos")
        for statement in _STATEMENTS:
            cursor.execute(statement, values)
    connection.commit()
    connection.close()
    return len(rows)

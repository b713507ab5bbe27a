-- When work was last called for, so that a tick does not call for it again while somebody may be on the way.
set local role perlinsos_owner;

alter table perlinsos.work add column emitted_at timestamptz;   -- the dispatch time of the last call

-- The keys that a dispatch at `moment` calls for: due work not called for within the lease, and expired claims; live
-- before backfill. A second dispatch at the same moment gives the same. At most `backfills` backfills are on the way.
create function perlinsos.emit_work(wanted_kind text, moment timestamptz, lease_seconds int, backfills int)
returns setof text language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    on_the_way int;
begin
    perform pg_advisory_xact_lock(7001, 2);
    select count(*) into on_the_way from work
    where kind = wanted_kind and purpose = 'backfill' and (
        (state = 'claimed' and lease_until > clock_timestamp())
        or (state = 'due' and emitted_at < moment and emitted_at > moment - make_interval(secs => lease_seconds)));
    return query
    with callable as (
        select work_id, purpose,
            row_number() over (partition by purpose order by stage, region_code, work_id) as place
        from work
        where kind = wanted_kind
            and (state = 'due' or (state = 'claimed' and lease_until <= clock_timestamp()))
            and (emitted_at is null or emitted_at >= moment
                or emitted_at <= moment - make_interval(secs => lease_seconds))
    ), called as (
        update work set emitted_at = moment
        from callable
        where work.work_id = callable.work_id
            and (callable.purpose = 'live' or callable.place <= greatest(backfills - on_the_way, 0))
        returning work.region_code || '|' || work.stage as key, work.purpose, work.stage, work.region_code
    )
    select key from called order by purpose desc, stage, region_code;
end
$$;

-- One dispatch at a time for a cycle; the other waits.
create function perlinsos.lock_cycle(id text) returns void language sql as $$
    select pg_advisory_xact_lock(7002, hashtext(id))
$$;

grant execute on function perlinsos.lock_cycle(text) to perlinsos_decider;
grant execute on function perlinsos.emit_work(text, timestamptz, int, int) to perlinsos_decider;

reset role;

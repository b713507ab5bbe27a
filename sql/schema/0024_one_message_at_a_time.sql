-- Messages are taken and settled one at a time: a watcher that dies holds back the one that it was sending, and not for ever.
set local role perlinsos_owner;

-- When its message was last taken; null where none is under way or failed.
alter table perlinsos.alert add column taken_at timestamptz;

drop function perlinsos.take_alert_messages();
drop function perlinsos.settle_alert_messages(bigint[], text, text);

-- Gives back messages whose watcher took them so long ago that it must have died. What is over meanwhile is not told.
-- The time is the run's, or the clock's where that is later: a run of the past takes nothing from one that is at work.
create function perlinsos.release_alert_messages(moment timestamptz, seconds double precision) returns int
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    latest timestamptz := greatest(moment, clock_timestamp()) - make_interval(secs => seconds);
    released int;
begin
    perform pg_advisory_xact_lock(7001, 3);
    update alert set
        opening = case when opening <> 'taken' then opening when resolved_at is null then 'waiting' else 'left_out' end,
        ending = case when opening = 'taken' then case when resolved_at is null then ending else 'left_out' end
            when ending = 'taken' then 'waiting' else ending end
    where 'taken' in (opening, ending) and (taken_at is null or taken_at < latest);
    get diagnostics released = row_count;
    return released;
end
$$;

-- Takes one message, which may be about several alerts: all of them or none. True where the caller has it now, and nobody else.
create function perlinsos.take_alert_message(ids bigint[], phase text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    perform pg_advisory_xact_lock(7001, 3);
    if exists (select from alert where alert_id = any (ids) and not case phase
            when 'opening' then opening = 'waiting' and resolved_at is null
            else ending = 'waiting' and opening = 'sent' and resolved_at is not null end) then
        return false;
    end if;
    update alert set
        opening = case when phase = 'opening' then 'taken' else opening end,
        ending = case when phase = 'ending' then 'taken' else ending end,
        taken_at = greatest(moment, clock_timestamp())
    where alert_id = any (ids);
    return true;
end
$$;

-- What became of a message that was taken: sent, or to be tried again; `note` says who had it not and why. A word of the
-- beginning that nobody had before the end is left out together with that of the end.
create function perlinsos.settle_alert_message(ids bigint[], phase text, was_sent boolean, note text) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    update alert set
        opening = case when phase <> 'opening' then opening when was_sent then 'sent'
            when opening <> 'taken' then opening when resolved_at is null then 'waiting' else 'left_out' end,
        ending = case
            when phase = 'opening' then case
                when was_sent or opening <> 'taken' or resolved_at is null then ending else 'left_out' end
            when was_sent then 'sent'
            when ending = 'taken' then 'waiting'
            else ending end,
        taken_at = case when was_sent then null else taken_at end,
        send_error = note
    where alert_id = any (ids)
$$;

grant execute on function perlinsos.release_alert_messages(timestamptz, double precision),
    perlinsos.take_alert_message(bigint[], text, timestamptz),
    perlinsos.settle_alert_message(bigint[], text, boolean, text) to perlinsos_watcher;

reset role;

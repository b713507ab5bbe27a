-- Grain: one card that has a welfare row and no members.
create temp table card_without_members as
select no_kk from welfare_row where no_kk not in (select no_kk from card);

-- Grain: one person (NIK) of such a card: of its welfare_person rows and of all
-- register rows on that card that are there on as_of.
create temp table memberless_person as
with
named as (
  select no_kk, nik from welfare_person_row
  union all
  select no_kk, nik from person where no_kk is not null
  union all
  select no_kk, nik from repeated_row where no_kk is not null
)

select distinct n.no_kk, n.nik
from named as n
semi join card_without_members as c on c.no_kk = n.no_kk;

-- Grain: one such card. Unmatched: nobody named, or somebody unknown to the register. Deceased: all are.
create temp table memberless as
with
known as (
  select
    m.no_kk,
    m.nik,
    count(p.nik) > 0 as is_seen,
    coalesce(bool_and(p.status = 'deceased'::status_word), false) as is_deceased
  from memberless_person as m
  left join person as p on p.nik = m.nik
  group by all
),

judged as (
  select
    no_kk,
    bool_or(nik is null or not is_seen and nik not in (select nik from unseen_nik)) as has_unknown,
    bool_and(is_deceased) as is_deceased
  from known
  group by no_kk
)

select
  w.no_kk,
  coalesce(j.has_unknown, true) as is_unmatched,
  coalesce(j.is_deceased and not j.has_unknown, false) as is_deceased
from card_without_members as w
left join judged as j on j.no_kk = w.no_kk;

drop table card_without_members;

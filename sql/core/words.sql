-- Closed vocabularies as ENUMs, sorted, so that comparing, sorting and storing them is comparing numbers.
create type sex_word as enum ('L', 'P');
create type status_word as enum ('active', 'deceased', 'moved');
create type level_word as enum ('SD', 'SMP', 'SMA');
create type disability_word as enum ('none', 'mild', 'severe');
create type signal_code as enum (select code from rule_signal order by code);
create type programme_name as enum (select programme from rule_programme order by programme);
create type component_name as enum (select distinct component from rule_component_name order by component);
create type reason_code as enum (select code from rule_reason order by code);

create type place_code as enum (
  select code
  from (
    select region_code as code from input_population
    union select district_code from input_population
    union select village_code from input_population
    union select region_code from input_welfare_family
    union select district_code from input_welfare_family
    union select village_code from input_welfare_family
    union select cast(getvariable('region') as varchar)
  )
  where code is not null
  order by code
);

create type source_name as enum (
  select source
  from (
    select source from input_signal
    union select source from input_quarantined
    union select unnest(['DTSEN', 'DUKCAPIL', 'PERLINSOS'])
  )
  where source is not null
  order by source
);

-- The bit of a code in a mask; bits ascend as codes do.
create or replace temp macro reason_bit(code) as cast(1 as bigint) << enum_code(cast(code as reason_code));

-- A programme's code may have hyphens, as the folders of programmes/ do: blt-dana-desa.
set local role perlinsos_owner;

alter table perlinsos.list drop constraint list_programme_check;
alter table perlinsos.list add constraint list_programme_check check (programme ~ '^[a-z][a-z0-9_-]*$');

reset role;

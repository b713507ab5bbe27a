"""The services of one machine: PostgreSQL, the object store and Airflow, started, supervised, stopped and examined."""

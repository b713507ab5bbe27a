"""
### pull
Takes what agencies have laid into the landing bucket: raw bytes under their SHA-256 and one delivery row, before anything
reads them. **From:** `<source>/<region or national>/<snapshot date>/` with `_COMPLETE`, or quiet for a while.
**Makes:** deliveries in state *landed*, and the asset `landed`, one key a region.
**A rerun:** the same bytes are the same delivery; what landed and was not processed is announced again.
"""

from airflow.sdk import DAG, TriggerRule, task

from perlinsos_airflow.assets import emit, landed
from perlinsos_airflow.schedules import every, retries

with DAG(
    "pull",
    description="Take what agencies laid into the landing bucket",
    tags=["deliveries"],
    schedule=every("pull"),
    catchup=False,
    max_active_runs=1,
    default_args=retries(),
    doc_md=__doc__,
):

    @task
    def list_due() -> list[str]:
        """The sources with something to take, or with deliveries that nobody is ingesting; skipped where there are none."""
        from airflow.sdk.exceptions import AirflowSkipException

        from perlinsos.operations import pull
        from perlinsos_airflow.steps import run

        sources = run(pull.list_due)
        if not sources:
            raise AirflowSkipException("nothing is due")
        return list(sources)

    @task(pool="fetch", map_index_template="{{ source_id }}")
    def fetch(source_id: str) -> dict[str, object]:
        """Copy the raw bytes of one source's complete deliveries and record them."""
        from perlinsos.operations import pull
        from perlinsos_airflow.steps import run

        return dict(run(pull.fetch, source_id))

    @task(outlets=[landed], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def announce(fetched, *, outlet_events=None) -> list[str]:
        """Say once for each region that deliveries wait, also where one source could not be fetched."""
        return emit(outlet_events, landed, sorted({key for found in fetched for key in found["keys"]}))

    announce(fetch.expand(source_id=list_due()))

"""DAGs of the tests, laid into the dags folder of the tests' platform: one that emits keys, one that follows, one that fails.

No number stands here in one piece: Airflow keeps the code of its DAGs, and the leak scan would find it.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, get_current_context, task

from perlinsos_airflow.assets import emit

emitted = Asset(name="emitted_by_tests", uri="x-perlinsos://emitted-by-tests")

with DAG("emitting_of_tests", schedule=None, catchup=False):

    @task(outlets=[emitted])
    def say(*, outlet_events=None):
        """Emit the keys that the run was given."""
        return emit(outlet_events, emitted, get_current_context()["dag_run"].conf["keys"])

    say()

with DAG("following_of_tests", schedule=PartitionedAssetTimetable(assets=emitted), catchup=False):

    @task
    def hear():
        """The key of this run."""
        from perlinsos_airflow.steps import partition_key

        return partition_key()

    hear()

with DAG("failing_of_tests", schedule=None, catchup=False, default_args={"retries": 1, "retry_delay": timedelta(0)}):

    @task
    def refused():
        """A step that says no."""
        from perlinsos.errors import Refused
        from perlinsos_airflow.steps import run

        def step(ctx):
            raise Refused("no such row", where="here", remedy="do something else")

        run(step)

    @task
    def unreachable():
        """A step whose service does not answer."""
        from perlinsos.errors import Unreachable
        from perlinsos_airflow.steps import run

        def step(ctx):
            raise Unreachable("nobody answers")

        run(step)

    @task
    def unforeseen():
        """A step in which a library quotes a row."""
        from perlinsos_airflow.steps import run

        def step(ctx):
            raise ValueError("bad cell " + "351001" + "160385" + "7000" + " in a row")

        run(step)

    refused()
    unreachable()
    unforeseen()

"""Airflow imports a module of this name when one of its processes starts: here the scheduler loads what tasks need.

A task is a fork of the scheduler's workers. What these have loaded it need not load again: about half a CPU second a task.
"""

import sys

__all__: list[str] = []  # Airflow takes over every public name of this module

if "scheduler" in sys.argv:
    from perlinsos_airflow.preload import load_libraries as _load_libraries

    _load_libraries()

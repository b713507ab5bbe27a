"""How alerts are sent and when: from the environment; addresses with passwords in a file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from perlinsos.errors import WrongUsage
from perlinsos.settings import Settings


@dataclass(frozen=True)
class AlertSettings:
    """`urls` are apprise's (https://appriseit.com: mailtos://…, and a hundred other services). Shares are 0 to 1.

    `patience` is how long a region may stand still after its cut-off, and a new cycle may lack deliveries, before that is
    an alert; `slow` is how long a delivery may wait to be read and work may take; `sending` is how long one message may take
    before its watcher is believed dead (longer than the task of the DAG `watch` may take). A full disk is over at
    `least_free_disk` plus `disk_margin`: it shall not begin and end at each look. `base_url` is where Airflow's pages are,
    for links; empty: the path alone.
    """

    urls: tuple[str, ...] = field(default=(), repr=False)
    base_url: str = ""
    least_free_disk: float = 0.1
    disk_margin: float = 0.02
    quarantine_share: float = 0.05
    patience: timedelta = timedelta(days=1)
    slow: timedelta = timedelta(hours=1)
    sending: timedelta = timedelta(minutes=15)


def read_alert_settings(settings: Settings) -> AlertSettings:
    """Read PERLINSOS_ALERT_URLS, …_URLS_FILE, …_DISK_SHARE, …_DISK_MARGIN, …_QUARANTINE_SHARE, …_PATIENCE_SECONDS,
    …_SLOW_SECONDS, …_SENDING_SECONDS, PERLINSOS_AIRFLOW_URL."""
    default = AlertSettings()
    return AlertSettings(
        urls=_read_urls(),
        base_url=_read_base_url(settings.home / "services.json"),
        least_free_disk=_number("DISK_SHARE", default.least_free_disk),
        disk_margin=_number("DISK_MARGIN", default.disk_margin),
        quarantine_share=_number("QUARANTINE_SHARE", default.quarantine_share),
        patience=timedelta(seconds=_number("PATIENCE_SECONDS", default.patience.total_seconds())),
        slow=timedelta(seconds=_number("SLOW_SECONDS", default.slow.total_seconds())),
        sending=timedelta(seconds=_number("SENDING_SECONDS", default.sending.total_seconds())),
    )


def _read_urls() -> tuple[str, ...]:
    """The addresses of the environment and of the file, separated by blanks or lines; a line that begins with # is none."""
    text = os.environ.get("PERLINSOS_ALERT_URLS", "")
    if named := os.environ.get("PERLINSOS_ALERT_URLS_FILE"):
        try:
            text += "\n" + Path(named).read_text(encoding="utf-8")
        except OSError as error:
            raise WrongUsage(
                "the file of the alerts' addresses cannot be read", where="PERLINSOS_ALERT_URLS_FILE", why=error.strerror or ""
            ) from error
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return tuple(dict.fromkeys(word for line in lines for word in line.split()))


def _read_base_url(recorded: Path) -> str:
    named = os.environ.get("PERLINSOS_AIRFLOW_URL")
    if not named and recorded.exists():
        named = json.loads(recorded.read_text()).get("airflow_url")
    return (named or "").rstrip("/")


def _number(name: str, default: float) -> float:
    text = os.environ.get(f"PERLINSOS_ALERT_{name}")
    try:
        return float(text) if text else default
    except ValueError as error:
        raise WrongUsage("a setting of the alerts is no number", where=f"PERLINSOS_ALERT_{name}") from error

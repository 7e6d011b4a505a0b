"""Prefect without a server to run: a temporary one whose state lies in the home."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.settings import (
    PREFECT_API_DATABASE_CONNECTION_URL,
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_LOGGING_LEVEL,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)
from prefect.settings.legacy import Setting

from headrace.lake.settings import Settings

LOGGERS = ("prefect", "prefect.flow_runs", "prefect.task_runs")
STARTUP_S = 180  # a machine under load takes ten times as long as an idle one


@contextmanager
def engine(settings: Settings) -> Iterator[None]:
    """Run flows inside; a Prefect server that the user has configured is used instead."""
    wanted = os.environ.get("PREFECT_LOGGING_LEVEL", "WARNING")
    for name in LOGGERS:  # Prefect read its setting when it was imported
        logging.getLogger(name).setLevel(wanted)
    level = {PREFECT_LOGGING_LEVEL: wanted}
    if PREFECT_API_URL.value():
        with temporary_settings(updates=level):
            yield
        return
    with temporary_settings(updates=level | _own_server(settings)):
        yield


def _own_server(settings: Settings) -> dict[Setting, object]:
    home = settings.home.absolute() / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    return {
        PREFECT_HOME: str(home),
        PREFECT_API_DATABASE_CONNECTION_URL: f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: True,
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: STARTUP_S,
    }

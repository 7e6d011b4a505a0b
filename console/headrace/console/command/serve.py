"""`headrace serve`: the sidecar."""

from typing import Annotated

import typer

from headrace.console.option import Home
from headrace.lake.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address. Default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port. Default: 4318, that of OTLP/HTTP.")
    ] = None,
    home: Home = None,
) -> None:
    """Take traces, episodes and outcomes over HTTP; acknowledged means on disk."""
    from headrace.ingest import sidecar

    given = {"host": host, "port": port}
    settings = Settings.load(home)
    sidecar.serve(settings.model_copy(update={k: v for k, v in given.items() if v is not None}))

"""The settings of one installation, read once at an edge and passed on as an argument."""

import re
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from headrace.lake.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MIB = 1024 * 1024
KEY_BYTES = 32  # of a key, at least
LONGEST_WAIT = 36_500  # days: can still be added to a date

# `password=...` of a connection string, its value bare or quoted; `://user:...@` of a URL
_PASSWORD = re.compile(
    r"(?P<head>password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)|(?P<user>://[^:/@\s]*:)\S+(?=@)", re.I
)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.I)
_HEX = re.compile("(?:[0-9a-fA-F]{2})+")
_URL_SAFE = str.maketrans("-_", "+/")
_SECRETS = ("scrub_key",)


class Settings(BaseSettings):
    """Where the lake is and how much the sidecar takes; every field is `HEADRACE_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    home: Path = Path(".headrace")
    catalog: str | None = None  # default: SQLite file in `home`
    data: str | None = None  # default: folder in `home`
    lock_timeout_s: float = Field(default=30.0, gt=0)  # how long a writer waits for its turn

    host: str = "127.0.0.1"
    port: int = Field(default=4318, ge=0, le=65535)
    body_bytes: int = Field(
        default=64 * MIB, gt=0
    )  # of one request, before and after decompression
    keys: Path | None = None  # file of API keys; default: keys.json in `home`
    # of each key, without keys of all together; default: no limit
    key_requests_per_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    key_bytes_per_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    key_burst_s: float = Field(
        default=10.0, gt=0, allow_inf_nan=False
    )  # a pause saves up that many seconds of either
    read_timeout_s: float = Field(default=30.0, gt=0)  # of a request's head, and of its body
    cors_origins: str = ""  # of web pages that may post: `https://app.example.com,https://...`
    strict_secrets: bool = False  # removed before the spool already, not only before the lake
    spool_bytes: int = Field(default=4096 * MIB, ge=MIB)  # then the sidecar answers 503
    drain_rows: int = Field(default=500, gt=0)  # bodies a drain transaction takes at most
    drain_interval_s: float = Field(default=0.5, gt=0)
    stop_requests_s: int = Field(default=10, ge=0)  # for requests in flight when asked to stop
    stop_drain_s: float = Field(default=10.0, ge=0)  # then, to bring what waits into the lake
    log_format: Literal["logfmt", "json"] = "logfmt"

    config: Path | None = None  # file of project settings; default: headrace.toml, see `project`
    # an unmarked episode is `pending` for so long
    waiting_days: float = Field(default=7.0, ge=0, le=LONGEST_WAIT)
    link_without_conversation: bool = False  # join traces by their messages where no id does
    workers: int | None = Field(default=None, ge=1)  # processes of a night; default: a core each
    prices: Path | None = None  # file of list prices; default: prices.toml in `home`, if any
    reviewer: str | None = None  # who reviews; default: the name that one is logged in by

    # a name on the hub or a folder; turns requests into vectors
    embedding_model: str = "sentence-transformers/all-MiniLM-L6-v2"

    scrub_key: SecretStr | None = None  # of all projects; default: a file of each in `home`
    scrub_extra: Literal["presidio"] | None = None  # a second finder of personal data
    # raw texts go so many days after they came, if they are scrubbed; default: they stay
    raw_days: int | None = Field(default=None, ge=1, le=LONGEST_WAIT)

    @classmethod
    def load(cls, home: Path | str | None = None) -> Self:
        """Settings from the environment; `home` given by hand goes first.

        Raises SettingsError naming the variable and what would be right.
        """
        try:
            return cls() if home is None else cls(home=Path(home))
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from error

    @field_validator("cors_origins")
    @classmethod
    def _explicit(cls, text: str) -> str:
        for origin in filter(None, map(str.strip, text.split(","))):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin: give scheme://host or scheme://host:port"
                )
        return text

    @field_validator("scrub_key")
    @classmethod
    def _long(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and len(key_bytes(given.get_secret_value())) < KEY_BYTES:
            raise ValueError(
                f"give at least {KEY_BYTES} random bytes in hex or base64, as `openssl rand -hex "
                f"{KEY_BYTES}` makes them"
            )
        return given

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of `cors_origins`, as browsers send them."""
        return tuple(
            origin.strip().lower() for origin in self.cors_origins.split(",") if origin.strip()
        )

    @property
    def waiting(self) -> timedelta:
        return timedelta(days=self.waiting_days)

    @property
    def catalog_uri(self) -> str:
        return self.catalog or f"sqlite:{self.home.absolute() / 'catalog.sqlite'}"

    @property
    def catalog_shown(self) -> str:
        """The catalog as it may stand in a message or a log: without its password."""
        return _PASSWORD.sub(lambda m: f"{m['head'] or m['user']}***", self.catalog_uri)

    @property
    def data_path(self) -> str:
        return self.data or f"{self.home.absolute() / 'data'}/"

    @property
    def keys_path(self) -> Path:
        return self.keys or self.home / "keys.json"

    @property
    def prices_path(self) -> Path:
        return self.prices or self.home / "prices.toml"

    @property
    def spool_path(self) -> Path:
        return self.home / "spool.sqlite"


def make_home(home: Path) -> None:
    """Make the folder of a lake where it is absent, for its owner alone: messages lie in it.

    A folder that stands keeps its mode. Raises SettingsError where it cannot be made.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the home {str(home)!r} cannot be made ({error.strerror}): name a folder that can be "
            "written with --home or HEADRACE_HOME"
        ) from error


def key_bytes(text: str) -> bytes:
    """The bytes of a key: of hex where all of it is hex digits, else of base64; none if neither."""
    told = text.strip()
    try:
        if _HEX.fullmatch(told):
            return bytes.fromhex(told)
        bare = told.rstrip("=").translate(_URL_SAFE)
        return b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return b""


def _sentence(error: ValidationError) -> str:
    faults = (f"{_named(fault)}: {fault['msg']}" for fault in error.errors())
    return "; ".join(faults) + ". Correct it or unset it to get the default."


def _named(fault: "ErrorDetails") -> str:
    """The variable and its value; that of a secret must not stand in a message."""
    name = "_".join(str(part) for part in fault["loc"])
    shown = "***" if name in _SECRETS else repr(fault["input"])
    return f"HEADRACE_{name.upper()}={shown}"

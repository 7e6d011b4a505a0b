"""The shapes of keys that providers give out: facts about their prefixes, lengths and alphabets."""

import re
from collections.abc import Callable

import msgspec

_DASHED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_BASE64 = _DASHED + b"+/"  # a long text in it holds every short shape by chance somewhere
_LEAST = 8  # different characters of a key; documentation writes sk-xxxxxxxxxxxxxxxx


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of secret looks."""

    name: str  # in the placeholder
    pattern: str  # RE2 over Latin-1; its first group, else all of it, is the secret
    hint: str | None = None  # a looser pattern that JSON escapes do not hide; None: the pattern
    apart: bytes = _DASHED  # none of these may stand right before it
    check: Callable[[str], bool] = lambda secret: len(set(secret)) >= _LEAST

    @property
    def hinted(self) -> str:
        return self.hint or self.pattern


def _generic(secret: str) -> bool:
    """A random run; what is only words and hyphens is a name (sk-learn-contrib-something)."""
    runs = re.findall(r"[A-Za-z0-9]{16,}", secret)
    return any(any(c.isdigit() for c in run) and len(set(run)) >= _LEAST for run in runs)


def _digits(secret: str) -> bool:
    return any(c.isdigit() for c in secret) and len(set(secret)) > _LEAST


def _armoured(secret: str) -> bool:
    """A key, not a sentence about the line that keys begin with."""
    return re.search(r"[A-Za-z0-9+/=]{24,}", secret.partition("KEY")[2]) is not None


_PEM = "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_ARMOUR = r"[A-Za-z0-9+/=\s\\:,.()_\-]"
_PART = "[A-Za-z0-9_-]{8,}"
_AWS = "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"

# The first that fits names a secret.
SHAPES: tuple[Shape, ...] = (
    Shape(
        name="private_key",
        # up to its last line, or cut off
        pattern=rf"{_PEM}(?:{_ARMOUR}*?-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----"
        rf"|{_ARMOUR}*)",
        hint=_PEM,
        check=_armoured,
    ),
    Shape(name="anthropic_key", pattern="sk-ant-[A-Za-z0-9_-]{20,}", check=_digits),
    Shape(name="langfuse_key", pattern="sk-lf-[A-Za-z0-9-]{20,}", check=_digits),
    Shape(name="openrouter_key", pattern="sk-or-[A-Za-z0-9-]{32,}", check=_digits),
    Shape(
        name="openai_key",
        pattern="sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9_-]{20,}",
        check=_generic,
    ),
    Shape(name="aws_access_key", pattern=rf"{_AWS}\b", apart=_BASE64),
    Shape(name="google_api_key", pattern="AIza[A-Za-z0-9_-]{35}", apart=_BASE64),
    Shape(
        name="google_oauth",
        pattern=r"GOCSPX-[A-Za-z0-9_-]{24,}|ya29\.[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,}",
        hint=r"GOCSPX-|ya29\.[A-Za-z0-9_-]{20}|1\\*/\\*/0[A-Za-z0-9_-]{30}",
        apart=_BASE64,
    ),
    Shape(
        name="azure_key",
        pattern=r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})"
        r"|[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{27}",
        hint="(?i:AccountKey|SharedAccessKey)=|JQQJ9[A-Za-z0-9]{27}",
        apart=b"",
    ),
    Shape(
        name="azure_client_secret",
        pattern=r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}",
        hint=r"[78]Q~[A-Za-z0-9_~.-]{31}",
        apart=b"",
    ),
    Shape(
        name="github_token",
        pattern="gh[opusr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{36,}",
    ),
    Shape(
        name="gitlab_token",
        pattern=r"gl(?:pat|dt|ptt|rt|cbt|ft|imt|agent|soat|oas|ffct)-[A-Za-z0-9_-]{20,}"
        "|GR1348941[A-Za-z0-9_-]{20,}",
    ),
    Shape(
        name="slack_token",
        pattern="xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{20,}",
        check=_digits,
    ),
    Shape(
        name="slack_webhook",
        pattern=r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/+_-]{20,})",
        hint=r"hooks\.slack\.com\\*/(?:services|workflows|triggers)",
    ),
    Shape(
        name="stripe_key",
        pattern="[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}",
        hint="[rs]k_(?:live|test)_[A-Za-z0-9]{16}|whsec_",
    ),
    Shape(name="twilio_key", pattern=r"SK[0-9a-f]{32}\b", apart=_BASE64),
    Shape(
        name="sendgrid_key",
        pattern=r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}",
        hint=r"SG\.[A-Za-z0-9_-]{16}",
        apart=_BASE64,
    ),
    Shape(name="npm_token", pattern=r"npm_[A-Za-z0-9]{36}\b"),
    Shape(name="pypi_token", pattern="pypi-[A-Za-z0-9_-]{50,}"),
    Shape(name="huggingface_token", pattern="(?:hf_|api_org_)[A-Za-z0-9]{30,}"),
    Shape(name="groq_key", pattern="gsk_[A-Za-z0-9]{32,}"),
    Shape(name="databricks_token", pattern=r"dapi[0-9a-f]{32}(?:-[0-9])?\b", apart=_BASE64),
    Shape(
        name="langsmith_key",
        pattern="lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{8,}|ls__[0-9a-f]{32}",
    ),
    Shape(
        name="telegram_token", pattern=r"(?:bot)?([0-9]{8,10}:AA[A-Za-z0-9_-]{33})", apart=_BASE64
    ),
    Shape(
        name="discord_token",
        pattern=r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
        hint=r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}",
        apart=_BASE64,
    ),
    Shape(
        name="discord_webhook",
        pattern=r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_-]{60,})",
        hint=r"discord(?:app)?\.com\\*/api\\*/webhooks",
    ),
    Shape(
        name="jwt",
        # three parts where it is signed; five, the second perhaps empty, where it is encrypted
        pattern=rf"eyJ{_PART}\.(?:[A-Za-z0-9_-]*\.{_PART}\.{_PART}\.{_PART}|{_PART}\.{_PART})",
        hint=r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]{9}",
    ),
    Shape(name="headrace_key", pattern="hr_[0-9a-f]{12}_[0-9a-f]{48}"),
    Shape(name="xai_key", pattern="xai-[A-Za-z0-9]{60,}"),
    Shape(name="perplexity_key", pattern="pplx-[A-Za-z0-9]{32,}"),
    Shape(name="replicate_token", pattern="r8_[A-Za-z0-9]{37}"),
    Shape(name="nvidia_key", pattern="nvapi-[A-Za-z0-9_-]{40,}"),
    Shape(name="fireworks_key", pattern="fw_[A-Za-z0-9]{22,}", check=_digits),
    Shape(name="together_key", pattern="tgp_v1_[A-Za-z0-9_-]{40,}"),
    Shape(name="tavily_key", pattern="tvly-(?:dev-|prod-)?[A-Za-z0-9-]{24,}", check=_digits),
    Shape(name="pinecone_key", pattern="pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,}"),
    Shape(name="notion_token", pattern=r"(?:ntn_|secret_)[A-Za-z0-9]{40,50}\b", check=_digits),
    Shape(name="linear_key", pattern="lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    Shape(name="atlassian_token", pattern="ATATT3[A-Za-z0-9_=-]{60,}", apart=_BASE64),
    Shape(name="vault_token", pattern=r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    Shape(
        name="digitalocean_token", pattern="do[oprt]_v1_[0-9a-f]{64}", check=lambda s: len(s) > 64
    ),
    Shape(name="docker_token", pattern="dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    Shape(name="grafana_token", pattern="glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    Shape(name="shopify_token", pattern="shp(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{32}"),
    Shape(name="supabase_key", pattern="sb(?:p|_secret)_[A-Za-z0-9_-]{24,}", check=_digits),
    Shape(name="mailgun_key", pattern=r"key-[0-9a-f]{32}\b"),
    Shape(name="new_relic_key", pattern="NRAK-[A-Z0-9]{27}"),
    Shape(name="postman_key", pattern="PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    Shape(name="figma_token", pattern="figd_[A-Za-z0-9_-]{40,}"),
    Shape(name="sentry_token", pattern="sntry[su]_[A-Za-z0-9_+/=-]{40,}"),
    Shape(name="age_key", pattern="AGE-SECRET-KEY-1[A-Z0-9]{58}"),
)

"""A corpus of planted secrets, made up at run time: every rule finds all of its own, in any text.

No key below was ever given out: each is drawn from the alphabet of its kind, by a seeded generator.
"""

import json
import random
import re
from collections.abc import Callable, Mapping

import pytest

from headrace.ingest.jsontext import written
from headrace.ingest.secrets.shape import SHAPES
from headrace.ingest.secrets.text import placed
from headrace.ingest.secrets.tree import Stripper

Carrier = Callable[[str], str]

ALPHABETS = {
    "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "l": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "u": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "h": "0123456789abcdef",
    "d": "0123456789",
    "b": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "w": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
}
PEM = "-----BEGIN {} PRIVATE KEY-----\n<b:64>\n<b:64>\n<b:40>==\n-----END {} PRIVATE KEY-----"

# kind -> what its keys look like; <a:20> stands for 20 characters of an alphabet above
RECIPES: Mapping[str, tuple[str, ...]] = {
    "private_key": (
        PEM.replace("{}", "RSA"),
        PEM.replace("{}", "OPENSSH"),
        PEM.replace("{}", "EC"),
    ),
    "anthropic_key": ("sk-ant-api03-<w:93>AA", "sk-ant-oat01-<w:86>", "sk-ant-admin01-<w:90>"),
    "langfuse_key": ("sk-lf-<h:8>-<h:4>-4<h:3>-a<h:3>-<h:12>",),
    "openrouter_key": ("sk-or-v1-<h:64>",),
    "openai_key": (
        "sk-proj-<a:40><w:80>",
        "sk-<a:20>T3BlbkFJ<a:20>",
        "sk-svcacct-<a:40><w:60>",
        "sk-<h:32>",
    ),
    "aws_access_key": ("AKIA<u:16>", "ASIA<u:16>"),
    "google_api_key": ("AIza<w:35>",),
    "google_oauth": ("GOCSPX-<w:28>", "ya29.<w:80>", "1//0<w:60>"),
    "azure_key": ("<a:52>JQQJ99<a:26>",),
    "azure_client_secret": ("<a:3>8Q~<a:34>",),
    "github_token": ("ghp_<a:36>", "gho_<a:36>", "ghs_<a:36>", "github_pat_<a:22>_<a:59>"),
    "gitlab_token": ("glpat-<w:20>", "glrt-<w:20>"),
    "slack_token": ("xoxb-<d:12>-<d:13>-<a:24>", "xapp-1-A<u:10>-<d:13>-<h:64>"),
    "slack_webhook": ("https://hooks.slack.com/services/T<u:8>/B<u:10>/<a:24>",),
    "stripe_key": ("sk_live_<a:24>", "rk_live_<a:40>", "sk_test_<a:24>", "whsec_<a:32>"),
    "twilio_key": ("SK<h:32>",),
    "sendgrid_key": ("SG.<w:22>.<w:43>",),
    "npm_token": ("npm_<a:36>",),
    "pypi_token": ("pypi-AgEIcHlwaS5vcmc<w:120>",),
    "huggingface_token": ("hf_<l:34>",),
    "groq_key": ("gsk_<a:52>",),
    "databricks_token": ("dapi<h:32>", "dapi<h:32>-3"),
    "langsmith_key": ("lsv2_pt_<h:32>_<h:10>", "lsv2_sk_<h:32>_<h:10>", "ls__<h:32>"),
    "telegram_token": ("<d:10>:AA<w:33>",),
    "discord_token": ("M<a:23>.<w:6>.<w:38>",),
    "discord_webhook": ("https://discord.com/api/webhooks/<d:18>/<w:68>",),
    "jwt": ("eyJ<a:33>.eyJ<a:60>.<w:43>", "eyJ<a:33>..<a:16>.<w:60>.<w:22>"),
    "headrace_key": ("hr_<h:12>_<h:48>",),
    "xai_key": ("xai-<a:80>",),
    "perplexity_key": ("pplx-<a:48>",),
    "replicate_token": ("r8_<a:37>",),
    "nvidia_key": ("nvapi-<w:64>",),
    "fireworks_key": ("fw_<a:24>",),
    "together_key": ("tgp_v1_<w:43>",),
    "tavily_key": ("tvly-<a:32>", "tvly-dev-<a:32>"),
    "pinecone_key": ("pcsk_<a:6>_<a:63>",),
    "notion_token": ("ntn_<a:46>", "secret_<a:43>"),
    "linear_key": ("lin_api_<a:40>",),
    "atlassian_token": ("ATATT3xFfGF0<w:170>=<u:8>",),
    "vault_token": ("hvs.<w:90>",),
    "digitalocean_token": ("dop_v1_<h:64>",),
    "docker_token": ("dckr_pat_<w:27>",),
    "grafana_token": ("glsa_<a:32>_<h:8>",),
    "shopify_token": ("shpat_<h:32>",),
    "supabase_key": ("sbp_<h:40>", "sb_secret_<w:31>"),
    "mailgun_key": ("key-<h:32>",),
    "new_relic_key": ("NRAK-<u:27>",),
    "postman_key": ("PMAK-<h:24>-<h:34>",),
    "figma_token": ("figd_<w:43>",),
    "sentry_token": ("sntryu_<h:64>",),
    "age_key": ("AGE-SECRET-KEY-1<u:58>",),
}

CARRIERS: Mapping[str, Carrier] = {
    "alone": lambda s: s,
    "end of sentence": lambda s: f"I set it to {s}. Then the deploy went through.",
    "in a list": lambda s: f"The values are {s}, 42 and blue.",
    "in brackets": lambda s: f"The worker (started with {s}) answered 401.",
    "in quotes": lambda s: f"It says '{s}' where a name should stand!",
    "in backticks": lambda s: f"Use `{s}` for the staging host; ask before you rotate it.",
    "markdown": lambda s: f"| what | value |\n|---|---|\n| upstream | {s} |\n",
    "two of a kind": lambda s: f"old: {s}\nnew: {s}\n",
    "traceback": lambda s: (
        'Traceback (most recent call last):\n  File "client.py", line 12, in <module>\n'
        f"    raise AuthError('rejected {s}')\nAuthError: rejected {s}\n"
    ),
    "escaped line break": lambda s: f"first line\\n{s}\\nlast line, cut off {{",
    "python repr": lambda s: f"Client(host='db1', upstream='{s}', retries=3)",
    "yaml": lambda s: f"service:\n  name: mill\n  upstream: {s}\n  replicas: 2\n",
    "after CJK": lambda s: f"使用 {s} ，然后重试",
}


def drawn(recipe: str, rng: random.Random) -> str:
    def fill(slot: re.Match[str]) -> str:
        return "".join(rng.choices(ALPHABETS[slot[1]], k=int(slot[2])))

    return re.sub(r"<(\w):(\d+)>", fill, recipe)


def planted(kind: str, *, seeds: int = 5) -> list[str]:
    return [
        drawn(recipe, random.Random(f"{recipe} {seed}"))
        for recipe in RECIPES[kind]
        for seed in range(seeds)
    ]


def secret_part(secret: str) -> str:
    """What must be gone; of a webhook the address may stay."""
    return secret.partition("/services/")[2] or secret.partition("/webhooks/")[2][19:] or secret


def strip(text: str) -> tuple[str, list[str]]:
    work = Stripper()
    return work.text(text), work.removed


def test_the_corpus_has_samples_of_every_rule() -> None:
    assert list(RECIPES) == [shape.name for shape in SHAPES]


@pytest.mark.parametrize("kind", RECIPES)
def test_every_key_of_a_kind_is_found_in_any_text_and_nothing_else_changes(kind: str) -> None:
    missed = []
    for secret in planted(kind):
        hidden = secret_part(secret)
        place = secret.replace(hidden, placed(kind))
        for name, carrier in CARRIERS.items():
            given = carrier(secret)
            bare, removed = strip(given)
            if bare != carrier(place) or set(removed) != {kind}:
                missed.append((name, given, bare))
    assert missed == []


@pytest.mark.parametrize("kind", RECIPES)
def test_json_of_any_depth_hides_no_key(kind: str) -> None:
    secret = planted(kind, seeds=1)[0]
    place = secret.replace(secret_part(secret), placed(kind))
    args = {"url": "https://mill.example/v1", "note": f"use {secret}, please", "n": [1, 2.5, None]}
    bare_args = args | {"note": f"use {place}, please"}
    call = [{"role": "assistant", "tool_calls": [{"arguments": json.dumps(args)}]}]
    bare_call = [{"role": "assistant", "tool_calls": [{"arguments": written(bare_args)}]}]
    twice = json.dumps({"body": json.dumps(call), "status": 200})
    bare, removed = strip(twice)
    assert bare == written({"body": written(bare_call), "status": 200})
    assert removed == [kind]


def escaped(text: str) -> str:
    """JSON as PHP and Go write it."""
    inner = json.dumps(text).replace("/", "\\/").replace("<", "\\u003c").replace("&", "\\u0026")
    return f'{{"message": {inner}}}'


@pytest.mark.parametrize("kind", RECIPES)
def test_slashes_and_ampersands_that_are_escaped_hide_no_key(kind: str) -> None:
    secret = planted(kind, seeds=1)[0]
    bare, removed = strip(escaped(f"https://mill.example/cb?a=1&note={secret} </p>"))
    assert secret_part(secret) not in json.loads(bare)["message"]
    assert removed == [kind]


# where a secret stands, what it is then called
CONTEXTS: tuple[tuple[str, str, str], ...] = (
    ("DB_PASSWORD={}", "hunter2", "password"),
    ("export DATABASE_PASSWORD={}\nexport PATH=/usr/bin", "correcthorse", "password"),
    ("MYSQL_ROOT_PASSWORD={} \\\n  docker compose up", "Tr0ub4dor&3", "password"),
    ("password: {}", "hunter2!", "password"),
    ('password = "{}"', "letmein", "password"),
    ("db:\n  user: mill\n  password: {}\n  port: 5432", "s3cr3t.pw", "password"),
    ("Server=db1;User Id=sa;Password={};Encrypt=true", "Str0ng!Pass", "password"),
    ("host=db1 user=mill password={} dbname=grain", "p4ssw0rd", "password"),
    ("new password={}, old one is void", "abc123xyz", "password"),
    ("{{'user': 'ann', 'password': '{}'}}", "hunter2", "password"),
    ('Tool said: {{"user": "ann", "password": "{}"}} and more', "hunter2", "password"),
    ('cut off: {{\\"user\\": \\"ann\\", \\"password\\": \\"{}\\"', "hunter2", "password"),
    ("grant_type=password&username=ann&password={}&scope=all", "letmein", "password"),
    ("mysql --user=ann --password={} -h db1", "letmein", "password"),
    ("psql --password {} -h db1", "letmein", "password"),
    ("curl -u ann:{} https://mill.example/", "letmein", "password"),
    ("curl -sS --user 'ann:{}' https://mill.example/", "letm:ein", "password"),
    ("CREATE USER ann IDENTIFIED BY '{}';", "letmein", "password"),
    ("ALTER USER ann WITH PASSWORD '{}';", "letmein", "password"),
    ("machine mill.example login ann password {}", "letmein", "password"),
    ("Your new password is {}.", "Summer2024", "password"),
    ("I changed the password to '{}' for you", "1j1l-2k3j", "password"),
    ("API_KEY={}", "f3b1c9d27a", "api_key"),
    ("x-api-key: {}", "f3b1c9d27a8e4460", "api_key"),
    ("api_key: '{}'", "f3b1c9d27a8e4460", "api_key"),
    ("client = Client(api_key=\"{}\")", "f3b1c9d27a8e4460", "api_key"),
    ("The secret key is {}.", "1a7b3d", "api_key"),
    ("https://mill.example/v1?apikey={}&q=wheat", "f3b1c9d27a8e4460", "api_key"),
    ("token={}", "9f8e7d6c5b4a39281706f5e4", "token"),
    ("https://mill.example/cb?access_token={}#done", "abcdefgh", "token"),
    ('"refresh_token": "{}"', "def50200aaaa", "token"),
    ("CSRF_TOKEN={}", "WJKYtrwqpo", "token"),
    ("client_secret={}", "ouY7Gt5_fd-Re4", "shared_secret"),
    ("JWT_SECRET={}", "mill-wheel-signing-2024", "shared_secret"),
    ("Authorization: Bearer {}", "mF_9.B5f-4.1JqM", "authorization"),
    ("Authorization: Basic {}", "YW5uOmh1bnRlcjI=", "authorization"),
    ("Authorization: token {}", "0123456789abcdef", "authorization"),
    ("curl -H 'Authorization: Bearer {}' https://mill.example", "k3yk3yk3y", "authorization"),
    ("headers=[('Authorization', 'Bearer {}')]", "k3yk3yk3y", "authorization"),
    ("sent Bearer {} and got 403", "mF9xB5f41JqMzzzz", "authorization"),
    ("sent Basic {} and got 403", "YW5uOmh1bnRlcjI=", "authorization"),
    ("Cookie: {}", "session=8f7e6d5c; theme=dark", "cookie"),
    ("set-cookie: {}", "sid=8f7e6d5c4b3a; Path=/; HttpOnly", "cookie"),
    ("postgres://mill:{}@db1:5432/grain", "p4ss", "url_password"),
    ("clone https://ann:{}@git.example/mill.git failed", "hunter2", "url_password"),
    ("redis://:{}@cache:6379/0", "hunter2", "url_password"),
    ("https://{}@git.example/mill.git", "8f7e6d5c4b3a29180f7e6d5c", "url_password"),
    (
        "https://acct.blob.core.windows.net/c/f?sv=2022&sig={}",
        "Zm9vYmFyYmF6cXV4%2Bquux%3D",
        "url_signature",
    ),
    (
        "https://b.s3.amazonaws.com/f?X-Amz-Date=20260101T000000Z&X-Amz-Signature={}",
        "8f7e6d5c4b3a29188f7e6d5c4b3a2918",
        "url_signature",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("place", "value", "kind"), CONTEXTS, ids=lambda part: part[:40])
def test_a_secret_without_a_shape_is_known_by_what_stands_around_it(
    place: str, value: str, kind: str
) -> None:
    for around in ("{}", "Log of run 7:\n{}\nend of log", "ran ({}) twice"):
        given = around.replace("{}", place.format(value))
        bare, removed = strip(given)
        assert bare == around.replace("{}", place.format(placed(kind)))
        assert removed == [kind]


def test_the_secret_half_of_an_aws_key_is_found_beside_its_id() -> None:
    rng = random.Random(7)
    identity, secret = drawn("AKIA<u:16>", rng), drawn("<b:38>aZ", rng)
    for given in (
        f"{identity} / {secret}",
        f"aws configure set id {identity}; then paste {secret} and press enter",
        f"Access key: {identity}\nSecret: {secret}\n",
    ):
        bare, removed = strip(given)
        assert secret not in bare and identity not in bare
        assert removed[0] == "aws_access_key"
    digest = drawn("<h:40>", rng)
    assert strip(f"commit {digest} by {identity}")[0].startswith(f"commit {digest} by [secret:")


KEYED: tuple[tuple[object, object, list[str]], ...] = (
    ({"password": "a"}, {"password": "[secret:password]"}, ["password"]),
    ({"newPassword": 123456}, {"newPassword": "[secret:password]"}, ["password"]),
    ({"user": {"Passwd": "x y"}}, {"user": {"Passwd": "[secret:password]"}}, ["password"]),
    ({"X-Api-Key": "mine"}, {"X-Api-Key": "[secret:api_key]"}, ["api_key"]),
    ({"headers": {"authorization": ["Bearer abc"]}},
     {"headers": {"authorization": ["[secret:authorization]"]}}, ["authorization"]),
    ({"Set-Cookie": "sid=8f7e6d5c"}, {"Set-Cookie": "[secret:cookie]"}, ["cookie"]),
    ({"cookies": {"sid": "8f7e6d5c4b3a2918", "theme": "dark"}},
     {"cookies": {"sid": "[secret:cookie]", "theme": "dark"}}, ["cookie"]),
    ([{"name": "DB_PASSWORD", "value": "mill"}, {"name": "PORT", "value": "80"}],
     [{"name": "DB_PASSWORD", "value": "[secret:password]"}, {"name": "PORT", "value": "80"}],
     ["password"]),
    ([["accept", "*/*"], ["authorization", "Bearer abc"]],
     [["accept", "*/*"], ["authorization", "[secret:authorization]"]], ["authorization"]),
    ({"accessToken": "opaque", "expires": 3600},
     {"accessToken": "[secret:token]", "expires": 3600}, ["token"]),
    ({"private_key": "MIIE", "type": "service_account"},
     {"private_key": "[secret:api_key]", "type": "service_account"}, ["api_key"]),
    ({"LANGSMITH_API_KEY": "mine", "LANGSMITH_PROJECT": "mill"},
     {"LANGSMITH_API_KEY": "[secret:api_key]", "LANGSMITH_PROJECT": "mill"}, ["api_key"]),
    ({"api_key": "sk-proj-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9"}, {"api_key": "[secret:openai_key]"},
     ["openai_key"]),
    ({"token": "9f8e7d6c5b4a3928"}, {"token": "[secret:token]"}, ["token"]),
)  # fmt: skip


@pytest.mark.parametrize(("given", "bare", "removed"), KEYED, ids=lambda part: str(part)[:40])
def test_a_key_tells_what_its_value_is(given: object, bare: object, removed: list[str]) -> None:
    work = Stripper()
    assert work.value(given) == bare
    assert work.removed == removed
    assert strip(json.dumps(given)) == (written(bare), removed)
    deeper = json.dumps({"result": json.dumps(given)})
    assert strip(deeper) == (written({"result": written(bare)}), removed)


UUID = "3f2b8c1e-9d4a-4f6b-8e2c-1a5d7f9b0c3e"
HARMLESS: tuple[str, ...] = (
    "a task-force of risk-aware desk-workers, disk-based",
    "sk-learn-contrib-something-else-that-is-long",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and ghp_****",
    "export OPENAI_API_KEY=sk-...",
    "export OPENAI_API_KEY=<your key>",
    "export OPENAI_API_KEY=$OPENAI_API_KEY",
    "api_key: ${{ secrets.OPENAI_API_KEY }}",
    "client = OpenAI(api_key=os.environ['OPENAI_API_KEY'])",
    "client = OpenAI(api_key=api_key)",
    "token = tokenizer.next_token()",
    "def login(user: str, password: str, token: Optional[str] = None) -> None:",
    "password: String;",
    "if password == other.password:",
    "self.password = password",
    "The password must have 8 characters. Password: required.",
    "{'password': ['This field is required.']}",
    '{"password": {"type": "string", "description": "The new password"}}',
    '{"properties": {"api_key": {"type": "string"}}, "required": ["api_key", "token"]}',
    '{"password": "string", "token": "<token>", "secret": null, "api_key": ""}',
    '{"password": "********", "api_key": "[REDACTED]"}',
    '{"token": "Hello", "logprob": -0.31, "bytes": [72, 101]}',
    '{"next_token": "eyJsYXN0IjogNDJ9abc123def456", "page_token": "CAoQAA123456789abc"}',
    '{"eos_token": "<|endoftext|>", "pad_token": "<pad>", "max_tokens": 4096}',
    '{"usage": {"input_tokens": 1200, "output_tokens": 77, "total_tokens": 1277}}',
    '{"id": "call_abc123DEF456ghi789JKL0", "tool_call_id": "toolu_01A09q90qw90lq917835lq9"}',
    f'{{"id": "{UUID}", "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}}',
    "chatcmpl-9VbKxq4lYw3TzG5nJ8mRsD2uQ7eA1, resp_68f0a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "commit 8f7e6d5c4b3a29180f7e6d5c4b3a29180f7e6d5c (tag: v1.2.3)",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "order #W2378156, item 4082933310, reservation ZFA04Y, card ending 1234",
    "ORDER-2024-000123 and order_id=98765432101234567890",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAX",
    '{"signature": "ErUBCkYIBBgCIkDsK3l8k5yN2m4b6v7c8x9z0a1s2d3f4g5h6j7k8l9q0w1e2r3t4y5"}',
    "https://mill.example:8443/a/b?page=2&sort=key#token",
    "ssh://git@git.example:22/mill.git and git@git.example:mill/wheel.git",
    "postgres://user:password@localhost/db, postgres://$USER:$PASS@db/x, http://a:<pw>@b/",
    "basic understanding of bearer authentication, basic authentication required",
    "Authorization: Bearer <token>",
    'headers = {"Authorization": f"Bearer {api_key}"}',
    "Authorization: Bearer $TOKEN",
    "the cookie: a small cake. Cookies: none",
    "The token is valid until 2026-11-23. The password is required to continue.",
    "PEM files begin with -----BEGIN PRIVATE KEY----- and end with -----END PRIVATE KEY-----",
    "PWD=/home/ann/mill OLDPWD=/home/ann",
    "public_key: 8f7e6d5c4b3a2918, primary_key=customer_id, sort_key: created_at",
    '{"key": "order-42", "value": "8f7e6d5c4b3a29180f7e6d5c"}',
    '{"name": "colour", "value": "8f7e6d5c4b3a29180f7e6d5c"}',
    "docker run -u 1000:1000 --user 1000:1000 mill",
    "10.0.0.1:8080, 127.0.0.1, 2001:db8::1, ann@mill.example",
    "passengers: 3, passed: 12, pass: yes, compass=north, bypass: no",
    "secretary: Ann, tokenizer: bpe, authored-by: Ben, keyboard=dvorak",
    "version = 1.2.3, since=2024-01-02T03:04:05Z, elapsed: 1234.5678 s",
    "AKIA is a prefix; AIza too; eyJhbGciOiJIUzI1NiJ9 alone is a header",
)


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:40])
def test_what_is_no_secret_stays_byte_for_byte(text: str) -> None:
    for given in (
        text,
        f"He wrote: {text}\nand left.",
        json.dumps({"content": text}),
        json.dumps([{"arguments": json.dumps({"note": text, "n": 1})}]),
    ):
        assert strip(given) == (given, [])


def test_random_ids_hashes_and_pictures_are_no_secrets() -> None:
    rng = random.Random(11)
    words = [drawn(r, rng) for r in ("<h:32>", "<h:40>", "<h:64>", "<a:22>", "<u:10>", "<d:16>")]
    for _ in range(200):
        given = " ".join([*words, f"call_{drawn('<a:24>', rng)}", drawn("<b:4000>", rng)])
        assert strip(given) == (given, [])
        fields = {"id": drawn("<h:32>", rng), "etag": drawn("<h:64>", rng), "ref": words[3]}
        assert strip(json.dumps(fields)) == (json.dumps(fields), [])

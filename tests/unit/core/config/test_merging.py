from __future__ import annotations

import base64
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.config import (
    KEYS,
    ConfigRefused,
    Entry,
    Given,
    Origin,
    Source,
    explain,
    merge,
    resolve,
)
from tidemill.core.config.rules import weakness


def entry(source: Source, name: str, value: object, written: str | None = None) -> Entry:
    place = {"file": "tidemill.toml", "line": 7} if source is Source.FILE else {}
    return Entry(
        name=name,
        value=value,
        origin=Origin(source=source, name=written or name, **place),  # type: ignore[arg-type]
    )


ABOVE_DATABASE = (Source.COMMAND_LINE, Source.ENVIRONMENT, Source.FILE)


@pytest.mark.parametrize("present", list(product([False, True], repeat=5)))
def test_resolve_follows_the_five_sources_in_every_combination(present: tuple[bool, ...]) -> None:
    """S1: all 2^5 combinations of presence; without any source the default holds."""
    sources = [source for source, there in zip(Source, present, strict=True) if there]
    fixed = [
        Given(value=source.value, origin=Origin(source=source))
        for source in reversed(ABOVE_DATABASE)
        if source in sources
    ]
    stored = [
        Given(value=source.value, origin=Origin(source=source))
        for source in [Source.DATABASE]
        if source in sources
    ]

    resolved = resolve(fixed, stored, Source.DEFAULT.value)

    expected = [source for source in Source if source in sources or source is Source.DEFAULT]
    assert resolved.value == expected[0].value
    assert resolved.origin.source is expected[0]
    assert [given.origin.source for given in resolved.shadowed] == expected[1:]


@given(
    values=st.dictionaries(
        st.sampled_from(ABOVE_DATABASE), st.integers(min_value=0, max_value=65535)
    )
)
def test_merge_keeps_every_value_with_its_origin(values: dict[Source, int]) -> None:
    """S1: value, source and shadowed values of a key, whatever the sources hold."""
    config = merge(
        entry(source, "server.port", str(value) if source is not Source.FILE else value)
        for source, value in values.items()
    )

    expected = [values[source] for source in ABOVE_DATABASE if source in values]
    assert [given.value for given in config.layers.of("server.port")] == expected
    assert config.server.port == (expected or [3000])[0]


def refusal(*entries: Entry) -> str:
    with pytest.raises(ConfigRefused) as refused:
        merge(entries)
    return refused.value.message


def test_merge_refuses_an_unknown_key_with_file_section_key_and_the_nearest_name() -> None:
    """Q25."""
    message = refusal(entry(Source.FILE, "worker.max_concurent_tasks", 4))

    assert message == (
        "worker.max_concurent_tasks in tidemill.toml:7: the section [worker] has no key "
        "max_concurent_tasks. Did you mean worker.max_concurrent_tasks?"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("databse.url", "Did you mean database.url?"),
        ("server.max_connections", "Did you mean database.max_connections?"),
        ("zzz.qqq", "`tidemill config list` shows every name."),
        ("port", "port is not in a section"),
        ("server.port.number", "there is no section [server.port]"),
    ],
)
def test_merge_guesses_what_an_unknown_key_meant(name: str, hint: str) -> None:
    assert hint in refusal(entry(Source.FILE, name, 1))


def test_merge_refuses_an_unknown_variable_with_the_nearest_one() -> None:
    message = refusal(entry(Source.ENVIRONMENT, "TIDEMILL_SERVR_PORT", "1"))

    assert message == (
        "TIDEMILL_SERVR_PORT in the environment: there is no setting TIDEMILL_SERVR_PORT. "
        "Did you mean TIDEMILL_SERVER_PORT?"
    )


def test_merge_refuses_two_names_of_one_setting_that_disagree_naming_both() -> None:
    message = refusal(
        entry(Source.ENVIRONMENT, "SERVER_PORT", "4000"),
        entry(Source.ENVIRONMENT, "server.port", "5000", "TIDEMILL_SERVER_PORT"),
    )

    assert message == (
        "SERVER_PORT in the environment and TIDEMILL_SERVER_PORT in the environment both set "
        "server.port, to different values (4000 and 5000). Keep one of them."
    )


def test_merge_hides_secrets_that_disagree() -> None:
    message = refusal(
        entry(Source.ENVIRONMENT, "JWT_SECRET", "first-one"),
        entry(Source.ENVIRONMENT, "auth.jwt_secret", "second-one", "TIDEMILL_AUTH_JWT_SECRET"),
    )

    assert "JWT_SECRET" in message
    assert "first-one" not in message
    assert "second-one" not in message


def test_merge_accepts_two_names_of_one_setting_that_agree() -> None:
    config = merge(
        [
            entry(Source.FILE, "api.bind_address", "127.0.0.1:8080"),
            entry(Source.FILE, "server.port", 8080),
        ]
    )

    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("server.port", "http", "a whole number from 0 to 65535, not 'http'"),
        ("server.port", "70000", "a whole number from 0 to 65535, not '70000'"),
        ("SERVER_PORT", "-1", "a whole number from 0 to 65535, not '-1'"),
        ("log.level", "loud", "one of trace, debug, info, warning, error, not 'loud'"),
        ("dispatcher.enabled", "maybe", "true or false, not 'maybe'"),
        ("JWT_EXPIRATION_HOURS", "soon", "a whole number of hours from 1 to 8760, not 'soon'"),
        ("api.bind_address", "8080", "HOST:PORT, such as 127.0.0.1:3000, not '8080'"),
        ("cors.origins", "example.org", "origins such as https://app.example.org"),
        ("server.trusted_proxies", "10.0.0.0/99", "networks such as 10.0.0.0/8"),
        ("worker.tags", "GPU Big", "at least one tag of a-z"),
    ],
)
def test_merge_says_what_a_bad_value_should_be(name: str, value: str, right: str) -> None:
    assert f"must be {right}" in refusal(entry(Source.ENVIRONMENT, name, value))


def test_merge_does_not_repeat_a_bad_url_which_may_hold_a_password() -> None:
    message = refusal(entry(Source.FILE, "database.url", "mysql://root:hunter2@db/x"))

    assert "database.url must be an address such as postgresql://…" in message
    assert "hunter2" not in message


def test_merge_tells_every_mistake_at_once() -> None:
    with pytest.raises(ConfigRefused) as refused:
        merge(
            [
                entry(Source.FILE, "server.prot", 1),
                entry(Source.FILE, "log.level", "loud"),
                entry(Source.ENVIRONMENT, "SERVER_PORT", "x"),
            ]
        )

    assert len(refused.value.problems) == 3


def test_merge_reads_toml_data_strictly() -> None:
    assert "must be a whole number" in refusal(entry(Source.FILE, "server.port", "3000"))
    assert "must be true or false" in refusal(entry(Source.FILE, "worker.enabled", "yes"))


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "is not set"),
        ("short", "has fewer than 32 characters"),
        ("a" * 64, "repeats too few characters"),
        ("your-secret-key-change-in-production-0123", "looks like a sample"),
        ("dev-jwt-Secret-abcdefghijklmnopqrstuvwx", "looks like a sample"),
    ],
)
def test_merge_refuses_weak_signing_keys_in_production(secret: str, why: str) -> None:
    """R072."""
    message = refusal(
        entry(Source.FILE, "server.environment", "production"),
        entry(Source.ENVIRONMENT, "JWT_SECRET", secret),
    )

    assert f"auth.jwt_secret {why}" in message
    assert "openssl rand" in message


STRONG = "q8Zr1vXy0TnL5uGh3WbKc7PdMj2eSf9A4oIiUEtN"


def test_merge_accepts_a_strong_signing_key_in_production() -> None:
    config = merge(
        [
            entry(Source.FILE, "server.environment", "production"),
            entry(Source.ENVIRONMENT, "JWT_SECRET", STRONG),
        ]
    )

    assert config.in_production


def test_merge_lets_any_origin_in_during_development_only() -> None:
    """R071."""
    assert merge([entry(Source.ENVIRONMENT, "CORS_ORIGINS", "*")]).cors.origins == ("*",)
    message = refusal(
        entry(Source.FILE, "server.environment", "production"),
        entry(Source.ENVIRONMENT, "JWT_SECRET", STRONG),
        entry(Source.ENVIRONMENT, "CORS_ORIGINS", "*"),
    )
    assert message == "cors.origins must name exact origins in production, not *."


@pytest.mark.parametrize("seed", range(50))
def test_weakness_is_none_for_random_secrets(seed: int) -> None:
    raw = random.Random(seed).randbytes(32)  # noqa: S311 - the seed makes it repeatable

    assert weakness(raw.hex()) is None
    assert weakness(base64.b64encode(raw).decode()) is None


@pytest.mark.parametrize(
    ("bus", "need"), [("nats", "nats://…"), ("amqp", "amqp://…"), ("postgres", "postgresql://…")]
)
def test_merge_refuses_a_bus_without_its_server(bus: str, need: str) -> None:
    assert f"events.bus = {bus} needs" in refusal(entry(Source.FILE, "events.bus", bus))


def test_explain_shows_value_source_and_what_is_hidden() -> None:
    config = merge(
        [
            entry(Source.COMMAND_LINE, "log.level", "debug", "--set log.level"),
            entry(Source.FILE, "log.level", "warning"),
        ]
    )
    stored = [Given(value=KEYS["log.level"].accept("error"), origin=Origin(source=Source.DATABASE))]

    report = explain(config, "log.level", stored)

    assert report.splitlines()[:6] == [
        'log.level = "debug"',
        "  How much is logged.",
        "  from      --set log.level",
        '  hides     "warning" from log.level in tidemill.toml:7',
        '  hides     "error" from database (installation)',
        '  hides     "info" from default',
    ]


def test_explain_hides_secrets() -> None:
    config = merge([entry(Source.ENVIRONMENT, "JWT_SECRET", STRONG)])

    assert STRONG not in explain(config, "auth.jwt_secret")


def test_explain_refuses_an_unknown_key_with_the_nearest_name() -> None:
    with pytest.raises(ConfigRefused, match=r"Did you mean log\.level\?"):
        explain(merge(()), "log.levl")


def test_merge_says_nothing_of_what_a_refused_value_would_have_allowed() -> None:
    with pytest.raises(ConfigRefused) as refused:
        merge(
            [
                entry(Source.COMMAND_LINE, "worker.connect", "localhost:7471"),
                entry(Source.COMMAND_LINE, "worker.token_file", "worker.token"),
                entry(Source.COMMAND_LINE, "worker.tls_ca_file", "ca.pem"),
            ]
        )

    assert len(refused.value.problems) == 1
    assert "tls://HOST:PORT" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("server.port", "TIDEMILL_SERVER_PORT or SERVER_PORT"),
        ("log.level", "tidemill settings set log.level … --installation"),
    ],
)
def test_explain_names_every_way_to_set_a_key(key: str, words: str) -> None:
    assert words in explain(merge([]), key)

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tidemill.core.config import KEYS, Config, ConfigRefused, Source
from tidemill.runtime.configuration import Override, load_config
from tidemill.runtime.configuration.loading import parse_set_option


def refusal(**sources: object) -> str:
    with pytest.raises(ConfigRefused) as refused:
        load_config(**sources)  # type: ignore[arg-type]
    return refused.value.message


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_load_config_accepts_the_seven_variables() -> None:
    """R070."""
    config = load_config(
        environ={
            "SERVER_HOST": "::",
            "SERVER_PORT": "3100",
            "DB_PATH": "/data/tenants",
            "JWT_SECRET": "any",
            "JWT_EXPIRATION_HOURS": "24",
            "CORS_ORIGINS": "https://a.example.org, https://b.example.org",
            "LOG_LEVEL": "INFO",
        }
    )

    assert config.server.host == "::"
    assert config.server.port == 3100
    assert config.server.data_dir == "/data"
    assert config.auth.jwt_secret == "any"
    assert config.auth.access_token_seconds == 24 * 3600
    assert config.cors.origins == ("https://a.example.org", "https://b.example.org")
    assert config.log.level == "info"


@pytest.mark.parametrize(
    ("text", "data_dir"),
    [
        ("/data", "/data"),
        ("/data/tenants", "/data"),
        ("/data/tenants/", "/data"),
        ("/tenants", "/"),
        ("tenants", "."),
        ("./x/mytenants", "./x/mytenants"),
    ],
)
def test_load_config_accepts_db_path_with_and_without_tenants(text: str, data_dir: str) -> None:
    """R020."""
    assert load_config(environ={"DB_PATH": text}).server.data_dir == data_dir


def test_load_config_accepts_the_sections_of_a_scheduler_file(tmp_path: Path) -> None:
    """Q18, Q19, Q20, Q21, Q22, Q23: each key as it is, with its meaning."""
    file = write(
        tmp_path / "scheduler.toml",
        """
        [database]
        url = "postgresql://scheduler:pw@localhost/scheduler"
        max_connections = 10

        [message_queue]
        url = "amqp://guest:guest@localhost:5672"
        task_queue = "tasks"
        status_queue = "status_updates"

        [dispatcher]
        enabled = true
        schedule_interval_seconds = 10
        max_concurrent_dispatches = 100

        [worker]
        enabled = false
        worker_id = "dev-worker-001"
        max_concurrent_tasks = 5
        heartbeat_interval_seconds = 30

        [api]
        enabled = true
        bind_address = "127.0.0.1:8080"
        cors_enabled = false
        """,
    )

    config = load_config(config_file=file)

    assert config.database.url.startswith("postgresql://")
    assert config.message_queue.status_queue == "status_updates"
    assert config.dispatcher.max_concurrent_dispatches == 100
    assert config.worker.worker_id == "dev-worker-001"
    assert config.worker.heartbeat_interval_seconds == 30
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert not config.cors.enabled
    (given,) = config.layers.of("server.port")
    assert str(given.origin) == f"api.bind_address in {file}:24"


@pytest.mark.parametrize("present", list(product([False, True], repeat=3)))
def test_load_config_prefers_command_line_to_environment_to_file(
    present: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    """S1, with a real file; the settings service adds the database."""
    command_line, environment, in_file = present
    file = write(tmp_path / "t.toml", "[log]\nlevel = 'warning'\n" if in_file else "")
    config = load_config(
        overrides=[Override(key="log.level", text="error")] if command_line else [],
        environ={"LOG_LEVEL": "debug"} if environment else {},
        config_file=file,
    )

    expected = [
        value for value, there in zip(["error", "debug", "warning"], present, strict=True) if there
    ]
    assert config.log.level == (expected or ["info"])[0]
    assert [given.value for given in config.layers.of("log.level")] == expected


def test_load_config_prefers_the_process_to_the_env_file(tmp_path: Path) -> None:
    """R074."""
    env_file = write(tmp_path / ".env", "# ours\nexport SERVER_PORT=4000\nLOG_LEVEL='debug' # x\n")

    config = load_config(environ={"SERVER_PORT": "5000"}, env_file=env_file)

    assert config.server.port == 5000
    (given,) = config.layers.of("log.level")
    assert str(given.origin) == f"LOG_LEVEL in {env_file}:3"
    assert given.origin.source is Source.ENVIRONMENT


def test_load_config_shows_what_the_process_hides_of_the_env_file(tmp_path: Path) -> None:
    """S1: the value that the file would give, unless it is none."""
    env_file = write(tmp_path / ".env", "SERVER_PORT=4000\nLOG_LEVEL=loud\n")
    file = write(tmp_path / "t.toml", "[server]\nport = 4500\n")

    config = load_config(
        environ={"SERVER_PORT": "5000", "LOG_LEVEL": "debug"}, env_file=env_file, config_file=file
    )

    assert [(given.value, str(given.origin)) for given in config.layers.of("server.port")] == [
        (5000, "SERVER_PORT in the environment"),
        (4000, f"SERVER_PORT in {env_file}:1"),
        (4500, f"server.port in {file}:2"),
    ]
    assert [given.value for given in config.layers.of("log.level")] == ["debug"]


def test_load_config_names_the_line_of_an_env_file_it_cannot_read(tmp_path: Path) -> None:
    env_file = write(tmp_path / ".env", 'A=1\nnonsense\nB="open\n')

    message = refusal(env_file=env_file)

    assert message.splitlines() == [
        f"{env_file}:2: this line is not NAME=value.",
        f"{env_file}:3: this line is not NAME=value.",
    ]


def test_load_config_reads_secrets_from_files(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", "from-a-file\n")

    for name in ("JWT_SECRET_FILE", "TIDEMILL_AUTH_JWT_SECRET_FILE"):
        config = load_config(environ={name: str(secret)})
        assert config.auth.jwt_secret == "from-a-file"
        assert config.layers.of("auth.jwt_secret")[0].origin.name == name


def test_load_config_refuses_a_secret_given_twice_differently(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", "one")

    message = refusal(environ={"JWT_SECRET_FILE": str(secret), "JWT_SECRET": "two"})

    assert "JWT_SECRET_FILE" in message
    assert "both set auth.jwt_secret" in message


def test_load_config_names_a_secret_file_it_cannot_read(tmp_path: Path) -> None:
    message = refusal(environ={"JWT_SECRET_FILE": str(tmp_path / "gone")})

    assert message == (
        f"JWT_SECRET_FILE in the environment: {tmp_path}/gone cannot be read: "
        "No such file or directory."
    )


def test_load_config_refuses_files_for_what_is_no_secret(tmp_path: Path) -> None:
    assert "only secrets may lie in files" in refusal(environ={"SERVER_PORT_FILE": "/x"})


def test_load_config_leaves_variables_of_others_alone() -> None:
    environ = {
        "PATH": "/bin",
        "TIDEMILL_TEST_POSTGRES_URL": "x",
        "TIDEMILL_CRASH_AT": "y",
        "TIDEMILL_URL": "z",
        "SOME_FILE": "/x",
    }

    assert load_config(environ=environ) == Config()


def test_load_config_names_the_line_of_an_unknown_key(tmp_path: Path) -> None:
    """Q25."""
    file = write(tmp_path / "t.toml", '[log]\nlevel = "info"\n\n[server]\n# port\nprot = 1\n')

    assert refusal(config_file=file) == (
        f"server.prot in {file}:6: the section [server] has no key prot. Did you mean server.port?"
    )


def test_load_config_names_the_place_of_broken_toml(tmp_path: Path) -> None:
    file = write(tmp_path / "t.toml", "[server\n")

    message = refusal(config_file=file)

    assert message.startswith(f"{file}: this is not TOML:")
    assert "line 1" in message


def test_load_config_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(environ={"TIDEMILL_CONFIG": str(tmp_path / "none.toml")})


def test_load_config_finds_lines_of_dotted_and_quoted_keys(tmp_path: Path) -> None:
    file = write(
        tmp_path / "t.toml",
        'server.port = 1\n[mail]\nsmtp_user = """\nsmtp_host = \'x\'\n"""\n"smtp_host" = "h"\n',
    )

    config = load_config(config_file=file)

    assert config.layers.of("server.port")[0].origin.line == 1
    assert config.layers.of("mail.smtp_user")[0].origin.line == 3
    assert config.layers.of("mail.smtp_host")[0].origin.line == 6


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_load_config_sets_every_key_by_its_variable(key: object) -> None:
    from tidemill.core.config import Key

    assert isinstance(key, Key)
    shown = key.default
    text = ",".join(shown) if isinstance(shown, tuple) else str(shown)
    config = load_config(environ={key.variable: text})
    assert config.layers.of(key.name)[0].value == key.default


def test_load_config_never_shows_a_secret(tmp_path: Path) -> None:
    message = refusal(
        environ={"JWT_SECRET": "hunter2-hunter2", "TIDEMILL_SERVER_ENVIRONMENT": "production"}
    )

    assert "hunter2" not in message


def test_parse_set_option_splits_at_the_first_equals_sign() -> None:
    assert parse_set_option("mail.smtp_user=a=b") == Override(key="mail.smtp_user", text="a=b")
    with pytest.raises(ConfigRefused, match="KEY=VALUE"):
        parse_set_option("log.level")

from __future__ import annotations

import subprocess
import sys

import pytest

from tidemill.identity.errors import WeakPassword
from tidemill.identity.passwords.common import is_common
from tidemill.identity.passwords.policy import check


@pytest.mark.parametrize("word", ["password", "trustno1", "liverpool", "contrasena", "starwars"])
def test_is_common_knows_what_is_tried_first(word: str) -> None:
    assert is_common({word})


@pytest.mark.parametrize(
    "word", ["", "\n", "iverpool", "liverpool dragon", "password\n", "tide tables"]
)
def test_is_common_compares_whole_passwords(word: str) -> None:
    assert not is_common({word})


@pytest.mark.parametrize("password", ["Liverpool1984", "  superman??", "metallica", "Dr4g0nfly--"])
def test_check_refuses_a_frequent_password_in_disguise(password: str) -> None:
    with pytest.raises(WeakPassword, match="everybody tries first"):
        check(password, length_min=8)


def test_check_accepts_a_phrase_of_frequent_words() -> None:
    assert check("dragon liverpool monkey", length_min=8)


def test_is_common_does_not_load_the_library_around_the_list() -> None:
    script = (
        "import sys; from tidemill.identity.passwords.common import is_common;"
        "assert is_common({'dragon'}); print('zxcvbn' in sys.modules)"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "False"

from __future__ import annotations

import pytest

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.packages.models import NONE, check_python, packages_of


def header(*names: str) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"# /// script\n# dependencies = [{listed}]\n# ///\n"


def test_packages_of_joins_the_headers_of_all_scripts() -> None:
    found = packages_of([header("b>=1", "a"), header("a", "c[extra]==1.*"), "import os\n"])

    assert found.dependencies == ("a", "b>=1", "c[extra]==1.*")


def test_packages_of_scripts_without_headers_are_none() -> None:
    assert packages_of(["def main(): pass"]) == NONE


@pytest.mark.parametrize(
    "name",
    [
        "httpx", "httpx>=0.28,<1", "zope.interface", "a[b,c] >= 1.0", 'x~=1.4; python_version<"4"',
        "tomli===2.0.1+local",
    ],
)  # fmt: skip
def test_packages_of_takes_names_with_versions_and_markers(name: str) -> None:
    assert packages_of([f"# /// script\n# dependencies = ['''{name}''']\n# ///\n"]).dependencies


@pytest.mark.parametrize(
    "name",
    ["--index-url=http://x", "-r /etc/passwd", "x @ https://x.org/x.whl", "git+https://x.org/x",
     "/etc/x.whl", "./x", "a\\n-r /etc/passwd", ""],
)  # fmt: skip
def test_packages_of_refuses_options_and_addresses(name: str) -> None:
    with pytest.raises(ScriptInvalid, match="no package with versions"):
        packages_of([f'# /// script\n# dependencies = ["{name}"]\n# ///\n'])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# /// script\n# dependencies = [\n# ///\n", "no valid TOML"),
        ("# /// script\n# dependencies = 'a'\n# ///\n", "a list of texts"),
        (header("a") + "\n" + header("b"), "one header"),
        ("\n# /// script\n# dependencies = ['a']\n", "^Line 2, column 1: .* not closed"),
        ("# /// script\n# dependencies = ['a']\nimport a\n# ///\n", "not closed"),
        ("#/// script \n# dependencies = ['a']\n# ///\n", "not closed"),
        ("\n# /// script\n# dependencies = ['a', '-e b']\n# ///\n", "^Line 3, .*'-e b'"),
        ("# /// script\n# dependencies = [\n#  'a',\n#  7,\n# ]\n# ///\n", "^Line 1, .*7"),
        ("\n# /// script\n# dependencies = 'a' 'b'\n# ///\n", "^Line 3, .*no valid TOML"),
    ],
)
def test_packages_of_names_what_is_wrong_with_a_header(text: str, message: str) -> None:
    with pytest.raises(ScriptInvalid, match=message):
        packages_of([text])


def test_packages_of_reads_headers_with_any_line_ends() -> None:
    assert packages_of([header("a").replace("\n", "\r\n")]).dependencies == ("a",)


def test_check_python_refuses_what_scripts_cannot_have() -> None:
    found = packages_of(['# /// script\n# requires-python = ">=3.99"\n# ///\n'])

    check_python(found, (3, 99, 0))
    with pytest.raises(ScriptInvalid, match=r"requires-python is >=3\.99.*Python 3\.11\.4 here"):
        check_python(found, (3, 11, 4))

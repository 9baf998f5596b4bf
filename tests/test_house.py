"""The rules of the house that no linter knows, kept by reading the source."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("telephony", "models", "voice_agent")
LONGEST_FILE = 450
LONGEST_TEST = 550
"""Lines; a longer file usually does two things."""

VENDORED = ("voice_agent/web/static/vendor/", "tests/web/vendor/")
FORBIDDEN_WORDS = re.compile(
    r"/wor[k]/|/hom[e]/\w+/|/User[s]/\w+/|/roo[t]/|/tm[p]/bash|[.]librar[y]|npmj[s][.]|pyp[i][.]org|pythonhoste[d]|de[b][.]debian"
)
"""Paths of somebody's machine and hosts of package registries: an installation has its own."""


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def is_vendored(path: Path) -> bool:
    return path.relative_to(ROOT).as_posix().startswith(VENDORED)


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imported_modules(source: str, package: tuple[str, ...]) -> set[str]:
    """Full names of everything that a module of ``package`` imports anywhere, relative imports resolved."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def breaches(files: Iterator[Path], *forbidden: str) -> list[str]:
    """Files among ``files`` that import one of ``forbidden`` or something below it."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in sorted(imported_modules(path.read_text(), path.relative_to(ROOT).parent.parts))
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    ]


def test_the_emulator_knows_nothing_of_the_rest() -> None:
    ours = [f"telephony.{path.stem}" for path in (ROOT / "telephony").glob("*.py") if path.stem != "__init__"]
    assert breaches(python_files("telephony/emulator"), "voice_agent", "models", *ours) == []


def test_nothing_but_the_command_line_knows_the_emulator() -> None:
    others = (
        path
        for path in python_files(*PACKAGES)
        if not path.relative_to(ROOT).as_posix().startswith(("telephony/emulator/", "voice_agent/cli/"))
    )
    assert breaches(others, "telephony.emulator") == []


@pytest.mark.parametrize("folder", ["telephony", "models"])
def test_the_lower_floors_know_nothing_of_the_practice(folder: str) -> None:
    assert breaches(python_files(folder), "voice_agent") == []


def test_reasoning_knows_no_audio_no_telephony_and_no_http() -> None:
    forbidden = ("pipecat", "telephony", "fastapi", "starlette", "websockets")
    assert breaches(python_files("voice_agent/reasoning"), *forbidden) == []


def test_pipecat_is_imported_by_the_call_alone() -> None:
    others = (
        path
        for path in python_files(*PACKAGES)
        if not path.relative_to(ROOT).as_posix().startswith("voice_agent/call/")
    )
    assert breaches(others, "pipecat") == []


def test_tests_and_scripts_stay_out_of_the_product() -> None:
    assert breaches(python_files(*PACKAGES), "tests", "scripts") == []


def test_relative_imports_are_resolved_before_they_are_judged() -> None:
    source = "from .. import g711\nfrom ..media_stream import parse\nfrom . import clock"
    assert imported_modules(source, ("telephony", "emulator")) >= {
        "telephony.g711",
        "telephony.media_stream.parse",
        "telephony.emulator.clock",
    }


def test_no_python_file_is_longer_than_one_thing_needs() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in tracked_files()
        if path.suffix == ".py"
        and not is_vendored(path)
        and (lines := len(path.read_text().splitlines()))
        > (LONGEST_TEST if path.is_relative_to(ROOT / "tests") else LONGEST_FILE)
    }
    assert long == {}


def test_no_file_knows_a_machine_or_a_registry() -> None:
    found = []
    for path in tracked_files():
        if is_vendored(path):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # sound, pictures and models
        found += [
            f"{path.relative_to(ROOT)}:{number}: {match.group()}"
            for number, line in enumerate(text.splitlines(), 1)
            if (match := FORBIDDEN_WORDS.search(line))
        ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    mark = re.compile(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in (ROOT / "tests").rglob("test_*.py")
        if path != Path(__file__).resolve() and (match := mark.search(path.read_text()))
    ]
    assert found == []


def test_no_exception_is_swallowed_without_a_word() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and all(isinstance(step, ast.Pass) for step in node.body)
    ]
    assert silent == []


def requirement_names() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = (line for lines in project["optional-dependencies"].values() for line in lines)
    names = (re.match(r"[A-Za-z0-9_.-]+", line) for line in (*project["dependencies"], *extras))
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in names if match}


def test_every_requirement_has_a_pinned_version() -> None:
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().split()}
    assert requirement_names() - pinned == set()


def test_every_pinned_package_is_listed_with_its_licence() -> None:
    listed = dict(
        re.findall(r"^\| ([a-z0-9-]+) \| (\d\S*) \| \S", (ROOT / "THIRD_PARTY.md").read_text(), re.M)
    )
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    assert listed == pinned


@pytest.mark.parametrize("script", ["scripts/start", "scripts/test", "scripts/lock", ".ci/run"])
def test_the_doors_can_be_opened(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o100, f"{script} is not executable: chmod +x {script}"
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


def test_test_modules_have_names_of_their_own() -> None:
    """Outside of packages pytest imports a test file by its bare name: two of one name stop the run."""
    tests = [path for path in tracked_files() if path.name.startswith("test_") and path.suffix == ".py"]
    bare = [path for path in tests if not (path.parent / "__init__.py").exists()]
    names = [path.name for path in bare]
    twice = sorted(str(path.relative_to(ROOT)) for path in bare if names.count(path.name) > 1)
    assert not twice, f"rename one of each: {', '.join(twice)}"

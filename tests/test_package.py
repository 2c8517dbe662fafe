"""What is built can be installed by itself: a wheel and an sdist, in a bare environment, without any extra."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.binder import checkout

UV = shutil.which("uv")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="builds with uv, which is not on the path")]

# Where an extra is missing, a sentence says which one; nothing else of the package needs it.
SMOKE = """
import finassist, sys
assert sys.version_info >= (3, 12)
heavy = {"pandas", "agno", "aiohttp", "ipywidgets"} & sys.modules.keys()
assert not heavy, heavy
workflow = finassist.FinancialAssistantWorkflow(db=None)
answer = workflow.run("What is Apple's stock price?")
heavy = {"pandas", "aiohttp", "sqlalchemy", "jinja2", "ipywidgets", "agno.os"} & sys.modules.keys()
assert not heavy, heavy
assert answer.symbols == ["AAPL"] and len(answer.to_frame()) == 1 and "309.35" in answer.headline
report = workflow.run("Tell me about Apple")
assert len(report.to_frame()) > 20
assert "<svg" in str(answer.timeline) and "309.35" in answer.to_html()
for ask, extra in (
    (lambda: finassist.FinancialAssistantWorkflow(db=None, model="openai:some-model"), "openai"),
    (lambda: finassist.FinancialAssistantWorkflow(db=None, provider="yfinance"), "yfinance"),
    (lambda: report.plot(), "plot"),
    (lambda: workflow.run_many(["What is EBITDA?"], client=object()), "dask"),
):
    try:
        ask()
    except finassist.FinassistError as error:
        assert f"finassist[{extra}]" in str(error), error
    else:
        raise AssertionError(f"{extra} is not missed")
print("fine")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    run([str(UV), "build", "--quiet", "--out-dir", str(folder / "dist")], checkout(folder / "source"))
    return folder


def run(command: list[str], where: Path, **environment: str) -> str:
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:5])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(built: Path) -> None:
    [wheel] = (built / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"finassist"}
    assert {
        "finassist/py.typed",
        "finassist/apps/live/timeline.js",
        "finassist/apps/chat/panel.js",
        "finassist/apps/chat/panel.css",
    } <= set(names)
    assert [name for name in names if name.startswith("finassist/providers/embedded/files/")]
    assert not [name for name in names if name.startswith("finassist/docs/")], "the site is for readers of the source"


def test_the_sdist_holds_what_the_tests_need(built: Path) -> None:
    [sdist] = (built / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/conftest.py", "notebooks/01_quickstart.ipynb"} <= names


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_works_in_a_bare_environment(built: Path, kind: str) -> None:
    [package] = (built / "dist").glob(kind)
    bare = built / f"bare{package.suffix}"
    home = bare / "home"
    run([str(UV), "venv", "--quiet", "--python", sys.executable, str(bare)], built)
    run([str(UV), "pip", "install", "--quiet", "--python", str(bare / "bin" / "python"), str(package)], built)
    home.mkdir()
    python = [str(bare / "bin" / "python"), "-W", "error::SyntaxWarning"]
    assert run([*python, "-c", SMOKE], home, FINASSIST_HOME=str(home)).strip() == "fine"
    said = run([str(bare / "bin" / "finassist"), "ask", "What is Apple's stock price?"], home, FINASSIST_HOME=str(home))
    assert "309.35" in said

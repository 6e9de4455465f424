"""What a program's requirements.txt asks for, installed once for all that ask the same."""

import asyncio
import base64
import hashlib
import zipfile

import pytest
from stream_programs import sql

from millpond.engines.streams.interface import CannotStart, Finished, Logged, Program

NAME = "millpond_test_words"


def make_wheel(folder, version="1.0", word="good", requires=""):
    """A package of one module, as pip takes it."""
    folder.mkdir(exist_ok=True)
    info = f"{NAME}-{version}.dist-info"
    files = {
        f"{NAME}.py": f"WORD = {word!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={_digest(text)},{len(text.encode())}\n" for name, text in files.items()
    )
    with zipfile.ZipFile(folder / f"{NAME}-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def _digest(text):
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def asking(folder):
    """A program that needs a package that comes with it, and one that is installed here."""
    make_wheel(folder / "wheels", requires="numpy>=1.20")
    (folder / "requirements.txt").write_text(
        "# what it needs\n--no-index\n--find-links ./wheels\n"
        f"{NAME.replace('_', '-')} >= 1.0  # here\n"
        "numpy>=1.20\napache-flink==2.1.0\n"
    )
    (folder / "functions.py").write_text(
        f"from {NAME} import WORD\nimport numpy\n\n"
        "def fine(a: int) -> str:\n    return f'{WORD} {numpy.__file__}'\n"
    )
    return Program("flink", sql("fine", sink="print", rows=1, kind="STRING"), folder)


async def test_what_is_missing_is_installed_once_and_found(streams, order, hear, data, asking):
    checked, again = await asyncio.gather(streams.check(asking), streams.check(asking))
    assert checked == again
    kept = list((data / "streams" / "requirements").iterdir())
    assert len(kept) == 1
    run = await streams.start(order(program=asking))
    heard = hear(run)
    assert await run.wait() == Finished()
    await heard.all()
    word, place = heard.texts[-1][3:-1].split()
    assert word == "good"
    assert str(data) not in place
    assert list((data / "streams" / "requirements").iterdir()) == kept


async def test_the_installation_is_told(streams, order, hear, asking):
    run = await streams.start(order(program=asking))
    heard = hear(run)
    await run.wait()
    lines = [event.text for event in await heard.all() if isinstance(event, Logged)]
    assert lines[0].startswith("Installing requirements.txt: ")
    assert any(f"Successfully installed {NAME.replace('_', '-')}-1.0" in line for line in lines)


async def test_another_package_of_the_program_is_installed_anew(streams, data, folder, asking):
    await streams.check(asking)
    make_wheel(folder / "wheels", version="1.1", word="better")
    await streams.check(asking)
    assert len(list((data / "streams" / "requirements").iterdir())) == 2


async def test_what_is_installed_here_needs_nothing(streams, order, data, folder):
    (folder / "requirements.txt").write_text(
        "numpy>=1.20 ; python_version >= '3.8'\nPyArrow\napache_flink\n"
        "no-such ; python_version < '3'\n"
    )
    await streams.check(order("fine").program)
    assert not (data / "streams" / "requirements").exists()


@pytest.mark.parametrize("line", ["no-such-package-of-ours==9", "numpy==0.0.1", "///"])
async def test_what_cannot_be_installed_is_told_with_pip_s_reason(
    streams, order, data, folder, line
):
    (folder / "requirements.txt").write_text(f"--no-index\n{line}\n")
    with pytest.raises(CannotStart, match=r"requirements.txt cannot be installed \(exit code 1\)"):
        await streams.start(order("fine"))
    assert list((data / "streams" / "requirements").iterdir()) == []


async def test_a_package_s_code_cannot_read_what_is_not_its_own(streams, order, data, folder):
    package = folder / "spy"
    package.mkdir()
    (package / "setup.py").write_text(
        f"raise SystemExit(open({str(data / 'root-credentials')!r}).read())\n"
    )
    (folder / "requirements.txt").write_text("--no-index\n--no-build-isolation\n./spy\n")
    with pytest.raises(CannotStart) as caught:
        await streams.start(order("fine"))
    assert "the root's secret" not in str(caught.value)

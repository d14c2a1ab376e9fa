"""The output folder: whole files or none, one run at a time, plain words when the disk says no."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbid.errors import InputError
from outbid.output import OutputFolder, folder_path, json_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name.startswith(".outbid"))


def test_writes_files_and_subfolders_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    with OutputFolder(target) as out:
        assert out.write_text("summary.json", "{}\n") == target / "summary.json"
        out.write_bytes("tables/effects.csv", b"x\n1\n")
        out.write_text("tables/drawn.txt", "é")
    assert (target / "summary.json").read_text() == "{}\n"
    assert (target / "tables" / "effects.csv").read_bytes() == b"x\n1\n"
    assert (target / "tables" / "drawn.txt").read_text(encoding="utf-8") == "é"
    assert leftovers(target) == []


def test_a_second_write_replaces_the_file(tmp_path: Path) -> None:
    with OutputFolder(tmp_path) as out:
        out.write_text("report.html", "old and long")
        out.write_text("report.html", "new")
    assert (tmp_path / "report.html").read_text() == "new"


def test_files_are_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    with OutputFolder(tmp_path) as out:
        out.write_text("report.html", "")
    assert (tmp_path / "report.html").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_writing_outside_the_with_block_is_our_own_mistake(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="entered with `with`"):
        OutputFolder(tmp_path).write_text("x", "y")


@pytest.mark.parametrize("path", ["", "  ", "a\0b"])
def test_an_empty_path_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="--out"):
        folder_path(path)
    with pytest.raises(InputError, match="--out"):
        OutputFolder(path)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="there is a file of that name"), OutputFolder(tmp_path / "file"):
        pass
    with (
        pytest.raises(InputError, match="part of the path is a file"),
        OutputFolder(tmp_path / "file" / "out"),
    ):
        pass
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="permission to write is missing"), OutputFolder(tmp_path):
            pass
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "name",
    ["", "..", ".", "../x", "tables/../../x", "/etc/x", "a/..", "C:/x", "a\\b", "a\0b", ".outbid.lock"],
)
def test_a_name_stays_inside_the_folder(tmp_path: Path, name: str) -> None:
    with OutputFolder(tmp_path / "out") as out:
        with pytest.raises(InputError, match="does not name a file inside"):
            out.write_text(name, "x")
        assert names(tmp_path) == ["out"]


@given(name=st.text(alphabet="./\\ab:\0", max_size=8))
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp().resolve() / "inside"
    try:
        place = OutputFolder(root).place(name)
    except InputError:
        return
    assert place.resolve().is_relative_to(root)
    assert place.resolve() != root


def test_a_link_inside_the_folder_does_not_lead_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with OutputFolder(tmp_path / "out") as out:
        (out.path / "tables").symlink_to(outside)
        with pytest.raises(InputError, match="does not name a file inside"):
            out.write_text("tables/x.csv", "x")
        (outside / "kept").write_text("mine")
        (out.path / "report.html").symlink_to(outside / "kept")
        out.write_text("report.html", "ours")
    assert (outside / "kept").read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EFBIG, "larger than the disk"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission to write"),
        (errno.EIO, "reports an error"),
        (errno.ENAMETOOLONG, "can't be written"),
    ],
)
def test_a_disk_that_says_no_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with OutputFolder(tmp_path) as out:
        out.write_text("posterior.nc", "old")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=words) as caught:
            out.write_bytes("posterior.nc", b"new")
        assert "\n" not in str(caught.value)
        assert leftovers(tmp_path) == [".outbid.lock"]
    assert (tmp_path / "posterior.nc").read_text() == "old"


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, timeout=60
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such limit")
def test_a_real_limit_on_the_size_of_files(tmp_path: Path) -> None:
    (tmp_path / "posterior.nc").write_text("old")
    done = run_python(
        """
        import resource, signal, sys
        from outbid.errors import InputError
        from outbid.output import OutputFolder
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        with OutputFolder(sys.argv[1]) as out:
            out.write_bytes("small.csv", b"x" * 4096)
            try:
                out.write_bytes("posterior.nc", b"x" * 100_000)
            except InputError as error:
                print(error)
        """,
        str(tmp_path),
    )
    assert done.stderr == ""
    assert "larger than the disk" in done.stdout
    assert "nothing half-written was left" in done.stdout
    assert (tmp_path / "posterior.nc").read_text() == "old"
    assert names(tmp_path) == ["posterior.nc", "small.csv"]


def test_the_second_run_into_a_folder_fails_at_once_and_names_the_first(tmp_path: Path) -> None:
    code = """
        import sys
        from outbid.errors import InputError
        from outbid.output import OutputFolder
        try:
            with OutputFolder(sys.argv[1]):
                print("mine")
        except InputError as error:
            print(error)
        """
    with OutputFolder(tmp_path):
        second = run_python(code, f"{tmp_path}/../{tmp_path.name}")
        with pytest.raises(InputError, match=f"process {os.getpid()}"), OutputFolder(tmp_path):
            pass
    assert f"another run (process {os.getpid()}) is writing into this folder" in second.stdout
    assert len(second.stdout.splitlines()) == 1
    assert run_python(code, str(tmp_path)).stdout == "mine\n"


def test_the_lock_ends_with_a_crash_and_the_next_run_tidies_up(tmp_path: Path) -> None:
    crash = run_python(
        """
        import os, sys
        from outbid.output import OutputFolder
        with OutputFolder(sys.argv[1]) as out:
            os.fsync = lambda _: os._exit(9)
            out.write_bytes("posterior.nc", b"half")
        """,
        str(tmp_path),
    )
    assert crash.returncode == 9
    assert len(leftovers(tmp_path)) == 2
    with OutputFolder(tmp_path):
        assert leftovers(tmp_path) == [".outbid.lock"]
    assert names(tmp_path) == []


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), OutputFolder(tmp_path):
        raise ZeroDivisionError
    with OutputFolder(tmp_path) as out:
        out.write_text("x", "y")


def test_many_runs_at_once_never_share_the_folder(tmp_path: Path) -> None:
    code = """
        import os, sys, time
        from outbid.errors import InputError
        from outbid.output import OutputFolder
        inside = os.path.join(sys.argv[1], "inside")
        for _ in range(200):
            try:
                with OutputFolder(sys.argv[1]):
                    os.mkdir(inside)
                    os.rmdir(inside)
            except InputError:
                pass
        """
    runs = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for run in runs:
        _, complaint = run.communicate(timeout=60)
        assert (run.returncode, complaint) == (0, b"")


def test_json_is_strict() -> None:
    value = {
        "nothing": float("nan"),
        "endless": np.array([1.0, np.inf, -np.inf]),
        "count": np.int64(3),
        "small": np.float32(0.5),
        "truth": np.True_,
        "path": Path("out/khorasan"),
        "rows": [(1, "a"), None],
    }
    assert json.loads(json_text(value)) == {
        "nothing": None,
        "endless": [1.0, None, None],
        "count": 3,
        "small": 0.5,
        "truth": True,
        "path": "out/khorasan",
        "rows": [[1, "a"], None],
    }
    with pytest.raises(TypeError, match="object has no place in JSON"):
        json_text(object())


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(plain)
def test_plain_values_come_back_from_json(value: object) -> None:
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize("name", ["results.nc", "summary.json", "report.html", "tables"])
def test_what_is_in_the_way_is_said_before_the_work(tmp_path: Path, name: str) -> None:
    """A folder where a file has to go, a file where a folder has to."""
    if name == "tables":
        (tmp_path / name).touch()
    else:
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=f"{name}: is in the way"), OutputFolder(tmp_path):
        pass

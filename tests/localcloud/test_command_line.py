"""`python -m localcloud`, from start to stop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.__main__ import NOT_RUNNING, main
from localcloud.cloud import REPOSITORY, LocalCloud


def test_from_start_to_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command says what it did; start and stop may be repeated, and the clock may be set between them."""
    state = ["--state", str(tmp_path)]
    try:
        assert main([*state, "start"]) == 0
        assert "Starting the local cloud" in capsys.readouterr().out
        # As after the clock is set, on a machine that was suspended: a process seems to have begun at another time.
        monkeypatch.setattr("psutil.Process.create_time", lambda _: 0.0)
        assert main([*state, "start"]) == 0
        assert "was running already" in capsys.readouterr().out
        assert main([*state, "status"]) == 0
        assert str(tmp_path / "cloud.log") in capsys.readouterr().out

        monkeypatch.setenv("AWS_PROFILE", "production")
        assert main([*state, "env", "--account", "111122223333"]) == 0
        shell = capsys.readouterr().out + 'echo "$AWS_ACCESS_KEY_ID $AWS_ENDPOINT_URL ${AWS_PROFILE-none}"'
        said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
        cloud = LocalCloud.attach(tmp_path)
        assert cloud is not None
        assert said == f"111122223333 {cloud.endpoint_url} none\n"

        assert main([*state, "switches", "list_lag=2", "returned_form=normalized"]) == 0
        assert "list_lag=2.0\n" in capsys.readouterr().out
        assert main([*state, "switches"]) == 0
        assert "returned_form=normalized\n" in capsys.readouterr().out
        assert main([*state, "switches", "list_leg=2"]) == 1
        assert "There is no switch 'list_leg'" in capsys.readouterr().err
    finally:
        assert main([*state, "stop"]) == 0
    assert "is stopped" in capsys.readouterr().out
    assert (main([*state, "stop"]), main([*state, "status"])) == (0, NOT_RUNNING)
    assert capsys.readouterr().out.count("is not running") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "start it with: python -m localcloud start"),
        ("--account 123", '"123" is not an account ID. Specify its 12 digits'),
        ("--acount 111122223333", "unrecognized arguments: --acount"),
    ],
)
def test_nothing_follows_an_environment_that_is_not_there(tmp_path: Path, arguments: str, told: str) -> None:
    """What a shell would run next with the user's own credentials doesn't run."""
    line = f'eval "$({sys.executable} -m localcloud --state {tmp_path} env {arguments})" && echo reached'
    done = subprocess.run(["sh", "-c", line], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode != 0
    assert (done.stdout, told in done.stderr) == ("", True)

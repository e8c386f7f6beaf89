"""Where PyTango is missing, one line says what to install."""

from __future__ import annotations

import importlib.util

import pytest

from tango_server import register, service


@pytest.mark.parametrize("main", [service.main, register.main])
def test_tango_that_is_not_installed_is_one_line(
    main: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tango" else find_spec(name)
    )
    with pytest.raises(SystemExit) as ended:
        main(["session"])  # type: ignore[operator]
    assert ended.value.code == 1
    line = capsys.readouterr().err
    assert "install the extra `tango`" in line
    assert line.count("\n") == 1

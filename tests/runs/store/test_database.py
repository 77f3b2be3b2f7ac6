"""What a database library would print, where the command line has a line of its own."""

from pathlib import Path

import pytest

from workbench.runs.store.database import connect, database_url


def test_an_interrupt_while_a_connection_closes_is_raised_and_not_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    engine = connect(database_url(tmp_path / "ledger.db"), write=True)
    with engine.connect():
        pass
    monkeypatch.setattr(engine.dialect, "do_close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.dispose()
    assert caplog.records == []

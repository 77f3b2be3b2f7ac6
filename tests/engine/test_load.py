"""What a machine did beside a run, from accounts as Linux writes them."""

from pathlib import Path

import pytest

from workbench.engine.load import OTHER_LOAD, as_detail, cpu_times


def accounts(folder: Path, busy: int, idle: int, ticks: dict[int, tuple[int, int]]) -> Path:
    """Of a machine, and of processes: number to parent and ticks."""
    folder.mkdir(exist_ok=True)
    (folder / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 7 0\ncpu0 1 2\n")
    for number, (parent, own) in ticks.items():
        (folder / str(number)).mkdir(exist_ok=True)
        fields = ["S", str(parent), *["0"] * 9, str(own), "0", "0", "0", "20"]
        (folder / str(number) / "stat").write_text(f"{number} (a (b) c) {' '.join(fields)}\n")
    return folder


def test_others_are_all_but_the_sweep_and_its_workers(tmp_path: Path) -> None:
    before = cpu_times(accounts(tmp_path, 1000, 500, {7: (1, 10), 8: (7, 20), 9: (1, 50)}), 7)
    after = cpu_times(accounts(tmp_path, 1160, 540, {7: (1, 15), 8: (7, 120), 9: (1, 105)}), 7)
    assert before is not None
    assert after is not None
    assert after.others_since(before) == (160 - 105) / 200
    assert dict(as_detail(before, after)) == {OTHER_LOAD: 0.275}


def test_where_nothing_is_told_nothing_is_said(tmp_path: Path) -> None:
    assert cpu_times(tmp_path / "none") is None
    found = cpu_times(accounts(tmp_path, 10, 5, {}), 1)
    assert found is not None
    assert found.others_since(found) is None
    assert not [*as_detail(found, None), *as_detail(None, found), *as_detail(found, found)]


@pytest.mark.skipif(not Path("/proc/stat").is_file(), reason="this system keeps no such accounts")
def test_this_machine_tells() -> None:
    found = cpu_times()
    assert found is not None
    assert 0 < found.own <= found.busy <= found.whole

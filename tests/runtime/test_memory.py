"""Limits of control groups bound the memory of a process."""

import pytest

from vaekit.runtime.memory import available_memory


def limited(tmp_path, groups, limits):
    """The memory by a list of control groups and the limits of their folders."""
    for name, limit in limits.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{limit}\n")
    (tmp_path / "groups").write_text(groups)
    return available_memory(tmp_path / "root", tmp_path / "groups")


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": 4096}, 4096),
        ("0::/a/b\n", {"a/b/memory.max": 512, "a/memory.max": 4096}, 512),
        ("0::/elsewhere\n", {"memory.max": 2048}, 2048),
        ("3:cpu,memory:/a\n1:pids:/\n", {"memory/a/memory.limit_in_bytes": 1024}, 1024),
        ("3:cpu:/a\n", {"memory/a/memory.limit_in_bytes": 1024}, None),
        ("0::/../a\n", {"memory.max": 256}, 256),
        ("damaged", {"memory.max": 256}, None),
    ],
)
def test_the_lowest_limit_counts(tmp_path, groups, limits, expected):
    unlimited = available_memory(tmp_path / "missing", tmp_path / "missing")
    assert limited(tmp_path, groups, limits) == (expected or unlimited)

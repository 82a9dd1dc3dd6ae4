"""The sources are laid out as tools/format.sh lays them out."""

import os
import subprocess

from support import BUILD, ROOT


def test_sources_are_formatted():
    checked = subprocess.run(
        [ROOT / "tools/format.sh", "--check"],
        env={**os.environ, "GEMMAC_BUILD": str(BUILD)},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, "run tools/format.sh:\n" + checked.stdout[-4000:] + checked.stderr[-4000:]

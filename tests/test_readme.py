"""The README's Python example runs as it stands."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_python_example_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        names = {}
        exec(block, names)  # a warning would be an error
        assert names["p"].shape == (1000,)
        assert names["p_new"].shape == (5,)
    assert "100 (10.0%" in capsys.readouterr().out

"""The README's Python examples run as they stand."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).parents[1] / "README.md"


def test_the_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    names = {}
    for block in blocks:
        exec(block, names)  # a warning would be an error
    assert names["p"].shape == (1000, 2)
    np.testing.assert_allclose(names["p_new"], names["p"][:5], atol=1e-12)
    assert np.mean(names["p"].argmax(axis=1) == names["truth"]) > 0.95
    assert names["stack"].transduction_.shape == (569,)

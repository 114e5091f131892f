"""The compiled kernels, in the best instruction set that this machine supports; CFENSEMBLE_ISA chooses another.

Contracts: R and C in any layout and either precision, never modified, and computed with in R's precision; shapes,
dtypes and the values of R and C checked (factors are taken as they are: their owners check them); the GIL released;
results that do not depend on the number of threads, but in their last digits on the instruction set. Signatures are in
`__init__.pyi`; the definitions, readable, are the NumPy twins in `cfensemble._reference`.
"""

from cfensemble._core._isa import load, supported

isa, _module = load()
_functions = {name: value for name, value in vars(_module).items() if not name.startswith("_")}
globals().update(_functions)

__all__ = ["isa", "supported", *_functions]

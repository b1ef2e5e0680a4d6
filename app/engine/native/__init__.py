"""The only package that imports llama_cpp: its low-level bindings behind small typed classes.

Everything here belongs to one thread, the inference worker's; only `AbortFlag.raise_` may be called
from any. The high-level `Llama` class is not used: its detokeniser slows down as an answer grows,
and its `verbose=False` duplicates file descriptors, which fails in a windowed build.
"""

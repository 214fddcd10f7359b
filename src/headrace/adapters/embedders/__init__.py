"""Drivers of the Embedder port.

onnxruntime from 1.29 on sends events about each process, session and model to its maker, unless it is told not to before it is first
imported. Nothing leaves this machine that its owner did not ask for, so the word is said here: no driver below can be imported without it.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

"""llama.cpp in this process. Only an engine's own process imports it, once :mod:`headrace.adapters.engines.llama` knows the CPU will do."""

# The library is one native module without types.
# pyright: reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

from __future__ import annotations

from typing import TYPE_CHECKING

import xllamacpp

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 256
"""Tokens of prompt that one step of the engine takes: smaller buffers, and shorter waits for the answers that are being written."""
PREFIX_CACHE_MIB = 32
"""Prefixes of prompts whose slot was needed for another are kept up to this much memory."""


def start(weights: Path, socket: Path, *, slots: int, context: int, writing: int, reading: int) -> object:
    """A running server on the Unix socket; it stops when the returned object is deleted. Raises RuntimeError when it cannot load."""
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.hostnames = [str(socket)]
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = context
    params.kv_unified = False  # every slot has its own equal share: no answer can take another's room
    # Keys in 8 bits, and with them no flash attention, save 42 MB of 190 for 8192 tokens and cost a tenth of a prompt's time; values in
    # 8 bits would save as much again and cost half of the speed.
    params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.ctx_shift = False  # a prompt that does not fit is refused; nothing is dropped silently
    params.cont_batching = True
    params.cache_prompt = True
    params.cache_ram_mib = PREFIX_CACHE_MIB
    params.n_batch = params.n_ubatch = BATCH
    params.cpuparams.n_threads = writing
    params.cpuparams_batch.n_threads = reading
    params.cpuparams.poll = params.cpuparams_batch.poll = 0  # an idle thread sleeps
    params.n_threads_http = slots + 4  # one for each answer, and some for counting and looking at the slots
    params.endpoint_metrics = params.endpoint_slots = True
    params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE  # all that is written is text
    params.ui = False
    params.warmup = True
    params.verbosity = 1  # errors only: the engine's log never holds what was asked
    return xllamacpp.Server(params)

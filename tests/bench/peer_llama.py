"""llama.cpp as peers.py measures it: a process of its own, so that its peak memory is its own.

    peer_llama.py GGUF --threads N --context N

Runs in the environment that peers.py makes, through the low-level interface of llama-cpp-python, with the defaults of
llama.cpp's own benchmark: batches of 2048 in pieces of 512, f16 caches, flash attention where it thinks fit. Each line
on standard input is a request, a JSON object; each gets one JSON line on standard output. The first line comes unasked
when the model is loaded.

    {"do": "prefill", "tokens": 512}                a prompt from position 0, logits of its last token
    {"do": "decode", "depth": 4096, "tokens": 32, "state": FILE}
                                                    single tokens from that position on; fills the cache first if
                                                    needed, from FILE when it is there, else FILE is written
    {"do": "verify", "rows": 4, "calls": 8}         calls of 4 tokens from position 0, logits of each
"""

import argparse
import ctypes
import json
import os
import random
import sys
import time

import llama_cpp.llama_cpp as api

BATCH = 2048
ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR


@api.llama_log_callback
def log_errors(level, text, user_data):
    """Of the pages that llama.cpp writes."""
    if level == ERROR_LEVEL:
        sys.stderr.write(text.decode(errors="replace"))


class Peer:
    def __init__(self, path, threads, context):
        begin = time.monotonic()
        api.llama_log_set(log_errors, ctypes.c_void_p(0))
        api.llama_backend_init()
        model_options = api.llama_model_default_params()
        model_options.n_gpu_layers = 0
        self.model = api.llama_model_load_from_file(path.encode(), model_options)
        if not self.model:
            raise SystemExit(f"peer_llama: error: llama.cpp cannot load '{path}'")
        options = api.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = context, min(BATCH, context), min(512, context)
        options.n_threads = options.n_threads_batch = threads
        self.context = api.llama_init_from_model(self.model, options)
        if not self.context:
            raise SystemExit(f"peer_llama: error: llama.cpp cannot make a context of {context} positions for '{path}'")
        self.vocab = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self.limit = context
        self.batch = api.llama_batch_init(BATCH, 0, 1)
        self.random = random.Random(1)
        self.position = 0
        self.load_seconds = time.monotonic() - begin

    def reset(self):
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        self.position = 0

    def feed(self, count, logits):
        """Random tokens; `logits` says for which of them: "last" or "all"."""
        while count:
            rows = min(count, BATCH, self.limit)
            self.batch.n_tokens = rows
            for i in range(rows):
                self.batch.token[i] = self.random.randrange(self.vocab)
                self.batch.pos[i] = self.position + i
                self.batch.n_seq_id[i] = 1
                self.batch.seq_id[i][0] = 0
                self.batch.logits[i] = logits == "all" or (count == rows and i == rows - 1)
            status = api.llama_decode(self.context, self.batch)
            if status:
                raise SystemExit(f"peer_llama: error: llama_decode returned {status} at position {self.position}")
            self.position += rows
            count -= rows
        api.llama_synchronize(self.context)
        return api.llama_get_logits_ith(self.context, -1)

    def prefill(self, tokens):
        self.reset()
        return self.timed(lambda: self.feed(tokens, "last"))

    def decode(self, depth, tokens, state=None):
        self.reset()
        if depth:
            self.fill(depth, state)
        return self.timed(lambda: [self.feed(1, "last") for _ in range(tokens)])

    def fill(self, depth, state):
        """Feeding thousands of tokens takes minutes with large models, so that is done once for all turns."""
        if state and os.path.exists(state):
            tokens, count = (api.llama_token * depth)(), ctypes.c_size_t()
            if not api.llama_state_load_file(self.context, state.encode(), tokens, depth, ctypes.byref(count)):
                raise SystemExit(f"peer_llama: error: llama.cpp cannot load the state '{state}'; remove the file")
            self.position = depth
            return
        self.feed(depth, "last")
        if state:
            tokens = (api.llama_token * depth)()
            if not api.llama_state_save_file(self.context, state.encode(), tokens, depth):
                raise SystemExit(f"peer_llama: error: llama.cpp cannot write the state '{state}'")

    def verify(self, rows, calls):
        self.reset()
        return self.timed(lambda: [self.feed(rows, "all") for _ in range(calls)])

    @staticmethod
    def timed(work):
        begin = time.monotonic()
        work()
        return time.monotonic() - begin


def peak_resident_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    options = parser.parse_args()

    def reply(**values):
        print(json.dumps({**values, "peak_resident_bytes": peak_resident_bytes()}), flush=True)

    peer = Peer(options.gguf, options.threads, options.context)
    reply(load_seconds=peer.load_seconds, system=api.llama_print_system_info().decode())
    for line in sys.stdin:
        request = json.loads(line)
        reply(seconds=getattr(peer, request.pop("do"))(**request))


if __name__ == "__main__":
    main()

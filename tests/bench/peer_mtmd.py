"""llama.cpp's encoders of pictures and sounds as media_peers.py measures them, in a process of their own.

    peer_mtmd.py GGUF MMPROJ --threads N --image-tokens N

Runs in the environment that media_peers.py makes, through the low-level interface of llama-cpp-python, with the
library's defaults (flash attention as it decides). Each line on standard input is a request, a JSON object; each gets
one JSON line on standard output. The first line comes unasked when both files are loaded.

    {"do": "image", "pixels": FILE, "width": 960, "height": 672, "soft": FILE}     raw bytes, red, green, blue
    {"do": "audio", "samples": FILE, "soft": FILE}                                      raw float32 at 16 kHz

"prepare_seconds" is what mtmd_tokenize takes (resizing, or the spectrogram), "encode_seconds" mtmd_encode_chunk,
"prefill_seconds" what the text model takes for the soft tokens and those around them. "processor_seconds" is what all
threads spend on the first two, "prefill_processor_seconds" on the third. With "soft" the soft tokens are written there,
float32.
"""

import argparse
import ctypes
import json
import sys
import time

import llama_cpp.llama_cpp as api
import llama_cpp.mtmd_cpp as mtmd
import numpy as np
from peer_llama import log_errors, peak_resident_bytes

TEXT_CHUNK = 0


def is_text(chunk):
    return mtmd.mtmd_input_chunk_get_type(chunk) == TEXT_CHUNK


class Peer:
    def __init__(self, path, projector, threads, image_tokens):
        api.llama_log_set(log_errors, ctypes.c_void_p(0))
        mtmd.mtmd_log_set(log_errors, ctypes.c_void_p(0))
        api.llama_backend_init()
        model_options = api.llama_model_default_params()
        model_options.n_gpu_layers = 0
        self.model = api.llama_model_load_from_file(path.encode(), model_options)
        if not self.model:
            raise SystemExit(f"peer_mtmd: error: llama.cpp cannot load '{path}'")
        options = api.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = 2048, 2048, 2048  # a picture is one batch, not causal
        options.n_threads = options.n_threads_batch = threads
        self.context = api.llama_init_from_model(self.model, options)
        options = mtmd.mtmd_context_params_default()
        options.use_gpu, options.n_threads, options.print_timings, options.warmup = False, threads, False, False
        options.image_max_tokens = image_tokens
        self.encoder = mtmd.mtmd_init_from_file(projector.encode(), self.model, options)
        if not self.encoder:
            raise SystemExit(f"peer_mtmd: error: llama.cpp cannot load '{projector}'")

    def image(self, pixels, width, height, soft=None):
        raw = np.fromfile(pixels, np.uint8)
        data = raw.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        return self.encode(mtmd.mtmd_bitmap_init(width, height, data), soft)

    def audio(self, samples, soft=None):
        raw = np.fromfile(samples, np.float32)
        data = raw.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        return self.encode(mtmd.mtmd_bitmap_init_from_audio(len(raw), data), soft)

    def encode(self, bitmap, soft):
        chunks = mtmd.mtmd_input_chunks_init()
        marker = mtmd.mtmd_default_marker()
        text = mtmd.mtmd_input_text(marker, len(marker), False, True)
        bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
        begin, processor = time.monotonic(), time.process_time()
        if status := mtmd.mtmd_tokenize(self.encoder, chunks, ctypes.byref(text), bitmaps, 1):
            raise SystemExit(f"peer_mtmd: error: mtmd_tokenize returned {status}")
        prepared = time.monotonic()
        every = [mtmd.mtmd_input_chunks_get(chunks, i) for i in range(mtmd.mtmd_input_chunks_size(chunks))]
        rows = [self.soft_tokens(chunk) for chunk in every if not is_text(chunk)]
        encoded, processor = time.monotonic(), time.process_time() - processor
        if soft:
            np.concatenate(rows).tofile(soft)
        begin_prefill = time.process_time()
        prefill_seconds = self.prefill(every, rows)
        prefill_processor = time.process_time() - begin_prefill
        mtmd.mtmd_input_chunks_free(chunks)
        mtmd.mtmd_bitmap_free(bitmap)
        return {
            "prepare_seconds": prepared - begin,
            "encode_seconds": encoded - prepared,
            "processor_seconds": processor,
            "prefill_seconds": prefill_seconds,
            "prefill_processor_seconds": prefill_processor,
            "tokens": sum(row.size for row in rows) // api.llama_model_n_embd(self.model),
        }

    def soft_tokens(self, chunk):
        if status := mtmd.mtmd_encode_chunk(self.encoder, chunk):
            raise SystemExit(f"peer_mtmd: error: mtmd_encode_chunk returned {status}")
        count = mtmd.mtmd_input_chunk_get_n_tokens(chunk) * api.llama_model_n_embd(self.model)
        return np.ctypeslib.as_array(mtmd.mtmd_get_output_embd(self.encoder), (count,)).copy()

    def prefill(self, chunks, rows):
        """The text model over all chunks; the last row's logits are made."""
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        position, left = api.llama_pos(0), list(rows)
        no_callback = mtmd.mtmd_helper_post_decode_callback()
        begin = time.monotonic()
        for chunk in chunks:
            last = chunk is chunks[-1]
            if is_text(chunk):
                status = mtmd.mtmd_helper_eval_chunk_single(
                    self.encoder, self.context, chunk, position, 0, 2048, last, ctypes.byref(position)
                )
            else:
                data = left.pop(0).ctypes.data_as(ctypes.POINTER(ctypes.c_float))
                status = mtmd.mtmd_helper_decode_image_chunk(
                    self.encoder,
                    self.context,
                    chunk,
                    data,
                    position,
                    0,
                    2048,
                    ctypes.byref(position),
                    no_callback,
                    None,
                )
            if status:
                raise SystemExit(f"peer_mtmd: error: the text model returned {status} at position {position.value}")
        api.llama_synchronize(self.context)
        return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("mmproj")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--image-tokens", type=int, required=True, help="the most of a picture")
    options = parser.parse_args()

    def reply(**values):
        print(json.dumps({**values, "peak_resident_bytes": peak_resident_bytes()}), flush=True)

    peer = Peer(options.gguf, options.mmproj, options.threads, options.image_tokens)
    reply(system=api.llama_print_system_info().decode())
    for line in sys.stdin:
        request = json.loads(line)
        reply(**getattr(peer, request.pop("do"))(**request))


if __name__ == "__main__":
    main()

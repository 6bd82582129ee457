"""Writes a llama of random weights, too small to say anything, to a GGUF file: `llama.py FILE`."""

import string
import sys

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH, INNER, LAYERS, HEADS, HEADS_KV, CONTEXT = 64, 128, 2, 4, 2, 256

SPECIAL = [("<unk>", TokenType.UNKNOWN), ("<s>", TokenType.CONTROL), ("</s>", TokenType.CONTROL)]
BYTES = [(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)]
LETTERS = ["\u2581", *string.ascii_letters, *string.digits, *string.punctuation]
PIECES = [(piece, TokenType.NORMAL) for piece in [*LETTERS, *("\u2581" + it for it in LETTERS[1:])]]


def main(file):
    model = GGUFWriter(file, "llama")
    model.add_name("tiny")
    model.add_context_length(CONTEXT)
    model.add_embedding_length(WIDTH)
    model.add_feed_forward_length(INNER)
    model.add_block_count(LAYERS)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS_KV)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_rope_freq_base(10000.0)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_file_type(0)
    vocabulary(model)
    weights(model)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


def vocabulary(model):
    tokens = SPECIAL + BYTES + PIECES
    model.add_vocab_size(len(tokens))
    model.add_tokenizer_model("llama")
    model.add_tokenizer_pre("default")
    model.add_token_list([text for text, _ in tokens])
    # Later pieces are merged later.
    model.add_token_scores([-float(place) for place in range(len(tokens))])
    model.add_token_types([kind for _, kind in tokens])
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)


def weights(model):
    random = np.random.default_rng(0)
    key = WIDTH // HEADS * HEADS_KV
    words = len(SPECIAL + BYTES + PIECES)

    def add(name, *shape):
        values = random.standard_normal(shape, np.float32) / 8 if len(shape) > 1 else np.ones(shape)
        model.add_tensor(f"{name}.weight", values.astype(np.float32))

    add("token_embd", words, WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        add(f"{block}.attn_norm", WIDTH)
        add(f"{block}.attn_q", WIDTH, WIDTH)
        add(f"{block}.attn_k", key, WIDTH)
        add(f"{block}.attn_v", key, WIDTH)
        add(f"{block}.attn_output", WIDTH, WIDTH)
        add(f"{block}.ffn_norm", WIDTH)
        add(f"{block}.ffn_gate", INNER, WIDTH)
        add(f"{block}.ffn_up", INNER, WIDTH)
        add(f"{block}.ffn_down", WIDTH, INNER)
    add("output_norm", WIDTH)
    add("output", words, WIDTH)


main(*sys.argv[1:])

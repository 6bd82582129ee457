"""Completions by a model in a GGUF file: by llama.cpp or, where it is not installed, transformers."""

from importlib.util import find_spec
from pathlib import Path
from threading import Lock

MODEL = Path("/models/llm.gguf")


class LlamaCpp:
    engine = "llama.cpp"

    def __init__(self) -> None:
        from llama_cpp import Llama

        self.model = Llama(str(MODEL), n_ctx=2048, verbose=False)
        self.lock = Lock()

    def complete(self, prompt: str, most: int) -> tuple[str, int]:
        # A model has one state.
        with self.lock:
            answer = self.model.create_completion(prompt, max_tokens=most, temperature=0)
        return answer["choices"][0]["text"], answer["usage"]["completion_tokens"]


class Transformers:
    """Takes no compiler to install; it is slower, and unpacks quantised weights, to 16 bits."""

    engine = "transformers"

    def __init__(self) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        file = {"pretrained_model_name_or_path": MODEL.parent, "gguf_file": MODEL.name}
        self.tokenizer = AutoTokenizer.from_pretrained(**file)
        self.model = AutoModelForCausalLM.from_pretrained(**file, dtype="bfloat16")

    def complete(self, prompt: str, most: int) -> tuple[str, int]:
        tokens = self.tokenizer(prompt, return_tensors="pt")
        answer = self.model.generate(**tokens, max_new_tokens=most, do_sample=False)[0]
        new = answer[tokens["input_ids"].shape[1] :]
        return self.tokenizer.decode(new, skip_special_tokens=True), len(new)


def completer() -> LlamaCpp | Transformers:
    return LlamaCpp() if find_spec("llama_cpp") else Transformers()

"""The language model, run by llama.cpp."""

from pathlib import Path

try:
    from llama_cpp import Llama
except ImportError:
    Llama = None

MODEL = Path("/models/llm.gguf")


class Writer:
    def __init__(self) -> None:
        # All layers go to a GPU where there is one that this llama.cpp was built for.
        self.llama = Llama(str(MODEL), n_ctx=2048, n_gpu_layers=-1, verbose=False)

    def answer(self, question: str, passages: list[str]) -> str:
        known = "\n\n".join(passages)
        messages = [
            {"role": "system", "content": f"Answer in two sentences from this:\n\n{known}"},
            {"role": "user", "content": question},
        ]
        answer = self.llama.create_chat_completion(messages, max_tokens=128, temperature=0)
        return answer["choices"][0]["message"]["content"].strip()


def writer() -> Writer | None:
    """None where the image has no llama.cpp: what was found is then the answer."""
    return Writer() if Llama else None

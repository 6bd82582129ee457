"""Google's Gemini: embeddings, and what a cluster of articles is about."""

import os
import time

from google import genai
from google.genai import types


def is_available() -> bool:
    return bool(os.environ.get("GEMINI_API_KEY"))


def setting(name: str) -> int:
    return int(os.environ[f"GEMINI_{name}"])


def client() -> genai.Client:
    # Without, one answer of "too many" ends all.
    again = types.HttpRetryOptions(attempts=8)
    options = types.HttpOptions(retry_options=again)
    return genai.Client(api_key=os.environ["GEMINI_API_KEY"], http_options=options)


def embed(texts: list[str]) -> list[list[float]]:
    """A row for each text, as many a minute as the limit allows."""
    gemini = client()
    words = setting("EMBEDDING_INPUT_TOKEN_LIMIT") // 2
    config = types.EmbedContentConfig(
        task_type=os.environ["GEMINI_EMBEDDING_TASK_TYPE"],
        output_dimensionality=setting("EMBEDDING_OUTPUT_DIMENSION"),
    )
    rows = []
    for text in texts:
        answer = gemini.models.embed_content(
            model=os.environ["GEMINI_EMBEDDING_MODEL"],
            contents=" ".join(text.split()[:words]),
            config=config,
        )
        rows.append(answer.embeddings[0].values)
        time.sleep(60 / setting("EMBEDDING_RATE_LIMIT_PER_MINUTE"))
    return rows


def interpret(texts: list[str]) -> str:
    """What the texts have in common, in one line."""
    question = "Name in one line what these articles have in common:\n\n" + "\n\n".join(texts)
    answer = client().models.generate_content(
        model=os.environ["GEMINI_FLASH_MODEL"],
        contents=question[: setting("INPUT_CONTEXT_WINDOW_TOKEN")],
        config=types.GenerateContentConfig(max_output_tokens=setting("FLASH_OUTPUT_WINDOW_TOKEN")),
    )
    time.sleep(60 / setting("FLASH_RATE_LIMIT_PER_MINUTE"))
    return answer.text

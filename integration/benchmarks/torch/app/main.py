"""A service that answers with what it stands on; run by hand, it prints that."""

from importlib.metadata import version

import fastapi
import sentence_transformers
import torch

app = fastapi.FastAPI()


@app.get("/")
def versions() -> dict[str, str]:
    modules = [fastapi, sentence_transformers, torch]
    return {module.__name__: module.__version__ for module in modules} | {
        "uvicorn": version("uvicorn")
    }


if __name__ == "__main__":
    print(versions())

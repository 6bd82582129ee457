"""A service that answers with what it stands on; run by hand, it prints that."""

from importlib.metadata import version

import fastapi
import numpy
import pandas
import scipy
import sklearn.linear_model
import transformers

app = fastapi.FastAPI()


@app.get("/")
def versions() -> dict[str, str]:
    modules = [fastapi, numpy, pandas, scipy, sklearn, transformers]
    return {module.__name__: module.__version__ for module in modules} | {
        "uvicorn": version("uvicorn")
    }


if __name__ == "__main__":
    print(versions())

import importlib.util

import faiss
import numpy
from langchain_core.prompts import PromptTemplate

assert importlib.util.find_spec("pytest") is None
index = faiss.IndexFlatL2(2)
index.add(numpy.zeros((1, 2), dtype="float32"))
assert index.ntotal == 1
print(PromptTemplate.from_template("{word}").format(word="works"))

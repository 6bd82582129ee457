# What the library's team began with, as they describe it and without any of their options: one
# stage with compilers, PyTorch as PyPI has it (for CUDA), pip's cache in the image, and the model
# downloaded on top of the code. The arguments are added: what builds it near by.
ARG BASE=python:3.12
FROM ${BASE}
ARG PIP_INDEX_URL=https://pypi.org/simple HF_ENDPOINT=https://huggingface.co
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /app
COPY . .
RUN apt-get update && apt-get install -y gcc g++ postgresql-client
RUN pip install -r requirements.txt
RUN python3 -c "from sentence_transformers import SentenceTransformer; SentenceTransformer('sentence-transformers/all-MiniLM-L6-v2')"
CMD ["gunicorn", "-w", "4", "-b", "0.0.0.0:5001", "app:create_app()"]

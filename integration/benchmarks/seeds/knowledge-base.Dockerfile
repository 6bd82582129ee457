# The Dockerfile of the knowledge base as its team describes it: models are downloaded by a script
# that fetches what is missing, below the code, into /app/.cache. The arguments build it near by.
ARG BASE=python:3.12-slim

# What stands in near by for PyTorch's own index: Debian's packages, such as python3-torch.
FROM ${BASE} AS base
ARG DEBIAN=
RUN test -z "${DEBIAN}" || { apt-get update && apt-get install -y --no-install-recommends ${DEBIAN} \
    && rm -rf /var/lib/apt/lists/*; }

FROM base
# Where Debian's packages are, pip cannot replace them, and installs beside them.
ARG DEBIAN=
ENV PATH=/root/.local/bin:$PATH
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_EXTRA_INDEX_URL= PIP_TRUSTED_HOST=
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1
# What Pix2Text needs of the system.
ARG SYSTEM="libgl1 libglib2.0-0"
ARG PACKAGES="pix2text==1.1.7 sentence-transformers==5.1.2 transformers==4.57.3"
ARG READER="from pix2text import Pix2Text; Pix2Text.from_config()"
ARG HF_ENDPOINT=https://huggingface.co

RUN test -z "${SYSTEM}" || { apt-get update && apt-get install -y --no-install-recommends ${SYSTEM} \
    && rm -rf /var/lib/apt/lists/*; }

WORKDIR /app
ENV TRANSFORMERS_CACHE=/app/.cache/transformers \
    HF_HOME=/app/.cache/huggingface \
    TORCH_HOME=/app/.cache/torch

COPY requirements.txt .
RUN pip install ${DEBIAN:+--user} --no-cache-dir -r requirements.txt ${PACKAGES}

# Their backend/download_models.py.
RUN mkdir -p .cache/huggingface/hub \
    && python3 -c "from sentence_transformers import SentenceTransformer as Model; Model('sentence-transformers/all-MiniLM-L6-v2')" \
    && python3 -c "${READER}"

COPY . .

EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--threads", "4", "app:create_app()"]

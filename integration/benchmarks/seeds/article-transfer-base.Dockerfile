# base.Dockerfile of the article transfer's team, as they wrote it. The arguments are added, to build
# it near by: another base, packages of Debian beside theirs, and what they install after their
# requirements (google.generativeai is google.genai by now, and in the requirements).
ARG BASE=python:3.10-slim
# What stands in near by for PyTorch's own index: Debian's packages, such as python3-torch.
FROM ${BASE} AS base
ARG DEBIAN=
RUN test -z "${DEBIAN}" || { apt-get update && apt-get install -y --no-install-recommends ${DEBIAN} \
    && rm -rf /var/lib/apt/lists/*; }

FROM base
# Where Debian's packages are, pip cannot replace them, and installs beside them.
ARG DEBIAN=
ENV PATH=/root/.local/bin:$PATH
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_EXTRA_INDEX_URL= PIP_TRUSTED_HOST=
ARG PACKAGES="torch transformers sentencepiece docker hdbscan scikit-learn pandas numpy~=1.26.4"
ARG SPACY_MODEL="https://github.com/explosion/spacy-models/releases/download/en_core_web_lg-3.8.0/en_core_web_lg-3.8.0-py3-none-any.whl"

WORKDIR /app

# Install system dependencies (same as before)
RUN apt-get update && apt-get install -y \
    build-essential \
    libpq-dev \
    dnsutils \
    iputils-ping \
    curl \
    net-tools \
    git \
    && rm -rf /var/lib/apt/lists/*

# Copy ONLY requirements file
COPY requirements.txt .

# Install Python dependencies using pip cache mount (requires BuildKit)
# Use --mount=type=cache for better caching during the base image build
RUN --mount=type=cache,target=/root/.cache/pip pip install ${DEBIAN:+--user} -r requirements.txt \
    && pip install ${DEBIAN:+--user} ${PACKAGES} \
    # Verify installations (optional but good)
    && python3 -c "import transformers; print(f'Installed transformers {transformers.__version__}')" \
    && python3 -c "import torch; print(f'Installed torch {torch.__version__}')" \
    && python3 -c "import google.genai; print('Installed google.genai')" \
    && python3 -c "import hdbscan; print('Installed hdbscan')" \
    && python3 -c "import sklearn; print(f'Installed scikit-learn {sklearn.__version__}')" \
    && python3 -c "import pandas; print(f'Installed pandas {pandas.__version__}')" \
    && python3 -c "import spacy; print(f'Installed spacy {spacy.__version__}')"

# Download spaCy model (python -m spacy download en_core_web_lg, which is this)
RUN pip install ${DEBIAN:+--user} "${SPACY_MODEL}"

# Basic environment setup needed for any stage using this base
ENV PYTHONPATH=/app \
    LOG_LEVEL=INFO \
    PYTHONUNBUFFERED=1

# Create logs directory now so permissions are set correctly
RUN mkdir -p /app/logs && chmod 777 /app/logs

# The Dockerfile of the library's team, as they wrote it (their option 4). The arguments are added:
# what builds it near by, and their option 1, which is
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu.
ARG BASE=python:3.12-slim

# What stands in near by for PyTorch's own index: Debian's packages, such as python3-torch.
FROM ${BASE} AS base
ARG DEBIAN=
RUN test -z "${DEBIAN}" || { apt-get update && apt-get install -y --no-install-recommends ${DEBIAN} \
    && rm -rf /var/lib/apt/lists/*; }

# Stage 1: Build stage
FROM base as builder
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_EXTRA_INDEX_URL= PIP_TRUSTED_HOST=
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1

WORKDIR /app

# Install build dependencies
RUN apt-get update && apt-get install -y \
    gcc \
    g++ \
    postgresql-client \
    && rm -rf /var/lib/apt/lists/*

# Copy requirements and install
COPY requirements.txt .
RUN pip install --no-cache-dir --user -r requirements.txt

# Stage 2: Runtime stage
FROM base
ARG HF_ENDPOINT=https://huggingface.co

WORKDIR /app

# Install runtime dependencies only
RUN apt-get update && apt-get install -y \
    postgresql-client \
    && rm -rf /var/lib/apt/lists/*

# Copy installed packages from builder
COPY --from=builder /root/.local /root/.local

# Copy application code
COPY . .

# Make sure scripts are in PATH
ENV PATH=/root/.local/bin:$PATH

# Download model at build time (cached in layer)
RUN python3 -c "from sentence_transformers import SentenceTransformer; SentenceTransformer('sentence-transformers/all-MiniLM-L6-v2')"

# Run with gunicorn
CMD ["gunicorn", "-w", "4", "-b", "0.0.0.0:5001", "app:create_app()"]

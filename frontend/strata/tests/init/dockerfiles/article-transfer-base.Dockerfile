# base.Dockerfile
FROM python:3.10-slim

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
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt \
    && pip install torch transformers sentencepiece docker hdbscan scikit-learn pandas numpy~=1.26.4 \
    # Verify installations (optional but good)
    && python -c "import transformers; print(f'Installed transformers {transformers.__version__}')" \
    && python -c "import torch; print(f'Installed torch {torch.__version__}')" \
    && python -c "import google.generativeai; print('Installed google.generativeai')" \
    && python -c "import spacy; print(f'Installed spacy {spacy.__version__}')"

# Download spaCy model
RUN python -m spacy download en_core_web_lg

# Basic environment setup needed for any stage using this base
ENV PYTHONPATH=/app \
    LOG_LEVEL=INFO \
    PYTHONUNBUFFERED=1

# Create logs directory now so permissions are set correctly
RUN mkdir -p /app/logs && chmod 777 /app/logs

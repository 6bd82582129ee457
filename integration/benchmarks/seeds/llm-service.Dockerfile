# The Dockerfile of the LLM service as its team describes what they built: four stages (compilers,
# packages as wheels that are kept, models, what runs), PyTorch for the processor, no root. Python is
# newer than their 3.10, for the packages of today; the arguments build it near by.
ARG BASE=python:3.12-slim

# What stands in near by for PyTorch's own index: Debian's packages, such as python3-torch.
FROM ${BASE} AS runs
ARG DEBIAN=
RUN test -z "${DEBIAN}" || { apt-get update && apt-get install -y --no-install-recommends ${DEBIAN} \
    && rm -rf /var/lib/apt/lists/*; }

FROM runs AS compilers
RUN apt-get update && apt-get install -y \
    build-essential gcc g++ cmake curl \
    && rm -rf /var/lib/apt/lists/*

FROM compilers AS packages
ARG DEBIAN=
ENV PATH=/root/.local/bin:$PATH
ARG PIP_INDEX_URL=https://pypi.org/simple PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu PIP_TRUSTED_HOST=
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1
ARG LLM=llama-cpp-python==0.3.16
COPY requirements.txt .
# Where Debian's packages are, they stay, and pip installs beside them.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv ${DEBIAN:+--system-site-packages} /venv && \
    /venv/bin/pip install -r requirements.txt ${LLM}

FROM packages AS models
ARG HF_ENDPOINT=https://huggingface.co
ENV HF_HOME=/models/huggingface
RUN /venv/bin/python -c "from huggingface_hub import hf_hub_download, snapshot_download; \
    snapshot_download('sentence-transformers/all-MiniLM-L6-v2'); \
    hf_hub_download('bartowski/Llama-3.2-1B-Instruct-GGUF', 'Llama-3.2-1B-Instruct-Q4_K_M.gguf', local_dir='/models')" \
    && mv /models/Llama-3.2-1B-Instruct-Q4_K_M.gguf /models/llm.gguf && rm -rf /models/.cache

FROM runs
RUN useradd --create-home app
COPY --from=packages /venv /venv
COPY --from=models --chown=app /models /models
ENV PATH=/venv/bin:$PATH HF_HOME=/models/huggingface
WORKDIR /app
COPY . .
RUN python3 -m grpc_tools.protoc --proto_path=. --python_out=. --grpc_python_out=. llm.proto
ENV TRANSFORMERS_OFFLINE=1 HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
USER app
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD python3 health.py
CMD ["python3", "server.py"]

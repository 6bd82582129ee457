# Lightspeed's Containerfile.generic as its team describes it: system and build tools, then packages,
# then models, then CODE_VERSION, and the code last. The arguments above each step are added, to
# build it near by.
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
# Debian's Python is told that nobody else manages its packages.
ARG PIP_BREAK_SYSTEM_PACKAGES=1

RUN apt-get update && apt-get install -y \
    build-essential \
    cmake \
    curl \
    git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app

ARG PIP_INDEX_URL=https://pypi.org/simple PIP_EXTRA_INDEX_URL= PIP_TRUSTED_HOST=
ARG LLM=llama-cpp-python==0.3.36
ENV CMAKE_ARGS="-DGGML_NATIVE=off"
COPY requirements.txt .
RUN pip install ${DEBIAN:+--user} --no-cache-dir -r requirements.txt "${LLM}"

ARG HF_ENDPOINT=https://huggingface.co
RUN python3 -c "from huggingface_hub import snapshot_download; snapshot_download('sentence-transformers/all-MiniLM-L6-v2')" && \
    python3 -c "from huggingface_hub import hf_hub_download; hf_hub_download('Qwen/Qwen2.5-0.5B-Instruct-GGUF', 'qwen2.5-0.5b-instruct-q4_k_m.gguf', local_dir='/models')" && \
    mv /models/qwen2.5-0.5b-instruct-q4_k_m.gguf /models/llm.gguf

ARG CODE=https://github.com/krkn-chaos/krkn-lightspeed.git
ARG CODE_VERSION=latest
RUN echo "code version: ${CODE_VERSION}" && git clone ${CODE} /app/code

WORKDIR /app/code
EXPOSE 8080
ENTRYPOINT ["python3", "main.py"]
